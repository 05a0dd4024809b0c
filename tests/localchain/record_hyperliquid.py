"""Makes Hyperliquid's recordings: accounts on stand-ins of the precompiles on a local chain.

python -m tests.localchain.record_hyperliquid tests/adapters/recordings/hyperliquid
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from crossmargin.adapters.chain.call import Call
from crossmargin.adapters.recordings import RecordedAccount, record
from crossmargin.adapters.venues.hyperliquid import ADAPTER
from crossmargin.core.book.portfolio import BlockRef
from crossmargin.core.errors import Failure, Reason
from tests.adapters.venues.hyperliquid.accounts import OWNERS, blank, state

from .anvil import AnvilChain
from .chain import LocalChain, Reverted
from .hypercore import install

__all__ = ["main"]

_SOURCE = "stand-ins of HyperCore's read precompiles as documented, run on a local chain"
_RECORDED: dict[str, tuple[str, dict[str, Any]]] = {
    "stranger": ("stranger", {}),
    "short": ("short", {"mode": "standard"}),
    "mixed": ("mixed", {"mode": "standard"}),
    "due": ("funding", {"mode": "standard", "pending_funding": {"BTC": "-1001"}}),
    "unified": ("pooled", {"mode": "unified"}),
    "portfolio": ("borrower", {"mode": "portfolio"}),
    "no-mode": ("mixed", {}),
}


def main(folder: Path) -> None:
    """Read every account and keep what was asked, answered and made of it."""
    chain = AnvilChain()
    core = state()
    install(chain, core, [OWNERS["stranger"]])
    found = chain.rpc("eth_getBlockByNumber", ["latest", False])
    block = BlockRef(
        "eip155:31337",
        int(found["number"], 16),
        found["hash"],
        int(found["timestamp"], 16),
        "latest",
    )
    folder.mkdir(parents=True, exist_ok=True)
    for name, (owner, options) in _RECORDED.items():
        account: RecordedAccount = replace(
            blank(core, OWNERS[owner], **options), name=name, block=block, source=_SOURCE
        )
        text = json.dumps(record(account, ADAPTER, _asked(chain)).document(), indent=1)
        (folder / f"{name}.json").write_text(text + "\n")
    chain.close()


def _asked(chain: LocalChain) -> Callable[[Call[Any]], bytes | Failure]:
    """How the chain answers a call."""

    def ask(call: Call[Any]) -> bytes | Failure:
        try:
            return chain.call_raw(call.target, call.data, chain.accounts[0])
        except Reverted as reverted:
            return Failure(Reason.CALL_REVERTED, "reverted", reverted.reason)

    return ask


if __name__ == "__main__":
    main(Path(sys.argv[1]))

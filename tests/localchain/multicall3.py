"""Multicall3: its address on every public chain, and its runtime code out of the viem package."""

from __future__ import annotations

import functools
import re

from .node import package_file

__all__ = ["MULTICALL3", "multicall3_runtime"]

MULTICALL3 = "0xca11bde05977b3631167028862be2a173976ca11"


@functools.cache
def multicall3_runtime() -> bytes:
    """The runtime code. The constructor is empty, so it is all that follows solc's `f3fe`."""
    source = package_file("viem/constants/contracts.ts").read_text()
    found = re.search(r"multicall3Bytecode =\s*'0x([0-9a-f]+)'", source)
    if found is None:
        raise RuntimeError("viem keeps multicall3Bytecode elsewhere now")
    _, _, runtime = found[1].partition("f3fe")
    return bytes.fromhex(runtime)

"""Writes the generated parts of the documentation: outputs of commands, and tables.

python -m tests.documentation
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path

from crossmargin.adapters.base import Capabilities
from crossmargin.adapters.registry import installed_adapters
from crossmargin.api.chains import chain_name
from crossmargin.api.exits import Exit
from crossmargin.api.sources import open_sources
from crossmargin.api.venues import venues_document
from crossmargin.core.units import plain

__all__ = ["CARDS", "PAGES", "ROOT", "cards", "rendered"]

ROOT = Path(__file__).resolve().parent.parent
CARDS = ROOT / "docs" / "venues" / "cards"
PAGES = (ROOT / "README.md", ROOT / "docs" / "cli.md")
_WIDTH = "88"
_MARK = "--- next ---"
_CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_TABLE = re.compile(r"^(<!-- (\w+): .*? -->)\n.*?^(<!-- end -->)$", re.DOTALL | re.MULTILINE)
_MEANINGS = {
    Exit.OK: "nothing to worry about",
    Exit.FAULT: "a fault of this program",
    Exit.USAGE: "bad input; one line on stderr names it",
    Exit.UNREACHABLE: "no source could be reached: nothing was read",
    Exit.MISMATCH: "`verify`, `parity` or `replay` found a difference",
    Exit.AT_RISK: "at risk",
    Exit.LIQUIDATABLE: "liquidatable now",
    Exit.BAD_DEBT: "bad debt",
    Exit.INCOMPLETE: "something could not be read; the rest is not worse than at risk",
}


def rendered(text: str) -> str:
    """The page with every console block run again and every generated table written again."""
    text = _CONSOLE.sub(lambda found: f"```console\n{_run(found[1])}```", text)
    return _TABLE.sub(lambda found: f"{found[1]}\n{_TABLES[found[2]]()}{found[3]}", text)


def _run(block: str) -> str:
    """The block's commands, each with what it prints on stdout now."""
    commands = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
    script = f"\necho '{_MARK}'\n".join(commands)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "COLUMNS": _WIDTH, "NO_COLOR": "1"}
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    parts = done.stdout.split(f"{_MARK}\n")
    return "".join(
        f"$ {command}\n" + "".join(f"{line.rstrip()}\n" for line in output.splitlines())
        for command, output in zip(commands, parts, strict=True)
    )


def _table(*rows: Iterable[str]) -> str:
    head, *body = [f"| {' | '.join(row)} |\n" for row in rows]
    return head + "|---" * (head.count("|") - 1) + "|\n" + "".join(body)


def _venues() -> str:
    rows = [
        (
            f"`{venue['venue']}`",
            ", ".join(dict.fromkeys(chain_name(at["chain_id"]) for at in venue["deployments"])),
            ", ".join(f"`{name}`" for name in venue["exact"]),
            ", ".join(venue["view_only"]) or "–",
        )
        for venue in venues_document(open_sources({}))["venues"]
    ]
    return _table(("venue", "chains", "exact", "view only"), *rows)


def _exits() -> str:
    rows = [(str(int(code)), meaning) for code, meaning in _MEANINGS.items()]
    return _table(("code", "means"), *rows)


_TABLES: dict[str, Callable[[], str]] = {"venues": _venues, "exits": _exits}


def cards() -> dict[Path, str]:
    """The liquidation rule card of every installed venue, by the page it stands on."""
    found = installed_adapters().adapters.items()
    return {CARDS / f"{name}.md": _card(name, adapter.capabilities) for name, adapter in found}


def _card(name: str, can: Capabilities) -> str:
    """One venue's card, from the data that its adapter carries."""
    card = can.rule_card
    if card is None:
        return f"# How {name} liquidates\n\nNot stated yet.\n"
    rows = [
        ("liquidatable when", card.trigger),
        ("at the limit", can.comparator.replace("_at_limit", "")),
        ("stored and actionable", card.clocks),
        ("oracle", card.oracle),
        ("close factor", _stated(card.close_factor, card.close_factor_note)),
        ("penalty", _stated(card.penalty, card.penalty_note)),
        ("seizes", card.seizes),
        ("minimum", card.minimum),
        ("grace", card.grace),
        ("bad debt", card.bad_debt),
    ]
    sources = "".join(f"* {source}\n" for source in card.sources)
    title = f"# How {name} liquidates\n\n<!-- written by make docs -->\n"
    return f"{title}{_table(('rule', name), *rows)}\nRead in\n{sources}"


def _stated(share: Decimal | None, note: str) -> str:
    """A share in percent where the venue has one for all, and what qualifies it."""
    return note if share is None else f"{plain(share * 100)}%: {note}"


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(rendered(page.read_text(encoding="utf-8")), encoding="utf-8")
    for path, text in cards().items():
        path.write_text(text, encoding="utf-8")

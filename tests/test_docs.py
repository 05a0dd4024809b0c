"""The documentation is true: its outputs, its tables, and that it leaves nothing out."""

from __future__ import annotations

import re
import tomllib

import pytest
import typer

from crossmargin.api.cli.app import app
from crossmargin.api.exits import Exit
from crossmargin.core.book.health import State
from crossmargin.core.errors import Reason, Severity

from .documentation import PAGES, ROOT, cards, rendered


def page(name: str) -> str:
    """The text of a page of the documentation."""
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_what_is_printed_there_is_what_is_printed_now(path):
    """Every console block and generated table is current; ``make docs`` writes them again."""
    text = path.read_text(encoding="utf-8")
    assert rendered(text) == text


def test_every_command_and_option_is_documented():
    """docs/cli.md names each command and each of its options."""
    text = page("docs/cli.md")
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for name, command in commands.items():
        assert re.search(rf"`{name}\b", text), name
        for parameter in command.params:
            for option in parameter.opts:
                if option.startswith("--") and option != "--help":
                    assert f"`{option}" in text, f"{name} {option}"


@pytest.mark.parametrize("word", [*State, *Reason, *Severity])
def test_every_word_of_an_answer_is_explained(word):
    """docs/concepts.md explains each state, reason and severity."""
    assert f"`{word.value}`" in page("docs/concepts.md")


def test_every_exit_code_is_documented():
    """Both pages list every exit code."""
    for name in ("README.md", "docs/cli.md"):
        assert all(f"| {int(code)} |" in page(name) for code in Exit)


def test_every_dependency_has_its_sentence():
    """docs/dependencies.md gives one sentence for each dependency, and for nothing else."""
    project = tomllib.loads(page("pyproject.toml"))
    stated = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    names = {re.split(r"[\[><=~]", requirement)[0] for requirement in stated}
    explained = re.findall(r"^\* \*\*(.+?)\*\*: .+\.$", page("docs/dependencies.md"), re.MULTILINE)
    assert sorted(explained) == sorted(names)


def test_every_link_leads_somewhere():
    """Relative links in the documentation exist."""
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_every_installed_venue_has_its_page():
    """docs/venues holds one page per venue."""
    from crossmargin.adapters.registry import installed_adapters

    pages = {path.stem for path in (ROOT / "docs" / "venues").glob("*.md")}
    assert set(installed_adapters().adapters) <= pages


def test_every_venue_has_a_current_rule_card():
    """The cards are what the adapters' data says now, and every installed venue has one."""
    for path, text in cards().items():
        assert "Not stated yet" not in text, path.name
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run make docs"

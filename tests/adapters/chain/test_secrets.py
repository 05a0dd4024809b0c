"""A key in an endpoint's URL is shown nowhere."""

from __future__ import annotations

import logging
import traceback

import pytest

from crossmargin.adapters.chain.transport import HttpTransport
from crossmargin.core.errors import (
    BlockError,
    InputError,
    SourceError,
)

from .fakes import (
    CANARY,
    FAULTS,
    Node,
    chain_of,
    number_call,
    run,
)


@pytest.mark.parametrize("name", FAULTS)
def test_no_fault_shows_the_key(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """The key in user, path and query is in no reply, error, traceback, context, repr or log."""
    caplog.set_level(logging.DEBUG)

    async def scenario() -> None:
        async with Node() as node:
            chain = chain_of(node, budget_seconds=0.5)
            block = await chain.pin("latest")
            node.fault = FAULTS[name][0]
            node.faulty = {"eth_call", "eth_getBlockByNumber", "eth_chainId"}
            replies = await chain.fetch([number_call(1)], block)
            shown = [repr(replies[number_call(1)]), repr(HttpTransport(node.url))]
            fresh = chain_of(node, budget_seconds=0.5)
            with pytest.raises((SourceError, BlockError)) as caught:
                await fresh.pin("latest")
            await chain.aclose()
            await fresh.aclose()
            shown += _everything(caught.value)
            assert CANARY not in "".join(shown)

    run(scenario())
    assert CANARY not in caplog.text


@pytest.mark.parametrize(
    "url",
    [
        f"ftp://host/{CANARY}",
        f"https:///{CANARY}",
        f"http://host:{CANARY}/",
        f"http://[{CANARY}",
        CANARY,
    ],
)
def test_a_wrong_url_is_an_input_error_without_the_text(url: str) -> None:
    """A URL that cannot be one is refused, and not repeated in the message."""
    with pytest.raises(InputError) as caught:
        HttpTransport(url)
    assert CANARY not in "".join(_everything(caught.value))


def _everything(error: BaseException | None) -> list[str]:
    """All that a careless reporter could print of an exception, its context and its frames."""
    shown: list[str] = []
    while error is not None:
        report = traceback.TracebackException.from_exception(error, capture_locals=False)
        shown += [str(error), repr(error), repr(vars(error)), "".join(report.format())]
        error = error.__cause__ or error.__context__
    return shown

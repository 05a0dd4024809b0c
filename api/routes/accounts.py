"""Routes about one owner: ``/v1/accounts/{address}/portfolio|health|margin``."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from ...adapters.wallet import WALLET
from ...core.errors import ChainError
from ..address import read_account, read_accounts
from ..answers import Answer, Kind
from ..chains import chain_id_of
from ..inputs import check_block, check_tokens, check_venues
from ..pipeline import answer
from ..problems import PROBLEM_RESPONSES, problem_response
from ..query import Query as AccountQuery
from ..reading import Sources
from ..schemas import answer_schema

__all__ = ["router"]

router = APIRouter(prefix="/v1/accounts", tags=["accounts"])

_Address = Annotated[
    str,
    Path(
        description=(
            "The owner: 0x and 40 digits, in one case or with the EIP-55 checksum; or an ENS name."
        ),
        json_schema_extra={
            "pattern": r"^(0[xX][0-9a-fA-F]{40}|[a-z0-9_-]+(\.[a-z0-9_-]+)+)$"
        },  # checked, with words, in the route
    ),
]
_Also = Annotated[
    list[str] | None, Query(description="A further address of the same book; may be repeated.")
]
_Token = Annotated[
    list[str] | None,
    Query(description="A token to look for in the wallet, CHAIN:ADDRESS; may be repeated."),
]
_Chain = Annotated[
    str | None, Query(description="One chain: a CAIP-2 id (eip155:1), a number, or a name.")
]
_Venue = Annotated[list[str] | None, Query(description="Only these venues; may be repeated.")]
_Block = Annotated[str, Query(description="A number, a 0x hash, or latest, safe, finalized.")]
_Complete = Annotated[bool, Query(description="503 instead of an answer that is incomplete.")]


def _add(kind: Kind, summary: str) -> None:
    """Serve that kind of answer for an owner."""

    async def serve(
        request: Request,
        address: _Address,
        chain: _Chain = None,
        venue: _Venue = None,
        block: _Block = "latest",
        also: _Also = None,
        token: _Token = None,
        require_complete: _Complete = False,
    ) -> Response:
        sources = _restricted(request.app.state.sources, chain)
        venues = check_venues(venue or (), sources.adapters)
        owners = (read_account(address), *read_accounts(also or (), field="also"))
        options = {WALLET: {"tokens": list(check_tokens(token))}} if token else {}
        query = AccountQuery(tuple(dict.fromkeys(owners)), check_block(block), venues, options)
        return respond_with(await answer(kind, query, sources), require_complete)

    router.add_api_route(
        f"/{{address}}/{kind}",
        serve,
        summary=summary,
        operation_id=f"account_{kind}",
        description=(
            "Read at one block per chain. Answers 200 with `complete: false` where something could "
            "not be read; nothing unread ever makes the answer healthier."
        ),
        responses={200: answer_schema(kind), **PROBLEM_RESPONSES},
        response_class=Response,
    )


_add("portfolio", "The normalised portfolio document of one owner")
_add("health", "How safe one owner's book is")
_add("margin", "The unified margin of one owner's book")


def respond_with(given: Answer, require_complete: bool = False) -> Response:
    """The answer over HTTP, or the 503 that the caller preferred to an incomplete one."""
    if require_complete and not given.complete:
        missing = [p for p in given.document["problems"] if p["severity"] == "read"]
        detail = f"the answer is incomplete: {len(missing)} of its parts could not be read"
        return problem_response(503, "incomplete", detail, problems=missing)
    return Response(given.text, media_type="application/json")


def _restricted(sources: Sources, chain: str | None) -> Sources:
    """The sources with only the chain asked for; ``ChainError`` where it is not served here."""
    if chain is None:
        return sources
    chain_id = chain_id_of(chain)
    if chain_id not in sources.chains:
        served = ", ".join(sorted(sources.chains)) or "none"
        raise ChainError(f"{chain_id} is not served here; served: {served}", field="chain")
    return replace(sources, chains={chain_id: sources.chains[chain_id]})

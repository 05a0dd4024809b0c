"""The HTTP answers: shapes, completeness, and numbers that are never floats."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter

from crossmargin.api.answers import Answer
from crossmargin.api.app import create_app
from crossmargin.api.evidence import reopen
from crossmargin.api.pipeline import answer
from crossmargin.api.query import Query
from crossmargin.api.schemas import HealthAnswer, MarginAnswer
from crossmargin.api.sources import open_chains, open_sources

STRANGER = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
KINDS = ("portfolio", "health", "margin")


@pytest.fixture(scope="module")
def client(bundle):
    """The API over the bundled recording."""
    with TestClient(create_app(reopen(bundle)[2], recorded=True)) as opened:
        yield opened


@pytest.fixture(scope="module")
def unreachable(bundle):
    """The API over a chain of which every endpoint is down, as a bundle remembers it."""
    chain = {"chains": {"eip155:31337": "eip155:31337 could not be reached"}}
    down = replace(bundle, request={**bundle.request, **chain})
    with TestClient(create_app(reopen(down)[2], recorded=True)) as opened:
        yield opened


def numbers(value, path="$"):
    """Every JSON number in a document that is not an integer, with its place."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from numbers(member, f"{path}.{name}")
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from numbers(member, f"{path}[{index}]")
    elif isinstance(value, float):
        yield path, value


def schema_of(client, kind):
    """How OpenAPI documents the 200 of that route."""
    description = client.get("/openapi.json").json()
    path = description["paths"][f"/v1/accounts/{{address}}/{kind}"]
    schema = path["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    return {**schema, "components": description["components"]}


@pytest.mark.parametrize("address", ["whole", STRANGER])
@pytest.mark.parametrize("kind", KINDS)
def test_every_answer_has_the_published_shape(client, owner, kind, address):
    """Whole or incomplete, the answer validates against the schema that OpenAPI publishes."""
    address = owner if address == "whole" else address
    document = client.get(f"/v1/accounts/{address}/{kind}").json()
    schema = schema_of(client, kind)
    Draft202012Validator.check_schema(schema)
    assert [error.message for error in Draft202012Validator(schema).iter_errors(document)] == []
    assert document["complete"] is (address == owner)


@pytest.mark.parametrize(("kind", "model"), [("health", HealthAnswer), ("margin", MarginAnswer)])
def test_the_models_take_the_answers_as_they_are(client, owner, kind, model):
    """Strictly validated and dumped again, an answer is the same document."""
    content = client.get(f"/v1/accounts/{owner}/{kind}").content
    parsed = TypeAdapter(model).validate_json(content, strict=True)
    assert parsed.model_dump(by_alias=True, mode="json") == json.loads(content)


@pytest.mark.parametrize("kind", KINDS)
def test_no_amount_is_a_float(client, owner, kind):
    """No JSON float, NaN or Infinity anywhere in an answer."""
    text = client.get(f"/v1/accounts/{owner}/{kind}").text
    assert list(numbers(json.loads(text))) == []
    assert "NaN" not in text
    assert "Infinity" not in text


@pytest.mark.parametrize("kind", KINDS)
def test_any_case_goes_in_and_the_checksum_comes_out(client, kind):
    """Lower case, upper case and the checksum are the same owner."""
    forms = (STRANGER, STRANGER.lower(), "0x" + STRANGER[2:].upper())
    answers = [client.get(f"/v1/accounts/{form}/{kind}").json() for form in forms]
    assert [found["owner"] for found in answers] == [STRANGER] * 3


def test_http_and_the_pipeline_give_the_same_bytes(bundle, owner):
    """A route adds nothing to and takes nothing from the answer."""
    given: Answer = asyncio.run(answer("health", Query((owner,)), reopen(bundle)[2]))
    fresh = TestClient(create_app(reopen(bundle)[2], recorded=True))
    assert fresh.get(f"/v1/accounts/{owner}/health").content == given.text


@pytest.mark.parametrize("kind", KINDS)
def test_incomplete_is_200_unless_completeness_is_required(client, owner, kind):
    """By default an incomplete answer says so; require_complete turns it, and only it, into 503."""
    route = f"/v1/accounts/{STRANGER}/{kind}"
    assert client.get(route).json()["complete"] is False
    refused = client.get(route, params={"require_complete": True})
    assert refused.status_code == 503
    assert refused.headers["content-type"] == "application/problem+json"
    assert {row["severity"] for row in refused.json()["problems"]} == {"read"}
    whole = client.get(f"/v1/accounts/{owner}/{kind}", params={"require_complete": True})
    assert (whole.status_code, whole.json()["complete"]) == (200, True)


@pytest.mark.parametrize("kind", KINDS)
def test_an_unreachable_chain_is_unknown_and_never_healthy(unreachable, owner, kind):
    """With no chain to read: 200, incomplete, no block, no state better than unknown."""
    reply = unreachable.get(f"/v1/accounts/{owner}/{kind}")
    document = reply.json()
    assert (reply.status_code, document["complete"], document["as_of"]) == (200, False, [])
    assert document.get("state", "unknown") == "unknown"
    assert document.get("equity") is None
    assert [row["reason"] for row in document["problems"] if row["severity"] == "read"] == [
        "rpc_unavailable"
    ]
    Draft202012Validator(schema_of(unreachable, kind)).validate(document)


def test_readiness_fails_where_a_chain_does(client, unreachable):
    """``/livez`` says the process runs; ``/readyz`` says whether its chains can be read."""
    assert client.get("/livez").status_code == unreachable.get("/livez").status_code == 200
    assert client.get("/readyz").json()["status"] == "ok"
    down = unreachable.get("/readyz")
    assert (down.status_code, down.json()["chains"][0]["ready"]) == (503, False)


def test_readiness_fails_on_an_old_block(bundle):
    """A live chain whose newest block is old is not ready."""
    with TestClient(create_app(reopen(bundle)[2], recorded=False)) as live:
        row = live.get("/readyz").json()["chains"][0]
    assert row["ready"] is (row["block_age_seconds"] <= 300)


def test_a_live_endpoint_that_refuses_connections_is_unknown_too():
    """The same through a real transport, within its time limit, and with its key kept."""
    chains = open_chains(["ethereum=http://127.0.0.1:9/canary-key"])
    with TestClient(create_app(open_sources(chains))) as live:
        reply = live.get(f"/v1/accounts/{STRANGER}/health")
        ready = live.get("/readyz")
    assert (reply.status_code, ready.status_code) == (200, 503)
    assert reply.json()["state"] == "unknown"
    assert "canary" not in reply.text + ready.text


def test_a_posted_document_gets_its_margin(client, book):
    """POST /v1/margin judges a document; nothing is needed from a chain."""
    found = client.post("/v1/margin", json=book("ok", "liquidatable"))
    assert (found.status_code, found.json()["state"]) == (200, "liquidatable")
    refused = client.post("/v1/margin?require_complete=true", json=book("unknown"))
    assert refused.status_code == 503


def test_venues_are_the_registry_s(client):
    """GET /v1/venues lists each adapter with its deployments."""
    document = client.get("/v1/venues").json()
    assert document["schema"] == "crossmargin/venues/1"
    assert {row["venue"] for row in document["venues"]} >= {"aave-v3", "morpho-blue"}


def test_requests_at_the_same_time_do_not_disturb_each_other(bundle, owner):
    """Forty concurrent requests of three kinds over shared facts give the answers of one."""
    with TestClient(create_app(reopen(bundle)[2], recorded=True)) as shared_client:
        routes = [f"/v1/accounts/{each}/{kind}" for each in (owner, STRANGER) for kind in KINDS]

        def figures(route):
            found = shared_client.get(route).json()
            return found["accounts"], found["complete"]

        alone = {route: figures(route) for route in routes}
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(figures, routes * 7))
    assert together == [alone[route] for route in routes * 7]

"""Errors over HTTP: RFC 9457 problem documents, and an OpenAPI description that holds."""

from __future__ import annotations

import json

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import positive_data_acceptance

from crossmargin.adapters.chain.evidence import load_bundle
from crossmargin.api.app import create_app
from crossmargin.api.evidence import reopen

from .conftest import DEMO

OWNER = "0xde30000000000000000000000000000000000001"
HEALTH = f"/v1/accounts/{OWNER}/health"
APP = create_app(reopen(load_bundle(DEMO))[2], recorded=True)
SCHEMA = schemathesis.openapi.from_asgi("/openapi.json", APP)


@pytest.fixture(scope="module")
def client():
    """The API over the bundled recording."""
    with TestClient(APP) as opened:
        yield opened


def check_problem(reply, status, kind):
    """The reply is a problem document of that status and kind; returns it."""
    document = reply.json()
    assert reply.headers["content-type"] == "application/problem+json"
    assert (reply.status_code, document["status"]) == (status, status)
    assert document["type"] == f"urn:crossmargin:problem:{kind}"
    assert document["title"]
    assert "\n" not in document["detail"]
    return document


@pytest.mark.parametrize(
    ("route", "status", "kind", "field"),
    [
        ("/v1/accounts/0x12/health", 422, "invalid-input", "address"),
        ("/v1/accounts/Vitalik.eth/margin", 422, "invalid-input", "address"),
        ("/v1/accounts/vitalik.eth/margin", 422, "unknown-chain", "rpc"),
        (f"{HEALTH}?also=nope", 422, "invalid-input", "also"),
        (f"{HEALTH}?token=0x12", 422, "invalid-input", "token"),
        (f"/v1/accounts/{OWNER[:-1]}g/portfolio", 422, "invalid-input", "address"),
        (f"{HEALTH}?venue=nope", 422, "invalid-input", "venue"),
        (f"{HEALTH}?chain=nope", 422, "unknown-chain", "chain"),
        (f"{HEALTH}?chain=ethereum", 422, "unknown-chain", "chain"),
        (f"{HEALTH}?block=zz", 422, "invalid-input", "block"),
        (f"{HEALTH}?block=5", 404, "block-not-found", "block"),
        (f"{HEALTH}?block=0x{'a' * 64}", 404, "block-not-found", "block"),
        (f"{HEALTH}?require_complete=perhaps", 422, "invalid-input", "require_complete"),
    ],
)
def test_bad_input_is_a_problem_that_names_its_field(client, route, status, kind, field):
    """Status, type and field say what to change."""
    assert check_problem(client.get(route), status, kind)["field"] == field


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"owner": 3}, "owner"),
        ({"accounts": [{"venue": "x"}]}, "accounts[0].id"),
        ({"market": {"spot": {"ETH": 3000.5}}}, "market.spot.ETH"),
        ({"market": {"spot": {"ETH": "Infinity"}}}, "market.spot.ETH"),
        ({"surprise": {}}, "surprise"),
    ],
)
def test_a_wrong_document_names_its_path(client, book, change, field):
    """The path of the culprit in the posted document."""
    reply = client.post("/v1/margin", json={**book("ok"), **change})
    assert check_problem(reply, 422, "invalid-document")["field"] == field


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[" * 200_000,
        b'{"a":' * 40_000,
        b'{"a":NaN}',
        b"\xff\xfe",
        b'{"a":1,"a":2}',
    ],
)
def test_what_is_no_document_is_refused(client, content):
    """Broken, nested, doubled or undecodable JSON is 422, whatever it holds."""
    check_problem(client.post("/v1/margin", content=content), 422, "invalid-document")


def test_a_large_body_is_cut_off(client):
    """More than 10 MB is 413, without being parsed."""
    reply = client.post("/v1/margin", content=b" " * 10_000_001)
    assert check_problem(reply, 413, "too-large")["field"] == "body"


def test_unknown_routes_and_methods_are_problems_too(client):
    """404 and 405 have the same shape as every other error."""
    assert "openapi" in check_problem(client.get("/v1/nope"), 404, "not-found")["detail"]
    reply = client.delete("/v1/venues")
    check_problem(reply, 405, "method-not-allowed")
    assert reply.headers["allow"] == "GET"


def test_a_fault_of_ours_tells_nothing(owner):
    """An error that nobody foresaw is a 500 problem without its message."""
    broken = create_app(reopen(load_bundle(DEMO))[2], recorded=True)

    @broken.get("/fault")
    async def fault() -> None:
        raise RuntimeError("secret")

    reply = TestClient(broken, raise_server_exceptions=False).get("/fault")
    check_problem(reply, 500, "fault")
    assert "secret" not in reply.text


def test_openapi_describes_every_route(client):
    """OpenAPI 3.1 with a summary, an id and the errors of each route."""
    description = client.get("/openapi.json").json()
    assert description["openapi"].startswith("3.1")
    operations = {
        (method, path): operation
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    }
    assert set(operations) == {
        ("get", "/v1/accounts/{address}/portfolio"),
        ("get", "/v1/accounts/{address}/health"),
        ("get", "/v1/accounts/{address}/margin"),
        ("post", "/v1/margin"),
        ("get", "/v1/venues"),
        ("get", "/livez"),
        ("get", "/readyz"),
    }
    for (_, path), operation in operations.items():
        assert operation["summary"]
        assert operation["operationId"]
        if path.startswith("/v1/accounts") or path == "/v1/margin":
            assert {"200", "422", "503"} <= set(operation["responses"])


@SCHEMA.parametrize()
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
    ],
)
def test_generated_requests_find_no_undocumented_answer(case):
    """Whatever is sent, the status, content type and shape are documented ones, and never a 5xx.

    The one 503 is the refusal of an incomplete answer that was asked for. A schema cannot say which
    checksums are right and which chains are served, so a request that fits it may still be refused.
    """
    reply = case.call_and_validate(excluded_checks=[positive_data_acceptance, not_a_server_error])
    if reply.status_code >= 500:
        assert (reply.status_code, reply.json()["type"][-10:]) == (503, "incomplete")
        assert "require_complete" in case.query


def test_the_description_is_json_all_through(client):
    """No reference in the description leads nowhere."""
    text = client.get("/openapi.json").text
    description = json.loads(text)

    def references(value):
        if isinstance(value, dict):
            yield from ([value["$ref"]] if isinstance(value.get("$ref"), str) else [])
            for member in value.values():
                yield from references(member)
        elif isinstance(value, list):
            for member in value:
                yield from references(member)

    for reference in set(references(description)):
        here = description
        for part in reference.removeprefix("#/").split("/"):
            here = here[part]

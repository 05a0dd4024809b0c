"""Bad input to the command line: one line on stderr that names the option and what to do."""

from __future__ import annotations

import socket

import pytest

ADDRESS = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
CANARY = "canary-0123456789"


@pytest.fixture
def closed_port():
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "command"),
        (["nope"], "nope"),
        (["--nope"], "--nope"),
        (["health"], "ADDRESS"),
        (["health", "0x12"], "address: 0x12 has 2 digits"),
        (["health", "Vitalik.eth"], "address: 'Vitalik.eth' is not an ENS name"),
        (["health", "vit\u0430lik.eth"], "is not an ENS name"),
        (["health", ADDRESS, "--token", ADDRESS], "CHAIN:ADDRESS"),
        (["health", ADDRESS, "--token", "ethereum:0x12"], "token: '0x12' is not an address"),
        (["health", ADDRESS.replace("5a", "5A", 1)], "checksum"),
        (["health", ADDRESS], "rpc: no chain to read"),
        (["health", ADDRESS, "--also", "0x1"], "also: 0x1"),
        (["health", ADDRESS, "--rpc", "http://127.0.0.1"], "CHAIN=URL"),
        (["health", ADDRESS, "--rpc", "nochain=http://127.0.0.1/"], "rpc: unknown chain 'nochain'"),
        (["health", ADDRESS, "--rpc", "ethereum=ftp://127.0.0.1/"], "CHAIN=URL"),
        (["health", ADDRESS, "--rpc", "ethereum=http://[::1/"], "rpc: "),
        (["health", ADDRESS, "--bundle", "/no/such/file"], "bundle: cannot read /no/such/file"),
        (["health", ADDRESS, "--bundle", "/"], "bundle: cannot read /"),
        (["health", ADDRESS, "--deployments", "/no/such/file"], "deployments: cannot read"),
        (["venues", "--deployments", "/no/such/file"], "deployments: cannot read"),
        (["portfolio", ADDRESS, "--bundle"], "--bundle"),
        (["margin"], "FILE"),
        (["margin", "/no/such/file"], "document: cannot read /no/such/file"),
        (["margin", "/"], "document: cannot read /"),
        (["verify"], "CASES"),
        (["verify", "/no/such/file"], "cases: cannot read /no/such/file"),
        (["replay"], "BUNDLE"),
        (["replay", "/no/such/file"], "bundle: cannot read /no/such/file"),
        (["serve", "--host", "0.0.0.0"], "host: 0.0.0.0 is not a loopback address"),  # noqa: S104
        (["serve", "--port", "70000"], "65535"),
        (["serve", "--rpc", "x"], "CHAIN=URL"),
        (["demo", "--port", "abc"], "--port"),
    ],
)
def test_it_is_one_line_that_names_the_culprit(run, monkeypatch, arguments, said):
    """Exit 2, nothing on stdout, exactly one line on stderr with the field in it."""
    monkeypatch.delenv("CROSSMARGIN_RPC", raising=False)
    given = run(*arguments)
    assert (given.code, given.out, given.err.count("\n")) == (2, "", 1)
    assert given.err.startswith("error: ")
    assert said in given.err


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--block", "0x12", "block: '0x12' is not a block"),
        ("--block", "-1", "block: "),
        ("--block", "999999", "block: the recording of eip155:31337 has no block 999999"),
        ("--block", "0x" + "a" * 64, "has no block 0xaaa"),
        ("--venue", "nope", "venue: unknown venue 'nope': expected one of aave-v3"),
        ("--market", "0x12", "market: '0x12' is not a market id"),
        ("--deployments", "x.toml", "deployments: a bundle brings"),
        ("--save-bundle", "/no/such/folder/x.json", "save-bundle: cannot write"),
        ("--save-bundle", "/", "save-bundle: cannot write"),
    ],
)
def test_so_is_a_wrong_option_beside_a_bundle(run, recording, owner, option, value, said):
    """The same for options that are checked against what is read."""
    given = run("health", owner, "--bundle", recording, f"{option}={value}")
    assert (given.code, given.out, given.err.count("\n")) == (2, "", 1)
    assert said in given.err


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"owner": 3}, "owner "),
        ({"as_of": []}, "as_of "),
        ({"accounts": {}}, "accounts "),
        ({"surprise": 1}, "surprise "),
        ({"market": {"spot": {"ETH": 3000.5}}}, "market.spot.ETH "),
        ({"market": {"spot": {"ETH": "NaN"}}}, "market.spot.ETH "),
        ({"market": {"spot": {"ETH": "-1"}}}, "market.spot.ETH "),
        ({"schema": "crossmargin/portfolio/2"}, "schema "),
    ],
)
def test_a_wrong_document_is_named_by_its_path(run, book, tmp_path, change, field):
    """One line, the path of the field once, exit 2."""
    import json

    path = tmp_path / "book.json"
    path.write_text(json.dumps({**book("ok"), **change}))
    given = run("margin", path)
    assert (given.code, given.out, given.err.count("\n")) == (2, "", 1)
    assert given.err.startswith(f"error: {field}")


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 200_000, b"\xff\xfe", b"[]", b'{"a":NaN}'])
def test_what_is_no_document_is_said_so(run, tmp_path, content):
    """Broken JSON, endless nesting and wrong encodings are one line each."""
    path = tmp_path / "book.json"
    path.write_bytes(content)
    given = run("margin", path)
    assert (given.code, given.out, given.err.count("\n")) == (2, "", 1)


def test_a_document_that_is_too_large_is_not_read(run, tmp_path):
    """More than 10 MB are refused."""
    path = tmp_path / "book.json"
    path.write_bytes(b" " * 10_000_001)
    given = run("margin", path)
    assert given.code == 2
    assert "10 MB" in given.err


@pytest.mark.parametrize("kind", ["health", "portfolio", "parity"])
def test_an_unreachable_endpoint_exits_3_and_keeps_its_key(run, closed_port, kind):
    """Nothing was read: one line that names the host, never the key in its URL."""
    url = f"http://user:{CANARY}@127.0.0.1:{closed_port}/v3/{CANARY}?key={CANARY}"
    given = run(kind, ADDRESS, "--rpc", f"ethereum={url}", "--json")
    assert (given.code, given.out, given.err.count("\n")) == (3, "", 1)
    assert f"127.0.0.1:{closed_port}" in given.err
    assert "--rpc" in given.err
    assert CANARY not in given.err


def test_a_wrong_url_keeps_its_key(run):
    """A URL that cannot be used at all is refused without repeating it."""
    for text in (f"ethereum=ftp://{CANARY}", CANARY, f"ethereum=http://[{CANARY}", f"={CANARY}"):
        given = run("health", ADDRESS, "--rpc", text)
        assert given.code == 2
        assert CANARY not in given.err

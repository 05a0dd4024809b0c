"""The evidence bundle ``crossmargin/evidence/1``: all that an answer was computed from.

    schema         "crossmargin/evidence/1"
    code_version   the version of this package that computed the answer
    request        command, address and options, as the caller gave them
    blocks         chain_id, number, hash, timestamp, finality
    calls          target, data, answers: per block, in the order of ``blocks``, an index into
                   ``replies``, or null where the call was not made at that block
    logs           address, topics, from_block, answers: the same
    storage        address, slot (0x), answers: the same
    replies        0x return data | {"reason", "code", "detail"} | a list of logs
    answer         the text of the answer; the only part that the evidence id does not cover

Replies are stored once, however many blocks gave them. Equal content has equal bytes: keys, blocks
and reads are sorted, gzip has no time in it. The evidence id is the SHA-256 of the canonical JSON
without the answer, so that an answer can carry the id of its own evidence.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from ...core.book.portfolio import BlockRef
from ...core.errors import BundleError, Failure
from .call import Call, Log, LogQuery, RawReply, Read, StorageQuery
from .evidence_reader import SCHEMA, bundle_parts
from .recorded import Recording

__all__ = ["Bundle", "dump_bundle", "load_bundle", "parse_bundle", "save_bundle"]

_MAX_BYTES = 512 * 1024 * 1024
_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class Bundle:
    """A recording with the request it served, the code that computed, and the answer's text."""

    recording: Recording
    request: Mapping[str, Any] = field(default_factory=dict)
    code_version: str = ""
    answer: str | None = None

    @property
    def evidence_id(self) -> str:
        """SHA-256 (hex) of the canonical bytes without the answer."""
        return hashlib.sha256(_canonical(_document(self))).hexdigest()


def dump_bundle(bundle: Bundle) -> bytes:
    """The canonical JSON of the bundle, answer included."""
    return _canonical({**_document(bundle), "answer": bundle.answer})


def parse_bundle(content: bytes) -> Bundle:
    """The bundle in canonical or any other JSON, gzipped or not; ``BundleError`` names the field."""
    if content.startswith(_GZIP_MAGIC):
        content = _gunzipped(content)
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise BundleError(f"the bundle is no JSON: {error}") from error
    recording, request, code_version, answer = bundle_parts(document)
    return Bundle(recording, request, code_version, answer)


def save_bundle(bundle: Bundle, path: Path) -> None:
    """Write the bundle: gzipped if the name ends in ``.gz``, else plain JSON.

    ``BundleError`` where the file cannot be written.
    """
    content = dump_bundle(bundle)
    if path.suffix == ".gz":
        content = gzip.compress(content, compresslevel=9, mtime=0)
    try:
        path.write_bytes(content)
    except OSError as error:
        raise BundleError(f"cannot write {path}: {error.strerror}", field="save-bundle") from error


def load_bundle(path: Path) -> Bundle:
    """Read a bundle; ``BundleError`` if there is none or it is malformed."""
    try:
        return parse_bundle(path.read_bytes())
    except OSError as error:
        raise BundleError(f"cannot read {path}: {error.strerror}", field="bundle") from error


def _gunzipped(content: bytes) -> bytes:
    stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        plain = stream.decompress(content, _MAX_BYTES)
    except zlib.error as error:
        raise BundleError(f"the bundle is damaged: {error}") from error
    if not stream.eof:
        raise BundleError("the bundle is cut off, or larger than 512 MiB")
    return plain


def _canonical(document: Mapping[str, Any]) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def _document(bundle: Bundle) -> dict[str, Any]:
    recording = bundle.recording
    blocks = sorted(recording.blocks, key=lambda one: (one.chain_id, one.number, one.hash))
    interned: dict[bytes, int] = {}
    replies: list[Any] = []

    def answers(read: Read) -> list[int | None]:
        indices: list[int | None] = []
        for block in blocks:
            reply = recording.replies.get((block.hash, read))
            indices.append(None if reply is None else _intern(reply, interned, replies))
        return indices

    reads = sorted({read for _, read in recording.replies}, key=_order)
    calls = [
        {"target": read.target, "data": "0x" + read.data.hex(), "answers": answers(read)}
        for read in reads
        if isinstance(read, Call)
    ]
    logs = [
        {
            "address": read.address,
            "topics": list(read.topics),
            "from_block": read.from_block,
            "answers": answers(read),
        }
        for read in reads
        if isinstance(read, LogQuery)
    ]
    storage = [
        {"address": read.address, "slot": f"{read.slot:#x}", "answers": answers(read)}
        for read in reads
        if isinstance(read, StorageQuery)
    ]
    return {
        "schema": SCHEMA,
        "code_version": bundle.code_version,
        "request": dict(bundle.request),
        "blocks": [_block(block) for block in blocks],
        "calls": calls,
        "logs": logs,
        "storage": storage,
        "replies": replies,
    }


def _order(read: Read) -> tuple[str, bytes]:
    """A total order: calls by target and data; then log queries by their text, then storage."""
    if isinstance(read, StorageQuery):
        return "~~", orjson.dumps([read.address, f"{read.slot:#066x}"])
    if isinstance(read, LogQuery):
        return "~", orjson.dumps([read.address, list(read.topics), read.from_block])
    return read.target, read.data


def _intern(reply: RawReply, interned: dict[bytes, int], replies: list[Any]) -> int:
    value = _reply(reply)
    index = interned.setdefault(_canonical({"reply": value}), len(replies))
    if index == len(replies):
        replies.append(value)
    return index


def _reply(reply: RawReply) -> Any:
    if isinstance(reply, bytes):
        return "0x" + reply.hex()
    if isinstance(reply, Failure):
        return {"reason": str(reply.reason), "code": reply.code, "detail": reply.detail}
    return [_log(log) for log in reply]


def _log(log: Log) -> dict[str, Any]:
    return {
        "address": log.address,
        "topics": list(log.topics),
        "data": log.data,
        "block_number": log.block_number,
    }


def _block(block: BlockRef) -> dict[str, Any]:
    return {
        "chain_id": block.chain_id,
        "number": block.number,
        "hash": block.hash,
        "timestamp": block.timestamp,
        "finality": block.finality,
    }

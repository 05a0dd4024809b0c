"""Reading an evidence bundle's JSON: every field checked, the wrong one named in the error.

The format is described in ``evidence``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from ...core.book.portfolio import BlockRef
from ...core.errors import BundleError, Failure, Reason
from .call import Log, LogQuery, RawReply, Read, StorageQuery
from .recorded import Recording, recorded_call

__all__ = ["SCHEMA", "bundle_parts"]

SCHEMA = "crossmargin/evidence/1"

T = TypeVar("T")


def bundle_parts(document: Any) -> tuple[Recording, Mapping[str, Any], str, str | None]:
    """Recording, request, code version and answer of a bundle's document; ``BundleError``."""
    schema = _field(document, "schema", str, "")
    if schema != SCHEMA:
        raise _wrong("schema", f"must be {SCHEMA}")
    recording = _recording(document)
    answer = document.get("answer")
    if answer is not None and not isinstance(answer, str):
        raise _wrong("answer", "must be a string or null")
    request = _field(document, "request", dict, "")
    return recording, request, _field(document, "code_version", str, ""), answer


def _recording(document: Any) -> Recording:
    recording = Recording()
    for place, entry in _entries(document, "blocks"):
        recording.blocks.append(_block(entry, place))
    replies = [_reply(entry, place) for place, entry in _entries(document, "replies")]
    for place, entry in _entries(document, "calls"):
        data = _bytes(_field(entry, "data", str, place), f"{place}.data")
        read = recorded_call(_field(entry, "target", str, place), data)
        _answers(recording, read, entry, place, replies)
    for place, entry in _entries(document, "logs"):
        _answers(recording, _query(entry, place), entry, place, replies)
    for place, entry in _entries(document, "storage"):
        _answers(recording, _storage(entry, place), entry, place, replies)
    return recording


def _answers(
    recording: Recording, read: Read, entry: Any, place: str, replies: list[RawReply]
) -> None:
    indices = _field(entry, "answers", list, place)
    if len(indices) != len(recording.blocks):
        raise _wrong(f"{place}.answers", f"must have {len(recording.blocks)} entries, as blocks")
    for number, (block, index) in enumerate(zip(recording.blocks, indices, strict=True)):
        if index is None:
            continue
        if type(index) is not int or not 0 <= index < len(replies):
            raise _wrong(f"{place}.answers[{number}]", "must be null or an index into replies")
        recording.replies[block.hash, read] = replies[index]


def _block(entry: Any, place: str) -> BlockRef:
    return BlockRef(
        _field(entry, "chain_id", str, place),
        _field(entry, "number", int, place),
        _field(entry, "hash", str, place),
        _field(entry, "timestamp", int, place),
        _field(entry, "finality", str, place),
    )


def _reply(entry: Any, place: str) -> RawReply:
    if isinstance(entry, str):
        return _bytes(entry, place)
    if isinstance(entry, list):
        return tuple(_log(one, f"{place}[{number}]") for number, one in enumerate(entry))
    reason = _field(entry, "reason", str, place)
    if reason not in set(Reason):
        raise _wrong(f"{place}.reason", "is no reason that this version knows")
    code, detail = _field(entry, "code", str, place), _field(entry, "detail", str, place)
    return Failure(Reason(reason), code, detail)


def _log(entry: Any, place: str) -> Log:
    topics = _field(entry, "topics", list, place)
    if not all(isinstance(topic, str) for topic in topics):
        raise _wrong(f"{place}.topics", "must be strings")
    address, data = _field(entry, "address", str, place), _field(entry, "data", str, place)
    return Log(address, tuple(topics), data, _field(entry, "block_number", int, place))


def _query(entry: Any, place: str) -> LogQuery:
    topics = _field(entry, "topics", list, place)
    if not all(topic is None or isinstance(topic, str) for topic in topics):
        raise _wrong(f"{place}.topics", "must be strings or null")
    address = _field(entry, "address", str, place)
    return LogQuery(address, tuple(topics), _field(entry, "from_block", int, place))


def _storage(entry: Any, place: str) -> StorageQuery:
    slot = _field(entry, "slot", str, place)
    try:
        return StorageQuery(_field(entry, "address", str, place), int(slot, 16))
    except ValueError:
        raise _wrong(f"{place}.slot", "must be 0x and hexadecimal digits") from None


def _entries(document: Any, name: str) -> list[tuple[str, Any]]:
    entries = _field(document, name, list, "")
    return [(f"{name}[{number}]", entry) for number, entry in enumerate(entries)]


def _field(entry: Any, name: str, kind: type[T], place: str) -> T:
    path = f"{place}.{name}" if place else name
    if not isinstance(entry, dict):
        raise _wrong(place or "(top level)", "must be an object")
    value = entry.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise _wrong(path, f"must be of type {kind.__name__}")
    return value


def _bytes(text: str, place: str) -> bytes:
    try:
        if text.startswith("0x"):
            return bytes.fromhex(text[2:])
    except ValueError:
        pass
    raise _wrong(place, "must be 0x and an even number of hexadecimal digits")


def _wrong(place: str, what: str) -> BundleError:
    return BundleError(f"the bundle's field {place} {what}", field=place)

"""A read of a contract whose address may itself have failed to be read."""

from __future__ import annotations

from typing import Any

from ....core.errors import Failure
from ...chain.call import Call, Contract, Replies

__all__ = ["Asked", "answer", "ask", "first"]

Asked = Call[tuple[Any, ...]] | Failure


def ask(contract: Contract, address: str | Failure, name: str, *args: object) -> Asked:
    """The call, or why its contract's address is not known."""
    return address if isinstance(address, Failure) else contract.all(address, name, *args)


def answer(asked: Asked, replies: Replies) -> tuple[Any, ...] | Failure:
    """The outputs, or why there are none."""
    return replies[asked] if isinstance(asked, Call) else asked


def first(values: tuple[Any, ...] | Failure) -> int | Failure:
    """The first output as an integer."""
    return values if isinstance(values, Failure) else int(values[0])

"""The discount that a referral gives a trader: four answers, each naming the next question.

Source: gmx-synthetics ``ReferralUtils.getReferralInfo``; shares are in basis points.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ....core.errors import Failure, Reason
from ....core.units import BPS
from ...chain.call import Call, Contract
from .fixed import FLOAT

__all__ = ["Referral"]

_STORAGE = Contract("gmx_v2", "ReferralStorage")

# Code, its owner and the owner's tier, as the last answer told them.
Hint = tuple[bytes, str, int]


class Referral:
    """The questions about one trader; ``storage`` empty: the chain has none, and no discount."""

    def __init__(self, storage: str, trader: str) -> None:
        self._storage, self._trader = storage, trader

    def calls(self, answers: Mapping[Call[Any], Any], hint: Hint | None) -> Iterator[Call[Any]]:
        """Everything that can be asked by what is answered, or else remembered."""
        if not self._storage:
            return
        known = hint or (b"", "", None)
        yield self._code()
        code = answers.get(self._code(), known[0])
        if isinstance(code, Failure) or not any(code):
            return
        yield self._owner(code)
        owner = answers.get(self._owner(code), known[1])
        if isinstance(owner, Failure) or not owner:
            return
        yield self._tier_of(owner)
        yield self._own_share(owner)
        tier = answers.get(self._tier_of(owner), known[2])
        if isinstance(tier, int):
            yield self._terms(tier)

    def factor(self, answers: Mapping[Call[Any], Any]) -> int | Failure:
        """The discount as a factor of the position fee."""
        if not self._storage:
            return 0
        code = answers[self._code()]
        if isinstance(code, Failure) or not any(code):
            return code if isinstance(code, Failure) else 0
        owner = answers[self._owner(code)]
        if isinstance(owner, Failure):
            return owner
        tier, share = answers[self._tier_of(owner)], answers[self._own_share(owner)]
        if isinstance(tier, Failure):
            return tier
        terms = answers[self._terms(tier)]
        if isinstance(share, Failure) or isinstance(terms, Failure):
            return share if isinstance(share, Failure) else terms
        rebate, of_tier = terms
        discount = rebate * (share or of_tier) // BPS
        if discount > rebate or rebate > BPS:
            detail = f"a discount of {discount} of a rebate of {rebate} basis points"
            return Failure(Reason.BAD_RETURN_DATA, "referral", detail)
        return int(discount) * FLOAT // BPS

    def hint(self, answers: Mapping[Call[Any], Any]) -> Hint | None:
        """What to ask by next time."""
        code = answers.get(self._code()) if self._storage else None
        if code is None or isinstance(code, Failure) or not any(code):
            return None
        owner = answers.get(self._owner(code))
        tier = None if not isinstance(owner, str) else answers.get(self._tier_of(owner))
        return (code, owner, tier) if isinstance(owner, str) and isinstance(tier, int) else None

    def _code(self) -> Call[Any]:
        return _STORAGE.one(self._storage, "traderReferralCodes", self._trader)

    def _owner(self, code: bytes) -> Call[str]:
        return _STORAGE.address(self._storage, "codeOwners", code)

    def _tier_of(self, owner: str) -> Call[int]:
        return _STORAGE.uint(self._storage, "referrerTiers", owner)

    def _own_share(self, owner: str) -> Call[int]:
        return _STORAGE.uint(self._storage, "referrerDiscountShares", owner)

    def _terms(self, tier: int) -> Call[tuple[Any, ...]]:
        return _STORAGE.all(self._storage, "tiers", tier)

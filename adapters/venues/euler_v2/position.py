"""One account's collateral as a rule holds it: a vault, its shares, their worth and terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ....core.units import BPS, mul_div_down
from .maths import Ltv

__all__ = ["Collateral", "Token"]


@dataclass(frozen=True, slots=True)
class Token:
    """A token: its asset key and decimals (None where they could not be read)."""

    key: str
    decimals: int | None

    def document(self) -> Mapping[str, object]:
        """The token in a portfolio document."""
        return {"asset": self.key, "decimals": self.decimals}


@dataclass(frozen=True, slots=True)
class Collateral:
    """One vault that the account has enabled as collateral; None means not read.

    ``shares`` are the account's, ``assets`` what they are worth in the vault's asset. ``mid`` and
    ``bid`` are the oracle's values of the shares, in the unit of account.
    """

    vault: str
    shares: int | None = None
    assets: int | None = None
    ltv: Ltv | None = None
    mid: int | None = None
    bid: int | None = None
    asset: Token | None = None

    @property
    def seizable(self) -> bool:
        """Whether a liquidator can take it: configured once, whatever its LTV is now."""
        return self.ltv is None or self.ltv.recognized

    def value_pair(self, timestamp: int, *, liquidation: bool) -> tuple[int, int] | None:
        """(quote, LTV) as the vault would multiply them; None where a part is missing."""
        if self.ltv is None or self.shares is None:
            return None
        factor = self.ltv.at(timestamp) if liquidation else self.ltv.borrow
        if factor == 0 or self.shares == 0:
            return 0, 0
        quote = self.mid if liquidation else self.bid
        return None if quote is None else (quote, factor)

    def value(self, timestamp: int) -> int | None:
        """The value that counts for a liquidation, floored as the vault floors it."""
        pair = self.value_pair(timestamp, liquidation=True)
        return None if pair is None else mul_div_down(*pair, BPS)

    def document(self) -> Mapping[str, object]:
        """The collateral in a portfolio document."""
        ltv = self.ltv
        terms = None
        if ltv is not None:
            terms = [ltv.borrow, ltv.liquidation, ltv.initial, ltv.target, ltv.ramp]
        return {
            "vault": self.vault,
            "shares": _text(self.shares),
            "assets": _text(self.assets),
            "ltv": terms,
            "mid": _text(self.mid),
            "bid": _text(self.bid),
            "asset": None if self.asset is None else self.asset.document(),
        }


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)

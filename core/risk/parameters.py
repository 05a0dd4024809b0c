"""The parameters of the margin model, their defaults, and how a document overrides them.

Fractions are plain numbers (0.16 = 16%). The defaults are those of the model's specification
(sections 1.3, 1.4, 1.9 and 6.3); a change of any of them is a new ``MODEL_VERSION``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from ..errors import DocumentError

__all__ = [
    "LARGE_CAPS",
    "MODEL_VERSION",
    "RATED_GROUP",
    "SETS",
    "ModelParameters",
    "read_parameters",
]

MODEL_VERSION = "crossmargin-1.0"
RATED_GROUP = ("BTC", "ETH")  # the only underlyings whose gains offset each other's losses (rule 4)
LARGE_CAPS = frozenset(
    [
        "AAVE",
        "ADA",
        "AVAX",
        "BCH",
        "BNB",
        "DOGE",
        "DOT",
        "HYPE",
        "LINK",
        "LTC",
        "NEAR",
        "SOL",
        "SUI",
        "TON",
        "TRX",
        "UNI",
        "XRP",
    ]
)
SETS = ("A", "B", "D", "F", "peg", "lst", "basis", "E")

_Pairs = tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class ModelParameters:
    """Everything that the model's answer depends on beside the book and the market.

    The pairs (``range``, ``sigma``, ``depth``, ``half_spread``) override defaults by underlying.
    ``sigma`` is a day's standard deviation; ``depth`` the USD traded a day; ``gas`` the gas add-on
    of the whole book in USD, None to price it from rule 14; ``peg_depths`` None is rule 9's table.
    """

    range: _Pairs = ()
    vol_up: float = 0.50
    vol_down: float = 0.25
    vol_power_short: float = 0.30
    vol_power_long: float = 0.13
    vol_floor: float = 0.50
    phi: float = 0.15
    alpha: float = 0.975
    kappa: float = 0.80
    omega: float = 0.60
    sigma: _Pairs = ()
    points: int = 33
    sets: tuple[str, ...] = SETS
    peg_depths: tuple[float, ...] | None = None
    seed: int = 20261122
    vol_response: str = "parametric"
    depth: _Pairs = ()
    half_spread: _Pairs = ()
    impact: float = 1.0
    gas: float | None = None
    version: str = MODEL_VERSION

    def range_of(self, underlying: str) -> float:
        """The grid's half width for an underlying, as a share of its price."""
        default = 0.25 if underlying in LARGE_CAPS else 0.40
        return dict(self.range).get(underlying, {"BTC": 0.16, "ETH": 0.18}.get(underlying, default))

    def depth_of(self, underlying: str, *, stable: bool = False) -> float:
        """USD traded a day (rule 13's offline default); a stablecoin counts with the majors."""
        default = 50e6 if underlying in LARGE_CAPS else 1e6
        deep = stable or underlying in RATED_GROUP
        return dict(self.depth).get(underlying, 500e6 if deep else default)

    def half_spread_of(self, underlying: str, *, stable: bool = False) -> float:
        """Half the bid-ask spread as a share of the price (rule 13's offline default)."""
        default = 5e-4 if underlying in LARGE_CAPS else 50e-4
        deep = stable or underlying in RATED_GROUP
        return dict(self.half_spread).get(underlying, 1e-4 if deep else default)

    def sigma_of(self, underlying: str) -> float | None:
        """The overriding daily standard deviation; None where the caller gave none."""
        return dict(self.sigma).get(underlying)


def read_parameters(overrides: Mapping[str, object]) -> ModelParameters:
    """The defaults with a document's ``model`` overrides; ``DocumentError`` names a wrong field."""
    values: dict[str, object] = {}
    for name, given in overrides.items():
        reader = _READERS.get(name)
        if reader is None:
            raise _wrong(name, f"one of {', '.join(_READERS)}")
        values[name] = reader(name, given)
    return replace(ModelParameters(), **values)  # type: ignore[arg-type]


def _wrong(name: str, expected: str) -> DocumentError:
    return DocumentError(f"model.{name}: expected {expected}", field=f"model.{name}")


def _number(low: float, high: float, *, above: bool = False) -> Callable[[str, object], float]:
    """A reader of a number within ``[low, high]`` (``above``: within ``(low, high]``)."""
    bounds = f"a number {'above' if above else 'from'} {low:g} to {high:g}"

    def read(name: str, given: object) -> float:
        if isinstance(given, bool) or not isinstance(given, str | int | float | Decimal):
            raise _wrong(name, bounds)
        try:
            number = Decimal(str(given))
        except InvalidOperation:
            raise _wrong(name, bounds) from None
        if not number.is_finite():
            raise _wrong(name, bounds)
        value = float(number)
        if not low <= value <= high or (above and value == low):
            raise _wrong(name, bounds)
        return value

    return read


def _whole(low: int, high: int) -> Callable[[str, object], int]:
    """A reader of a whole number within ``[low, high]``."""
    number = _number(low, high)

    def read(name: str, given: object) -> int:
        value = number(name, given)
        if value != int(value):
            raise _wrong(name, f"a whole number from {low} to {high}")
        return int(value)

    return read


def _points(name: str, given: object) -> int:
    points = _whole(3, 1001)(name, given)
    if points % 2 == 0:
        raise _wrong(name, "an odd number of points, so that no move is among them")
    return points


def _by_underlying(low: float, high: float, *, above: bool) -> Callable[[str, object], _Pairs]:
    """A reader of an object from underlying to number."""
    number = _number(low, high, above=above)

    def read(name: str, given: object) -> _Pairs:
        if not isinstance(given, Mapping):
            raise _wrong(name, "an object from underlying to number")
        return tuple(
            sorted((str(key), number(f"{name}.{key}", value)) for key, value in given.items())
        )

    return read


def _items(name: str, given: object, expected: str) -> list[object]:
    if not isinstance(given, list | tuple):
        raise _wrong(name, expected)
    return list(given)


def _sets(name: str, given: object) -> tuple[str, ...]:
    expected = f"a list of {', '.join(SETS)}"
    chosen = _items(name, given, expected)
    if any(item not in SETS for item in chosen):
        raise _wrong(name, expected)
    return tuple(item for item in SETS if item in chosen)


def _peg_depths(name: str, given: object) -> tuple[float, ...]:
    number = _number(-1.0, 1.0)
    depths = _items(name, given, "a list of moves of the peg such as -0.05")
    return tuple(number(f"{name}[{index}]", depth) for index, depth in enumerate(depths))


def _vol_response(name: str, given: object) -> str:
    if given not in ("sticky", "parametric"):
        raise _wrong(name, "sticky or parametric")
    return str(given)


_READERS: Mapping[str, Callable[[str, object], object]] = {
    "range": _by_underlying(0.0, 0.99, above=True),
    "vol_up": _number(0.0, 10.0),
    "vol_down": _number(0.0, 1.0),
    "vol_power_short": _number(0.0, 2.0),
    "vol_power_long": _number(0.0, 2.0),
    "vol_floor": _number(0.0, 10.0),
    "phi": _number(0.0, 1.0),
    "alpha": _number(0.5, 0.9999),
    "kappa": _number(0.0, 1.0),
    "omega": _number(0.0, 1.0),  # outside, the offset rows would not be convex
    "sigma": _by_underlying(0.0, 10.0, above=True),
    "points": _points,
    "sets": _sets,
    "peg_depths": _peg_depths,
    "seed": _whole(0, 2**63 - 1),
    "vol_response": _vol_response,
    "depth": _by_underlying(0.0, 1e15, above=True),
    "half_spread": _by_underlying(0.0, 1.0, above=False),
    "impact": _number(0.0, 1e3),
    "gas": _number(0.0, 1e9),
}

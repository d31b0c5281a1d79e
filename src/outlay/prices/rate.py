"""What one call costs, as a linear form over its token counts.

genai-prices takes a call's tokens apart (cached, written, audio, ... the rest) and multiplies each part by its price.
Each part is a sum and difference of counts, so the total is linear in the counts: one coefficient a count, worked out
once a model instead of once a call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genai_prices.types import ModelPrice, TieredPrices
    from genai_prices.units import UnitDef

#: The counts of a `facts.Call`, and the usage key of genai-prices that each is.
COUNTS: dict[str, str] = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_tokens": "cache_read_tokens",
    "cache_write_tokens": "cache_write_tokens",
    "cache_write_1h_tokens": "cache_write_1h_tokens",
    "input_audio_tokens": "input_audio_tokens",
    "output_audio_tokens": "output_audio_tokens",
    "reasoning_tokens": "output_reasoning_tokens",
}
_ORDER = tuple(COUNTS)
_USAGE_KEYS = tuple(COUNTS.values())
#: Enough digits that no product or sum of prices and counts is ever rounded before the end.
EXACT = Context(prec=90, rounding=ROUND_HALF_EVEN)
PICODOLLAR = Decimal("1E-12")

Vector = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Guard:
    """What must hold of a call's counts; otherwise they contradict each other and the cost is unknown.

    `parts`: vectors over COUNTS whose product with the counts may not be negative (cached tokens beyond the input).
    `apart`: pairs of counts that may not both be positive, because the model prices their overlap (cached audio),
    which nobody reports.
    """

    parts: tuple[Vector, ...]
    apart: tuple[tuple[int, int], ...]

    def allows(self, counts: Sequence[int]) -> bool:
        return all(sum(v * n for v, n in zip(part, counts, strict=True)) >= 0 for part in self.parts) and not any(
            counts[a] > 0 and counts[b] > 0 for a, b in self.apart
        )


@dataclass(frozen=True, slots=True)
class Rate:
    """Picodollars (1e-12 US dollars) a token, in the order of COUNTS, and a request.

    `known` is False where the price book prices the model only by things that a call does not count (hours of audio,
    characters, pages): its cost is unknown, not zero.
    """

    per_token: tuple[Decimal, ...]
    per_request: Decimal
    guard: Guard
    known: bool = True

    @property
    def whole(self) -> bool:
        """True when every coefficient is a whole number of picodollars."""
        return all(c == c.to_integral_value() for c in (*self.per_token, self.per_request))

    def cost(self, counts: Mapping[str, int], requests: int = 1) -> Decimal | None:
        """US dollars, the total rounded once, half-even, to 12 decimals. None: the cost is unknown."""
        numbers = [counts.get(name, 0) for name in _ORDER]
        if not self.known or min(numbers) < 0 or requests < 0 or not self.guard.allows(numbers):
            return None
        total = EXACT.multiply(self.per_request, Decimal(requests))
        for price, number in zip(self.per_token, numbers, strict=True):
            total = EXACT.fma(price, Decimal(number), total)
        return EXACT.multiply(total.quantize(Decimal(1), context=EXACT), PICODOLLAR)


@dataclass(frozen=True, slots=True)
class Step:
    """A rate and the sizes of input that it holds for: above < input tokens of the call <= upto (None: no limit).

    A context tier prices the whole call, not only the tokens beyond its start.
    """

    above: int
    upto: int | None
    rate: Rate


def ladder(prices: ModelPrice) -> tuple[Step, ...]:
    """The rates of a genai-prices entry, one a context tier, smallest context first."""
    values = {key: value for key, value in prices.__dict__.items() if value is not None and not key.startswith("_")}
    starts = sorted({tier.start for value in values.values() if not isinstance(value, Decimal) for tier in value.tiers})
    floors = [-1, *starts]
    ceilings: list[int | None] = [*starts, None]
    return tuple(
        Step(floor, ceiling, rate_of({key: _at(value, floor + 1) for key, value in values.items()}))
        for floor, ceiling in zip(floors, ceilings, strict=True)
    )


def _at(price: Decimal | TieredPrices, input_tokens: int) -> Decimal:
    if isinstance(price, Decimal):
        return price
    reached = [tier.price for tier in price.tiers if input_tokens > tier.start]
    return reached[-1] if reached else price.base


def rate_of(prices: Mapping[str, Decimal]) -> Rate:
    """The linear form of flat prices, keyed as genai-prices keys them (`input_mtok`, `cache_read_mtok`, ...)."""
    from genai_prices.units import _get_registry

    registry = _get_registry()
    priced = [(registry.unit_for_price_key(key), price) for key, price in prices.items()]
    units = [unit for unit, _ in priced if unit.usage_key != "requests"]
    parts = _parts(units)
    totals = [Decimal(0)] * len(_ORDER)
    request = Decimal(0)
    for unit, price in priced:
        picodollars = EXACT.divide(EXACT.scaleb(price, 12), Decimal(unit.per))
        if unit.usage_key == "requests":
            request = picodollars
            continue
        for place, times in enumerate(parts[unit.usage_key]):
            totals[place] = EXACT.fma(picodollars, Decimal(times), totals[place])
    countable = any(any(parts[unit.usage_key]) for unit in units) or "requests_kcount" in prices
    guard = Guard(
        tuple(sorted({part for part in parts.values() if any(number < 0 for number in part)})), _apart(units)
    )
    return Rate(tuple(totals), request, guard, known=countable or not prices)


def _parts(units: Sequence[UnitDef]) -> dict[str, Vector]:
    """For each priced unit, the tokens that are charged at its price: its own count less its priced sub-kinds."""
    from genai_prices.decompose import is_descendant_or_self

    parts: dict[str, Vector] = {}
    by_depth = sorted(units, key=lambda unit: (-len(unit.dimensions), unit.usage_key))
    for unit in by_depth:
        inner = [parts[u.usage_key] for u in by_depth if u is not unit and is_descendant_or_self(unit, u)]
        whole = _count_vector(unit.usage_key)
        parts[unit.usage_key] = tuple(n - sum(v[i] for v in inner) for i, n in enumerate(whole))
    return parts


def _count_vector(usage_key: str) -> Vector:
    if usage_key == "cache_write_5m_tokens":
        written, one_hour = _USAGE_KEYS.index("cache_write_tokens"), _USAGE_KEYS.index("cache_write_1h_tokens")
        return tuple(int(place == written) - int(place == one_hour) for place in range(len(_ORDER)))
    return tuple(int(key == usage_key) for key in _USAGE_KEYS)


def _apart(units: Iterable[UnitDef]) -> tuple[tuple[int, int], ...]:
    """Pairs of reported counts whose overlap has a price of its own but no count."""
    from genai_prices.units import _get_registry

    known = [_get_registry().units[key] for key in _USAGE_KEYS]
    pairs: set[tuple[int, int]] = set()
    for unit in units:
        if unit.usage_key in _USAGE_KEYS or unit.usage_key == "cache_write_5m_tokens":
            continue
        for a, left in enumerate(known):
            for b, right in enumerate(known[a + 1 :], a + 1):
                joined = {**left.dimensions, **right.dimensions}
                if left.is_compatible_with(right) and joined == unit.dimensions and joined not in (
                    left.dimensions, right.dimensions
                ):
                    pairs.add((a, b))
    return tuple(sorted(pairs))

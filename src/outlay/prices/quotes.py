"""Prices and costs asked one at a time; millions go through `tokens.plan_token_prices`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal

from outlay.prices.effective import Schedule
from outlay.prices.own import KINDS
from outlay.prices.rate import COUNTS, EXACT, PICODOLLAR, Rate

#: What a token of each kind is charged: the sum of the coefficients of every count that it is part of.
COUNTED_IN: dict[str, tuple[str, ...]] = {
    "input": ("input_tokens",),
    "output": ("output_tokens",),
    "cache_read": ("input_tokens", "cache_read_tokens"),
    "cache_write": ("input_tokens", "cache_write_tokens"),
    "cache_write_1h": ("input_tokens", "cache_write_tokens", "cache_write_1h_tokens"),
    "input_audio": ("input_tokens", "input_audio_tokens"),
    "output_audio": ("output_tokens", "output_audio_tokens"),
    "reasoning": ("output_tokens", "reasoning_tokens"),
}
assert COUNTED_IN.keys() == KINDS.keys()


def moment(on: date | datetime | None) -> datetime:
    """Naive UTC; a day is its beginning, None is now."""
    if on is None:
        return datetime.now(UTC).replace(tzinfo=None)
    if not isinstance(on, datetime):
        return datetime.combine(on, time())
    return on.astimezone(UTC).replace(tzinfo=None) if on.tzinfo is not None else on


def rate_at(schedule: Schedule, on: datetime, input_tokens: int) -> Rate | None:
    """What is paid at a moment for a call with that much input."""
    for span, steps in schedule.listed if schedule.paid is None else schedule.paid:
        if span.holds(on):
            for step in steps:
                if input_tokens > step.above and (step.upto is None or input_tokens <= step.upto):
                    return step.rate
    return None


def price_per_token(schedule: Schedule, kind: str, on: datetime) -> Decimal | None:
    """US dollars a token of `kind`, in the lowest context tier; None where it is unknown."""
    rate = rate_at(schedule, on, 0)
    return None if rate is None else kind_price(rate, kind)


def kind_price(rate: Rate, kind: str) -> Decimal | None:
    """US dollars a token of `kind` at one rate: a cached token is charged as input, less what caching saves."""
    single = [int(name in COUNTED_IN[kind]) for name in COUNTS]
    if not rate.known or not rate.guard.allows(single):
        return None  # hours of audio and the like; or a model that only the user prices, without this kind
    total = Decimal(0)
    for counted, coefficient in zip(single, rate.per_token, strict=True):
        total = EXACT.fma(coefficient, Decimal(counted), total)
    return EXACT.multiply(total, PICODOLLAR)


def cost_of(schedule: Schedule, counts: Mapping[str, int], requests: int, on: datetime) -> Decimal | None:
    """US dollars of `requests` calls that share `counts`; the context tier is that of their mean input."""
    mean = -(-counts.get("input_tokens", 0) // requests) if requests > 0 else counts.get("input_tokens", 0)
    rate = rate_at(schedule, on, mean)
    return None if rate is None else rate.cost(counts, requests)

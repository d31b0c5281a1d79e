"""Where a period will end at the pace of its last days, and how far that may be off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import sqrt
from statistics import fmean, stdev

#: Days whose mean is the pace; a week, so that each weekday is in it once.
PACE_DAYS = 7
#: Days from which it is learnt how much a day differs from the next.
_SPREAD_DAYS = 28
#: Fewer whole days than these say nothing.
_LEAST = 4
#: Of a normal distribution, what holds 80% in the middle.
_Z80 = 1.2816
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the period will have cost at its end, with an interval that should hold 8 times of 10. `a_day`: the pace."""

    end: Decimal
    low: Decimal
    high: Decimal
    a_day: Decimal
    days_left: float
    spread: float

    def at(self, spent: Decimal, days: float) -> tuple[Decimal, Decimal, Decimal]:
        """Forecast, low and high so many days from now."""
        middle = spent + self.a_day * Decimal(str(days))
        off = Decimal(str(_off(self.spread, days)))
        return middle, max(spent, middle - off), middle + off


def forecast(spent: Decimal, before: Sequence[tuple[datetime, Decimal]], now: datetime, until: datetime
             ) -> Forecast | None:
    """The end of a period of which `spent` is spent up to `now`. `before`: whole days before today, of this period and
    earlier. None where fewer than four are known.

    Days are taken as equal draws about their mean, which is itself only known from the last seven: the interval grows
    with the days left and with that. It knows of no plans, weekdays or months that differ.
    """
    known = [cost for day, cost in sorted(before) if day >= now - (_SPREAD_DAYS + 1) * DAY]
    if len(known) < _LEAST:
        return None
    recent = known[-PACE_DAYS:]
    a_day = sum(recent, Decimal(0)) / len(recent)
    spread = stdev(map(float, known)) if fmean(map(float, known)) else 0.0
    left = max((until - now) / DAY, 0.0)
    made = Forecast(spent, spent, spent, a_day, left, spread)
    end, low, high = made.at(spent, left)
    return Forecast(end, low, high, a_day, left, spread)


def _off(spread: float, days: float) -> float:
    """Half of the interval: what single days differ, and what the mean of seven may be wrong by."""
    return _Z80 * spread * sqrt(days + days * days / PACE_DAYS)

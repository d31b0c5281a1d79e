"""What is burnt an hour at this moment, and was in the hours before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from outlay.facts.window import Window
from outlay.questions.ask import Ask
from outlay.questions.costs import CostQuery, costs
from outlay.questions.held import Held, held
from outlay.questions.partday import midnight
from outlay.questions.tables import table

HOUR = timedelta(hours=1)
#: How far back the last whole day of a bill may lie.
_LATE = timedelta(days=4)


@dataclass(frozen=True, slots=True)
class Burning:
    """Dollars an hour: of calls in the hour before `at`, of accelerators held at that moment, of machines that no run
    holds and of every other line of a bill as it was billed on its last whole day. `unpriced`: runs whose accelerators
    have no known price, which are in none of the sums. `hours`: the hours before, oldest first, the last one now."""

    at: datetime
    calls: Decimal
    held: Decimal
    unheld: Decimal
    lines: Decimal
    runs: int
    unpriced: int
    hours: tuple[Decimal, ...]

    @property
    def total(self) -> Decimal:
        return self.calls + self.held + self.unheld + self.lines

    @property
    def change(self) -> Decimal | None:
        """Against the same hour a day before; None where that is not known."""
        return self.total - self.hours[-25] if len(self.hours) > 24 else None


def billed_days_expr(now: datetime, currency: str) -> Any:
    """Columns kind (gpu: machines that no run held; usage; charge), line, day, amount: of the days before today."""
    rows = table("cost_day")
    rows = rows.filter(rows.day >= midnight(now) - _LATE, rows.day < midnight(now), rows.currency == currency,
                       (rows.kind.isin(("charge", "usage"))) | ((rows.kind == "gpu") & rows.run_id.isnull()),
                       rows.category.isnull() | (rows.category == "Usage"))
    return rows.group_by("kind", "provider", "day").aggregate(amount=rows.effective_cost.sum())


def burning(ask: Ask, now: datetime, *, currency: str = "USD",
            dollar_rates: tuple[tuple[datetime, Decimal], ...] = (), hours: int = 48) -> Burning:
    """Asks for it. Every part is an estimate until its bill comes."""
    window = Window(now - hours * HOUR, now)
    runs = held(ask, window, currency=currency)
    calls = _calls(ask, window, currency, dollar_rates)
    latest: dict[tuple[str, Any], tuple[datetime, Decimal]] = {}
    for kind, provider, day, amount in ask.rows(billed_days_expr(now, currency)):
        if amount is not None and day >= latest.get((kind, provider), (day, amount))[0]:
            latest[kind, provider] = (day, amount)
    by_kind = {name: sum((amount for (kind, _), (_, amount) in latest.items() if kind == name), Decimal(0)) / 24
               for name in ("gpu", "usage", "charge")}
    unheld, lines = by_kind["gpu"], by_kind["charge"] + by_kind["usage"]
    steady = unheld + lines
    series = tuple(
        call + _held_at(runs, now - (len(calls) - 1 - place) * HOUR) + steady for place, call in enumerate(calls))
    going = [run for run in runs if run.goes_on(now)]
    return Burning(now, calls[-1] if calls else Decimal(0), _held_at(runs, now), unheld, lines, len(going),
                   sum(run.price is None for run in going), series)


def _held_at(runs: tuple[Held, ...], at: datetime) -> Decimal:
    return sum((run.per_hour or Decimal(0) for run in runs if run.goes_on(at)), Decimal(0))


def _calls(ask: Ask, window: Window, currency: str, rates: tuple[tuple[datetime, Decimal], ...]) -> list[Decimal]:
    """Cost of single calls in each hour before the end of the window."""
    query = CostQuery((), window, every="5m", currency=currency, dollar_rates=rates)
    count = int(window.hours)
    found = [Decimal(0)] * count
    for period, cost, _ in costs(ask, query, as_of=window.until).rows:
        # Five minutes belong to the hour in which most of them lie.
        place = count - 1 - int((window.until - period.replace(tzinfo=None) - timedelta(seconds=150)) / HOUR)
        found[min(max(place, 0), count - 1)] += cost
    return found



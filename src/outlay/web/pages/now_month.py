"""Now, the month against its budget, and every budget against its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from outlay.accounting.pace import Forecast, forecast
from outlay.facts.window import Window
from outlay.governance.budget import Budget, period_at
from outlay.ledger.dollars import dollar_rates
from outlay.questions.costs import CostQuery, costs
from outlay.questions.partday import midnight
from outlay.questions.windows import latest_fact
from outlay.web.monthchart import Month
from outlay.web.pages.moment import Moment, moment
from outlay.web.part import Query, Sheet, View

DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
#: How far back days are looked at to learn the pace.
_PAST = 28 * DAY


@dataclass(frozen=True, slots=True)
class MonthPart:
    """The month, and rows of its table: moment, spent, even pace (None without a budget), forecast."""

    moment: Moment
    month: Month
    rows: tuple[tuple[datetime, Decimal, Decimal | None], ...]
    ahead: tuple[tuple[datetime, Decimal, Decimal, Decimal], ...]


def month(view: View, query: Query) -> MonthPart:
    """Asks for the present month."""
    now = moment(view)
    period = period_at("month", now.at)
    whole = next((budget for budget in budgets(view) if not budget.scope and budget.period == "month"), None)
    days = _days(view, now.at, Window(period.since - _PAST, midnight(now.at) + DAY), ())
    made = _month(period, now.at, days, whole)
    points = made.points
    shown = [point for place, point in enumerate(points) if place and (place % 7 == 0 or place == len(points) - 1)]
    ahead: tuple[tuple[datetime, Decimal, Decimal, Decimal], ...] = ()
    if made.forecast is not None and made.forecast.days_left > 0:
        ahead = ((period.until, made.forecast.end, made.forecast.low, made.forecast.high),)
    return MonthPart(now, made, tuple((at, spent, made.pace(at)) for at, spent in shown), ahead)


def _month(period: Window, at: datetime, days: dict[datetime, Decimal], budget: Budget | None) -> Month:
    own = tuple(sorted((day, cost) for day, cost in days.items() if day >= period.since))
    today = midnight(at)
    before = [(day, cost) for day, cost in days.items() if day < today]
    spent = sum((cost for _, cost in own), Decimal(0))
    return Month(period, at, own, budget.amount if budget else None, forecast(spent, before, at, period.until))


def _days(view: View, at: datetime, window: Window, where: tuple[tuple[str, tuple[str, ...]], ...]
          ) -> dict[datetime, Decimal]:
    """Cost by day; of today, what lies before now."""
    query = CostQuery((), window, where, "day", currency=view.settings.currency,
                      dollar_rates=dollar_rates(view.settings.rates))
    found: dict[datetime, Decimal] = {row[0]: row[1] for row in costs(view.ask, query, as_of=at).rows}
    today, latest = midnight(at), latest_fact(view.ask)
    if today in found and latest is not None and latest - at >= timedelta(hours=1):
        # A day that is imported whole, as of the sample month.
        found[today] *= Decimal((at - today) // _SECOND) / Decimal((min(latest, today + DAY) - today) // _SECOND)
    return found


def month_sheet(part: MonthPart) -> Sheet:
    return Sheet(("until", "spent", "even_pace"),
                 tuple((at, spent, part.month.pace(at)) for at, spent in part.month.points))


def budgets(view: View) -> tuple[Budget, ...]:
    """All that hold: declared in the settings, or set by people."""
    return view.settings.budgets


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """A budget in its period, with the forecast of its end (None: too early to tell)."""

    budget: Budget
    spent: Decimal
    forecast: Forecast | None
    until: datetime

    @property
    def scope(self) -> tuple[tuple[str, str], ...]:
        """What it is for, as Explore asks for it."""
        return tuple((name, ",".join(values)) for name, values in self.budget.where)

    @property
    def share(self) -> Decimal:
        return self.spent / self.budget.amount

    @property
    def at_end(self) -> Decimal | None:
        """What it will be over (positive) or under its amount."""
        return None if self.forecast is None else self.forecast.end - self.budget.amount


@dataclass(frozen=True, slots=True)
class Budgets:
    """Every budget, those of parts first, the organisation's last."""

    moment: Moment
    lines: tuple[BudgetLine, ...]


def budget_lines(view: View, query: Query) -> Budgets:
    """Asks for the burn of every budget."""
    now = moment(view)
    lines = []
    for budget in budgets(view):
        period = period_at(budget.period, now.at)
        first = min(period.since, midnight(now.at) - _PAST)
        days = _days(view, now.at, Window(first, midnight(now.at) + DAY), budget.where)
        known = _month(period, now.at, days, budget)
        lines.append(BudgetLine(budget, known.spent, known.forecast, period.until))
    lines.sort(key=lambda each: (not each.budget.scope, -each.spent))
    return Budgets(now, tuple(lines))


def budget_sheet(part: Budgets) -> Sheet:
    return Sheet(("budget", "period", "amount", "spent", "forecast", "low", "high"), tuple(
        (each.budget.name, each.budget.period, each.budget.amount, each.spent,
         *((each.forecast.end, each.forecast.low, each.forecast.high) if each.forecast else (None, None, None)))
        for each in part.lines))



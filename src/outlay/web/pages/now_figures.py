"""Now, the answer and the key figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from outlay.facts.window import HOURS_PER_MONTH, Window
from outlay.ledger.dollars import dollar_rates
from outlay.questions.burning import Burning, burning
from outlay.questions.costs import CostQuery, costs
from outlay.questions.daily_spend import output_days
from outlay.questions.partday import midnight, part_days
from outlay.web.monthchart import Month
from outlay.web.pages.moment import Moment, assessment, moment
from outlay.web.pages.now_month import month
from outlay.web.part import Query, Sheet, View

DAY = timedelta(days=1)
WEEK = 7 * DAY


@dataclass(frozen=True, slots=True)
class OutputPrice:
    """Cost per Valuable Output in the last seven whole days, and in the seven before (None: not known)."""

    kind: str
    scope: str
    count: Decimal
    cost: Decimal
    unit: Decimal | None
    before: Decimal | None
    #: By day, over two weeks; None where none were counted.
    days: tuple[Decimal | None, ...] = ()

    @property
    def change(self) -> Decimal | None:
        """On the week before; 0 where it is less than half a percent, None where one of them is not known."""
        if self.unit is None or self.before is None:
            return None
        difference = self.unit - self.before
        return difference if abs(difference) * 200 >= self.before else Decimal(0)

    @property
    def one(self) -> str:
        """`ticket resolved` of `tickets_resolved`."""
        words = self.kind.replace("_", " ").split()
        words[0] = words[0].removesuffix("s") if len(words[0]) > 3 else words[0]
        return " ".join(words)


@dataclass(frozen=True, slots=True)
class Wasted:
    """What findings say bought nothing: the share of the last thirty days, and dollars an hour from now."""

    share: float
    per_hour: Decimal
    findings: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What the page opens with. `wasted` None: nothing is judged yet."""

    moment: Moment
    month: Month
    wasted: Wasted | None


@dataclass(frozen=True, slots=True)
class Burn:
    """Dollars an hour at this moment."""

    moment: Moment
    burning: Burning


@dataclass(frozen=True, slots=True)
class Today:
    """Today up to now and yesterday up to the same time (None: nothing is known of it), `late`: what of yesterday is
    left out since its bill says nothing of today yet; `last_days`: the fourteen days before."""

    moment: Moment
    today: Decimal
    yesterday: Decimal | None
    late: Decimal
    estimated: bool
    last_days: tuple[Decimal, ...]


@dataclass(frozen=True, slots=True)
class Waste:
    """The share of the last thirty days that bought nothing. None: nothing is judged yet."""

    moment: Moment
    wasted: Wasted | None


@dataclass(frozen=True, slots=True)
class Outputs:
    """Cost per Valuable Output, of every kind; the dearest first."""

    moment: Moment
    prices: tuple[OutputPrice, ...]


def answer(view: View, query: Query) -> Answer:
    """Asks for what the page opens with."""
    whole = month(view, query)
    return Answer(whole.moment, whole.month, _wasted(view))


def burn(view: View, query: Query) -> Burn:
    """Asks for what is burnt an hour."""
    now = moment(view)
    return Burn(now, burning(view.ask, now.at, currency=view.settings.currency,
                             dollar_rates=dollar_rates(view.settings.rates)))


def today(view: View, query: Query) -> Today:
    """Asks for today beside yesterday."""
    now = moment(view)
    days = part_days(
        view.ask, now.at, currency=view.settings.currency, dollar_rates=dollar_rates(view.settings.rates))
    start = midnight(now.at)
    recent = daily(view, Window(start - 14 * DAY, start))
    before = sum((each.before.cost for each in days.slices), Decimal(0))
    return Today(now, sum((each.after.cost for each in days.slices), Decimal(0)),
                 before if recent.get(start - DAY) else None, days.late, any(each.estimate for each in days.slices),
                 tuple(recent.get(start - (14 - place) * DAY, Decimal(0)) for place in range(14)) if recent else ())


def waste(view: View, query: Query) -> Waste:
    """Asks for the share that bought nothing."""
    return Waste(moment(view), _wasted(view))


def output(view: View, query: Query) -> Outputs:
    """Asks for the cost of outputs."""
    now = moment(view)
    return Outputs(now, output_prices(view, midnight(now.at)))


def output_sheet(part: Outputs) -> Sheet:
    """A row a kind of output."""
    return Sheet(("output", "scope", "count", "cost", "unit_cost", "unit_cost_week_before"), tuple(
        (each.kind, each.scope, each.count, each.cost, each.unit, each.before) for each in part.prices))


def _wasted(view: View) -> Wasted | None:
    whole = assessment(view)
    if whole is None:
        return None
    live = [each for each in whole.findings if each.state != "ignored"]
    wasted = min(sum((each.so_far for each in live), Decimal(0)), whole.spent)
    a_month = sum((each.month for each in live), Decimal(0))
    return Wasted(float(wasted / whole.spent) if whole.spent else 0.0, a_month / HOURS_PER_MONTH, len(live))


def daily(view: View, window: Window, where: tuple[tuple[str, tuple[str, ...]], ...] = ()) -> dict[datetime, Decimal]:
    """Cost by day, of the days that have any."""
    query = CostQuery((), window, where, "day", currency=view.settings.currency,
                      dollar_rates=dollar_rates(view.settings.rates))
    return {row[0]: row[1] for row in costs(view.ask, query, as_of=window.until).rows}


def output_prices(view: View, today: datetime) -> tuple[OutputPrice, ...]:
    """Every kind of output that was counted in the last two weeks, with what its team or project cost; the dearest
    first."""
    window = Window(today - 2 * WEEK, today)
    found = []
    for (team, project, kind), made in output_days(view.ask, window).items():
        where = tuple((name, (value,)) for name, value in (("team", team), ("project", project)) if value is not None)
        spent = daily(view, window, where)
        scope = " / ".join(value for value in (team, project) if value) or "all spend"
        found.append(_price(kind, scope, spent, made, today))
    return tuple(sorted(found, key=lambda price: -price.cost))


def _price(
    kind: str, scope: str, spent: Mapping[datetime, Decimal], made: Mapping[datetime, float], today: datetime
) -> OutputPrice:
    counted = {day: Decimal(str(count)) for day, count in made.items()}
    days = [today - (14 - place) * DAY for place in range(14)]

    def unit(chosen: Sequence[datetime]) -> Decimal | None:
        count = sum((counted.get(day, Decimal(0)) for day in chosen), Decimal(0))
        return sum((spent.get(day, Decimal(0)) for day in chosen), Decimal(0)) / count if count else None

    recent = days[7:]
    return OutputPrice(kind, scope, sum((counted.get(day, Decimal(0)) for day in recent), Decimal(0)),
                       sum((spent.get(day, Decimal(0)) for day in recent), Decimal(0)), unit(recent), unit(days[:7]),
                       tuple(unit([day]) for day in days))


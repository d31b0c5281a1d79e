"""Cost by day of every project's model calls and of every line of a bill, and what a dear day was made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from outlay.facts.window import Window
from outlay.questions.ask import Ask
from outlay.questions.callslices import CallSlice
from outlay.questions.tables import table

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Series:
    """What is looked at day by day: the model calls of a team's project (`line` is None), or a line of the bill.

    A bill's lines for one model are one, whatever they meter; `model` names it, and they hold what no log explains.
    """

    line: str | None
    team: str | None
    project: str | None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class CallPart:
    """Calls of a series to one model for one task. Sums over the days of the event and over usual days; money is
    metered US dollars; `calls` is None where buckets do not count them."""

    calls_of: CallSlice
    owner: str | None
    calls: int | None
    usual_calls: int | None
    tokens: int
    usual_tokens: int
    cost: Decimal
    usual_cost: Decimal


@dataclass(frozen=True, slots=True)
class ChargePart:
    """Charges of a series for one resource, over the days of the event and over usual days; `window_cost` is what it
    cost in the whole window. Quantities are as the bill has them; None: it does not state them."""

    resource: str | None
    owner: str | None
    quantity: Decimal | None
    usual_quantity: Decimal | None
    cost: Decimal
    usual_cost: Decimal
    window_cost: Decimal


def series_days_expr(window: Window, *, least: float, times: float, min_days: int) -> Any:
    """Columns line, team, project, model, day, cost: the days of each series that has at least `min_days` days with
    cost (or that is a model's), and one that cost `least` dollars and `times` the median."""
    import ibis

    rows = table("cost_day")
    rows = rows.filter(
        rows.kind.isin(("call", "usage", "charge")), rows.currency == "USD", rows.day >= window.since,
        rows.day < window.until, rows.category.isnull() | (rows.category == "Usage"))
    billed = rows.kind == "charge"
    model = ibis.ifelse(billed, rows.model_key, None).fill_null("")
    line = ibis.ifelse(model != "", model + ibis.literal(" calls"), rows.line)
    daily = rows.group_by(
        line=ibis.ifelse(billed, line, ""), team=rows.team.fill_null(""), project=rows.project.fill_null(""),
        model=model, day=rows.day).aggregate(cost=rows.effective_cost.sum())
    size = daily.cost.cast("float64")
    keys = ("line", "team", "project", "model")
    peaks = daily.group_by(*keys).aggregate(peak=size.max(), middle=size.median(), days=(size > 0).cast("int64").sum())
    # What no log explains of a model may begin on one day, and still be none of its usual cost.
    known = (peaks.days >= min_days) | (peaks.model != "")
    peaks = peaks.filter(peaks.peak >= least, known, (peaks.peak >= times * peaks.middle) | (peaks.days < min_days))
    return daily.semi_join(peaks, keys).order_by(*keys, "day")


def series_days(
    ask: Ask, window: Window, *, least: float, times: float, min_days: int
) -> Mapping[Series, Mapping[datetime, Decimal]]:
    """Dollars by day of every series in which some day may be out of the ordinary."""
    found: dict[Series, dict[datetime, Decimal]] = defaultdict(dict)
    for line, team, project, model, day, cost in ask.rows(
            series_days_expr(window, least=least, times=times, min_days=min_days)):
        found[Series(line or None, team or None, project or None, model or None)][day] = cost or Decimal(0)
    return found


def model_days_expr(window: Window, model: str) -> Any:
    """Columns day, cost: all that a model cost, whoever paid and whether a log explains it or not."""
    rows = table("cost_day")
    rows = rows.filter(
        rows.model_key == model, rows.currency == "USD", rows.day >= window.since, rows.day < window.until)
    return rows.group_by("day").aggregate(cost=rows.effective_cost.sum())


def model_days(ask: Ask, window: Window, model: str) -> Mapping[datetime, Decimal]:
    """Dollars of a model by day."""
    return {day: cost or Decimal(0) for day, cost in ask.rows(model_days_expr(window, model))}


def call_parts_expr(series: Series, days: Sequence[datetime], usual: Sequence[datetime]) -> Any:
    """The columns of `CallPart`, its slice first, for the calls of a series."""
    calls, usage = table("call_day"), table("usage")
    columns = ("provider", "model_key", "team", "project", "task", "owner", "cost", "input_tokens", "output_tokens")
    single = calls.select(*columns, day=calls.day, asked=calls.calls, counted=calls.calls)
    buckets = usage.mutate(day=usage.start.truncate("D"))
    # A bucket may not say how many calls it holds; `counted` tells none from unknown.
    buckets = buckets.select(*columns, day=buckets.day, asked=buckets.requests.fill_null(0), counted=buckets.requests)
    rows = single.cast({"cost": "decimal(38,12)"}).union(buckets)
    rows = rows.filter(
        rows.day.isin([*days, *usual]), _same(rows.team, series.team), _same(rows.project, series.project))
    now = rows.day.isin(days)
    tokens = rows.input_tokens.fill_null(0) + rows.output_tokens.fill_null(0)
    return rows.group_by("provider", "model_key", "team", "project", "task").aggregate(
        owner=rows.owner.argmax(rows.cost.cast("float64"), where=now & rows.owner.notnull() & rows.cost.notnull()),
        asked=rows.asked.sum(where=now), usual_asked=rows.asked.sum(where=~now),
        uncounted=rows.counted.isnull().any(),
        tokens=tokens.sum(where=now), usual_tokens=tokens.sum(where=~now),
        cost=rows.cost.sum(where=now), usual_cost=rows.cost.sum(where=~now))


def call_parts(
    ask: Ask, series: Series, days: Sequence[datetime], usual: Sequence[datetime]
) -> tuple[CallPart, ...]:
    """What the calls of an event were, beside those of usual days."""
    parts = []
    for *keys, owner, asked, usual_asked, uncounted, tokens, usual_tokens, cost, usual_cost in ask.rows(
            call_parts_expr(series, days, usual)):
        calls = None if uncounted else int(asked or 0)
        parts.append(CallPart(
            CallSlice(*keys), owner, calls, None if uncounted else int(usual_asked or 0), int(tokens or 0),
            int(usual_tokens or 0), cost or Decimal(0), usual_cost or Decimal(0)))
    return tuple(parts)


def charge_parts_expr(series: Series, days: Sequence[datetime], usual: Sequence[datetime], window: Window) -> Any:
    """The columns of `ChargePart` for the charges of a series."""
    import ibis

    rows = table("charge")
    # As `cost_day` names its lines.
    line = rows.service_name.fill_null("unknown") + (
        ibis.literal(", ") + ibis.coalesce(rows.sku_meter, rows.resource_type)).fill_null("")
    rows = rows.mutate(line=line, day=rows.charge_period_start.truncate("D"),
                       resource=ibis.coalesce(rows.resource_name, rows.resource_id))
    since = min([window.since, *usual])
    wanted = rows.line == (series.line or "") if series.model is None else rows.model_key == series.model
    rows = rows.filter(rows.day >= since, rows.day < window.until, wanted,
                       _same(rows.team, series.team), _same(rows.project, series.project))
    now, before, inside = rows.day.isin(days), rows.day.isin(usual), rows.day >= window.since
    return rows.group_by("resource").aggregate(
        owner=rows.owner.max(), quantity=rows.consumed_quantity.sum(where=now),
        usual_quantity=rows.consumed_quantity.sum(where=before), cost=rows.effective_cost.sum(where=now),
        usual_cost=rows.effective_cost.sum(where=before), window_cost=rows.effective_cost.sum(where=inside))


def charge_parts(
    ask: Ask, series: Series, days: Sequence[datetime], usual: Sequence[datetime], window: Window
) -> tuple[ChargePart, ...]:
    """What the charges of an event were, beside those of usual days."""
    return tuple(
        ChargePart(resource, owner, quantity, usual_quantity, *(cost or Decimal(0) for cost in costs))
        for resource, owner, quantity, usual_quantity, *costs in ask.rows(
            charge_parts_expr(series, days, usual, window)))


def dearest_trace_expr(series: Series, days: Sequence[datetime]) -> Any:
    """Columns trace, cost: the trace of a series that cost most on these days."""
    import ibis

    calls = table("call")
    calls = calls.filter(calls.time >= min(days), calls.time < max(days) + DAY, calls.trace_id.notnull(),
                         _same(calls.team, series.team), _same(calls.project, series.project))
    traces = calls.group_by(trace=calls.trace_id).aggregate(cost=calls.cost.sum())
    return traces.filter(traces.cost.notnull()).order_by(ibis.desc("cost")).limit(1)


def dearest_trace(ask: Ask, series: Series, days: Sequence[datetime]) -> Decimal:
    """Dollars of the single agent run or request that cost most; 0 where calls have no trace."""
    return next((cost for _, cost in ask.rows(dearest_trace_expr(series, days))), Decimal(0))


def output_days_expr(window: Window) -> Any:
    """Columns team, project, kind, day, count: valuable outputs by day."""
    rows = table("output")
    rows = rows.filter(rows.time >= window.since, rows.time < window.until)
    return rows.group_by(team=rows.team, project=rows.project, kind=rows.kind, day=rows.time.truncate("D")).aggregate(
        count=rows["count"].sum())


def output_days(ask: Ask, window: Window) -> Mapping[tuple[str | None, str | None, str], Mapping[datetime, float]]:
    """How many outputs of each kind a team's project made on each day."""
    found: dict[tuple[str | None, str | None, str], dict[datetime, float]] = defaultdict(dict)
    for team, project, kind, day, count in ask.rows(output_days_expr(window)):
        found[team, project, kind][day] = float(count or 0)
    return found


def _same(column: Any, value: str | None) -> Any:
    return column.isnull() if value is None else column == value


def whole_days(days: Collection[datetime], until: datetime) -> tuple[datetime, ...]:
    """Every day from the first of `days` to the one before `until`, none left out."""
    first = min(days)
    return tuple(first + number * DAY for number in range((until - first + DAY - timedelta(microseconds=1)) // DAY))

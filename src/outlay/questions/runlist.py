"""Every run with what it costs: filtered, sorted and cut in pages by the engine."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from outlay.facts.window import Window
from outlay.questions.ask import Ask
from outlay.questions.held import GOING, prices_expr
from outlay.questions.tables import table

HOUR = timedelta(hours=1)
#: States that can be asked for. `nowhere`: those that findings name.
STATES = ("running", "nowhere", "waiting", "ended", "failed")
_FAILED = ("failed", "timeout", "out_of_memory", "node_fail", "boot_fail", "deadline")
#: By what runs can be sorted, and whether the largest comes first.
SORTS = {"hour": True, "cost": True, "started": True, "run": False, "owner": False, "team": False}
_FACTS = ("run_id", "scheduler", "name", "kind", "state", "owner", "team", "project", "purpose", "environment", "gpus",
          "gpu_type", "nodes", "submitted", "started", "ended", "time_limit_s", "note")


@dataclass(frozen=True, slots=True)
class RunQuery:
    """Which runs. `since`: those that went on or waited after it; None: all. `none` as team or owner: those without.
    `nowhere`: the ids that findings name."""

    at: datetime
    since: datetime | None
    text: str = ""
    state: str = ""
    team: str = ""
    owner: str = ""
    kind: str = ""
    sort: str = "hour"
    offset: int = 0
    limit: int = 50
    currency: str = "USD"
    nowhere: tuple[str, ...] = ()
    #: One run alone: its id and scheduler.
    only: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run. `cost`: of all its time that the ledger knows, None where no hour has a price; `unpriced`: whether some
    hours have none; `price`: lately, of one of its accelerators an hour; `goes_on`: it has begun and not ended."""

    run_id: str
    scheduler: str
    name: str | None
    kind: str | None
    state: str | None
    owner: str | None
    team: str | None
    project: str | None
    purpose: str | None
    environment: str | None
    gpus: int | None
    gpu_type: str | None
    nodes: str | None
    submitted: datetime | None
    started: datetime | None
    ended: datetime | None
    time_limit_s: int | None
    note: str | None
    goes_on: bool
    cost: Decimal | None
    unpriced: bool
    per_hour: Decimal | None

    @property
    def title(self) -> str:
        return self.name or self.run_id

    @property
    def deadline(self) -> datetime | None:
        """When its scheduler will end it."""
        if self.started is None or self.time_limit_s is None:
            return None
        return self.started + timedelta(seconds=self.time_limit_s)


@dataclass(frozen=True, slots=True)
class RunList:
    """One page of runs; `total` of them fit the query, `going` of these go on and cost `per_hour` together."""

    rows: tuple[RunRow, ...]
    total: int
    going: int
    per_hour: Decimal


def run_money_expr(currency: str) -> Any:
    """Columns of_run, of_scheduler (None: of any), cost, unpriced: of all days."""
    days, calls = table("gpu_day"), table("cost_day")
    own = days.currency == currency
    gpus = days.filter(days.run_id.notnull()).group_by(of_run=days.run_id, of_scheduler=days.scheduler).aggregate(
        cost=days.effective_cost.sum(where=own), unpriced=days.effective_cost.isnull().any())
    calls = calls.filter(calls.kind.isin(("call", "usage")), calls.run_id.notnull(), calls.currency == currency)
    made = calls.group_by(call_run=calls.run_id).aggregate(calls=calls.effective_cost.sum())
    return gpus, made


def run_list_expr(query: RunQuery) -> Any:
    """The columns of `RunRow`, then total, going, all_hour over all that fit."""
    import ibis

    runs = _among(table("run"), query)
    gpus, calls = run_money_expr(query.currency)
    joined = runs.left_join(gpus, [runs.run_id == gpus.of_run, runs.scheduler.identical_to(gpus.of_scheduler)])
    joined = joined.left_join(calls, joined.run_id == calls.call_run)
    prices = prices_expr(query.at, query.currency)
    price = prices.cost.cast("float64").sum() / prices.seconds.sum() * 3600
    own = prices.group_by(price_run=prices.run_id, price_scheduler=prices.scheduler).aggregate(own_price=price)
    kinds = prices.group_by(price_type=prices.gpu_type).aggregate(type_price=price)
    joined = joined.left_join(own, [joined.run_id == own.price_run,
                                    joined.scheduler.identical_to(own.price_scheduler)])
    joined = joined.left_join(kinds, joined.gpu_type == kinds.price_type)
    hour = ibis.ifelse(joined.goes_on, joined.gpus * ibis.coalesce(joined.own_price, joined.type_price), None)
    cost = ibis.coalesce(joined.cost + joined.calls, joined.cost, joined.calls)
    rows = joined.select(*_FACTS, "goes_on", cost=cost, unpriced=joined.unpriced.fill_null(False), hour=hour)
    whole = ibis.window()
    return _sorted(rows.mutate(total=rows.count().over(whole), going=rows.goes_on.cast("int64").sum().over(whole),
                               all_hour=rows.hour.sum().over(whole)), query)


def _among(runs: Any, query: RunQuery) -> Any:
    at = query.at
    if query.only is not None:
        runs = runs.filter(runs.run_id == query.only[0], runs.scheduler == query.only[1])
    begun = runs.started.notnull() & (runs.started <= at)
    open_end = runs.ended.isnull() & (runs.state.isnull() | runs.state.isin(list(GOING)))
    runs = runs.mutate(goes_on=(begun & (open_end | (runs.ended > at))).fill_null(False))
    runs = runs.filter(runs.submitted.isnull() | (runs.submitted <= at))
    waiting = ~begun.fill_null(False) & (runs.state == "pending")
    runs = runs.filter(begun.fill_null(False) | waiting)
    if query.since is not None:
        runs = runs.filter(runs.goes_on | waiting | (runs.ended > query.since))
    if query.state == "running":
        runs = runs.filter(runs.goes_on)
    elif query.state == "waiting":
        runs = runs.filter(waiting)
    elif query.state == "ended":
        runs = runs.filter(~runs.goes_on, ~waiting)
    elif query.state == "failed":
        runs = runs.filter(~runs.goes_on, runs.state.isin(list(_FAILED)))
    elif query.state == "nowhere":
        runs = runs.filter(runs.run_id.isin(list(query.nowhere)))
    for name, value in (("team", query.team), ("owner", query.owner), ("kind", query.kind)):
        if value:
            runs = runs.filter(runs[name].isnull() if value == "none" else runs[name] == value)
    if query.text:
        wanted = query.text.lower()
        words = [runs[name].fill_null("").lower().contains(wanted)
                 for name in ("run_id", "name", "owner", "team", "project", "purpose")]
        found = words[0]
        for word in words[1:]:
            found = found | word
        runs = runs.filter(found)
    return runs


def _sorted(rows: Any, query: RunQuery) -> Any:
    import ibis

    # Runs have the numbers of their scheduler, and no meaning in their order.
    column = {"hour": "hour", "run": "name"}.get(query.sort, query.sort)
    key = ibis.desc(rows[column], nulls_first=False) if SORTS[query.sort] else ibis.asc(rows[column], nulls_first=False)
    then = [] if query.sort == "cost" else [ibis.desc(rows.cost, nulls_first=False)]
    return rows.order_by([key, *then, "run_id", "scheduler"]).limit(query.limit, offset=query.offset)


def run_list(ask: Ask, query: RunQuery) -> RunList:
    """A page of runs, as the query wants them."""
    found = list(ask.rows(run_list_expr(query)))
    if not found:
        return RunList((), 0, 0, Decimal(0))
    total, going, all_hour = found[0][-3:]
    rows = tuple(RunRow(*(*row[:-4], _rate(row[-4]))) for row in found)
    return RunList(rows, total, going, _rate(all_hour) or Decimal(0))


def _rate(hour: float | None) -> Decimal | None:
    return None if hour is None else Decimal(str(round(hour, 6)))


def run_use_expr(window: Window, run_ids: Collection[str]) -> Any:
    """Columns run_id, hour, read_s, busy_s: of the devices of these runs, by hour."""
    rows = table("gpu_hour")
    rows = rows.filter(rows.hour >= window.since, rows.hour < window.until, rows.run_id.isin(sorted(run_ids)))
    return rows.group_by("run_id", "hour").aggregate(read_s=rows.read_s.sum(), busy_s=rows.busy_s.sum())


@dataclass(frozen=True, slots=True)
class RunUse:
    """How busy a run's accelerators were. `mean` of the time read; `hours`: one value an hour of the window, percent,
    None where nothing was read."""

    mean: float
    hours: tuple[float | None, ...]


def run_use(ask: Ask, window: Window, run_ids: Collection[str]) -> dict[str, RunUse]:
    """By run, of those that were read in the window; whole hours."""
    if not run_ids:
        return {}
    first = window.since.replace(minute=0, second=0, microsecond=0)
    count = -(-(window.until - first) // HOUR)
    series: dict[str, list[float | None]] = {}
    sums: dict[str, tuple[float, float]] = {}
    for run_id, hour, read_s, busy_s in ask.rows(run_use_expr(Window(first, window.until), run_ids)):
        if read_s <= 0:
            continue
        series.setdefault(run_id, [None] * count)[(hour - first) // HOUR] = min(100.0, 100 * busy_s / read_s)
        read, busy = sums.get(run_id, (0.0, 0.0))
        sums[run_id] = (read + read_s, busy + busy_s)
    return {run_id: RunUse(min(1.0, busy / read), tuple(series[run_id])) for run_id, (read, busy) in sums.items()}


def choices_expr(name: str, since: datetime) -> Any:
    """The values that a column of runs has since then."""
    rows = table("run")
    rows = rows.filter(rows[name].notnull(), rows.ended.isnull() | (rows.ended > since))
    return rows.select(name).distinct().order_by(name)


def choices(ask: Ask, name: str, since: datetime) -> tuple[str, ...]:
    """Teams, owners or kinds of runs since then."""
    return tuple(value for (value,) in ask.rows(choices_expr(name, since)))

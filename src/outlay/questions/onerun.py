"""One run: its days, its devices, what it reported of itself, and what people decided about it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import isfinite
from typing import Any

from outlay.facts.window import Window
from outlay.questions.ask import Ask
from outlay.questions.runs import REQUESTS
from outlay.questions.tables import table

HOUR = timedelta(hours=1)
#: Points of a drawn series at most.
MOST_POINTS = 240
#: Metrics that a run reports of itself, the one that says most about its progress first.
_TELLING = ("loss", "train_loss", "training_loss", "eval_loss", "accuracy", "reward", "score")
_MORE = ("partition", "market", "region", "restarts", "exit_code", "cpus", "observed", "group", "endpoint", "tags")


@dataclass(frozen=True, slots=True)
class RunMore:
    """What is known of a run beside its cost."""

    partition: str | None
    market: str | None
    region: str | None
    restarts: int | None
    exit_code: int | None
    cpus: int | None
    observed: datetime | None
    group: str | None
    endpoint: str | None
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RunDay:
    """A day of a run. `gpu_hours` held; `busy`: share of those read (None: none were); `cost` None: no known price."""

    day: datetime
    cost: Decimal | None
    gpu_hours: float
    busy: float | None


@dataclass(frozen=True, slots=True)
class RunDevice:
    """An accelerator that a run held: hours read, mean use of them, highest reading (percent), last hour read."""

    node: str
    device: str
    hours: float
    mean: float
    peak: float | None
    last: datetime


@dataclass(frozen=True, slots=True)
class Report:
    """What a run reported of one metric in a stretch of time: the mean of what is a number, how many are none, and the
    furthest step."""

    time: datetime
    value: float | None
    broken: int
    step: int | None


@dataclass(frozen=True, slots=True)
class Reports:
    """One metric of a run over time. `broken_since`: from when on nothing was a number any more."""

    metric: str
    points: tuple[Report, ...]
    broken_since: datetime | None


def run_more_expr(run_id: str, scheduler: str) -> Any:
    """The columns of `RunMore`."""
    rows = table("run")
    return rows.filter(rows.run_id == run_id, rows.scheduler == scheduler).select(*_MORE).limit(1)


def run_more(ask: Ask, run_id: str, scheduler: str) -> RunMore | None:
    """None where there is no such run."""
    row = next(iter(ask.rows(run_more_expr(run_id, scheduler))), None)
    if row is None:
        return None
    return RunMore(*(*row[:-1], dict(row[-1] or {})))


def run_days_expr(run_id: str, scheduler: str, currency: str) -> Any:
    """Columns day, cost, seconds."""
    rows = table("gpu_day")
    rows = rows.filter(rows.run_id == run_id, rows.scheduler.fill_null("") == scheduler)
    return rows.group_by("day").aggregate(
        cost=rows.effective_cost.sum(where=rows.currency == currency), seconds=rows.gpu_s.sum()).order_by("day")


def call_days_expr(run_id: str, currency: str) -> Any:
    """Columns day, cost: of the model calls that a run made."""
    rows = table("cost_day")
    rows = rows.filter(rows.run_id == run_id, rows.kind.isin(("call", "usage")), rows.currency == currency)
    return rows.group_by("day").aggregate(cost=rows.effective_cost.sum())


def use_hours_expr(run_id: str, window: Window) -> Any:
    """Columns hour, read_s, busy_s."""
    rows = table("gpu_hour")
    rows = rows.filter(rows.run_id == run_id, rows.hour >= window.since, rows.hour < window.until)
    return rows.group_by("hour").aggregate(read_s=rows.read_s.sum(), busy_s=rows.busy_s.sum()).order_by("hour")


def use_hours(ask: Ask, run_id: str, window: Window) -> tuple[tuple[datetime, float, float], ...]:
    """Hours of a run that were read: start, seconds read, seconds busy."""
    return tuple(ask.rows(use_hours_expr(run_id, window)))


def run_days(ask: Ask, run_id: str, scheduler: str, hours: Collection[tuple[datetime, float, float]], *, currency: str
             ) -> tuple[RunDay, ...]:
    """The days of a run, in order. `hours`: what `use_hours` gave."""
    read: dict[datetime, tuple[float, float]] = {}
    for hour, read_s, busy_s in hours:
        day = hour.replace(hour=0)
        known = read.get(day, (0.0, 0.0))
        read[day] = (known[0] + read_s, known[1] + busy_s)
    costs: dict[datetime, Decimal | None] = {}
    seconds: dict[datetime, float] = {}
    for day, cost, held in ask.rows(run_days_expr(run_id, scheduler, currency)):
        costs[day], seconds[day] = cost, held
    for day, cost in ask.rows(call_days_expr(run_id, currency)):
        costs[day] = (costs.get(day) or Decimal(0)) + (cost or Decimal(0))
    return tuple(RunDay(day, costs[day], seconds.get(day, 0.0) / 3600, _share(*read.get(day, (0.0, 0.0))))
                 for day in sorted(costs))


def _share(read_s: float, busy_s: float) -> float | None:
    return min(busy_s / read_s, 1.0) if read_s > 0 else None


def run_devices_expr(run_id: str, window: Window) -> Any:
    """Columns node, device, read_s, busy_s, peak, last."""
    rows = table("gpu_hour")
    rows = rows.filter(rows.run_id == run_id, rows.hour >= window.since, rows.hour < window.until)
    return rows.group_by("node", "device").aggregate(
        read_s=rows.read_s.sum(), busy_s=rows.busy_s.sum(), peak=rows.peak.max(), last=rows.hour.max()).order_by(
        "node", "device")


def run_devices(ask: Ask, run_id: str, window: Window) -> tuple[RunDevice, ...]:
    """The accelerators of a run that were read in the window."""
    return tuple(
        RunDevice(node, device, read_s / 3600, _share(read_s, busy_s) or 0.0, peak, last)
        for node, device, read_s, busy_s, peak, last in ask.rows(run_devices_expr(run_id, window)))


def metrics_expr(run_id: str) -> Any:
    """Columns metric, reports, first, last."""
    rows = table("progress")
    rows = rows.filter(rows.run_id == run_id)
    return rows.group_by("metric").aggregate(reports=rows.count(), first=rows.time.min(), last=rows.time.max())


def reports_expr(run_id: str, metric: str, first: datetime, step_s: int) -> Any:
    """Columns bucket (seconds since the first report, in steps), value, good, broken, step, last_good."""
    rows = table("progress")
    rows = rows.filter(rows.run_id == run_id, rows.metric == metric)
    broken = (rows.value.isnan() | rows.value.isinf()).fill_null(False)
    since = int((first - datetime(1970, 1, 1)).total_seconds())
    bucket = (rows.time.epoch_seconds() - since) // step_s
    good = ~broken & rows.value.notnull()
    value = rows.value.sum(where=good) if metric == REQUESTS else rows.value.mean(where=good)
    return rows.group_by(bucket=bucket).aggregate(
        value=value, broken=broken.cast("int64").sum(), step=rows.step.max(), last_good=rows.time.max(where=~broken),
        first_broken=rows.time.min(where=broken)).order_by("bucket")


def reports(ask: Ask, run_id: str) -> Reports | None:
    """What a run reported of the metric that says most of it; None where it reported nothing."""
    known = {metric: (count, first, last) for metric, count, first, last in ask.rows(metrics_expr(run_id))}
    if not known:
        return None
    metric = next((name for name in _TELLING if name in known), None) or max(
        known, key=lambda name: (name != REQUESTS, known[name][0], name))
    _, first, last = known[metric]
    step_s = max(int((last - first).total_seconds()) // MOST_POINTS, 60)
    points, good_until, broken = [], None, []
    for bucket, value, bad, step, last_good, first_broken in ask.rows(reports_expr(run_id, metric, first, step_s)):
        number = value if value is not None and isfinite(value) else None
        points.append(Report(first + timedelta(seconds=bucket * step_s), number, bad, step))
        good_until = max(filter(None, (good_until, last_good)), default=None)
        broken += [first_broken] if first_broken is not None else []
    lost = [moment for moment in broken if good_until is None or moment > good_until]
    return Reports(metric, tuple(points), min(lost, default=None))


@dataclass(frozen=True, slots=True)
class Decided:
    """What someone decided about a finding, at any time."""

    finding_id: str
    state: str
    reason: str
    until: datetime | None
    at: datetime
    by: str


def decided_expr(finding_ids: Collection[str]) -> Any:
    """The columns of `Decided`."""
    rows = table("decision")
    rows = rows.filter(rows.finding_id.isin(sorted(finding_ids)))
    return rows.select("finding_id", "state", "reason", "until", "decided_at", "decided_by").order_by("decided_at")


def decided_about(ask: Ask, finding_ids: Collection[str]) -> tuple[Decided, ...]:
    """Every decision on these findings, in order of time."""
    return tuple(Decided(*row) for row in ask.rows(decided_expr(finding_ids))) if finding_ids else ()

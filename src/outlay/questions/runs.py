"""Runs on accelerators: what they reported, how their devices were used, and what they cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from outlay.facts.window import Window
from outlay.questions.ask import Ask
from outlay.questions.gpus import of_days
from outlay.questions.tables import table

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
#: Metric of what others ask of a run; it says nothing of the run's own progress.
REQUESTS = "requests"


@dataclass(frozen=True, slots=True)
class RunLife:
    """A run that held accelerators in the window, and every sign of life that the ledger has of it.

    Readings are of the window; those of progress reach back to the run's start. None: there is no such sign.
    `step_state`, `step_ended`: how and when its last process ended, where the allocation goes on without it.
    """

    run_id: str
    scheduler: str | None
    kind: str | None
    name: str | None
    state: str | None
    owner: str | None
    team: str | None
    environment: str | None
    note: str | None
    started: datetime | None
    ended: datetime | None
    gpus: int | None
    restarts: int | None
    #: When its scheduler was last read, where it says so.
    scheduler_read: datetime | None
    step_state: str | None
    step_ended: str | None
    #: Readings: devices; those of them that never reached the limit; seconds read, and busy of these.
    devices: int | None
    quiet: int | None
    read_s: float | None
    busy_s: float | None
    #: First hour read; last hour read, with one reading at the limit, and with such use of a device on average.
    first_read: datetime | None
    last_read: datetime | None
    last_peak: datetime | None
    last_busy: datetime | None
    #: Progress: finite reports, the first and last of them, the last that is not a number, and the first at the
    #: highest step.
    reports: int | None
    first_report: datetime | None
    last_report: datetime | None
    last_nan: datetime | None
    furthest: datetime | None

    @property
    def use(self) -> float | None:
        """Busy share of the device time read."""
        return self.busy_s / self.read_s if self.read_s and self.busy_s is not None else None

    def span(self, window: Window) -> tuple[datetime, datetime]:
        """From when until when it is known to have held its devices in the window."""
        start = self.started or self.first_read or window.since
        return max(start, window.since), max(min(self._known_end(window), window.until), window.since)

    def _known_end(self, window: Window) -> datetime:
        """Its end; of one that still runs, when its scheduler or a sample of it was last read."""
        if self.ended is not None:
            return self.ended
        signs = [moment for moment in (self.scheduler_read, self.read_until) if moment is not None]
        if not self._runs_still:
            return self.read_until or self.started or window.since
        return max(signs) if self.scheduler_read is not None else window.until

    def goes_on(self, window: Window) -> bool:
        """Whether it holds its devices at the end of the window, as far as is known."""
        return self.ended >= window.until if self.ended is not None else self._runs_still

    @property
    def _runs_still(self) -> bool:
        return self.ended is None and self.state in (None, "running", "pending")

    @property
    def read_until(self) -> datetime | None:
        return None if self.last_read is None else self.last_read + HOUR


def _device_use(window: Window, util_pct: float) -> Any:
    """Hours of `gpu_hour` by run and device: seconds, peak, and the hours that mark use."""
    rows = table("gpu_hour")
    rows = rows.filter(rows.hour >= window.since, rows.hour < window.until, rows.run_id.notnull())
    return rows.group_by("run_id", "node", "device").aggregate(
        read_s=rows.read_s.sum(), busy_s=rows.busy_s.sum(), peak=rows.peak.max(), first_read=rows.hour.min(),
        last_read=rows.hour.max(), last_peak=rows.hour.max(where=rows.peak >= util_pct),
        last_busy=rows.hour.max(where=rows.busy_s * 100 >= rows.read_s * util_pct))


def _use(window: Window, util_pct: float) -> Any:
    devices = _device_use(window, util_pct)
    return devices.group_by(used_by="run_id").aggregate(
        devices=devices.count(), quiet=(devices.peak < util_pct).sum(), read_s=devices.read_s.sum(),
        busy_s=devices.busy_s.sum(), first_read=devices.first_read.min(), last_read=devices.last_read.max(),
        last_peak=devices.last_peak.max(), last_busy=devices.last_busy.max())


def _progress(window: Window) -> Any:
    rows = table("progress")
    rows = rows.filter(rows.time < window.until, rows.metric != REQUESTS)
    broken = (rows.value.isnan() | rows.value.isinf()).fill_null(False)
    return rows.group_by(reported_by="run_id").aggregate(
        reports=(~broken).sum(), first_report=rows.time.min(where=~broken), last_report=rows.time.max(where=~broken),
        last_nan=rows.time.max(where=broken), furthest=rows.time.argmax(rows.step, where=rows.step.notnull()))


def run_lives_expr(window: Window, util_pct: float) -> Any:
    """One row a run that held accelerators in the window; the columns of `RunLife`. `util_pct`: from which utilisation
    on a device counts as used."""
    import ibis

    runs = table("run")
    runs = runs.mutate(scheduler_read=runs.observed.max().over(ibis.window(group_by=runs.scheduler)))
    runs = runs.filter(
        runs.started < window.until, runs.ended.isnull() | (runs.ended > window.since),
        runs.gpus.isnull() | (runs.gpus > 0))
    runs = runs.select(
        **{name: runs[name] for name in ("run_id", "scheduler", "kind", "name", "state", "owner", "team", "environment",
                                         "note", "started", "ended", "gpus", "restarts", "scheduler_read")},
        step_state=runs.tags.get("step_state"), step_ended=runs.tags.get("step_ended"))
    use, progress = _use(window, util_pct), _progress(window)
    joined = runs.outer_join(use, runs.run_id == use.used_by)
    joined = joined.mutate(run_id=ibis.coalesce(joined.run_id, joined.used_by)).drop("used_by")
    joined = joined.left_join(progress, joined.run_id == progress.reported_by).drop("reported_by")
    # Runs of CPUs alone have neither devices that they were given nor devices that were read.
    return joined.filter((joined.gpus > 0) | joined.devices.notnull())


def silent_runs_expr(window: Window, util_pct: float, kinds: Collection[str], hours: float) -> Any:
    """Of `run_lives_expr`, runs of these kinds whose last report (or use, where they report nothing) lies so many hours
    before their end."""
    import ibis

    lives = run_lives_expr(window, util_pct)
    end = ibis.least(lives.ended.fill_null(ibis.literal(window.until)), ibis.literal(window.until))
    sign = ibis.coalesce(lives.last_report, lives.last_busy, lives.started)
    failing = lives.step_state.notnull() | (lives.restarts > 0)
    return lives.filter(
        lives.kind.isin(list(kinds)),
        failing | (end.epoch_seconds() - sign.epoch_seconds() >= int(hours * 3600)))


def quiet_runs_expr(window: Window, util_pct: float, hours: float) -> Any:
    """Of `run_lives_expr`, runs of which no device reached the limit in the last hours that were read of them."""
    import ibis

    lives = run_lives_expr(window, util_pct)
    used = ibis.coalesce(lives.last_peak, lives.first_read)
    return lives.filter(lives.last_read.epoch_seconds() + 3600 - used.epoch_seconds() >= int(hours * 3600))


def half_used_runs_expr(window: Window, util_pct: float) -> Any:
    """Of `run_lives_expr`, runs of which some devices reached the limit and others never did."""
    lives = run_lives_expr(window, util_pct)
    return lives.filter(lives.quiet > 0, lives.quiet < lives.devices)


def silent_runs(
    ask: Ask, window: Window, *, util_pct: float, kinds: Collection[str], hours: float
) -> tuple[RunLife, ...]:
    """Candidates for runs without progress, by run."""
    return _lives(ask, silent_runs_expr(window, util_pct, kinds, hours))


def quiet_runs(ask: Ask, window: Window, *, util_pct: float, hours: float) -> tuple[RunLife, ...]:
    """Candidates for runs without use, by run."""
    return _lives(ask, quiet_runs_expr(window, util_pct, hours))


def half_used_runs(ask: Ask, window: Window, *, util_pct: float) -> tuple[RunLife, ...]:
    """Candidates for runs with more devices than they use, by run."""
    return _lives(ask, half_used_runs_expr(window, util_pct))


def _lives(ask: Ask, expression: Any) -> tuple[RunLife, ...]:
    return tuple(sorted((RunLife(*row) for row in ask.rows(expression)), key=lambda life: life.run_id))


def last_report_expr(window: Window) -> Any:
    """When any run last reported progress: until then the reports of all are known."""
    rows = table("progress")
    rows = rows.filter(rows.time < window.until, rows.metric != REQUESTS)
    return rows.aggregate(last=rows.time.max())


def last_report(ask: Ask, window: Window) -> datetime | None:
    """When any run last reported progress; None where none ever did."""
    found: datetime | None = next(iter(ask.rows(last_report_expr(window))))[0]
    return found


def run_words_expr(run_ids: Collection[str]) -> Any:
    """Columns run_id, name, owner of runs."""
    rows = table("run")
    rows = rows.filter(rows.run_id.isin(sorted(run_ids)))
    return rows.group_by("run_id").aggregate(name=rows.name.max(), owner=rows.owner.max())


def run_words(ask: Ask, run_ids: Collection[str]) -> dict[str, str]:
    """`reward-pairs, ngozi.silva` by run: its name, where that is not its id, and its owner."""
    if not run_ids:
        return {}
    return {run_id: ", ".join(word for word in (name, owner) if word and word != run_id)
            for run_id, name, owner in ask.rows(run_words_expr(run_ids))}


@dataclass(frozen=True, slots=True)
class RunCost:
    """What a run cost, by day. Only days with a known cost are there; `gpu_s` is device time of all days."""

    days: tuple[tuple[datetime, Decimal], ...]
    gpu_s: float
    #: Of the cost of all days, what machines cost that are reserved.
    reserved: Decimal = Decimal(0)

    @property
    def total(self) -> Decimal:
        return sum((cost for _, cost in self.days), Decimal(0))

    @property
    def reserved_share(self) -> Decimal:
        """Of 1: what of it is paid for either way."""
        total = self.total
        return min(max(self.reserved / total, Decimal(0)), Decimal(1)) if total > 0 else Decimal(0)

    def between(self, since: datetime, span: tuple[datetime, datetime]) -> Decimal:
        """Cost from a moment on; the day of that moment counts by the share of the run's time (`span`) after it."""
        return sum((cost * _share_after(since, day, span) for day, cost in self.days), Decimal(0))


def _share_after(since: datetime, day: datetime, span: tuple[datetime, datetime]) -> Decimal:
    first, last = max(day, span[0]), min(day + DAY, span[1])
    if since <= first or last <= first:
        return Decimal(1) if since <= max(first, day) else Decimal(0)
    return Decimal(max(last - since, timedelta()) // timedelta(microseconds=1)) / Decimal(
        (last - first) // timedelta(microseconds=1))


def run_costs_expr(window: Window, run_ids: Collection[str]) -> Any:
    """Columns run_id, scheduler, day, cost, seconds (device time), reserved (of the cost)."""
    rows = of_days(table("gpu_day"), window)
    rows = rows.filter(rows.run_id.isin(sorted(run_ids)))
    return rows.group_by("run_id", "scheduler", "day").aggregate(
        cost=rows.effective_cost.sum(where=rows.currency == "USD"), seconds=rows.gpu_s.sum(),
        reserved=rows.effective_cost.sum(where=(rows.currency == "USD") & (rows.market == "reserved")))


def run_costs(ask: Ask, window: Window, run_ids: Collection[str]) -> dict[tuple[str, str | None], RunCost]:
    """By run and scheduler."""
    if not run_ids:
        return {}
    days: dict[tuple[str, str | None], list[tuple[datetime, Decimal]]] = defaultdict(list)
    seconds: dict[tuple[str, str | None], float] = defaultdict(float)
    reserved: dict[tuple[str, str | None], Decimal] = defaultdict(Decimal)
    for run_id, scheduler, day, cost, read, committed in ask.rows(run_costs_expr(window, run_ids)):
        seconds[run_id, scheduler] += read
        reserved[run_id, scheduler] += committed or Decimal(0)
        if cost is not None:
            days[run_id, scheduler].append((day, cost))
    return {key: RunCost(tuple(sorted(days[key])), seconds[key], reserved[key]) for key in seconds}

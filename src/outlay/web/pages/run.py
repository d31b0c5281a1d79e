"""One run: its cost over time, its accelerators, what was found about it and what was done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from outlay.accounting.assessment import Counted
from outlay.detectors.endcommand import stop_endpoint, stop_run
from outlay.facts.window import HOURS_PER_MONTH, Window
from outlay.questions.onerun import (
    Reports,
    RunDay,
    RunDevice,
    RunMore,
    reports,
    run_days,
    run_devices,
    run_more,
    use_hours,
)
from outlay.questions.runlist import RunQuery, RunRow, run_list
from outlay.web.pages.moment import WORDS, Moment, assessment, moment
from outlay.web.pages.run_record import Entry, record
from outlay.web.part import Page, Part, Query, Sheet, View
from outlay.web.runchart import RunSeries

DAY = timedelta(days=1)
#: How far back a run is shown hour by hour.
_SHOWN = 92 * DAY


@dataclass(frozen=True, slots=True)
class RunHead:
    """What the page opens with. `row` None: there is no such run. `word`: what findings say of it; `useless`: dollars
    since it got nowhere, `since` when; `command`: what ends it, "" where that is not known or it has ended."""

    moment: Moment
    run_id: str
    row: RunRow | None
    more: RunMore | None
    ready: bool
    word: str
    findings: tuple[Counted, ...]
    since: datetime | None
    useless: Decimal | None
    command: str

    @property
    def a_month(self) -> Decimal | None:
        """What it will cost a month, if it goes on."""
        hour = self.row.per_hour if self.row is not None else None
        return None if hour is None else hour * HOURS_PER_MONTH


@dataclass(frozen=True, slots=True)
class RunTime:
    """The run over time."""

    series: RunSeries | None
    days: tuple[RunDay, ...]
    devices: tuple[RunDevice, ...]
    reports: Reports | None


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What happened to it, oldest first, and what its launch said."""

    row: RunRow | None
    more: RunMore | None
    entries: tuple[Entry, ...]


def head(view: View, query: Query) -> RunHead:
    """Asks for what the page opens with."""
    at = moment(view)
    row, more = _row(view, query, at), None
    ready, findings = about(view, row)
    if row is not None:
        more = run_more(view.ask, row.run_id, row.scheduler)
    worst = next((each for each in findings if each.finding.code in WORDS), None)
    since = _since(worst)
    return RunHead(at, dict(query).get("id", ""), row, more, ready, "" if worst is None else WORDS[worst.finding.code],
                   findings, since, None if worst is None else worst.so_far, _command(row))


def time(view: View, query: Query) -> RunTime:
    """Asks for the run over time."""
    at = moment(view)
    row = _row(view, query, at)
    if row is None or row.started is None:
        return RunTime(None, (), (), None)
    until = min(row.ended or at.at, at.at)
    window = Window(max(row.started - timedelta(hours=1), until - _SHOWN), until)
    hours = use_hours(view.ask, row.run_id, window)
    days = run_days(view.ask, row.run_id, row.scheduler, hours, currency=view.settings.currency)
    told = reports(view.ask, row.run_id)
    _, findings = about(view, row)
    worst = next((each for each in findings if each.finding.code in WORDS), None)
    series = RunSeries(
        row.started, until, _cumulative(days, row.started, until), "" if told is None else told.metric,
        () if told is None else tuple((point.time, point.value) for point in told.points),
        None if told is None else told.broken_since,
        tuple((hour, min(100.0, 100 * busy / read)) for hour, read, busy in hours if read > 0), _since(worst))
    return RunTime(series, days, run_devices(view.ask, row.run_id, window), told)


def done(view: View, query: Query) -> RunRecord:
    """Asks for the record."""
    at = moment(view)
    row = _row(view, query, at)
    if row is None:
        return RunRecord(None, None, ())
    _, findings = about(view, row)
    more = run_more(view.ask, row.run_id, row.scheduler)
    return RunRecord(row, more, record(
        view.ask, row, more, findings, reports(view.ask, row.run_id), at.at))


def about(view: View, row: RunRow | None) -> tuple[bool, tuple[Counted, ...]]:
    """Whether anything is judged yet, and the findings that claim dollars of this run."""
    whole = assessment(view)
    if whole is None or row is None:
        return whole is not None, ()
    pot = f"run:{row.run_id}"
    return True, tuple(each for each in whole.findings if any(claim.pot == pot for claim in each.finding.claims))


def time_sheet(part: RunTime) -> Sheet:
    """A row a day."""
    return Sheet(("day", "cost", "gpu_hours", "gpu_use"), tuple(
        (each.day, each.cost, round(each.gpu_hours, 3), each.busy) for each in part.days))


def _row(view: View, query: Query, at: Moment) -> RunRow | None:
    said = dict(query)
    if "id" not in said:
        return None
    only = (said["id"], said.get("scheduler", ""))
    wanted = RunQuery(at.at, None, currency=view.settings.currency, limit=1, only=only)
    return next(iter(run_list(view.ask, wanted).rows), None)


def _since(finding: Counted | None) -> datetime | None:
    """From when on a finding says that a run got nowhere."""
    if finding is None:
        return None
    spans = [claim.span for claim in finding.finding.claims if claim.span is not None]
    return spans[0].since if spans else None


def _command(row: RunRow | None) -> str:
    if row is None or not row.goes_on:
        return ""
    if row.kind == "endpoint":
        return stop_endpoint(row.scheduler, row.name or row.run_id, row.run_id)
    return stop_run(row.scheduler, row.run_id, row.name, row.kind)


def _cumulative(days: tuple[RunDay, ...], started: datetime, until: datetime) -> tuple[tuple[datetime, Decimal], ...]:
    """What it had cost at its start, at each midnight and at its end; within a day it costs evenly."""
    total, points = Decimal(0), [(started, Decimal(0))]
    for each in days:
        if each.cost is not None:
            total += each.cost
            points.append((min(each.day + DAY, until), total))
    return tuple(points) if total else ()


RUN = Page(
    "/run", "run", "Run", "live/run.html.j2", (
        Part("run-head", "live/run_head.html.j2", head, every_s=3),
        Part("run-time", "live/run_time.html.j2", time, every_s=10, csv=time_sheet),
        Part("run-record", "live/run_record.html.j2", done, every_s=15),
    ), knows={"id": "its id at its scheduler", "scheduler": "its scheduler, such as slurm/north"}, inside="runs")

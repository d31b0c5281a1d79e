"""F2: runs that make no progress."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from outlay.accounting.figures import duration, instant, percent, period
from outlay.accounting.money import dollars
from outlay.detectors.base import Context, Detector
from outlay.detectors.runmoney import RunMoney, ending, held, lasting, money_of, named, subject
from outlay.facts.finding import Confidence, Finding
from outlay.facts.window import Window
from outlay.questions.runs import HOUR, RunLife, last_report, silent_runs

_KINDS = ("training", "sweep", "trial", "batch")


@dataclass(frozen=True, slots=True)
class Silence:
    """From when on a run shows no progress, how that shows, and how sure it is."""

    since: datetime
    sign: str
    why: str
    confidence: Confidence = Confidence.HIGH
    assumption: str = ""


class ZombieRun(Detector):
    """Runs that hold accelerators and make no progress.

    **It finds** training, sweeps, trials and batch runs that were abandoned: they reported progress and fell silent, or
    report only values that are not numbers (NaN), or never report and do not use their accelerators. A busy accelerator
    is no progress by itself: a collective that waits for a lost peer spins at 100%. It also finds allocations that are
    held after their last process failed, and runs that are started again and again without getting further.

    **It costs** because accelerators are billed for as long as they are held; every third experiment of a team without
    limits ends this way.

    **The dollars** are the run's cost from its last sign of life to its end, or the end of the window; a month is the
    rate since then x 730 hours, and nothing for a run that has ended. The last sign of a run that reports is its last
    finite report (the first at its furthest step, if it is started again and again); of another one its last use.

    **It leaves alone** a run that still reports, however long it runs and whatever its utilisation; pauses shorter
    than a day, in which data is staged or a checkpoint evaluated; pauses that are usual for the run; notebooks and
    endpoints, which other detectors judge; and silent runs of which nothing is read, where no other run reported since.

    **End it** with its last checkpoint kept: it can be resumed from there.
    """

    code = "zombie-run"
    title = "Runs that hold accelerators and make no progress"
    capability = "F2"
    needs = ("run", "gpu_day")
    missing = "Import the scheduler's accounting (sacct, or a table of runs): docs/sources.md"

    def find(self, context: Context) -> Iterator[Finding]:
        limit, window = context.thresholds, context.window
        candidates = silent_runs(
            context.ask, window, util_pct=limit["util_pct"], kinds=_KINDS, hours=limit["silent_hours"])
        known_until = last_report(context.ask, window) or window.since
        silent = []
        for run in candidates:
            silence = _failed(run, window, limit) or _silent(run, window, limit, known_until) or _unused(
                run, window, limit)
            if silence is not None:
                silent.append((run, silence))
        for money, (_, silence) in zip(money_of(context, (run for run, _ in silent)), silent, strict=True):
            finding = _finding(money, silence, window)
            if not finding.claims or finding.so_far >= Decimal(limit["min_so_far"]):
                yield finding


def _failed(run: RunLife, window: Window, limit: Mapping[str, float]) -> Silence | None:
    """The allocation outlives its last process."""
    if run.step_state is None or run.step_ended is None:
        return None
    ended = datetime.fromisoformat(run.step_ended.removesuffix("Z"))
    if (run.last_report and run.last_report > ended) or (run.last_busy and run.last_busy > ended):
        return None
    since = run.last_report or ended
    if run.span(window)[1] - since < timedelta(hours=limit["failed_hours"]):
        return None
    return Silence(since, "Last progress" if run.last_report else "Its process ended",
                   f"its process {run.step_state.replace('_', ' ')} {instant(ended)}, the allocation went on")


def _silent(run: RunLife, window: Window, limit: Mapping[str, float], known_until: datetime) -> Silence | None:
    """It reported, and does so no more, or nothing new."""
    if not run.last_report or not run.first_report or not run.reports:
        return None
    end, silent = run.span(window)[1], timedelta(hours=limit["silent_hours"])
    again = (run.restarts or 0) >= limit["restarts"]
    if again and run.furthest and run.last_report - run.furthest >= silent:
        return Silence(run.furthest, "Furthest step", f"it was started again {run.restarts} times and got no further",
                       Confidence.MEDIUM, "what it repeats since then is not wanted")
    since = run.last_report
    usual = (since - run.first_report) / max(run.reports - 1, 1)
    needed = max(silent, usual * limit["usual_gaps"])
    if run.last_nan and run.last_nan > since and end - since >= needed:
        return Silence(since, "Last finite report", f"it reported until {instant(run.last_nan)}, no value a number")
    idle = run.last_read is not None and run.last_read - since >= needed - HOUR and not (
        run.last_busy and run.last_busy > since + HOUR)
    if idle and end - since >= needed:
        return Silence(since, "Last progress", f"its GPUs stayed below {limit['util_pct']:g}% since then")
    needed = max(needed, timedelta(hours=limit["busy_hours"]))
    if min(end, known_until) - since < needed:
        return None
    how = "its GPUs are busy, and" if run.last_busy and run.last_busy > since else "of its GPUs nothing was read, and"
    return Silence(since, "Last progress", f"{how} it had reported every {duration(usual / HOUR)} until then",
                   Confidence.MEDIUM, "it would still report if it made progress")


def _unused(run: RunLife, window: Window, limit: Mapping[str, float]) -> Silence | None:
    """It never reports, and its accelerators do nothing."""
    first, end = run.span(window)
    if run.last_report or run.read_until is None or run.first_read is None:
        return None
    since = run.last_busy + HOUR if run.last_busy else max(first, run.first_read)
    if min(end, run.read_until) - since < timedelta(hours=limit["silent_hours"]):
        return None
    return Silence(since, "Last use" if run.last_busy else "Held since",
                   f"it reports no progress, and its GPUs stayed below {limit['util_pct']:g}% since then")


def _finding(money: RunMoney, silence: Silence, window: Window) -> Finding:
    run = money.run
    since, end = max(silence.since, run.span(window)[0]), run.span(window)[1]
    claims = money.since(silence.since)
    command, change = ending(run, window)
    after = "its last use" if silence.sign == "Last use" else "its last progress"
    for_time = lasting(end - since)
    title = (f"{named(run)} held {held(run)} for {for_time} without use." if silence.sign == "Held since"
             else f"{named(run)} held {held(run)} for {for_time} after {after}.")
    return Finding(
        code=ZombieRun.code, capability=ZombieRun.capability, subject=subject(run), title=title, owner=run.owner,
        team=run.team,
        evidence=(
            (silence.sign, instant(silence.since)), ("How it shows", silence.why),
            ("Held since then", f"{held(run)} for {for_time}"),
            ("Cost since then", dollars(claims[0].so_far) if claims else "unknown: no price for its accelerator"),
            ("State", run.state or "unknown"), ("Environment", run.environment or "unknown"),
            ("Use in the window", "unknown" if run.use is None else percent(run.use)), ("Period", period(window))),
        period=window, claims=claims, confidence=silence.confidence, assumption=silence.assumption,
        action=("End it; it can be resumed from its last checkpoint." if run.goes_on(window)
                else "It has ended. A limit on time without progress would have ended it earlier."),
        command=command, change=change)

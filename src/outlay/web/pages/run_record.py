"""What happened to a run, in sentences, in order of time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from outlay.accounting.assessment import Counted
from outlay.accounting.figures import day, plural
from outlay.questions.ask import Ask
from outlay.questions.onerun import Decided, Reports, RunMore, decided_about
from outlay.questions.runlist import RunRow

_STATES = {"accepted": "accepted", "ignored": "ignored", "open": "opened again"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One sentence; `bad`: something that costs and does nothing began."""

    at: datetime
    words: str
    bad: bool = False


def record(
    ask: Ask, row: RunRow, more: RunMore | None, findings: tuple[Counted, ...], told: Reports | None, at: datetime
) -> tuple[Entry, ...]:
    """Everything that the ledger knows to have happened to a run up to a moment."""
    titles = {each.finding.id: each.finding.title for each in findings}
    decisions = (_decided(each, titles) for each in decided_about(ask, list(titles)))
    entries = [*_life(row), *_step(more), *_reported(told), *decisions]
    return tuple(sorted((entry for entry in entries if entry.at <= at), key=lambda entry: entry.at))


def _life(row: RunRow) -> Iterator[Entry]:
    who = row.owner or "Someone unknown"
    if row.submitted is not None and row.submitted != row.started:
        yield Entry(row.submitted, f"{who} submitted it to {row.scheduler}.")
    if row.started is not None:
        held = f" on {plural(row.gpus, 'GPU')}" if row.gpus else ""
        yield Entry(row.started, f"Started{held}{f', {row.nodes}' if row.nodes and len(row.nodes) < 60 else ''}.")
    if row.ended is not None:
        failed = row.state in ("failed", "out_of_memory", "timeout")
        yield Entry(row.ended, f"Ended: {(row.state or 'unknown how').replace('_', ' ')}.", failed)


def _step(more: RunMore | None) -> Iterator[Entry]:
    """The end of its last process, where the allocation went on without it."""
    if more is None or "step_state" not in more.tags:
        return
    try:
        ended = datetime.fromisoformat(more.tags.get("step_ended", "").replace("Z", "+00:00")).replace(tzinfo=None)
    except ValueError:
        return
    yield Entry(ended, f"Its last process ended: {more.tags['step_state']}.", True)


def _reported(told: Reports | None) -> Iterator[Entry]:
    if told is None or not told.points:
        return
    if told.broken_since is not None:
        yield Entry(told.broken_since, f"{told.metric.capitalize()} became no number.", True)
    last = next((point for point in reversed(told.points) if point.value is not None), None)
    if last is not None:
        step = f", step {last.step:,}" if last.step is not None else ""
        yield Entry(last.time, f"Last report: {told.metric} {last.value:.4g}{step}.")


def _decided(each: Decided, titles: dict[str, str]) -> Entry:
    until = f" until {day(each.until)}" if each.until is not None else ""
    reason = f": {each.reason}" if each.reason else ""
    return Entry(each.at, f"{each.by} {_STATES.get(each.state, each.state)} the finding "
                          f"\N{LEFT DOUBLE QUOTATION MARK}{titles[each.finding_id].removesuffix('.')}"
                          f"\N{RIGHT DOUBLE QUOTATION MARK}{until}{reason}.")

"""Hours of model calls out of the ordinary that still last: which series, what moved, and what of it.

The series are those of teams, projects, runs, endpoints and models. One retry loop shows in all of them at once: what
began within hours of each other and is mostly the same calls is one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from outlay.detectors.surprises import DAY, Moved, Surprise, surprises
from outlay.facts.window import Window
from outlay.questions.ask import Ask
from outlay.questions.hourly_series import HOUR, PARTS, SERIES, Change, HourSum, change, hourly_series

if TYPE_CHECKING:
    import numpy as np

#: What is looked back on: two weeks to know what is usual, and the day that is judged.
_HOURS = 15 * DAY
#: Series of each kind, largest first: what is smaller is no news by itself.
_MOST_SERIES = 60
#: Anomalies that are looked into; more at once are one event that the largest of them show.
_MOST_EXPLAINED = 12
#: What began within so many hours may be the same thing.
_TOGETHER = 4
#: A sum of deviations tells hours after the first of them: so many hours before are looked at for the beginning.
_EARLIER = 6
#: A part names the cause where it made at least this share of the change, and more than it usually has of it.
_MOST_OF = 0.5
_MORE_THAN_USUAL = 0.15
#: In which order parts are told, where several made as much of it: what can be acted upon first.
_TOLD = ("run", "key", "agent", "user", "prompt version", "task", "endpoint", "project", "team", "model")


@dataclass(frozen=True, slots=True)
class Unusual:
    """`dimension` and `name` of the series; since which hour, and in which it was first `seen`; `cost` and `usual`:
    dollars since then; `times`: how many times the usual calls (dearer calls: price; failing calls: share of calls that
    failed, 0..1). `parts`: what made most of the change, each kind, name and share. `also`: other series that show the
    same thing."""

    dimension: str
    name: str
    moved: Moved
    since: datetime
    seen: datetime
    until: datetime
    cost: float
    usual: float
    times: float
    team: str | None
    owner: str | None
    parts: tuple[tuple[str, str, float], ...]
    also: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Event:
    """A surprise that lasts, with the hours of its series from the beginning on."""

    dimension: str
    name: str
    found: Surprise
    begin: int
    cost: float
    usual: float
    times: float


def unusual(ask: Ask, now: datetime) -> tuple[Unusual, ...]:
    """What is out of the ordinary in the last complete hours before `now`, naive UTC; what began first comes first."""
    until = now.replace(minute=0, second=0, microsecond=0)
    window = Window(until - _HOURS * HOUR, until)
    events = [event for dimension in SERIES
              for event in _events(dimension, hourly_series(ask, window, dimension, _MOST_SERIES), window)]
    events.sort(key=lambda event: -abs(event.cost - event.usual))
    chosen = sorted(events[:_MOST_EXPLAINED], key=lambda event: (
        event.found.hour, tuple(SERIES).index(event.dimension), event.name))
    return _once(tuple((event, _changes(ask, event, window)) for event in chosen), window)


def _events(
    dimension: str, series: Mapping[str, Mapping[datetime, HourSum]], window: Window
) -> list[_Event]:
    import numpy as np

    names = sorted(series)
    if not names:
        return []
    calls, errors, cost = (np.zeros((len(names), _HOURS)) for _ in range(3))
    for row, name in enumerate(names):
        for hour, each in series[name].items():
            column = int((hour - window.since) / HOUR)
            calls[row, column], errors[row, column], cost[row, column] = each.calls, each.errors, each.cost
    found = []
    for surprise in surprises(calls, errors, cost):
        row = surprise.series
        event = _lasting(dimension, names[row], surprise, calls[row], errors[row], cost[row])
        if event is not None:
            found.append(event)
    return found


def _lasting(
    dimension: str, name: str, found: Surprise, calls: np.ndarray, errors: np.ndarray, cost: np.ndarray
) -> _Event | None:
    """None where it was seen more than a day ago, or is over: where less than half of the change is left in the last
    two complete hours. It began with the first of the hours in a row before it was seen in which half of it was there.
    """
    import numpy as np

    start = found.hour - _EARLIER
    if found.hour < _HOURS - DAY:
        return None
    usual_calls, usual_cost = _usual(calls, start), _usual(cost, start)
    made, each = np.maximum(calls, 1), cost / np.maximum(calls, 1)
    week = slice(start - 7 * DAY, start)
    with np.errstate(divide="ignore", invalid="ignore"):
        price = np.median(each[week][calls[week] > 0])
        measure = {
            Moved.MORE: np.log((calls[start:] + 1) / (usual_calls + 1)),
            Moved.FEWER: -np.log((calls[start:] + 1) / (usual_calls + 1)),
            Moved.PRICE: np.log(np.where(calls[start:] > 0, each[start:], price) / price),
            Moved.ERRORS: errors[start:] / made[start:],
        }[found.moved]
    since = measure[_EARLIER:]
    if not np.isfinite(measure).all() or since[-2:].max() < since.max() / 2:
        return None
    at = since.max()
    begin = _EARLIER
    while begin and measure[begin - 1] >= at / 2:
        begin -= 1
    times = float(at) if found.moved is Moved.ERRORS else float(np.exp(-at if found.moved is Moved.FEWER else at))
    return _Event(dimension, name, found, start + begin, float(cost[start + begin:].sum()),
                  float(usual_cost[begin:].sum()), times)


def _usual(values: np.ndarray, begin: int) -> np.ndarray:
    """The median of the same hours of the week before `begin`, for each hour from then on."""
    import numpy as np

    hours = range(begin, len(values))
    return np.array([np.median(values[[hour - days * DAY for days in range(1, 9) if hour - days * DAY < begin][:7]])
                     for hour in hours])


def _changes(ask: Ask, event: _Event, window: Window) -> Mapping[str, tuple[Change, ...]]:
    span = Window(window.since + event.begin * HOUR, window.until)
    return {by: change(ask, span, event.dimension, event.name, by) for by in PARTS if by != event.dimension}


def _once(events: Sequence[tuple[_Event, Mapping[str, tuple[Change, ...]]]], window: Window) -> tuple[Unusual, ...]:
    """Events of the same calls as one, told of the series that showed it first."""
    told: list[tuple[_Event, Mapping[str, tuple[Change, ...]], list[_Event]]] = []
    for event, changes in events:
        for first, of_first, others in told:
            near = abs(event.found.hour - first.found.hour) <= _TOGETHER and event.found.moved is first.found.moved
            if near and max(_share(of_first, event, first.found.moved), _share(changes, first, first.found.moved)
                            ) >= _MOST_OF:
                others.append(event)
                break
        else:
            told.append((event, changes, []))
    return tuple(_told(event, changes, others, window) for event, changes, others in told)


def _share(changes: Mapping[str, tuple[Change, ...]], other: _Event, moved: Moved) -> float:
    """Which share of a change is that of the other series."""
    parts = changes.get(other.dimension, ())
    whole = sum(_moved(part, moved) for part in parts)
    mine = sum(_moved(part, moved) for part in parts if part.part == other.name)
    return mine / whole if whole else 0.0


def _moved(part: Change, moved: Moved) -> float:
    return part.cost - part.usual_cost if moved is Moved.PRICE else float(part.calls - part.usual_calls)


def _told(
    event: _Event, changes: Mapping[str, tuple[Change, ...]], others: Sequence[_Event], window: Window
) -> Unusual:
    moved = event.found.moved
    parts = {by: largest for by, each in changes.items() if (largest := _largest(each, moved)) is not None}
    named = tuple((by, parts[by][0], parts[by][1]) for by in _TOLD if by in parts and parts[by][2])
    team = event.name if event.dimension == "team" else parts["team"][0] if "team" in parts else None
    return Unusual(
        event.dimension, event.name, moved, window.since + event.begin * HOUR,
        window.since + event.found.hour * HOUR, window.until, event.cost, event.usual, event.times, team,
        parts["owner"][0] if "owner" in parts else None, named,
        tuple((other.dimension, other.name) for other in others))


def _largest(parts: Sequence[Change], moved: Moved) -> tuple[str, float, bool] | None:
    """The part that made most of the change, its share, and whether that is more than it usually has; None where no
    named part made most of it."""
    whole = sum(_moved(part, moved) for part in parts)
    if not whole:
        return None
    largest = max(parts, key=lambda part: _moved(part, moved) / whole)
    share = _moved(largest, moved) / whole
    if largest.part is None or share < _MOST_OF:
        return None
    usual = sum(part.usual_calls for part in parts)
    return largest.part, min(share, 1.0), share > (largest.usual_calls / usual if usual else 0.0) + _MORE_THAN_USUAL

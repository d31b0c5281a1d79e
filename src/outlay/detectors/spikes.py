"""Which days of a daily series are out of the ordinary: robust against weeks, growth and what lasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

#: The median absolute deviation x this is the standard deviation of what varies normally.
_NORMAL = 1.4826
_WEEK = 7
#: A month is 28 to 31 days long.
_MONTH = range(28, 32)


@dataclass(frozen=True, slots=True)
class SpikeRule:
    """When a day is one. `history`: days looked back on; `active`: of them with cost, at least; `times_usual` and
    `times_highest`: how much dearer than a usual day, and than the dearest usual one; `spread`: how many deviations;
    `least`: dollars above usual; `lasting`: days after which it is the new level; `periodic`: share of its size that
    the same weekday or day of the month must reach for it to be a habit."""

    history: int
    active: int
    times_usual: float
    times_highest: float
    spread: float
    least: float
    lasting: int
    periodic: float


@dataclass(frozen=True, slots=True)
class Spike:
    """Days `first` to `last` (both included) of a series; `usual`: what a usual day costs, for each of them; `before`:
    the usual days that they were compared with."""

    first: int
    last: int
    usual: tuple[float, ...]
    before: tuple[int, ...]


def spikes(values: Sequence[float], rule: SpikeRule) -> tuple[Spike, ...]:
    """Every spike of a series of consecutive days, oldest first.

    A day is compared with the unremarkable days before it. Days in a row are one spike; more than `rule.lasting` of
    them are none but a new level, and are what later days are compared with.
    """
    found: list[Spike] = []
    odd: set[int] = set()
    run: list[tuple[int, float]] = []
    for day in range(len(values) + 1):
        before = tuple(other for other in range(max(0, day - rule.history), day) if other not in odd)
        usual = _usual(values, day, before, rule) if day < len(values) else None
        if usual is not None:
            run.append((day, usual))
            odd.add(day)
            continue
        if run and len(run) <= rule.lasting:
            first = run[0][0]
            compared = tuple(other for other in range(max(0, first - rule.history), first) if other not in odd)
            found.append(Spike(first, run[-1][0], tuple(expected for _, expected in run), compared))
        elif run:
            odd -= {other for other, _ in run}
        run = []
    return tuple(found)


def _usual(values: Sequence[float], day: int, before: tuple[int, ...], rule: SpikeRule) -> float | None:
    """What the day would have cost as usual, where it cost much more; else None."""
    known = [values[other] for other in before]
    if sum(value > 0 for value in known) < rule.active:
        return None
    middle = median(known)
    same_weekday = [values[other] for other in before if (day - other) % _WEEK == 0]
    usual = max(middle, median(same_weekday)) if len(same_weekday) > 1 else middle
    deviation = _NORMAL * median(abs(value - middle) for value in known)
    value = values[day]
    if value < rule.times_usual * usual or value < rule.times_highest * max(known):
        return None
    if value - usual < max(rule.least, rule.spread * deviation) or _habit(values, day, rule):
        return None
    return usual


def _habit(values: Sequence[float], day: int, rule: SpikeRule) -> bool:
    """Whether most of the same weekdays, earlier or later, or a day a month before or after, are as dear."""
    enough = rule.periodic * values[day]
    weeks = [values[other] for other in range(day % _WEEK, len(values), _WEEK) if 0 < abs(day - other) <= rule.history]
    if len(weeks) > 1 and sum(value >= enough for value in weeks) * 2 >= len(weeks):
        return True
    months = [other for distance in _MONTH for other in (day - distance, day + distance) if 0 <= other < len(values)]
    return any(values[other] >= enough for other in months)

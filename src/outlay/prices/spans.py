"""Pieces of time in which a price does not change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TypeVar

DAY_US = 86_400_000_000
_EPOCH = datetime(1970, 1, 1)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Span:
    """[since, until), naive UTC (None: open), at times of day [after_us, before_us) in microseconds of the UTC day."""

    since: datetime | None
    until: datetime | None
    after_us: int = 0
    before_us: int = DAY_US

    @property
    def moment(self) -> datetime:
        """A moment inside; what holds then holds in all of the span."""
        if self.since is not None:
            day = self.since
        elif self.until is not None:
            day = self.until - timedelta(days=1)
        else:
            day = _EPOCH
        return day + timedelta(microseconds=self.after_us)

    @property
    def whole_day(self) -> bool:
        return self.after_us == 0 and self.before_us == DAY_US

    def holds(self, moment: datetime) -> bool:
        clock = moment - moment.replace(hour=0, minute=0, second=0, microsecond=0)
        at_us = clock // timedelta(microseconds=1)
        return self.meets(moment, moment) and self.after_us <= at_us < self.before_us

    def meets(self, first: datetime, last: datetime) -> bool:
        """Whether a moment of [first, last] may fall into the span; times of day are not looked at."""
        return (self.since is None or self.since <= last) and (self.until is None or self.until > first)


def spans(dates: Iterable[datetime], times_us: Iterable[int]) -> Iterator[Span]:
    """Cuts all time at `dates` (midnights) and every day at `times_us`."""
    edges: list[datetime | None] = [None, *sorted(set(dates)), None]
    clock = sorted({0, DAY_US, *times_us})
    for since, until in pairwise(edges):
        for after, before in pairwise(clock):
            yield Span(since, until, after, before)


def constant_spans(
    dates: Iterable[datetime], times_us: Iterable[int], value_at: Callable[[datetime], T]
) -> list[tuple[Span, T]]:
    """The fewest pieces (of this cut) in which `value_at` is constant."""
    days: list[list[tuple[Span, T]]] = []
    for span in spans(dates, times_us):
        if span.after_us == 0:
            days.append([])
        value = value_at(span.moment)
        if days[-1] and days[-1][-1][1] == value:
            earlier = days[-1].pop()[0]
            span = replace(earlier, before_us=span.before_us)
        days[-1].append((span, value))
    merged = days[:1]
    for day in days[1:]:
        if _same_day(merged[-1], day):
            merged[-1] = [(replace(span, until=day[0][0].until), value) for span, value in merged[-1]]
        else:
            merged.append(day)
    return [piece for day in merged for piece in day]


def _same_day(left: list[tuple[Span, T]], right: list[tuple[Span, T]]) -> bool:
    return len(left) == len(right) and all(
        a.after_us == b.after_us and a.before_us == b.before_us and x == y
        for (a, x), (b, y) in zip(left, right, strict=True)
    )

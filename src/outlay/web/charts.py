"""Charts of the report as SVG: pure functions of the assessment's values, each in a wide and a narrow drawing.

Widths are attributes, colours are classes of the stylesheet: no style attribute, so that a strict policy can hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_CEILING, Decimal

from markupsafe import Markup

from outlay.accounting.assessment import GpuPart, TrendDay
from outlay.accounting.digest import GPU_PARTS
from outlay.accounting.figures import day, percent
from outlay.accounting.money import dollars, places, short_dollars
from outlay.web.svg import drawing, line, num, rect, text

#: The fill of each part of accelerator time.
GPU_FILLS = {"used": "f-d", "idle": "f-w", "unallocated": "f-n", "unknown": "f-3"}


def cell_bar(share: float, *, fill: str = "f-d", width: int = 150, height: int = 8, to_right: bool = False) -> Markup:
    """A bar in a table cell, `share` of `width`; something that is not nothing stays visible."""
    length = max(min(share, 1.0) * width, 0.5) if share > 0 else 0.0
    return drawing(width, height, [rect(fill, width - length if to_right else 0, 0, length, height)])


def goal_bar(share: float, goal: float, label: str, *, fill: str = "f-d", width: int = 180) -> Markup:
    """A share of the whole against its goal, a tick."""
    tick = f'<path class="bud" d="M{num(goal * width)} 5v15"/>'
    parts = [rect("f-n", 0, 9, width, 7), rect(fill, 0, 9, min(max(share, 0.0), 1.0) * width, 7), tick]
    return drawing(width, 24, parts, label)


def gpu_bar(
    parts: Sequence[GpuPart], currency: str, widths: Sequence[tuple[int, str]] = ((896, "wide"), (328, "narrow"))
) -> Markup:
    """Used, allocated but unused, unallocated and unread in one bar that adds up; a drawing for each of the widths."""
    by_cost = any(part.cost for part in parts)
    sizes = {part.part: part.cost if by_cost else part.gpu_hours for part in parts}
    total = sum(sizes.values(), Decimal(0))
    named = [(name, GPU_FILLS[part], sizes[part]) for part, name in GPU_PARTS.items() if sizes.get(part)]
    if not total:
        return Markup("")
    precision = places(sizes.values())
    written = [dollars(size, currency, precision) if by_cost else f"{size:,.0f} h" for _, _, size in named]
    label = ", ".join(f"{name.lower()} {size}" for (name, _, _), size in zip(named, written, strict=True)).capitalize()
    return Markup("").join(_stacked(named, total, label, width, kind) for width, kind in widths)


def _stacked(named: Sequence[tuple[str, str, Decimal]], total: Decimal, label: str, width: int, kind: str) -> Markup:
    gap = 1.5
    room = width - gap * (len(named) - 1)
    body, x = [], 0.0
    for _, fill, size in named:
        length = float(size / total) * room
        body.append(rect(fill, x, 0, length, 22))
        x += length + gap
    return drawing(width, 22, body, label, kind)


#: Steps of a money axis, times a power of ten.
_ROUND = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where the plot stands within a drawing, in pixels, and the amounts that its money axis names."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int
    ticks: tuple[Decimal, ...]

    def y(self, amount: Decimal) -> float:
        share = float(amount / self.ticks[-1])
        return self.bottom - share * (self.bottom - self.top)


def trend(days: Sequence[TrendDay], currency: str) -> Markup:
    """Spend a day, and below it what of it bought nothing; days without facts stay gaps."""
    if not days:
        return Markup("")
    label = trend_sentence(days, currency)
    ticks = round_ticks(max(each.cost for each in days))
    wide = _Frame(896, 300, 52, 780, 14, 272, ticks)
    narrow = _Frame(328, 220, 48, 320, 14, 196, ticks)
    return _trend(days, currency, wide, label, "wide") + _trend(days, currency, narrow, label, "narrow")


def trend_sentence(days: Sequence[TrendDay], currency: str) -> str:
    """What the chart shows, for those who do not see it."""
    spent = sum((each.cost for each in days), Decimal(0))
    wasted = sum((each.wasted for each in days), Decimal(0))
    highest = max(days, key=lambda each: each.cost)
    share = float(wasted / spent) if spent else 0.0
    return (
        f"Spend a day from {day(days[0].day)} to {day(days[-1].day)}: {dollars(spent / len(days), currency)} on "
        f"average, at most {dollars(highest.cost, currency)} on {day(highest.day)}. {percent(share)} bought nothing."
    )


def round_ticks(largest: Decimal) -> tuple[Decimal, ...]:
    """Round amounts from 0 to the first that is not below `largest`: three or four rules above the axis."""
    if largest <= 0:
        return (Decimal(0), Decimal(1))
    size = largest / Decimal("3.4")
    unit = Decimal(1).scaleb(size.adjusted())
    step = next(unit * factor for factor in _ROUND if unit * factor >= size)
    return tuple(step * index for index in range(int((largest / step).to_integral_value(ROUND_CEILING)) + 1))


def _trend(days: Sequence[TrendDay], currency: str, frame: _Frame, label: str, kind: str) -> Markup:
    first, last = days[0].day, days[-1].day
    span = max((last - first).days, 1)

    def x(each: TrendDay) -> float:
        return frame.left + (each.day - first).days / span * (frame.right - frame.left)

    body = [*_money_axis(frame, currency), *_day_axis(days, frame, span)]
    for stretch in _stretches(days):
        wasted = [(x(each), frame.y(each.wasted)) for each in stretch]
        floor = [(wasted[-1][0], float(frame.bottom)), (wasted[0][0], float(frame.bottom))]
        body += [line("f-ws", [*wasted, *floor]), line("ln wa", wasted)]
        body.append(line("ln", [(x(each), frame.y(each.cost)) for each in stretch]))
    end = days[-1]
    body += [_dot(x(end), frame.y(end.cost)), *_end_labels(end, x(end), frame, currency, kind)]
    return drawing(frame.width, frame.height, body, label, kind)


def _stretches(days: Sequence[TrendDay]) -> Iterator[list[TrendDay]]:
    """Days without a gap between them."""
    stretch = [days[0]]
    for each in days[1:]:
        if each.day - stretch[-1].day > timedelta(days=1):
            yield stretch
            stretch = []
        stretch.append(each)
    yield stretch


def _money_axis(frame: _Frame, currency: str) -> Iterator[str]:
    for amount in frame.ticks:
        y = frame.y(amount)
        yield f'<path class="{"gr" if amount else "ax"}" d="M{frame.left} {num(y)}H{frame.right}"/>'
        yield text(frame.left - 6, y + 4, axis_label(amount, currency), "e")


def axis_label(amount: Decimal, currency: str) -> str:
    """`$5K`, not `$5.0K`: amounts on an axis are round."""
    return re.sub(r"\.0+(?=[KM]$)", "", short_dollars(amount, currency))


def _day_axis(days: Sequence[TrendDay], frame: _Frame, span: int) -> Iterator[str]:
    """Dates below the axis, at least 56 pixels apart; the month is named at the first and where it changes."""
    pixels = (frame.right - frame.left) / span
    step = next((step for step in (1, 2, 7, 14, 28, 56, 91) if step * pixels >= 56), 182)
    month = 0
    for offset in range(0, span + 1 if len(days) > 1 else 1, step):
        moment = days[0].day + timedelta(days=offset)
        words = day(moment) if moment.month != month else str(moment.day)
        month = moment.month
        yield text(frame.left + offset * pixels, frame.bottom + 18, words, "c" if offset else "")


def _dot(x: float, y: float) -> str:
    return f'<circle class="dot" cx="{num(x)}" cy="{num(y)}" r="2.5"/>'


def _end_labels(end: TrendDay, x: float, frame: _Frame, currency: str, kind: str) -> Iterator[str]:
    """Both lines are named at their end, where there is room; the narrow drawing leaves that to its legend."""
    if kind == "narrow":
        return
    spent, wasted = frame.y(end.cost), frame.y(end.wasted)
    if wasted - spent < 30:
        middle = (wasted + spent) / 2
        spent, wasted = middle - 15, middle + 15
    lift = max(0.0, wasted + 18 - frame.bottom)
    yield text(x + 10, spent - lift + 4, short_dollars(end.cost, currency), "k")
    yield text(x + 10, spent - lift + 18, f"spent {day(end.day)}")
    yield text(x + 10, wasted - lift + 4, short_dollars(end.wasted, currency), "w")
    yield text(x + 10, wasted - lift + 18, "bought nothing")

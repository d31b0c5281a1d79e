"""Small drawings that stand in a cell or below a figure: a line, a share of a budget with its forecast."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from markupsafe import Markup

from outlay.web.svg import drawing, line, num, rect


def sparkline(
    values: Sequence[float | None], label: str = "", *, width: int = 180, height: int = 24, top: float | None = None,
    wasted: bool = False, dot: bool = True,
) -> Markup:
    """A line over equal steps of time, gaps left open, its last point dotted. `top`: the fixed end of its scale (100
    for percent), by default the largest value. With `label` an image that says it, without one decoration."""
    known = [value for value in values if value is not None]
    if not known:
        return Markup("")
    floor = 0.0 if top is not None else min(0.0, *known) if min(known) < 0 else min(known) * 0.9
    ceiling = top if top is not None else max(known)
    span = (ceiling - floor) or 1.0
    left, right = 2.0, width - 3.0

    def place(index: int, value: float) -> tuple[float, float]:
        x = left + (right - left) * (index / (len(values) - 1) if len(values) > 1 else 1)
        return x, height - 3 - (min(value, ceiling) - floor) / span * (height - 6)

    kind = "ln th wa" if wasted else "ln th"
    body = [line(kind, [place(index, value) for index, value in stretch]) for stretch in _stretches(values)]
    last = max(index for index, value in enumerate(values) if value is not None)
    if dot:
        x, y = place(last, values[last] or 0.0)
        body.append(f'<circle class="dot" cx="{num(x)}" cy="{num(y)}" r="2.5"/>')
    return drawing(width, height, body, label)


def sampled(values: Sequence[float], most: int) -> list[float]:
    """At most so many of the values, evenly, the first and the last among them."""
    if len(values) <= most:
        return [float(value) for value in values]
    return [float(values[round(place * (len(values) - 1) / (most - 1))]) for place in range(most)]


def _stretches(values: Sequence[float | None]) -> Iterator[list[tuple[int, float]]]:
    stretch: list[tuple[int, float]] = []
    for index, value in enumerate(values):
        if value is not None:
            stretch.append((index, value))
        elif stretch:
            yield stretch
            stretch = []
    if stretch:
        yield stretch


def burn_bar(spent: Decimal, budget: Decimal, forecast: tuple[Decimal, Decimal, Decimal] | None, label: str) -> Markup:
    """What is spent of a budget, where it will end (middle, low, high) and the budget as a long tick, wide and narrow.
    All such bars share one scale: a budget is 5/9 of the width, so that 180% of it can be seen."""
    wide, narrow = (_burn_bar(spent, budget, forecast, label, width, kind)
                    for width, kind in ((230, "wide"), (128, "narrow")))
    return wide + narrow


def _burn_bar(spent: Decimal, budget: Decimal, forecast: tuple[Decimal, Decimal, Decimal] | None, label: str,
              width: int, kind: str) -> Markup:
    whole = width / 1.8

    def x(amount: Decimal) -> float:
        return min(max(float(amount / budget), 0.0) * whole, width - 1)

    over = spent > budget
    body = [rect("f-n", 0, 6, whole, 6), rect("f-o" if over else "f-d", 0, 6, x(spent), 6)]
    if forecast is not None:
        middle, low, high = forecast
        body += [rect("band", x(low), 4, x(high) - x(low), 10),
                 f'<path class="ln th" d="M{num(x(spent))} 9H{num(x(middle))}M{num(x(middle))} 4v10"/>']
    body.append(f'<path class="bud" d="M{num(whole)} 1v16"/>')
    return drawing(width, 18, body, label, kind)

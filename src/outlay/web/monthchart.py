"""The month against its budget: what is spent, where it leads, and when the budget is reached."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from markupsafe import Markup

from outlay.accounting.figures import day
from outlay.accounting.money import dollars, short_dollars
from outlay.accounting.pace import Forecast
from outlay.facts.window import Window
from outlay.web.charts import axis_label, round_ticks
from outlay.web.svg import drawing, line, num, text

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Month:
    """Cumulative spend of a period. `days`: the cost of each day known, the last one up to `now`."""

    period: Window
    now: datetime
    days: tuple[tuple[datetime, Decimal], ...]
    budget: Decimal | None
    forecast: Forecast | None

    @property
    def spent(self) -> Decimal:
        return sum((cost for _, cost in self.days), Decimal(0))

    @property
    def points(self) -> tuple[tuple[datetime, Decimal], ...]:
        """What was spent by the end of each day, from nothing at the start on."""
        total, found = Decimal(0), [(self.period.since, Decimal(0))]
        known = dict(self.days)
        at = self.period.since
        while at < self.now:
            total += known.get(at, Decimal(0))
            at = min(at + DAY, self.now)
            found.append((at, total))
        return tuple(found)

    @property
    def passed(self) -> float:
        """Share of the period that has passed."""
        return (self.now - self.period.since) / self.period.length

    def pace(self, at: datetime) -> Decimal | None:
        """What an even pace would have spent of the budget by then."""
        if self.budget is None:
            return None
        return self.budget * Decimal(str(round((at - self.period.since) / self.period.length, 9)))

    @property
    def reached(self) -> tuple[datetime, datetime | None, datetime | None] | None:
        """When the budget will be spent: middle, earliest, latest (None: not within the period, 8 times of 10)."""
        if self.budget is None or self.forecast is None or self.spent > self.budget or self.forecast.end < self.budget:
            return None
        middle = early = late = None
        steps = max(int((self.period.until - self.now) / timedelta(hours=6)), 1)
        for step in range(1, steps + 1):
            days = step / 4
            found, low, high = self.forecast.at(self.spent, days)
            at = self.now + timedelta(days=days)
            early = early or (at if high >= self.budget else None)
            middle = middle or (at if found >= self.budget else None)
            late = late or (at if low >= self.budget else None)
        return None if middle is None else (middle, early, late)


def month_sentence(month: Month, currency: str) -> str:
    """What the chart shows, for those who do not see it."""
    said = f"Spend in {month.period.since:%B} rises to {dollars(month.spent, currency)} by {day(month.now)}"
    if month.budget is not None:
        even = month.pace(month.now) or Decimal(0)
        said += f", {'above' if month.spent > even else 'below'} the even pace of {dollars(even, currency)}"
    said += "."
    if month.forecast is not None:
        end = month.forecast
        said += (f" The forecast for the end of the month is {short_dollars(end.end, currency)}, 80% interval "
                 f"{short_dollars(end.low, currency)} to {short_dollars(end.high, currency)}.")
    if month.budget is not None:
        said += f" The budget is {dollars(month.budget, currency)}."
    if month.reached is not None:
        said += f" It will be reached on {day(month.reached[0])}."
    return said


def month_chart(month: Month, currency: str) -> Markup:
    """The drawings, wide and narrow."""
    high = Decimal(0) if month.forecast is None else month.forecast.high
    largest = max(month.spent, month.budget or Decimal(0), high)
    ticks = round_ticks(largest)
    label = month_sentence(month, currency)
    wide = _Plot(month, currency, ticks, 700, 372, 50, 550, 348)
    narrow = _Plot(month, currency, ticks, 328, 220, 44, 320, 196)
    return wide.drawn(label, "wide") + narrow.drawn(label, "narrow")


@dataclass(frozen=True, slots=True)
class _Plot:
    month: Month
    currency: str
    ticks: tuple[Decimal, ...]
    width: int
    height: int
    left: int
    right: int
    bottom: int
    top = 14

    def x(self, at: datetime) -> float:
        share = (at - self.month.period.since) / self.month.period.length
        return self.left + min(max(share, 0.0), 1.0) * (self.right - self.left)

    def y(self, amount: Decimal) -> float:
        return self.bottom - float(amount / self.ticks[-1]) * (self.bottom - self.top)

    @property
    def is_wide(self) -> bool:
        return self.width > 400

    def drawn(self, label: str, kind: str) -> Markup:
        month = self.month
        body = [*self._axes(), *self._expected()]
        body.append(line("ln", [(self.x(at), self.y(spent)) for at, spent in month.points]))
        x, y = self.x(month.now), self.y(month.spent)
        body.append(f'<circle class="dot" cx="{num(x)}" cy="{num(y)}" r="4"/>')
        body += self._words(x, y)
        return drawing(self.width, self.height, body, label, kind)

    def _axes(self) -> Iterator[str]:
        for amount in self.ticks:
            y = self.y(amount)
            yield f'<path class="{"gr" if amount else "ax"}" d="M{self.left} {num(y)}H{self.right}"/>'
            yield text(self.left - 6, y + 4, axis_label(amount, self.currency), "e")
        for number in (0, 7, 14, 21, 28):
            at = self.month.period.since + number * DAY
            if at < self.month.period.until:
                yield text(self.x(at), self.bottom + 18, str(at.day) if number else day(at), "c" if number else "")

    def _expected(self) -> Iterator[str]:
        """Even pace, interval, budget, forecast."""
        month = self.month
        if month.budget is not None:
            yield f'<path class="pace" d="M{self.left} {self.bottom}L{self.right} {num(self.y(month.budget))}"/>'
        if month.forecast is not None and month.forecast.days_left > 0:
            lows, highs = [], []
            for step in range(9):
                days = month.forecast.days_left * step / 8
                _, low, high = month.forecast.at(month.spent, days)
                x = self.x(month.now + timedelta(days=days))
                lows.append((x, self.y(low)))
                highs.append((x, self.y(high)))
            yield line("band", [*highs, *reversed(lows)])
            yield line("ln fc", [(self.x(month.now), self.y(month.spent)),
                                 (float(self.right), self.y(month.forecast.end))])
        if month.budget is not None:
            yield f'<path class="bud" d="M{self.left} {num(self.y(month.budget))}H{self.right}"/>'

    def _words(self, x: float, y: float) -> Iterator[str]:
        month, currency = self.month, self.currency
        over = month.budget is not None and month.forecast is not None and month.forecast.end > month.budget
        spent = dollars(month.spent, currency) if self.is_wide else short_dollars(month.spent, currency)
        named = f"{spent} today" if self.is_wide else spent
        if month.passed <= 0.25:
            yield text(x + 10, y + 14, named, "k")
        elif self.is_wide or month.forecast is None or y - self.y(month.forecast.high) > 24:
            yield text(x - 10, y - 6, named, "k e")  # from the second week on there is room at its left
        else:
            yield text(x - 2, y + 22, named, "k e")
        if month.budget is not None:
            limit = dollars(month.budget, currency) if self.is_wide else short_dollars(month.budget, currency)
            yield text(self.left + 8, self.y(month.budget) - 7, f"budget {limit}")
        if month.forecast is None:
            return
        end = month.forecast
        words = f"{short_dollars(end.end, currency)} forecast"
        kind = "o" if over else "k"
        if not self.is_wide:
            yield text(self.right, max(self.y(end.high) - 7, 12.0), words, f"{kind} e")
            return
        level = self.y(end.end) + 4
        yield text(self.right + 10, level, words, kind)
        yield text(self.right + 10, level + 16,
                   f"80%: {short_dollars(end.low, currency)} to {short_dollars(end.high, currency)}")
        if month.reached is not None and month.budget is not None:
            middle, early, late = month.reached
            lower = max(self.y(month.budget) + 4, level + 36)
            yield text(self.right + 10, lower, f"reached {day(middle)}", "k")
            yield text(self.right + 10, lower + 16, f"80%: {day(early or middle)} to {day(late) if late else 'later'}")

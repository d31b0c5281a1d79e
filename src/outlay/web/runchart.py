"""A run over time: what it cost, what it reported, how busy its accelerators were; one axis of time below all three."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from markupsafe import Markup

from outlay.accounting.figures import day, instant, percent
from outlay.accounting.money import dollars
from outlay.web.charts import axis_label, round_ticks
from outlay.web.svg import drawing, line, num, rect, text

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RunSeries:
    """What is drawn. `cost`: cumulative, at moments between which it grows evenly; `values`: of `metric`, None where
    nothing was a number; `use`: percent by hour; `wasted_since`: from when on it got nowhere, as a finding says."""

    since: datetime
    until: datetime
    cost: tuple[tuple[datetime, Decimal], ...]
    metric: str
    values: tuple[tuple[datetime, float | None], ...]
    broken_since: datetime | None
    use: tuple[tuple[datetime, float], ...]
    wasted_since: datetime | None

    @property
    def spent(self) -> Decimal:
        return self.cost[-1][1] if self.cost else Decimal(0)

    def spent_at(self, at: datetime) -> Decimal:
        """What it had cost by a moment."""
        before = self.cost[0] if self.cost else (at, Decimal(0))
        for point in self.cost:
            if point[0] >= at:
                span = (point[0] - before[0]) / timedelta(seconds=1)
                share = Decimal(str((at - before[0]) / timedelta(seconds=1) / span)) if span > 0 else Decimal(0)
                return before[1] + (point[1] - before[1]) * max(share, Decimal(0))
            before = point
        return before[1]

    @property
    def mean_use(self) -> float | None:
        return sum(value for _, value in self.use) / len(self.use) / 100 if self.use else None


def run_sentence(series: RunSeries, currency: str) -> str:
    """What the chart shows, for those who do not see it."""
    said = [f"From {instant(series.since)} to {instant(series.until)}."]
    if series.cost:
        said.append(f"Cost rises to {dollars(series.spent, currency)}.")
    if series.wasted_since is not None and series.cost:
        useless = series.spent - series.spent_at(series.wasted_since)
        said.append(f"{dollars(useless, currency)} of it came after {instant(series.wasted_since)}, without progress.")
    known = [value for _, value in series.values if value is not None]
    if known:
        said.append(f"{series.metric.capitalize()} goes from {known[0]:.3g} to {known[-1]:.3g}.")
    if series.broken_since is not None:
        said.append(f"It is no number since {instant(series.broken_since)}.")
    if series.mean_use is not None:
        said.append(f"GPU use is {percent(series.mean_use)} on average.")
    return " ".join(said)


def run_chart(series: RunSeries, currency: str) -> Markup:
    """The drawings, wide and narrow; as many panels as there is something to show."""
    label = run_sentence(series, currency)
    wide, narrow = _Drawn(series, currency, 700, 568, True), _Drawn(series, currency, 328, 320, False)
    return wide.whole(label) + narrow.whole(label)


@dataclass(frozen=True, slots=True)
class _Drawn:
    series: RunSeries
    currency: str
    width: int
    right: int
    wide: bool
    left = 52

    def x(self, at: datetime) -> float:
        span = (self.series.until - self.series.since) / timedelta(seconds=1) or 1.0
        share = (at - self.series.since) / timedelta(seconds=1) / span
        return self.left + min(max(share, 0.0), 1.0) * (self.right - self.left)

    def whole(self, label: str) -> Markup:
        body: list[str] = []
        top = 0
        for shown, panel, height in (
                (self.series.cost, self._cost, 132), (self.series.values, self._values, 70),
                (self.series.use, self._use, 52)):
            if shown:
                body += panel(top + 18, height)
                top += 18 + height + 18
        body += self._time(top - 18)
        return drawing(self.width, top + 14, body, label, "wide" if self.wide else "narrow")

    def _cost(self, top: int, height: int) -> Iterator[str]:
        series, currency = self.series, self.currency
        ticks = round_ticks(series.spent)[:: 1 if self.wide else 2]
        ticks = ticks if ticks[-1] >= series.spent else round_ticks(series.spent)
        bottom = top + height

        def y(amount: Decimal) -> float:
            return bottom - float(amount / ticks[-1]) * height

        yield text(self.left, top - 7, "Cost", "k")
        for amount in ticks:
            yield f'<path class="{"gr" if amount else "ax"}" d="M{self.left} {num(y(amount))}H{self.right}"/>'
            yield text(self.left - 6, y(amount) + 4, axis_label(amount, currency), "e")
        points = [(self.x(at), y(amount)) for at, amount in series.cost]
        since = series.wasted_since
        if since is None:
            yield line("ln", points)
        else:
            turn = (self.x(since), y(series.spent_at(since)))
            after = [turn, *(point for (at, _), point in zip(series.cost, points, strict=True) if at > since)]
            before = [*(point for (at, _), point in zip(series.cost, points, strict=True) if at <= since), turn]
            yield line("f-ws", [*after, (after[-1][0], float(bottom)), (turn[0], float(bottom))])
            yield line("ln", before)
            yield line("ln wa", after)
            useless = series.spent - series.spent_at(since)
            middle = (turn[0] + after[-1][0]) / 2
            if after[-1][0] - turn[0] > 130:
                yield text(middle, bottom - 12, f"{dollars(useless, currency)} without progress", "w c")
        x, level = points[-1]
        yield f'<circle class="{"dot" if since is None else "f-w"}" cx="{num(x)}" cy="{num(level)}" r="4"/>'
        words, kind = dollars(series.spent, currency), "k" if since is None else "w"
        if self.wide:
            yield text(x + 10, level + 4, words, kind)
        else:
            yield text(x, max(level - 8, top - 7.0), words, f"{kind} e")

    def _values(self, top: int, height: int) -> Iterator[str]:
        known = [value for _, value in self.series.values if value is not None]
        low, high = (min(known), max(known)) if known else (0.0, 1.0)
        span = (high - low) or 1.0
        bottom = top + height
        yield text(self.left, top - 7, self.series.metric.replace("_", " ").capitalize(), "k")
        yield f'<path class="ax" d="M{self.left} {bottom}H{self.right}"/>'
        yield text(self.left - 6, bottom + 1, f"{low:.3g}", "e")
        yield text(self.left - 6, top + 8, f"{high:.3g}", "e")
        stretch: list[tuple[float, float]] = []
        for at, value in (*self.series.values, (self.series.until, None)):
            if value is not None:
                stretch.append((self.x(at), bottom - (value - low) / span * height))
            elif stretch:
                yield line("ln", stretch)
                stretch = []
        lost = self.series.broken_since
        if lost is not None:
            x = self.x(lost)
            yield rect("f-ws", x, top, self.right - x, height)
            if self.right - x > 150:
                yield text((x + self.right) / 2, top + height / 2 + 4, f"no number since {instant(lost)}", "w c")

    def _use(self, top: int, height: int) -> Iterator[str]:
        bottom = top + height
        yield text(self.left, top - 7, "GPU use", "k")
        yield f'<path class="ax" d="M{self.left} {bottom}H{self.right}"/>'
        yield text(self.left - 6, bottom + 4, "0%", "e")
        yield text(self.left - 6, top + 4, "100%", "e")
        for stretch in _hours(self.series.use):
            yield line("ln", [
                (self.x(at + timedelta(minutes=30)), bottom - value / 100 * height) for at, value in stretch])
        if self.wide and self.series.mean_use is not None:
            yield text(self.right + 8, top + 4, f"{percent(self.series.mean_use)} on average")

    def _time(self, bottom: int) -> Iterator[str]:
        since, until = self.series.since, self.series.until
        days = (until - since) / DAY
        if days < 2:
            steps = [since + (until - since) * place / 4 for place in range(4 if self.wide else 2)]
            yield text(self.left, bottom + 16, instant(since))
            yield from (text(self.x(at), bottom + 16, f"{at:%H:%M}", "c") for at in steps[1:])
            return
        room = (self.right - self.left) / days
        step = next((step for step in (1, 2, 4, 7, 14, 28, 56) if step * room >= 56), 112)
        at = datetime(since.year, since.month, since.day) + DAY
        while at < until:
            if self.x(at) < self.right - 20:
                yield text(self.x(at), bottom + 16, day(at), "c")
            at += step * DAY


def _hours(use: Sequence[tuple[datetime, float]]) -> Iterator[list[tuple[datetime, float]]]:
    """Hours without a gap between them."""
    stretch: list[tuple[datetime, float]] = []
    for at, value in use:
        if stretch and at - stretch[-1][0] > timedelta(hours=1):
            yield stretch
            stretch = []
        stretch.append((at, value))
    if stretch:
        yield stretch



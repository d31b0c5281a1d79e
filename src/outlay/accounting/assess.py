"""Puts the assessment together from the answers to the questions and the findings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from outlay.accounting import gaps, quickwins
from outlay.accounting.assessment import (
    Assessment,
    Breakdown,
    Counted,
    Drift,
    Line,
    OutputCost,
    TrendDay,
)
from outlay.accounting.currencies import in_currency
from outlay.accounting.figures import plural
from outlay.accounting.gpu import gpu_section
from outlay.accounting.untagged import untagged_section
from outlay.detectors.overlap import count_once
from outlay.detectors.run import detect
from outlay.facts.window import HOURS_PER_MONTH, Window
from outlay.ledger.decisions import Decision, decisions
from outlay.ledger.dollars import METERED, dollar_rates, in_dollars
from outlay.questions.answer import Answer
from outlay.questions.ask import Ask
from outlay.questions.costs import CostQuery, costs
from outlay.questions.explain import drift_expr
from outlay.questions.outputs import outputs
from outlay.questions.runs import run_words
from outlay.questions.unpriced import unpriced_models
from outlay.questions.windows import DAY, earliest_fact, now

if TYPE_CHECKING:
    from outlay.prices.book import PriceBook
    from outlay.settings import Settings

#: Breakdowns of the report, and how many lines each shows.
BREAKDOWNS = ("team", "stage", "model", "run", "agent")
SHOWN = 10
_TICK = timedelta(microseconds=1)


def assess(ask: Ask, window: Window, settings: Settings, book: PriceBook, rejected: int) -> Assessment:
    """The assessment of a window; derived tables must be current."""
    rates = dollar_rates(settings.rates)
    asked = ask.remembering()
    with in_dollars(ask.con, settings.currency, rates):
        found = detect(asked, window, book, settings.detectors)
    reported = in_currency(found.findings, settings.currency, rates, window)
    # An answer in dollars is none in another currency.
    ask = asked if settings.currency == METERED else ask.remembering()
    counted = decided(count_once(reported.findings), decisions(ask.con), window.until)
    live = [c for c in counted if c.state != "ignored"]
    daily = _costs(ask, settings, window, (), every="day")
    spent = daily.totals["cost"]
    by = {name: _costs(ask, settings, window, (name,)) for name in BREAKDOWNS}
    gpu = gpu_section(ask, window, settings.currency)
    saving = sum((c.month for c in live), Decimal(0))
    return Assessment(
        sample=settings.sample,
        organisation=settings.organisation,
        as_of=now() if window.until > now() else window.until,
        window=window,
        currency=settings.currency,
        cost_basis="effective",
        spent=spent,
        estimated=daily.totals["estimated"],
        wasted=min(sum((c.so_far for c in live), Decimal(0)), spent),
        saving_month=saving,
        freed_month=sum((c.freed_month for c in live), Decimal(0)),
        overlap_month=sum((c.finding.month for c in live), Decimal(0)) - saving,
        month_rate=_month_rate(daily, window),
        previous=_previous(ask, settings, window),
        trend=_trend(daily, live, window),
        outputs=_outputs(ask, settings, window),
        top=_top(ask, settings, window),
        breakdowns=tuple(_described(ask, _breakdown(name, answer)) for name, answer in by.items()),
        gpu=gpu,
        untagged=untagged_section(ask, window, spent, settings.currency),
        questions=quickwins.questions(ask, window, gpu, by["stage"], counted),
        findings=counted,
        gaps=reported.gaps + gaps.gaps(ask, window, found.silent, gpu),
        converted=reported.said,
        drift=_drift(ask, window),
        other_currencies={entry["currency"]: entry["cost"] for entry in daily.unknown if "currency" in entry},
        unpriced=unpriced_models(ask, window),
        rejected=rejected,
        sources=_sources(ask),
    )


def _costs(ask: Ask, settings: Settings, window: Window, by: tuple[str, ...], every: str | None = None) -> Answer:
    query = CostQuery(by, window, every=every, currency=settings.currency, dollar_rates=dollar_rates(settings.rates))
    return costs(ask, query, as_of=window.until)


def decided(counted: Iterable[Counted], known: dict[str, Decision], at: datetime) -> tuple[Counted, ...]:
    """The findings with the states that people gave them, as they hold at a moment."""
    return tuple(
        replace(c, state=known[c.finding.id].state)
        if c.finding.id in known and known[c.finding.id].holds(at) else c for c in counted
    )


def _month_rate(daily: Answer, window: Window) -> Decimal:
    since = max(window.since, window.until - timedelta(days=7))
    recent = sum((row[-2] for row in daily.rows if row[0] >= since), Decimal(0))
    hours = Decimal(int((window.until - since).total_seconds())) / 3600
    return recent / hours * HOURS_PER_MONTH


def _previous(ask: Ask, settings: Settings, window: Window) -> Decimal | None:
    earlier = Window(window.since - window.length, window.since)
    first = earliest_fact(ask)
    if first is None or first > earlier.since:
        return None
    total: Decimal = _costs(ask, settings, earlier, ()).totals["cost"]
    return total


def _trend(daily: Answer, live: list[Counted], window: Window) -> tuple[TrendDay, ...]:
    """Spend by day; what a claim wasted is spread evenly over the time for which it was made."""
    wasted: dict[datetime, Decimal] = defaultdict(Decimal)
    for counted in live:
        finding = counted.finding
        # What other findings claim, too, is taken from all claims of this one alike.
        left = counted.so_far / finding.so_far if finding.so_far else Decimal(0)
        for claim in finding.claims:
            for day, share in _shares(claim.span or finding.period, window):
                wasted[day] += claim.so_far * left * share
    return tuple(
        TrendDay(row[0].date(), row[-2], min(wasted[row[0]], max(row[-2], Decimal(0)))) for row in daily.rows)


def _shares(span: Window, window: Window) -> Iterator[tuple[datetime, Decimal]]:
    """The days of the window that a span reaches into, with what each has of it; the shares add up to 1."""
    since, until = max(span.since, window.since), min(span.until, window.until)
    day = since.replace(hour=0, minute=0, second=0, microsecond=0)
    if until <= since:
        yield day, Decimal(1)
        return
    whole = Decimal((until - since) // _TICK)
    while day < until:
        yield day, Decimal((min(day + DAY, until) - max(day, since)) // _TICK) / whole
        day += DAY


def _outputs(ask: Ask, settings: Settings, window: Window) -> tuple[OutputCost, ...]:
    """Each kind of output, with the cost of the teams or projects that make it."""
    made = []
    for output in outputs(ask, window):
        where = tuple((name, (value,)) for name, value in
                      (("team", output.team), ("project", output.project)) if value is not None)
        query = CostQuery(
            (), window, where=where, currency=settings.currency, dollar_rates=dollar_rates(settings.rates))
        cost: Decimal = costs(ask, query, as_of=window.until).totals["cost"]
        scope = " / ".join(value for value in (output.team, output.project) if value) or "all spend"
        unit = cost / output.count if output.count else None
        made.append(OutputCost(output.kind, scope, output.count, cost, unit, output.value))
    return tuple(made)


def _top(ask: Ask, settings: Settings, window: Window) -> tuple[Line, ...]:
    """The ten largest cost lines, each with the teams that cause most of it."""
    by_line = _costs(ask, settings, window, ("line",))
    teams: dict[str, list[str]] = defaultdict(list)
    for line, team, *_ in _costs(ask, settings, window, ("line", "team")).rows:
        if team is not None and len(teams[line]) < 3:
            teams[line].append(team)
    total = by_line.totals["cost"]
    return tuple(
        Line(line or "unknown", cost, _share(cost, total), ", ".join(teams[line]), bool(estimated))
        for line, cost, estimated in by_line.rows[:SHOWN])


def _breakdown(name: str, answer: Answer) -> Breakdown:
    total = answer.totals["cost"]
    known = [row for row in answer.rows if row[0] is not None or name in ("team", "stage")]
    lines = tuple(
        Line("none" if key is None else str(key), cost, _share(cost, total), estimated=bool(estimated))
        for key, cost, estimated in known[:SHOWN])
    shown = sum((line.cost for line in lines), Decimal(0))
    others = len(answer.rows) - len(lines)
    rest = Line("everything else", total - shown, _share(total - shown, total)) if others else None
    return Breakdown(name, lines, rest, total)


def _described(ask: Ask, breakdown: Breakdown) -> Breakdown:
    """Runs are known by a number; their name and owner say more."""
    if breakdown.dimension != "run":
        return breakdown
    words = run_words(ask, [line.label for line in breakdown.lines])
    return replace(breakdown, lines=tuple(replace(each, detail=words.get(each.label, "")) for each in breakdown.lines))


def _share(part: Decimal, total: Decimal) -> float:
    return float(part / total) if total else 0.0


def _drift(ask: Ask, window: Window) -> Drift:
    """What was metered against the part of the bills that speaks of the same things."""
    _, _, _, counted, spread, unmetered = (value or Decimal(0) for value in next(iter(ask.rows(drift_expr(window)))))
    return Drift(spread, counted, unmetered)


def _sources(ask: Ask) -> tuple[str, ...]:
    rows = ask.con.execute("SELECT source, count(*), sum(added) FROM imports GROUP BY ALL ORDER BY source").fetchall()
    return tuple(f"{source}: {plural(files, 'file')}, {plural(added, 'row')}" for source, files, added in rows)

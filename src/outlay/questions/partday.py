"""What was paid for what today up to now, and yesterday up to the same time of the day.

Single calls are told apart to the microsecond, a run's accelerators by when the run began and ended. Other lines know
only their day: of each the same share is taken as of the day has passed (of a day whose rows reach beyond now, the
share of what they reach).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from outlay.accounting.change import Amount, Slice
from outlay.facts.window import Window
from outlay.ledger.dollars import METERED
from outlay.questions.ask import Ask
from outlay.questions.callslices import total
from outlay.questions.costs import CostQuery, converted, with_factors
from outlay.questions.tables import table

DAY = timedelta(days=1)
#: The column of each dimension in `call`, `cost_day` and `usage`.
_COLUMNS = {"run": "run_id", "agent": "agent", "project": "project", "model": "model_key", "team": "team"}
_NONE = Decimal(0)
#: Kinds of lines whose rows are whole days.
_BY_DAY = ("gpu", "charge", "usage")


@dataclass(frozen=True, slots=True)
class PartDays:
    """Two stretches of equal length from midnight on, sliced."""

    today: Window
    yesterday: Window
    slices: tuple[Slice, ...]


def midnight(moment: datetime) -> datetime:
    """The start of the day."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def part_calls_expr(now: datetime, query: CostQuery) -> Any:
    """Columns of `_COLUMNS`, owner, today, in_currency, amount, calls, tokens: single calls of both stretches."""
    import ibis

    today = midnight(now)
    calls = table("call")
    calls = calls.filter(calls.time >= today - DAY, calls.time < now,
                         (calls.time >= today) | (calls.time < now - DAY))
    keys = {name: calls[column] for name, column in _COLUMNS.items()}
    asked = calls.input_tokens.notnull()
    summed = calls.group_by(
        **keys, owner=calls.owner, m_day=calls.time.truncate("D"), m_model=calls.model_key,
        m_account=calls.account.fill_null(""), m_whole_provider=calls.provider.fill_null(""),
    ).aggregate(
        metered=calls.cost.sum().cast("decimal(38,12)"), calls=total(asked),
        tokens=total(calls.input_tokens) + total(calls.output_tokens))
    joined = with_factors(summed, query.cost)
    billed = joined.own_billed.notnull() | joined.any_billed.notnull()
    factor = ibis.coalesce(joined.own_factor, joined.any_factor)
    spread = (joined.metered.cast("decimal(20,12)") * factor.cast("decimal(38,17)")).cast("decimal(38,18)")
    amount, currency = converted(
        ibis.ifelse(billed, spread, joined.metered.cast("decimal(38,18)")), joined.m_day, query)
    return joined.select(*_COLUMNS, "owner", today=joined.m_day >= today, in_currency=currency, amount=amount,
                         calls=joined.calls, tokens=joined.tokens)


def part_lines_expr(now: datetime, currency: str) -> Any:
    """Columns of `_COLUMNS`, line, owner, kind, today, amount: whole days of everything that is no single call."""
    rows = table("cost_day")
    today = midnight(now)
    rows = rows.filter(rows.day >= today - DAY, rows.day < today + DAY, rows.kind != "call", rows.currency == currency)
    return rows.group_by(**{name: rows[column] for name, column in _COLUMNS.items()}, line=rows.line, owner=rows.owner,
                         kind=rows.kind, today=rows.day >= today).aggregate(amount=rows.effective_cost.sum())


def part_usage_expr(now: datetime) -> Any:
    """Columns of `_COLUMNS`, today, requests, tokens: usage buckets of whole days; `requests` None where one bucket does
    not count them."""
    import ibis

    rows = table("usage")
    today = midnight(now)
    rows = rows.filter(rows.start >= today - DAY, rows.start < today + DAY)
    grouped = rows.group_by(**{name: rows[column] for name, column in _COLUMNS.items()}, today=rows.start >= today)
    return grouped.aggregate(
        requests=ibis.ifelse(rows.requests.isnull().any(), None, total(rows.requests)),
        tokens=total(rows.input_tokens) + total(rows.output_tokens))


def part_gpus_expr(now: datetime) -> Any:
    """Columns run, today, seconds (device time of the whole day), began, ended: of what runs held; without a run, what
    nobody held."""
    days, runs = table("gpu_day"), table("run")
    today = midnight(now)
    days = days.filter(days.day >= today - DAY, days.day < today + DAY)
    seconds = days.group_by(run=days.run_id, today=days.day >= today).aggregate(seconds=days.gpu_s.sum())
    lives = runs.group_by(of=runs.run_id).aggregate(
        began=runs.started.min(), open=runs.ended.isnull().any(), ended=runs.ended.max())
    joined = seconds.left_join(lives, seconds.run == lives.of)
    return joined.select("run", "today", "seconds", began=joined.began,
                         ended=joined.open.ifelse(None, joined.ended))


def reach_expr(now: datetime) -> Any:
    """Columns kind, until: up to when today's rows of each kind that knows only its days reach."""
    import ibis

    today = midnight(now)
    hours, charges, usage = table("gpu_hour"), table("charge"), table("usage")
    found = [
        ("gpu", hours.filter(hours.hour >= today, hours.hour < today + DAY), lambda t: t.hour + ibis.interval(hours=1)),
        ("charge", charges.filter(charges.charge_period_start >= today, charges.charge_period_start < today + DAY),
         lambda t: t.charge_period_end),
        ("usage", usage.filter(usage.start >= today, usage.start < today + DAY), lambda t: t.end),
    ]
    parts = [rows.aggregate(kind=ibis.literal(kind), until=end(rows).max()) for kind, rows, end in found]
    return parts[0].union(parts[1]).union(parts[2])


def part_days(ask: Ask, now: datetime, *, currency: str = METERED,
              dollar_rates: tuple[tuple[datetime, Decimal], ...] = ()) -> PartDays:
    """Slices of both stretches, in the reporting currency. What is in another one is in neither."""
    today = midnight(now)
    query = CostQuery((), Window(today - DAY, now), currency=currency, dollar_rates=dollar_rates)
    found: dict[tuple[Any, ...], list[Amount]] = defaultdict(lambda: [Amount(_NONE), Amount(_NONE)])
    seen: dict[tuple[Any, ...], set[bool]] = defaultdict(set)
    for kind, of, owner, is_today, amount in (
            *_calls(ask, now, query), *_lines(ask, now, currency)):
        place = found[kind, of, owner]
        place[is_today] = place[is_today] + amount if is_today in seen[kind, of, owner] else amount
        seen[kind, of, owner].add(is_today)
    slices = tuple(Slice(kind, of, owner, *_counted(before, after))
                   for (kind, of, owner), (before, after) in found.items())
    return PartDays(Window(today, now), Window(today - DAY, now - DAY), slices)


def _counted(before: Amount, after: Amount) -> tuple[Amount, Amount]:
    """Nothing before is nothing counted, not a count that is unknown."""
    zero = Amount(_NONE, _NONE, _NONE)
    return (zero if not before.cost else before), (zero if not after.cost else after)


_Row = tuple[str, tuple[str | None, ...], str | None, bool, Amount]


def _calls(ask: Ask, now: datetime, query: CostQuery) -> Iterator[_Row]:
    for *of, owner, today, currency, amount, calls, tokens in ask.rows(part_calls_expr(now, query)):
        if amount is not None and currency == query.currency:
            yield "call", (*of, "Model calls"), owner, today, Amount(amount, Decimal(calls), Decimal(tokens))


def _lines(ask: Ask, now: datetime, currency: str) -> Iterator[_Row]:
    reach = _reach(ask, now)
    shares, gpus, usage = _shares(now, reach), _gpu_time(ask, now, reach["gpu"]), _usage(ask, now)
    rows = [(*row[:-1], row[-1] or _NONE) for row in ask.rows(part_lines_expr(now, currency))]
    whole: dict[tuple[str, Any, bool], Decimal] = defaultdict(Decimal)
    for *of, _, _, kind, today, amount in rows:
        whole[kind, of[0] if kind == "gpu" else tuple(of), today] += amount
    for *of, line, owner, kind, today, amount in rows:
        share = shares[kind, today]
        units = tokens = None
        if kind == "gpu":
            hours, own = gpus.get((of[0], today), (_NONE, None))
            share = share if own is None else own
            all_of = whole[kind, of[0], today]
            units = hours * amount / all_of if all_of else None
        elif kind == "usage":
            units, tokens = usage.get((tuple(of), today), (None, None))
            all_of = whole[kind, tuple(of), today]
            units, tokens = (each * amount / all_of if each is not None and all_of else None
                             for each in (units, tokens))
        part = Amount(amount * share, None if units is None else units * share,
                      None if tokens is None else tokens * share)
        yield "call" if kind == "usage" else kind, (*of, line), owner, today, part


def _gpu_time(ask: Ask, now: datetime, reach: datetime) -> dict[tuple[str | None, bool], tuple[Decimal, Decimal | None]]:
    """GPU-hours of the whole day by run, and what share of them lies before the time; None: not known of the run."""
    found = {}
    for run, today, seconds, began, ended in ask.rows(part_gpus_expr(now)):
        day = midnight(now) if today else midnight(now) - DAY
        share = None
        if run is not None and began is not None:
            last = min(ended or reach, reach if today else day + DAY)
            share = _share(max(began, day), last, now if today else now - DAY)
        found[run, today] = Decimal(str(round(seconds / 3600, 6))), share
    return found


def _share(first: datetime, last: datetime, until: datetime) -> Decimal | None:
    """Of the time from first to last, what lies before `until`."""
    if last <= first:
        return None
    inside = min(max(until - first, timedelta()), last - first)
    return Decimal(inside // timedelta(microseconds=1)) / Decimal((last - first) // timedelta(microseconds=1))


def _usage(ask: Ask, now: datetime) -> dict[tuple[tuple[str | None, ...], bool], tuple[Decimal | None, Decimal]]:
    """Calls and tokens of whole days; where calls are not counted, tokens are the units."""
    found: dict[tuple[tuple[str | None, ...], bool], tuple[Decimal | None, Decimal]] = {}
    for *of, today, requests, tokens in ask.rows(part_usage_expr(now)):
        found[tuple(of), today] = (Decimal(tokens) if requests is None else Decimal(requests), Decimal(tokens))
    return found


def _reach(ask: Ask, now: datetime) -> dict[str, datetime]:
    """By kind, up to when today's rows reach: now, where that is no more than an hour ahead of it."""
    found = dict(ask.rows(reach_expr(now)))
    ends = {kind: min(found.get(kind) or now, midnight(now) + DAY) for kind in _BY_DAY}
    return {kind: end if end - now >= timedelta(hours=1) else now for kind, end in ends.items()}


def _shares(now: datetime, reach: Mapping[str, datetime]) -> dict[tuple[str, bool], Decimal]:
    """By kind and whether it is today: the share of a day's row that lies up to the time."""
    today = midnight(now)
    before = _share(today, today + DAY, now) or _NONE
    return {(kind, day): (_share(today, reach[kind], now) or Decimal(1)) if day else before
            for kind in _BY_DAY for day in (False, True)}

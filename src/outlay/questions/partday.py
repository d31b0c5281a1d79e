"""What was paid for what today up to now, and yesterday up to the same time of the day.

Single calls are told apart to the microsecond, a run's accelerators by when the run began and ended. Other lines know
only their day: of each the same share is taken as of the day has passed (of a day whose rows reach beyond now, the
share of what they reach). Bills come late: what today is metered and was billed yesterday is compared at yesterday's
price, and lines of a bill that has nothing of today yet are in neither of the two.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from outlay.accounting.change import DIMENSIONS, Amount, Slice
from outlay.facts.window import Window
from outlay.ledger.dollars import METERED
from outlay.questions.ask import Ask
from outlay.questions.callslices import total
from outlay.questions.costs import CostQuery, converted, with_factors
from outlay.questions.tables import table

DAY = timedelta(days=1)
#: The column of each dimension in `call`, `cost_day` and `usage`.
_COLUMNS = {"run": "run_id", "agent": "agent", "project": "project", "model": "model_key", "team": "team"}
_RUN = DIMENSIONS.index("run")
_MODEL = DIMENSIONS.index("model")
_NONE = Decimal(0)
#: Kinds of lines whose rows are whole days.
_BY_DAY = ("gpu", "charge", "usage")


@dataclass(frozen=True, slots=True)
class PartDays:
    """Two stretches of equal length from midnight on, sliced. `late`: what bills that say nothing of today yet had
    yesterday up to the same time; it is in no slice."""

    today: Window
    yesterday: Window
    slices: tuple[Slice, ...]
    late: Decimal


def midnight(moment: datetime) -> datetime:
    """The start of the day."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def part_calls_expr(now: datetime, query: CostQuery) -> Any:
    """Columns of `_COLUMNS`, owner, today, in_currency, billed, amount, calls, tokens: single calls of both stretches.
    `billed`: whether a bill speaks of them."""
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
    return joined.select(*_COLUMNS, "owner", today=joined.m_day >= today, in_currency=currency, billed=billed,
                         amount=amount, calls=joined.calls, tokens=joined.tokens)


def part_lines_expr(now: datetime, currency: str) -> Any:
    """Columns of `_COLUMNS`, line, owner, kind, provider, today, billed, amount: whole days of everything that is no
    single call."""
    rows = table("cost_day")
    today = midnight(now)
    rows = rows.filter(rows.day >= today - DAY, rows.day < today + DAY, rows.kind != "call", rows.currency == currency)
    return rows.group_by(**{name: rows[column] for name, column in _COLUMNS.items()}, line=rows.line, owner=rows.owner,
                         kind=rows.kind, provider=rows.provider, today=rows.day >= today,
                         billed=rows.basis == "billed").aggregate(amount=rows.effective_cost.sum())


def part_usage_expr(now: datetime) -> Any:
    """Columns of `_COLUMNS`, today, requests, tokens, inside: usage buckets of whole days; `requests` None where one
    bucket does not count them; `inside`: tokens of what lies before the time, a bucket by its share."""
    import ibis

    rows = table("usage")
    today = midnight(now)
    rows = rows.filter(rows.start >= today - DAY, rows.start < today + DAY)
    tokens = rows.input_tokens.fill_null(0) + rows.output_tokens.fill_null(0)
    rows = rows.mutate(today=rows.start >= today, tokens=tokens)
    start = rows.start.epoch_seconds()
    until = ibis.ifelse(rows.today, ibis.timestamp(now), ibis.timestamp(now - DAY)).epoch_seconds()
    length = ibis.greatest((rows.end.epoch_seconds() - start).fill_null(3600), 1)
    share = ibis.greatest(ibis.least((until - start).cast("float64") / length, 1.0), 0.0)
    grouped = rows.group_by(**{name: rows[column] for name, column in _COLUMNS.items()}, today=rows.today)
    return grouped.aggregate(
        requests=ibis.ifelse(rows.requests.isnull().any(), None, total(rows.requests)), tokens=total(rows.tokens),
        inside=(rows.tokens * share).sum())


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
    found = (
        ("gpu", hours, hours.hour, hours.hour + ibis.interval(hours=1)),
        ("charge", charges, charges.charge_period_start, charges.charge_period_end),
        ("usage", usage, usage.start, usage.end))
    gpu, charge, used = (
        rows.filter(start >= today, start < today + DAY).aggregate(kind=ibis.literal(kind), until=end.max())
        for kind, rows, start, end in found)
    return gpu.union(charge).union(used)


def part_days(ask: Ask, now: datetime, *, currency: str = METERED,
              dollar_rates: tuple[tuple[datetime, Decimal], ...] = ()) -> PartDays:
    """Slices of both stretches, in the reporting currency. What is in another one is in neither."""
    today = midnight(now)
    query = CostQuery((), Window(today - DAY, now), currency=currency, dollar_rates=dollar_rates)
    rows = [*_calls(ask, now, query), *_lines(ask, now, currency)]
    told = {row.source for row in rows if row.today}
    late = [row for row in rows if row.source is not None and row.source not in told]
    return PartDays(Window(today, now), Window(today - DAY, now - DAY),
                    tuple(_slices(row for row in rows if row.source is None or row.source in told)),
                    sum((row.amount.cost for row in late), _NONE))


@dataclass(frozen=True, slots=True)
class _Row:
    """Part of a slice, of one of the two stretches."""

    kind: str
    of: tuple[str | None, ...]
    owner: str | None
    provider: str | None
    today: bool
    billed: bool
    amount: Amount

    @property
    def source(self) -> tuple[str, str | None] | None:
        """What tells of it, where that may not have spoken yet: the bill of a provider; of machines that no run holds,
        the bill or the readings of their kind."""
        if self.kind == "charge":
            return self.kind, self.provider
        return (self.kind, self.of[-1]) if self.kind == "gpu" and self.of[_RUN] is None else None


def _slices(rows: Iterable[_Row]) -> Iterator[Slice]:
    found: dict[tuple[Any, ...], list[list[_Row]]] = defaultdict(lambda: [[], []])
    for row in rows:
        found[row.kind, row.of, row.owner][row.today].append(row)
    prices = _billed_prices(row for both in found.values() for row in both[False])
    for (kind, of, owner), (before, after) in found.items():
        was, is_now = _summed(before), _summed(after)
        estimate = _NONE
        # Of one that goes on, its own price; of a new one, what others of its line were billed at.
        price = _price(before) or prices.get((kind, of[_MODEL], of[-1]))
        if price is not None and is_now.units and after and not any(row.billed for row in after):
            estimate = is_now.cost - price * (is_now.tokens or is_now.units)
        yield Slice(kind, of, owner, was, is_now, estimate)


def _billed_prices(rows: Iterable[_Row]) -> dict[tuple[Any, ...], Decimal]:
    """By kind, model and line: yesterday's billed price of a token or of a GPU-hour."""
    lines: dict[tuple[Any, ...], list[_Row]] = defaultdict(list)
    for row in rows:
        lines[row.kind, row.of[_MODEL], row.of[-1]].append(row)
    return {line: price for line, of_line in lines.items() if (price := _price(of_line)) is not None}


def _price(rows: Sequence[_Row]) -> Decimal | None:
    """What a bill charged for a token (else for a unit) of these; None where not all are billed or nothing is counted.
    """
    if not rows or not all(row.billed for row in rows):
        return None
    total = _summed(rows)
    count = total.tokens or total.units
    return total.cost / count if count else None


def _summed(rows: Sequence[_Row]) -> Amount:
    """Nothing is nothing counted, not a count that is unknown."""
    if not rows:
        return Amount(_NONE, _NONE, _NONE)
    total = rows[0].amount
    for row in rows[1:]:
        total += row.amount
    return total


def _calls(ask: Ask, now: datetime, query: CostQuery) -> Iterator[_Row]:
    for *of, owner, today, currency, billed, amount, calls, tokens in ask.rows(part_calls_expr(now, query)):
        if amount is not None and currency == query.currency:
            yield _Row("call", (*of, "Model calls"), owner, None, today, billed,
                       Amount(amount, Decimal(calls), Decimal(tokens)))


def _lines(ask: Ask, now: datetime, currency: str) -> Iterator[_Row]:
    reach = _reach(ask, now)
    shares, gpus, usage = _shares(now, reach), _gpu_time(ask, now, reach["gpu"]), _usage(ask, now)
    rows = [(*row[:-1], row[-1] or _NONE) for row in ask.rows(part_lines_expr(now, currency))]
    whole: dict[tuple[str, Any, bool], Decimal] = defaultdict(Decimal)
    for *of, _, _, kind, _, today, _, amount in rows:
        whole[kind, of[0] if kind == "gpu" else tuple(of), today] += amount
    for *of, line, owner, kind, provider, today, billed, amount in rows:
        share = shares[kind, today]
        units = tokens = None
        if kind == "gpu":
            hours, own = gpus.get((of[0], today), (_NONE, None))
            share = share if own is None else own
            all_of = whole[kind, of[0], today]
            units = hours * amount / all_of if all_of else None
        elif kind == "usage":
            units, tokens, share = usage.get((tuple(of), today), (None, None, share))
            all_of = whole[kind, tuple(of), today]
            units, tokens = (each * amount / all_of if each is not None and all_of else None
                             for each in (units, tokens))
        part = Amount(amount * share, None if units is None else units * share,
                      None if tokens is None else tokens * share)
        if kind == "gpu" and of[0] is None:
            # Nobody holds it: what the bill says of its machine would look like someone who does.
            of, owner, line = [None] * len(of), None, f"{line}, held by no run"
        yield _Row("call" if kind == "usage" else kind, (*of, line), owner, provider, today, billed, part)


def _gpu_time(
    ask: Ask, now: datetime, reach: datetime
) -> dict[tuple[str | None, bool], tuple[Decimal, Decimal | None]]:
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


def _usage(ask: Ask, now: datetime) -> dict[tuple[tuple[str | None, ...], bool], tuple[Decimal, Decimal, Decimal]]:
    """Calls and tokens of whole days, and the share of them before the time; where calls are not counted, tokens are
    the units."""
    found = {}
    for *of, today, requests, tokens, inside in ask.rows(part_usage_expr(now)):
        share = Decimal(str(round(inside / tokens, 9))) if tokens else Decimal(1)
        found[tuple(of), today] = (Decimal(tokens if requests is None else requests), Decimal(tokens), share)
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

"""What AI cost, by any dimensions, over time: the question behind `outlay costs` and every breakdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from outlay.errors import UsageError
from outlay.facts.window import Window
from outlay.questions.answer import Answer
from outlay.questions.ask import Ask
from outlay.questions.tables import table

#: Which of the four costs; they are views of the same money and never added.
COSTS = ("effective", "billed", "list", "contracted")
#: Dimensions that every dollar has, and the column of `cost_day` that holds each.
DAILY: dict[str, str] = {
    "team": "team", "owner": "owner", "project": "project", "environment": "environment", "purpose": "purpose",
    "stage": "stage", "provider": "provider", "service": "service", "line": "line", "model": "model_key",
    "account": "account", "region": "region", "category": "category", "resource": "resource", "run": "run_id",
    "agent": "agent", "task": "task", "part": "part", "kind": "kind", "basis": "basis",
}
#: Dimensions that only single calls have, and the column of `call` that holds each.
PER_CALL: dict[str, str] = {
    "user": "user", "conversation": "conversation", "trace": "trace_id", "prompt": "prompt",
    "prompt_version": "prompt_version", "api_key": "api_key", "operation": "operation", "status": "status",
    "version": "model",
}
DIMENSIONS = (*DAILY, *PER_CALL)
#: Length of the periods of `--every`, in seconds; months are calendar months.
PERIODS = {"5m": 300, "hour": 3600, "day": 86400, "week": 604800}
EVERY = (*PERIODS, "month")


@dataclass(frozen=True, slots=True)
class CostQuery:
    """`by`: dimensions; `where`: dimension to the values allowed (`none` means without one); `every`: a period."""

    by: tuple[str, ...]
    window: Window
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    every: str | None = None
    cost: str = "effective"
    currency: str = "USD"
    #: False where no bill speaks of any model in the window: single calls then count as they were metered.
    reconciled: bool = True
    #: From when on a US dollar is how much of `currency`, in order of time: single calls are metered in dollars.
    dollar_rates: tuple[tuple[datetime, Decimal], ...] = ()

    def __post_init__(self) -> None:
        for name in (*self.by, *(name for name, _ in self.where)):
            if name not in DIMENSIONS:
                raise UsageError(f"unknown dimension {name!r}", where="--by",
                                 hint=f"One of {', '.join(DIMENSIONS)}.")
        if self.every is not None and self.every not in EVERY:
            raise UsageError(f"unknown period {self.every!r}", where="--every", hint=f"One of {', '.join(EVERY)}.")
        if self.cost not in COSTS:
            raise UsageError(f"unknown cost {self.cost!r}", where="--cost", hint=f"One of {', '.join(COSTS)}.")

    @property
    def needs_calls(self) -> bool:
        """Whether single calls must be looked at: the daily table does not know enough."""
        names = {*self.by, *(name for name, _ in self.where)}
        return bool(names & PER_CALL.keys()) or not self.whole_days

    @property
    def converts(self) -> bool:
        """Whether the dollars of single calls become another currency."""
        return self.currency != "USD" and bool(self.dollar_rates)

    @property
    def whole_days(self) -> bool:
        """Whether the daily table can answer for the window and the period."""
        edges = (self.window.since, self.window.until)
        return self.every not in ("5m", "hour") and all(edge == edge.replace(
            hour=0, minute=0, second=0, microsecond=0) for edge in edges)


def cost_expr(query: CostQuery) -> Any:
    """Columns: period (if `every`), each of `by`, currency, cost (exact), estimated (of it metered or reported, not
    billed), unpriced (calls or hours without a known price)."""
    lines = _lines(query)
    keys = [*(["period"] if query.every else []), *query.by, "in_currency"]
    if not query.whole_days and not query.reconciled:
        # Calls alone, which are summed by these keys already.
        return lines.select(*keys, cost=lines.amount, estimated=lines.guess, missing=lines.missing)
    return lines.group_by(keys).aggregate(
        cost=lines.amount.sum(), estimated=lines.guess.sum(), missing=lines.missing.sum())


def _lines(query: CostQuery) -> Any:
    if not query.needs_calls:
        return _daily_lines(query, everything=True)
    calls = _call_lines(query)
    if not query.whole_days:
        # Bills are days long: within a day only calls can be told apart.
        return calls
    return calls.union(_daily_lines(query, everything=False))


def _daily_lines(query: CostQuery, *, everything: bool) -> Any:
    """Cost lines by day; without `everything` only those that are not calls, which lack the dimensions of calls."""
    import ibis

    rows = table("cost_day")
    rows = rows.filter(rows.day >= query.window.since, rows.day < query.window.until)
    if not everything:
        rows = rows.filter(rows.kind != "call")
    for name, values in query.where:
        rows = rows.filter(_among(rows[DAILY[name]] if name in DAILY else ibis.null("string"), values))
    amount = rows[f"{query.cost}_cost"].cast("decimal(38,18)")
    return rows.select(
        **_period(rows.day, query.every),
        **{name: rows[DAILY[name]] if name in DAILY else ibis.null("string") for name in query.by},
        in_currency=rows.currency, amount=amount, guess=ibis.ifelse(rows.basis == "billed", None, amount),
        missing=rows.unpriced,
    )


def _call_lines(query: CostQuery) -> Any:
    """Single calls, summed; where a bill speaks of them, at the dollars that reconciliation gave their group."""
    import ibis

    calls = table("call")
    calls = calls.filter(calls.time >= query.window.since, calls.time < query.window.until)
    for name, values in query.where:
        calls = calls.filter(_among(_of_call(calls, name), values))
    asked = {**_period(calls.time, query.every), **{name: _of_call(calls, name) for name in query.by}}
    group = {
        "m_day": calls.time.truncate("D"), "m_model": calls.model_key, "m_account": calls.account.fill_null(""),
        "m_whole_provider": calls.provider.fill_null(""),
    }
    own = calls.list_cost if query.cost == "list" else calls.cost
    keys = {**asked, **group} if query.reconciled else asked
    # A span of a tool or of an agent has no model and no tokens, and so nothing that could be priced.
    unpriced = calls.cost.isnull() & (calls.model.notnull() | calls.input_tokens.notnull())
    summed = (calls.group_by(**keys) if keys else calls).aggregate(
        own=own.sum().cast("decimal(38,12)"), metered=calls.cost.sum().cast("decimal(38,12)"),
        missing=unpriced.cast("int64").sum())
    lead = [summed[name] for name in asked]
    if not query.reconciled:
        own_cost = summed.own.cast("decimal(38,18)")
        amount = ibis.ifelse(ibis.literal(query.cost == "billed"), None, own_cost)
        return summed.select(*lead, in_currency=ibis.literal("USD"), amount=amount, guess=amount,
                             missing=summed.missing)
    joined = with_factors(summed, query.cost)
    billed = joined.own_billed.notnull() | joined.any_billed.notnull()
    factor = ibis.coalesce(joined.own_factor, joined.any_factor)
    # A bill goes to its calls in proportion to what they were metered at, whichever of its costs is asked for.
    spread = (joined.metered.cast("decimal(20,12)") * factor.cast("decimal(38,17)")).cast("decimal(38,18)")
    # What no bill speaks of has not been billed.
    plain = ibis.null("decimal(38,18)") if query.cost == "billed" else joined.own.cast("decimal(38,18)")
    amount = ibis.ifelse(billed, spread, plain)
    amount, in_currency = converted(amount, joined.m_day, query)
    return joined.select(
        *(joined[name] for name in asked), in_currency=in_currency, amount=amount,
        guess=ibis.ifelse(billed, None, amount), missing=joined.missing,
    )


def converted(amount: Any, day: Any, query: CostQuery) -> tuple[Any, Any]:
    """Dollars of single calls in the reporting currency at the day's rate, and what they are in then. Days before the
    first rate stay in dollars."""
    import ibis

    dollars = ibis.literal("USD")
    since = max((at for at, _ in query.dollar_rates if at <= query.window.since), default=query.window.since)
    known = [(at, rate) for at, rate in query.dollar_rates if since <= at < query.window.until]
    if not query.converts or not known:
        return amount, dollars
    # The latest rate first; the scales are such that both engines multiply exactly and Ibis can order the types.
    rate = ibis.cases(*((day >= at, ibis.literal(rate).cast("decimal(38,14)")) for at, rate in reversed(known)))
    changed = (amount.cast("decimal(30,14)") * rate).cast("decimal(38,18)")
    return (ibis.ifelse(day >= known[0][0], changed, amount),
            ibis.ifelse(day >= known[0][0], ibis.literal(query.currency), dollars))


def with_factors(summed: Any, cost: str) -> Any:
    """Sums of calls with what turns their metered dollars into counted ones, in one of the four costs."""
    # Bills name the cloud where calls name its model service (aws, aws.bedrock).
    summed = summed.mutate(m_provider=summed.m_whole_provider.re_replace(r"\..*$", ""))
    matched = table("reconciled")
    # An account of '' says that accounts were not compared for this provider.
    plain = matched.filter(matched.account == "").select(
        m_day=matched.day, m_provider=matched.provider, m_model=matched.model_key, any_factor=matched[f"{cost}_factor"],
        any_billed=matched.billed)
    named = matched.filter(matched.account != "").select(
        m_day=matched.day, m_provider=matched.provider, m_model=matched.model_key, m_account=matched.account,
        own_factor=matched[f"{cost}_factor"], own_billed=matched.billed)
    joined = summed.left_join(plain, ["m_day", "m_provider", "m_model"]).drop(
        "m_day_right", "m_provider_right", "m_model_right")
    return joined.left_join(named, ["m_day", "m_provider", "m_model", "m_account"])


def _of_call(rows: Any, name: str) -> Any:
    """A dimension as single calls have it; what calls do not have is NULL."""
    import ibis

    fixed = {"kind": "call", "service": "Model calls", "category": "Usage"}
    if name in fixed:
        return ibis.literal(fixed[name])
    column = PER_CALL.get(name) or DAILY[name]
    return rows[column] if column in rows.columns else ibis.null("string")


def _period(time: Any, every: str | None) -> dict[str, Any]:
    if every is None:
        return {}
    if every == "month":
        return {"period": time.truncate("M")}
    if every == "day":
        return {"period": time.truncate("D")}
    if every == "week":
        return {"period": time.truncate("W")}
    seconds = PERIODS[every]
    return {"period": ((time.epoch_seconds() // seconds) * seconds).as_timestamp("s")}


def _among(column: Any, values: tuple[str, ...]) -> Any:
    """`none` asks for rows without a value; `a*` for values that begin so."""
    import ibis
    from ibis.expr.operations import Literal

    if isinstance(column.op(), Literal) and column.op().value is None:
        return ibis.literal("none" in values)  # Ibis cannot compare nothing with a text
    tests = [
        column.isnull() if value == "none" else column.like(value.replace("*", "%")) if "*" in value
        else column == value
        for value in values
    ]
    result = tests[0]
    for test in tests[1:]:
        result = result | test
    return result if isinstance(result, ibis.Value) else ibis.literal(result)


def matched_expr(window: Window) -> Any:
    """How many groups of calls of the window a bill speaks of."""
    rows = table("reconciled")
    rows = rows.filter(rows.day >= window.since.replace(hour=0, minute=0, second=0, microsecond=0),
                       rows.day < window.until, rows.billed.notnull())
    return rows.aggregate(groups=rows.count())


def costs(ask: Ask, query: CostQuery, *, as_of: datetime, rejected: int = 0) -> Answer:
    """Rows sorted by period, then by cost.

    Other currencies, and what has no known price, are in `unknown` and never in a row or the total; a row whose cost is
    unknown altogether stands there too, with its dimensions.
    """
    if query.needs_calls and not query.converts and not next(
            iter(ask.rows(matched_expr(query.window))))[0]:
        query = replace(query, reconciled=False)
    found = list(ask.rows(cost_expr(query)))
    names = (*(("period",) if query.every else ()), *query.by)
    lead = (1 if query.every else 0) + len(query.by)
    rows: list[tuple[Any, ...]] = []
    beside: dict[str, Decimal] = {}
    nameless: list[dict[str, Any]] = []
    unpriced = 0
    total = estimated = Decimal(0)
    for row in found:
        keys, (currency, cost, guess, missing) = row[:lead], row[lead:]
        unpriced += int(missing or 0)
        if currency != query.currency:
            beside[currency] = beside.get(currency, Decimal(0)) + (cost or Decimal(0))
            continue
        if missing and not cost and query.by:
            nameless.append({**dict(zip(names, keys, strict=True)), "unpriced": int(missing)})
            continue
        if cost is None:
            continue
        rows.append((*keys, cost, guess or Decimal(0)))
        total += cost
        estimated += guess or Decimal(0)
    rows.sort(key=lambda row: ((row[0],) if query.every else (), -row[-2], tuple(str(key) for key in row[:lead])))
    columns = (*names, "cost", "estimated")
    unknown: list[dict[str, Any]] = [
        {"currency": currency, "cost": amount} for currency, amount in sorted(beside.items()) if amount]
    if unpriced:
        unknown.append({"unpriced": unpriced, "reason": "state your own price in a price file (docs/prices.md)"})
    unknown += nameless
    return Answer(
        "outlay.costs/1", as_of, query.window, query.currency, query.cost, columns, tuple(rows),
        {"cost": total, "estimated": estimated}, tuple(unknown), rejected,
    )


def parse_where(conditions: Sequence[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """`team=search,vision` and the like. Raises `UsageError` where it is not NAME=VALUE."""
    parsed: dict[str, tuple[str, ...]] = {}
    for condition in conditions:
        name, sign, value = condition.partition("=")
        if not sign or not name or not value:
            raise UsageError(f"{condition!r} is not NAME=VALUE", where="--where",
                             hint="For example --where environment=production.")
        parsed[name.strip()] = tuple(part.strip() for part in value.split(","))
    return tuple(parsed.items())


def totals_by(ask: Ask, by: str, window: Window, cost: str, currency: str) -> Mapping[str | None, Decimal]:
    """Cost by one dimension of the daily table, in the reporting currency."""
    answer = costs(ask, CostQuery((by,), window, cost=cost, currency=currency), as_of=window.until)
    return {row[0]: row[1] for row in answer.rows}

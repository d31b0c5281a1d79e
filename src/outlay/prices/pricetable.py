"""One price table in DuckDB: its rows, how staged rows are joined to it, and their cost as SQL.

The common path is integer picodollars in BIGINT. Counts or prices that do not fit it (a price that is not a whole
number of picodollars a token, a cost that needs more than 63 bits) take an exact HUGEINT path in the same expression.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from outlay.facts.window import Window
from outlay.prices.rate import COUNTS, EXACT, Guard, Rate, Step
from outlay.prices.spans import DAY_US, Span

if TYPE_CHECKING:
    import duckdb

_ORDER = tuple(COUNTS)
#: DECIMAL(18,12) holds less than a million dollars: 10^18 picodollars.
_CALL_LIMIT = 10**18
#: Above this (a hundred trillion dollars) a bucket's cost is taken for a fault of the data.
_USAGE_LIMIT = 10**26
_ALWAYS = Window(datetime(1, 1, 1), datetime(9999, 12, 31))
_HUGE = 10**37
_BIG = 2**62


@dataclass(frozen=True, slots=True)
class Key:
    """One distinct combination in the staged rows, and the range of times and context sizes that it spans."""

    provider: str | None
    model: str
    service_tier: str | None
    first: datetime
    last: datetime
    context: int


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a price table."""

    key: Key
    span: Span
    step: Step
    model_key: str


@dataclass(frozen=True, slots=True)
class Shape:
    """What differs between calls and buckets of calls."""

    usage: bool
    time_column: str

    @property
    def context(self) -> str:
        if not self.usage:
            return "coalesce(s.input_tokens, 0)"
        # A mean above a tier's start is the same as its ceiling above it, since starts are whole numbers.
        return "coalesce(s.context_tokens, (s.input_tokens - 1) // nullif(s.requests, 0) + 1, 0)"

    @property
    def limit(self) -> int:
        return _USAGE_LIMIT if self.usage else _CALL_LIMIT

    def dollars(self, picodollars: str) -> str:
        digits, result = (26, "DECIMAL(38,18)") if self.usage else (18, "DECIMAL(18,12)")
        return f"CAST(CAST({picodollars} AS DECIMAL({digits},0)) * 0.000000000001 AS {result})"


class Table:
    """One price table: its rows, how it is joined, and the cost as SQL over it."""

    def __init__(self, name: str, alias: str, rows: Sequence[Row], shape: Shape) -> None:
        self.name, self.alias, self.rows, self.shape = name, alias, rows, shape
        self.rates = list(dict.fromkeys(row.step.rate for row in rows))
        self.guards = list(dict.fromkeys(rate.guard for rate in self.rates))
        self.whole = all(rate.whole for rate in self.rates)
        self.timed = any(row.span.since or row.span.until for row in rows)
        self.clocked = any(not row.span.whole_day for row in rows)
        self.tiered = any(row.step.above >= 0 or row.step.upto is not None for row in rows)
        self.fees = any(rate.per_request for rate in self.rates)
        self.used = [
            place for place in range(len(_ORDER)) if any(rate.per_token[place] for rate in self.rates)
        ]

    def create(self, con: duckdb.DuckDBPyConnection) -> str:
        """Fills the temp tables; returns the LEFT JOINs."""
        numbers = {rate: number for number, rate in enumerate(self.rates)}
        guards = {guard: number for number, guard in enumerate(self.guards)}
        fill(con, self.name, _COLUMNS, (self._line(row, numbers, guards) for row in self.rows))
        a = self.alias
        terms = [
            f"s.provider IS NOT DISTINCT FROM {a}.provider", f"s.model = {a}.model",
            f"s.service_tier IS NOT DISTINCT FROM {a}.service_tier",
        ]
        time = f"s.{self.shape.time_column}"
        if self.timed:
            terms += [f"{time} >= {a}.since", f"{time} < {a}.until"]
        if self.clocked:
            clock = f"epoch_us({time}) % {DAY_US}"
            terms += [f"{clock} >= {a}.after_us", f"{clock} < {a}.before_us"]
        if self.tiered:
            terms += [f"{self.shape.context} > {a}.above", f"{self.shape.context} <= {a}.upto"]
        join = f'LEFT JOIN "{self.name}" {a} ON {" AND ".join(terms)}'
        if not self.whole:
            exact = ((numbers[rate], *_exact(rate)) for rate in self.rates if not rate.whole)
            fill(con, f"{self.name}_exact", _EXACT_COLUMNS, exact)
            join += f' LEFT JOIN "{self.name}_exact" {a}x ON {a}x.rate = {a}.exact'
        return join

    def _line(self, row: Row, numbers: dict[Rate, int], guards: dict[Guard, int]) -> tuple[object, ...]:
        span, step, rate = row.span, row.step, row.step.rate
        whole = [int(price) if rate.whole else None for price in (*rate.per_token, rate.per_request)]
        return (
            row.key.provider, row.key.model, row.key.service_tier,
            span.since or _ALWAYS.since, span.until or _ALWAYS.until, span.after_us, span.before_us,
            step.above, _BIG if step.upto is None else step.upto,
            row.model_key, None if rate.whole else numbers[rate], guards[rate.guard], *whole,
            _fast_limit(rate), _wide_limit(rate),
        )  # fmt: skip

    def cost(self) -> str:
        """The expression, `a` being the table's alias. NULL where nothing joined."""
        if not self.rows:
            return f"CAST(NULL AS {'DECIMAL(38,18)' if self.shape.usage else 'DECIMAL(18,12)'})"
        counts = ", ".join(f"s.{name}" for name in _ORDER)
        n = {name: f"coalesce(s.{name}, 0)" for name in _ORDER}
        audio = f"{n['input_audio_tokens']} = 0 AND {n['output_audio_tokens']} = 0"
        fee_known = f" AND s.requests BETWEEN 0 AND {self.alias}.fast" if self.fees and self.shape.usage else ""
        # The nested CASE keeps the subtractions away from counts that would overflow them.
        plain = (
            f"CASE WHEN greatest({counts}) <= {self.alias}.fast AND least({counts}) >= 0 THEN "
            f"{n['cache_read_tokens']} <= {n['input_tokens']} - {n['cache_write_tokens']} "
            f"AND {n['cache_write_1h_tokens']} <= {n['cache_write_tokens']} "
            f"AND {n['reasoning_tokens']} <= {n['output_tokens']} AND {audio}{fee_known} ELSE false END"
        )
        fast = " + ".join([*(f"{n[_ORDER[i]]} * {self.alias}.c{i}" for i in self.used if _ORDER[i] not in _AUDIO),
                           *self._fee("BIGINT")]) or "0"
        return f"CASE WHEN {plain} THEN {self.shape.dollars(fast)} ELSE {self._careful(n, counts)} END"

    def _fee(self, sql_type: str) -> list[str]:
        if not self.fees:
            return []
        price = self._price("request", sql_type)
        if not self.shape.usage:
            return [price]
        requests = f"CAST(s.requests AS {sql_type})"
        return [f"CASE WHEN {self.alias}.c_request = 0 THEN 0 ELSE {requests} * {price} END"]

    def _price(self, column: str, sql_type: str) -> str:
        plain = f"CAST({self.alias}.c{'_' if column == 'request' else ''}{column} AS {sql_type})"
        return plain if self.whole or sql_type == "BIGINT" else f"coalesce({self.alias}x.w_{column}, {plain})"

    def _careful(self, n: dict[str, str], counts: str) -> str:
        """The same sum in HUGEINT, with the model's own checks; few rows come here."""
        a = self.alias
        terms = [f"CAST({n[_ORDER[i]]} AS HUGEINT) * {self._price(str(i), 'HUGEINT')}" for i in self.used]
        total = " + ".join([*terms, *self._fee("HUGEINT")]) or "CAST(0 AS HUGEINT)"
        rounded = total if self.whole else _half_even(total, f"coalesce({a}x.unit, 1)")
        arms = " ".join(f"WHEN {number} THEN {_allowed(guard, n)}" for number, guard in enumerate(self.guards))
        refused = [
            f"{a}.wide IS NULL", f"greatest({counts}) IS NULL", f"greatest({counts}) > {a}.wide",
            f"least({counts}) < 0", f"NOT (CASE {a}.guard {arms} END)",
        ]
        if self.shape.usage and self.fees:
            refused.insert(1, f"s.requests > {a}.wide OR s.requests < 0")
        checks = " ".join(f"WHEN {check} THEN NULL" for check in refused)
        return f"CASE {checks} WHEN ({rounded}) >= {self.shape.limit} THEN NULL ELSE {self.shape.dollars(rounded)} END"


_AUDIO = ("input_audio_tokens", "output_audio_tokens")
_COLUMNS = (
    "provider VARCHAR, model VARCHAR, service_tier VARCHAR, since TIMESTAMP, until TIMESTAMP, after_us BIGINT, "
    "before_us BIGINT, above BIGINT, upto BIGINT, model_key VARCHAR, exact INTEGER, guard INTEGER, "
    + ", ".join(f"c{place} BIGINT" for place in range(len(_ORDER)))
    + ", c_request BIGINT, fast BIGINT, wide BIGINT"
)
_EXACT_COLUMNS = (
    "rate INTEGER, unit HUGEINT, " + ", ".join(f"w_{place} HUGEINT" for place in range(len(_ORDER)))
    + ", w_request HUGEINT"
)


def fill(con: duckdb.DuckDBPyConnection, name: str, columns: str, rows: Iterable[Sequence[object]]) -> None:
    """One statement a table: rows come from our own price data, and text is quoted."""
    con.execute(f'CREATE OR REPLACE TEMP TABLE "{name}" ({columns})')
    lines = [f"({', '.join(_literal(value) for value in row)})" for row in rows]
    for start in range(0, len(lines), 500):
        con.execute(f'INSERT INTO "{name}" VALUES {", ".join(lines[start : start + 500])}')


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, datetime):
        return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
    return "'" + str(value).replace("'", "''") + "'"


def _weight(rate: Rate) -> Fraction:
    return sum((abs(Fraction(price)) for price in (*rate.per_token, rate.per_request)), Fraction(0))


def _fast_limit(rate: Rate) -> int:
    """The largest count with which the BIGINT sum stays below a call's limit; -1: never that way."""
    orderly = all(any(number > 0 for number in part) for part in rate.guard.parts)
    if not rate.known or not rate.whole or not orderly:
        return -1
    return min(_BIG, (_CALL_LIMIT - 1) // max(1, int(_weight(rate))))


def _wide_limit(rate: Rate) -> int | None:
    """The largest count with which the HUGEINT sum cannot overflow; None: the cost is unknown."""
    if not rate.known:
        return None
    return min(_BIG, int(_HUGE / max(Fraction(1), _weight(rate) * _unit(rate))))


def _unit(rate: Rate) -> int:
    """The power of ten that makes every coefficient whole."""
    exponents = [price.normalize(EXACT).as_tuple().exponent for price in (*rate.per_token, rate.per_request)]
    digits = max(0, *(-int(exponent) for exponent in exponents))
    return int(10**digits)


def _exact(rate: Rate) -> tuple[int, ...]:
    unit = _unit(rate)
    return (unit, *(int(EXACT.multiply(price, Decimal(unit))) for price in (*rate.per_token, rate.per_request)))


def _half_even(total: str, unit: str) -> str:
    """`total / unit` rounded half-even, for a total that is not negative."""
    up = f"(2 * ({total}) + {unit})"
    half = f"{up} // (2 * {unit})"
    return f"({half} - CASE WHEN {up} % (2 * {unit}) = 0 AND ({half}) % 2 = 1 THEN 1 ELSE 0 END)"


def _allowed(guard: Guard, n: dict[str, str]) -> str:
    terms = []
    for part in guard.parts:
        sums = [f"{times} * CAST({n[_ORDER[i]]} AS HUGEINT)" for i, times in enumerate(part) if times]
        terms.append(f"{' + '.join(sums)} >= 0")
    for a, b in guard.apart:
        terms.append(f"NOT ({n[_ORDER[a]]} > 0 AND {n[_ORDER[b]]} > 0)")
    return " AND ".join(terms) or "true"

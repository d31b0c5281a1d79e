"""One column of a file as SQL of a fact column's type: text is cast and checked, a native type passes as it is.

Each function gives a `Value`. Values of the right native type cost nothing; only text needs casts, and only text that
is not in the usual form needs more than one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from outlay.facts.column import CHARGE_MONEY, COUNT, TEXT, TIME
from outlay.sources.filecolumns import FileColumn
from outlay.sources.sql_values import decimal_sql, literal


@dataclass(frozen=True, slots=True)
class Value:
    """`sql` is of the wanted type or NULL; `raw` (SQL text or None) is what must not be lost where `sql` is NULL;
    `refused_when` (SQL or None) says the same for values that are not text; `reason` says what was expected.
    `rounded` (SQL or None) is true where digits were lost."""

    sql: str
    raw: str | None = None
    refused_when: str | None = None
    reason: str = ""
    rounded: str | None = None


def column_value(column: FileColumn, sql_type: str, *, missing: Sequence[str] = (), whole: bool = True) -> Value:
    """The column as `sql_type`, one of the types that fact columns have. Texts in `missing` mean no value.

    `whole=False` leaves the fraction of a number that is wanted as a count, for the caller to round.
    Raises `ValueError` with the reason where the column's type can never give the wanted one.
    """
    text = _present(column.sql, missing) if column.is_text else column.sql
    if sql_type == TEXT:
        return _text(column, text)
    if column.is_nested:
        raise ValueError("holds objects or lists; name the field inside of it with a dotted path")
    if sql_type == TIME:
        return _time(column, text)
    if sql_type == COUNT:
        return _count(column, text) if whole else _double(column, text)
    if sql_type == "DOUBLE":
        return _double(column, text)
    if sql_type == "BOOLEAN":
        return _boolean(column, text)
    return _decimal(column, text, sql_type)


def _present(sql: str, missing: Sequence[str]) -> str:
    if not missing:
        return f"nullif({sql}, '')"
    return f"CASE WHEN {sql} IN ({', '.join(literal(text) for text in ('', *missing))}) THEN NULL ELSE {sql} END"


def _text(column: FileColumn, text: str) -> Value:
    if column.is_nested:
        return Value(f"CAST(to_json({column.sql}) AS VARCHAR)")
    return Value(text if column.is_text else f"CAST({column.sql} AS VARCHAR)")


def _time(column: FileColumn, text: str) -> Value:
    if column.type == "TIMESTAMP":
        return Value(column.sql)
    if column.type == "TIMESTAMP WITH TIME ZONE":
        return Value(f"make_timestamp(epoch_us({column.sql}))")
    if column.type == "DATE" or column.type.startswith("TIMESTAMP"):
        return Value(f"CAST({column.sql} AS TIMESTAMP)")
    if not column.is_text:
        raise ValueError("holds numbers, not times; say in a mapping what they count, for example `epoch: seconds`")
    # DuckDB's cast to TIMESTAMP drops a zone silently, so a text that has one goes by way of TIMESTAMPTZ. The date's
    # own hyphens stand in its first ten characters. (A regular expression would say it shorter, and take four times
    # as long.)
    named = f"right({text}, 1) > '9' AND upper(right({text}, 1)) <> 'Z'"
    zoned = f"length({text}) > 15 AND (contains({text}, '+') OR contains(substr({text}, 12), '-') OR {named})"
    with_zone = f"make_timestamp(epoch_us(TRY_CAST({text} AS TIMESTAMPTZ)))"
    return Value(f"CASE WHEN {zoned} THEN {with_zone} ELSE TRY_CAST({text} AS TIMESTAMP) END", text,
                 reason="is not a time")


def _count(column: FileColumn, text: str) -> Value:
    reason = "is not a whole number"
    if column.type in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"):
        return Value(column.sql)
    if column.is_text:
        # A cast alone would round 12.5; "12.0" is how some writers put a count that may be absent.
        number = f"TRY_CAST({text} AS BIGINT)"
        exact = f"TRY_CAST({text} AS DOUBLE) = {number}"
        plain = f"NOT contains({text}, '.') AND NOT contains(lower({text}), 'e')"
        return Value(f"CASE WHEN {plain} OR {exact} THEN {number} END", text, reason=reason)
    if column.is_number:
        number = _no_nan(column)
        sql = f"CASE WHEN {number} = floor({number}) THEN TRY_CAST({number} AS BIGINT) END"
        return Value(sql, refused_when=f"{number} IS NOT NULL AND ({sql}) IS NULL", reason=reason)
    raise ValueError(f"holds {column.type}, not numbers")


def _double(column: FileColumn, text: str) -> Value:
    if column.is_number:
        return Value(_no_nan(column) if column.type == "DOUBLE" else f"CAST({_no_nan(column)} AS DOUBLE)")
    if column.is_text:
        return Value(f"nullif(TRY_CAST({text} AS DOUBLE), CAST('NaN' AS DOUBLE))", text, reason="is not a number")
    raise ValueError(f"holds {column.type}, not numbers")


def _no_nan(column: FileColumn) -> str:
    """Writers of Parquet and JSON put NaN where a number is absent."""
    return f"nullif({column.sql}, CAST('NaN' AS {column.type}))" if column.is_float else column.sql


def _boolean(column: FileColumn, text: str) -> Value:
    if column.type == "BOOLEAN":
        return Value(column.sql)
    return Value(f"TRY_CAST({text} AS BOOLEAN)", f"CAST({text} AS VARCHAR)", reason="is neither true nor false")


def _decimal(column: FileColumn, text: str, sql_type: str) -> Value:
    reason = "is not an amount"
    if not column.is_text and not column.is_number:
        raise ValueError(f"holds {column.type}, not numbers")
    if sql_type == CHARGE_MONEY:
        exact = decimal_sql(text if column.is_text else column.sql, column.type)
        return Value(exact.value, exact.raw, reason=reason, rounded=exact.rounded)
    # A float as its shortest decimal text is what its writer meant; through a float no money is computed.
    number = _no_nan(column)
    written = text if column.is_text else f"CAST({number} AS VARCHAR)" if column.is_float else column.sql
    sql = f"TRY_CAST({written} AS {sql_type})"
    if column.is_text:
        return Value(sql, text, reason=reason)
    return Value(sql, refused_when=f"{number} IS NOT NULL AND ({sql}) IS NULL", reason=reason)

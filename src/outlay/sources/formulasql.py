"""A mapping's formula over a file's columns, as the SQL of one fact column."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from outlay.errors import FileError
from outlay.facts.column import COUNT, TEXT, Column
from outlay.facts.providers import provider_case_sql, provider_id
from outlay.sources.base import Cell, Check, Table, Tally
from outlay.sources.columnvalue import Value, column_value
from outlay.sources.filecolumns import FileColumn, find_column
from outlay.sources.mapping import EPOCHS, Formula
from outlay.sources.sql_values import literal


@dataclass(frozen=True, slots=True)
class Compiled:
    """A cell, and the checks and tallies that go with it."""

    cell: Cell
    checks: tuple[Check, ...] = ()
    tallies: tuple[Tally, ...] = ()


def compile_formula(formula: Formula, target: Column, table: Table, missing: Sequence[str]) -> Compiled | None:
    """The formula's SQL; None where the file lacks a column that it needs and the fact can do without.

    Raises `FileError` where a needed column is absent, or its type can never give what is wanted.
    """
    if not formula.columns:
        constant = provider_id(formula.value) if target.name == "provider" else formula.value
        return Compiled(Cell(target.name, typed_literal(constant or "", target.sql_type), field=target.name))
    found = [find_column(table, name) for name in formula.names]
    operands = [column for column in found if column is not None]
    if len(operands) < len(found):
        if not target.required:
            return None
        absent = next(name for name, column in zip(formula.names, found, strict=True) if column is None)
        raise FileError(f"has no column '{absent}', from which {target.name} is made", hint=_nearest(absent, table))
    try:
        return _compile(formula, target, operands, missing)
    except ValueError as error:
        raise FileError(f"column '{formula.names[0]}' {error}") from error


def _nearest(absent: str, table: Table) -> str:
    near = difflib.get_close_matches(absent, list(table.columns), n=1)
    return f"Did you mean '{near[0]}'?" if near else f"It has: {', '.join(list(table.columns)[:30])}."


def _compile(formula: Formula, target: Column, operands: list[FileColumn], missing: Sequence[str]) -> Compiled:
    checks: list[Check] = []
    if formula.is_plain:
        value = _plain(formula, target, operands[0], missing)
    else:
        value, checks = _arithmetic(formula, target, operands, missing)
    if value.refused_when:
        checks.append(Check(value.refused_when, operands[0].name, value.reason))
    sql, raw = value.sql, value.raw
    if target.name == "provider":
        sql = provider_case_sql(sql)
    if formula.default is not None:
        if raw is not None:
            # The default stands for what is absent, never for what is wrong.
            checks.append(Check(f"{raw} IS NOT NULL AND ({sql}) IS NULL", operands[0].name, value.reason))
        sql, raw = f"coalesce({sql}, {typed_literal(formula.default, target.sql_type)})", None
    name = operands[0].name
    cell = Cell(target.name, sql, raw, name, value.reason or "is missing", target.required)
    if value.rounded is None:
        return Compiled(cell, tuple(checks))
    lost = Tally(value.rounded, f"rows have more digits in {name} than are kept; they were rounded half-even")
    return Compiled(cell, tuple(checks), (lost,))


def _plain(formula: Formula, target: Column, column: FileColumn, missing: Sequence[str]) -> Value:
    if formula.epoch is not None:
        return _epoch(formula, column, missing)
    if formula.format is not None:
        text = column_value(column, TEXT, missing=missing).sql
        parsed = f"try_strptime({text}, {literal(formula.format)})"
        return Value(_in_zone(parsed, formula.zone), text, reason=f"is not a time like {formula.format}")
    if formula.round:
        number = column_value(column, COUNT, missing=missing, whole=False)
        rounded = f"TRY_CAST(round({number.sql}) AS BIGINT)"
        return Value(rounded, number.raw, f"({number.sql}) IS NOT NULL AND ({rounded}) IS NULL", "is not a number")
    value = column_value(column, target.sql_type, missing=missing)
    if formula.zone is None or column.type == "TIMESTAMP WITH TIME ZONE":
        return value
    if not column.is_text:
        return Value(_in_zone(value.sql, formula.zone))
    text = value.raw or column.sql
    # A text that names its own zone keeps it.
    own = f"length({text}) > 15 AND regexp_matches(right({text}, 6), '[-+A-Za-z]')"
    local = _in_zone(f"TRY_CAST({text} AS TIMESTAMP)", formula.zone)
    return Value(f"CASE WHEN {own} THEN {value.sql} ELSE {local} END", value.raw, reason=value.reason)


def _in_zone(sql: str, zone: str | None) -> str:
    return sql if zone is None else f"make_timestamp(epoch_us(timezone({literal(zone)}, {sql})))"


def _epoch(formula: Formula, column: FileColumn, missing: Sequence[str]) -> Value:
    number = column_value(column, "DOUBLE", missing=missing)
    exact = column.sql if column.is_integer else number.sql
    unit = EPOCHS[formula.epoch or "seconds"]
    origin = int((formula.origin.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 1_000_000
    # Beyond a hundred thousand days from its origin a number does not count this unit of time.
    limit = int(100_000 * 86_400 * 1_000_000 / unit)
    micros = f"{exact} * {unit.numerator}" if unit >= 1 else f"{exact} / {unit.denominator}"
    moment = f"make_timestamp({origin} + CAST(round({micros}) AS BIGINT))"
    sql = f"CASE WHEN {exact} BETWEEN {-limit} AND {limit} THEN {moment} END"
    reason = f"is not a time in {formula.epoch}"
    return Value(sql, number.raw, f"({number.sql}) IS NOT NULL AND ({sql}) IS NULL", reason)


def _arithmetic(
    formula: Formula, target: Column, operands: list[FileColumn], missing: Sequence[str]
) -> tuple[Value, list[Check]]:
    real = target.sql_type == "DOUBLE" or (target.sql_type == COUNT and (formula.times is not None or formula.round))
    as_type = "DOUBLE" if real else target.sql_type
    values = [column_value(column, as_type, missing=missing) for column in operands]
    checks = [check for column, value in zip(operands, values, strict=True) for check in _operand_checks(column, value)]
    # 128-bit integers cannot overflow on two 64-bit ones; the cast back refuses what does not fit.
    parts = [f"CAST({value.sql} AS HUGEINT)" if as_type == COUNT else value.sql for value in values]
    amounts = parts[: len(formula.columns)]
    if len(amounts) == 1 or formula.minus:
        total = " - ".join(amounts)
    else:
        known = f"coalesce({', '.join(amounts)}) IS NOT NULL"
        total = f"CASE WHEN {known} THEN {' + '.join(f'coalesce({amount}, 0)' for amount in amounts)} END"
    if isinstance(formula.times, Decimal):
        total = f"({total}) * {formula.times:f}" + ("::DOUBLE" if real else "")
    elif formula.times is not None:
        total = f"({total}) * ({parts[-1]})"
    name = " and ".join(formula.names)
    if target.sql_type == "DOUBLE":
        return Value(total, reason="is not a number"), checks
    if target.sql_type == COUNT:
        return _counted(total, formula, real, name), checks
    sql = f"TRY_CAST(TRY({total}) AS {target.sql_type})"
    present = " AND ".join(f"({value.sql}) IS NOT NULL" for value in values)
    return Value(sql, refused_when=f"{present} AND ({sql}) IS NULL", reason="is not an amount"), checks


def _counted(total: str, formula: Formula, real: bool, name: str) -> Value:
    if formula.round:
        sql = f"TRY_CAST(round({total}) AS BIGINT)"
    elif real:
        sql = f"CASE WHEN ({total}) = floor({total}) THEN TRY_CAST({total} AS BIGINT) END"
    else:
        sql = f"TRY_CAST({total} AS BIGINT)"
    reason = f"gives no whole number ({name})"
    return Value(sql, refused_when=f"({total}) IS NOT NULL AND ({sql}) IS NULL", reason=reason)


def _operand_checks(column: FileColumn, value: Value) -> list[Check]:
    checks = []
    if value.raw is not None:
        checks.append(Check(f"{value.raw} IS NOT NULL AND ({value.sql}) IS NULL", column.name, value.reason))
    if value.refused_when is not None:
        checks.append(Check(value.refused_when, column.name, value.reason))
    return checks


def typed_literal(text: str, sql_type: str) -> str:
    """A constant of the type, as SQL."""
    return literal(text) if sql_type == TEXT else f"CAST({literal(text)} AS {sql_type})"

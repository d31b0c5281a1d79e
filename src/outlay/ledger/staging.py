"""A file becomes staged rows: temporary relations with the columns of the facts, and the rows that were refused.

Nothing here touches the ledger's own tables. Large flat files are read by DuckDB in bulk: typed and strict first,
because it is fastest; where the file does not hold what its first rows promise, again as text, row by row checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from outlay.attribution.sql import literal
from outlay.errors import FileError
from outlay.facts import Notice, Reject, columns
from outlay.ledger.arrow import facts_table
from outlay.ledger.schema import Kind, kind_of
from outlay.sources.base import Cell, Projection, RowSource, Source, TableSource
from outlay.sources.inputfile import InputFile
from outlay.sources.tablefile import Scan, open_scan

if TYPE_CHECKING:
    import duckdb

#: Facts gathered before they become one Arrow table.
BATCH = 20_000
_MARK = "\x1f"

#: What no emitter can mean; a row beyond is refused rather than let into a sum. SQL over a staged row's cells.
_SANE: dict[str, tuple[tuple[str, str, str], ...]] = {
    "Call": tuple((f"{name} NOT BETWEEN 0 AND 1000000000", name, "is negative or above 1e9 tokens")
                  for name in ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")),
    "Usage": tuple((f"{name} NOT BETWEEN 0 AND 1000000000000000", name, "is negative or above 1e15")
                   for name in ("requests", "input_tokens", "output_tokens", "cache_read_tokens")),
    "Sample": (("util NOT BETWEEN 0 AND 100.5", "util", "is not a percentage"),
               ("seconds NOT BETWEEN 0 AND 86400", "seconds", "is not between 0 and a day")),
    "Capacity": tuple((f"{name} < 0", name, "is negative") for name in ("total", "allocated", "running", "pending")),
    "Run": (("ended < started", "ended", "is before the start"), ("gpus < 0", "gpus", "is negative")),
    "Output": (("count < 0", "count", "is negative"),),
}
_YEARS = "NOT BETWEEN TIMESTAMP '1990-01-01' AND TIMESTAMP '2200-01-01'"


@dataclass
class Staged:
    """What a file holds. `relations`: a temporary table or view for each kind with good rows only."""

    relations: dict[Kind, str] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    rows: int = 0


def stage(con: duckdb.DuckDBPyConnection, source: Source, file: InputFile, advance: Callable[[int], None]) -> Staged:
    """Reads `file` as `source` says. `advance(rows)` is called as rows are read.

    Raises `FileError` where the file as a whole cannot be read.
    """
    drop(con)
    if file.size == 0 or not (file.is_parquet or file.text.strip()):
        raise FileError("is empty", where=file.name)
    if isinstance(source, RowSource):
        return _stage_rows(con, source.read(file), advance)
    assert isinstance(source, TableSource)
    return _stage_table(con, source, file)


def drop(con: duckdb.DuckDBPyConnection) -> None:
    """Removes what an earlier file left in the temporary schema."""
    for name, kind in con.execute(
        "SELECT table_name, 'TABLE' FROM duckdb_tables() WHERE temporary UNION ALL "
        "SELECT view_name, 'VIEW' FROM duckdb_views() WHERE temporary AND NOT internal ORDER BY 2 DESC"
    ).fetchall():
        con.execute(f'DROP {kind} "{name}"')


def _stage_rows(con: duckdb.DuckDBPyConnection, items: Iterator[Any], advance: Callable[[int], None]) -> Staged:
    staged = Staged()
    waiting: dict[type, list[Any]] = {}
    for item in items:
        if isinstance(item, Reject):
            staged.rejects.append(item)
        elif isinstance(item, Notice):
            staged.notices.append(item)
            continue
        else:
            batch = waiting.setdefault(type(item), [])
            batch.append(item)
            if len(batch) >= BATCH:
                _append(con, staged, type(item), batch)
                advance(len(batch))
                batch.clear()
        staged.rows += 1
    for fact, batch in waiting.items():
        if batch:
            _append(con, staged, fact, batch)
            advance(len(batch))
    return staged


def _append(con: duckdb.DuckDBPyConnection, staged: Staged, fact: type, batch: list[Any]) -> None:
    kind = kind_of(fact)
    name = f"staged_{kind.table}"
    if kind not in staged.relations:
        layout = ", ".join(f'"{column.name}" {column.sql_type}' for column in columns(fact))
        con.execute(f"CREATE TEMP TABLE {name} ({layout})")
        staged.relations[kind] = name
    con.register("incoming_batch", facts_table(fact, batch))
    con.execute(f"INSERT INTO {name} SELECT * FROM incoming_batch")
    con.unregister("incoming_batch")


def _stage_table(con: duckdb.DuckDBPyConnection, source: TableSource, file: InputFile) -> Staged:
    import duckdb

    with open_scan(con, file) as scan:
        try:
            return _project(con, source, scan)
        except (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.OutOfRangeException):
            drop(con)
            scan.as_text()
            return _project(con, source, scan)


def _project(con: duckdb.DuckDBPyConnection, source: TableSource, scan: Scan) -> Staged:
    staged = Staged(rejects=list(scan.rejects), notices=list(scan.notices), rows=len(scan.rejects))
    for projection in source.projections(scan.table):
        kind = kind_of(projection.fact)
        staged.notices.extend(projection.notices)
        select = _select(projection, scan)
        name = f"staged_{kind.table}"
        # A Parquet file is its own columnar table: reading it twice costs less than copying it once.
        shape = "VIEW" if scan.table.format == "parquet" else "TABLE"
        con.execute(f"CREATE TEMP {shape} read_{name} AS {select}")
        bad, rows = con.execute(f"SELECT count(problem), count(*) FROM read_{name}").fetchall()[0]
        good = "WHERE problem IS NULL" if bad else ""
        con.execute(f"CREATE TEMP VIEW {name} AS SELECT * EXCLUDE (problem) FROM read_{name} {good}")
        staged.relations[kind] = name
        staged.rows += rows
        if bad:
            staged.rejects.extend(_rejects(con, scan, select))
    return staged


def _select(projection: Projection, scan: Scan) -> str:
    """The projection as a query with the fact's columns and `problem`: what is wrong with the row, or NULL."""
    cells = {cell.target: cell for cell in projection.cells}
    parts: list[str] = []
    arms: list[str] = []
    for column in columns(projection.fact):
        cell = cells.get(column.name)
        if column.name == "tags":
            sql = projection.tags or (cell.sql if cell else "NULL")
            parts.append(f"coalesce(CAST({sql} AS MAP(VARCHAR, VARCHAR)), MAP {{}}) AS tags")
        else:
            sql = cell.sql if cell else "NULL"
            parts.append(f'CAST({sql} AS {column.sql_type}) AS "{column.name}"')
        if cell:
            arms.extend(_cell_arms(cell))
    arms.extend(_arm(check.refused_when, check.field, check.reason, "NULL") for check in projection.checks)
    where = f"WHERE {projection.where}" if projection.where else ""
    inner = f"SELECT {', '.join(parts)}, {_case(arms)} AS problem FROM {scan.sql} {where}"
    sane = [_arm(condition, name, reason, f'"{name}"') for condition, name, reason in _sane(projection.fact, cells)]
    return f"SELECT * REPLACE (coalesce(problem, {_case(sane)}) AS problem) FROM ({inner})" if sane else inner


def _case(arms: list[str]) -> str:
    return f"CASE {' '.join(arms)} END" if arms else "CAST(NULL AS VARCHAR)"


def _cell_arms(cell: Cell) -> Iterator[str]:
    field_name = cell.field or cell.target
    if cell.raw is not None:
        yield _arm(f"({cell.raw}) IS NOT NULL AND ({cell.sql}) IS NULL", field_name, cell.reason, cell.raw)
    if cell.required:
        yield _arm(f"({cell.sql}) IS NULL", field_name, "is missing", "NULL")


def _arm(condition: str, field_name: str, reason: str, raw: str) -> str:
    said = literal(f"{field_name}{_MARK}{reason}{_MARK}")
    return f"WHEN {condition} THEN {said} || coalesce(left(CAST({raw} AS VARCHAR), 100), '')"


def _sane(fact: type, cells: dict[str, Cell]) -> Iterator[tuple[str, str, str]]:
    """The checks that concern columns which the file has: condition, column, reason."""
    for condition, name, reason in _SANE.get(fact.__name__, ()):
        if name in cells:
            yield condition, name, reason
    for name in ("time", "start", "charge_period_start"):
        if name in cells:
            yield f"{name} {_YEARS}", name, "is not a time of our century"


def _rejects(con: duckdb.DuckDBPyConnection, scan: Scan, select: str) -> Iterator[Reject]:
    """A second pass, in the order of the file, that is made only where rows were refused: it finds their line numbers."""
    rows = con.execute(
        f"SELECT n, problem FROM (SELECT row_number() OVER () AS n, problem FROM ({select})) "
        "WHERE problem IS NOT NULL ORDER BY n"
    ).fetchall()
    for number, problem in rows:
        name, reason, raw = problem.split(_MARK, 2)
        yield Reject(scan.line(number), name, reason, raw)


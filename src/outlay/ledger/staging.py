"""A file becomes staged rows: temporary relations with the columns of the facts, and the rows that were refused.

Nothing here touches the ledger's own tables. Large flat files are read by DuckDB in bulk: typed and strict first,
because it is fastest; where the file does not hold what its first rows promise, again as text, row by row checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outlay.attribution.patterns import literal
from outlay.errors import FileError
from outlay.facts import Call, Notice, Reject, Sample, columns
from outlay.facts.column import TAGS
from outlay.ledger.arrow import facts_table
from outlay.ledger.census import Census, take_census
from outlay.ledger.foreseen import AS_FORESEEN, foreseen
from outlay.ledger.schema import Kind, kind_of
from outlay.sources.base import Cell, Projection, RowSource, Source, TableSource
from outlay.sources.factchecks import fact_checks
from outlay.sources.inputfile import InputFile
from outlay.sources.tablefile import Scan, misread, open_scan
from outlay.sources.tagcolumns import tag_map

if TYPE_CHECKING:
    import duckdb

#: Facts gathered before they become one Arrow table.
BATCH = 20_000
#: Kinds of which a file may hold many millions.
_MANY = (Call, Sample)
_MARK = "\x1f"


@dataclass(frozen=True, slots=True)
class Relation:
    """Good rows of one kind: the columns of the fact, and in the ones that `tags` names, texts of single tags.

    `tags`: key and column of every tag, where each has a column of its own; None: the map says what there is.
    `empty`: columns of the fact that the file has nothing for. `foreseen`: the census is that of a sample, widened.
    """

    name: str
    census: Census
    tags: tuple[tuple[str, str], ...] | None = None
    empty: frozenset[str] = frozenset()
    foreseen: bool = False


@dataclass
class Staged:
    """What a file holds."""

    relations: dict[Kind, Relation] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    @property
    def usable(self) -> int:
        """Rows that are facts."""
        return sum(relation.census.rows for relation in self.relations.values())

    @property
    def rows(self) -> int:
        """All rows."""
        return self.usable + len(self.rejects)


class Reading(Enum):
    """How the rows of a large table come from their file, the fastest first."""

    ONCE = "as they are put into the ledger, with a sample telling what to prepare for"
    TWICE = "to be counted, and as they are put into the ledger"
    COPIED = "into a copy"


@contextmanager
def staged(
    con: duckdb.DuckDBPyConnection, source: Source, file: InputFile, advance: Callable[[int], None],
    scratch: Path | None = None, reading: Reading = Reading.TWICE,
) -> Iterator[Staged]:
    """What `file` holds, read as `source` says, for as long as the context lasts. `advance(rows)` is called as rows are
    read; copies that are needed for a time lie in `scratch`. Unless they are `COPIED`, the rows of large tables are
    read from the file afterwards, which may show only then that it does not hold what it promised (see `misfits`).

    Raises `FileError` where the file as a whole cannot be read.
    """
    drop(con)
    if file.is_empty:
        raise FileError("is empty", where=file.name, hint="Export it again, if it should not be.")
    with ExitStack() as open_files:
        try:
            if isinstance(source, RowSource):
                if file.is_parquet:
                    raise FileError(f"is Parquet, and no {source.title}",
                                    hint="Leave --as out, or name a table's mapping.")
                found = _stage_rows(con, source.read(file), advance)
                if not file.is_well_encoded:
                    found.notices.insert(0, misread(file))
            else:
                assert isinstance(source, TableSource)
                found = _stage_table(con, source, open_files.enter_context(open_scan(con, file, scratch)), reading)
        except FileError as error:
            # Sources that see only the columns of a table cannot name its file.
            if file.name not in error.where:
                error.where = f"{file.name}: {error.where}" if error.where else file.name
            raise
        yield found


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
    names: dict[Kind, str] = {}
    for item in items:
        if isinstance(item, Reject):
            staged.rejects.append(item)
        elif isinstance(item, Notice):
            staged.notices.append(item)
        else:
            batch = waiting.setdefault(type(item), [])
            batch.append(item)
            if len(batch) >= BATCH:
                _append(con, names, type(item), batch)
                advance(len(batch))
                batch.clear()
    for fact, batch in waiting.items():
        if batch:
            _append(con, names, fact, batch)
            advance(len(batch))
    for kind, name in names.items():
        staged.relations[kind] = Relation(name, take_census(con, kind, name), empty=_empty(con, kind, name))
    return staged


def _empty(con: duckdb.DuckDBPyConnection, kind: Kind, name: str) -> frozenset[str]:
    names = kind.fact_columns
    counts = con.execute(f"SELECT {', '.join(f'count({chr(34)}{column}{chr(34)})' for column in names)} FROM {name}")
    return frozenset(column for column, count in zip(names, counts.fetchall()[0], strict=True) if not count)


def _append(con: duckdb.DuckDBPyConnection, names: dict[Kind, str], fact: type, batch: list[Any]) -> None:
    kind = kind_of(fact)
    name = f"staged_{kind.table}"
    if kind not in names:
        layout = ", ".join(f'"{column.name}" {column.sql_type}' for column in columns(fact))
        con.execute(f"CREATE TEMP TABLE {name} ({layout})")
        names[kind] = name
    con.register("incoming_batch", facts_table(fact, batch))
    con.execute(f"INSERT INTO {name} SELECT * FROM incoming_batch")
    con.unregister("incoming_batch")


def misfits() -> tuple[type[Exception], ...]:
    """What DuckDB raises where a file does not hold what its first rows promise."""
    import duckdb

    return duckdb.InvalidInputException, duckdb.ConversionException, duckdb.OutOfRangeException


def _stage_table(con: duckdb.DuckDBPyConnection, source: TableSource, scan: Scan, reading: Reading) -> Staged:
    try:
        return _project(con, source, scan, reading)
    except misfits():
        drop(con)
        scan.as_text()
        return _project(con, source, scan, reading)


def _project(con: duckdb.DuckDBPyConnection, source: TableSource, scan: Scan, reading: Reading) -> Staged:
    staged = Staged(rejects=list(scan.rejects), notices=list(scan.notices))
    for projection in source.projections(scan.table):
        kind = kind_of(projection.fact)
        staged.notices.extend(projection.notices)
        name = f"staged_{kind.table}"
        # Reading twice costs less than a copy: of Parquet, which is a table already, and of millions of JSON lines.
        direct = scan.table.format == "parquet" or (
            scan.table.format == "json" and projection.fact in _MANY and reading is not Reading.COPIED)
        promised = None
        if direct and scan.sample and reading is Reading.ONCE:
            _view(con, projection, f"{name}_sample", _select(projection, scan, scan.sample), "VIEW")
            promised = foreseen(take_census(con, kind, f"every_{name}_sample", "problem", _tallied(projection)))
        select = _select(projection, scan, scan.sql)
        _view(con, projection, name, select, "VIEW" if direct else "TABLE")
        census = promised or take_census(con, kind, f"every_{name}", "problem", _tallied(projection))
        good = f"WHERE {AS_FORESEEN}" if promised else "WHERE problem IS NULL" if census.refused else ""
        con.execute(f"CREATE TEMP VIEW {name} AS SELECT * EXCLUDE (problem) FROM every_{name} {good}")
        cells = {cell.target for cell in projection.cells}
        staged.relations[kind] = Relation(
            name, census, None if _is_map(projection) else tuple(_tag_names(projection).items()),
            frozenset(column.name for column in columns(projection.fact)) - cells - {"tags"}, promised is not None)
        staged.notices.extend(Notice(f"{number:,} {tally.message}")
                              for number, tally in zip(census.tallies, projection.tallies, strict=True) if number)
        if census.refused:
            staged.rejects.extend(_rejects(con, scan, select))
    return staged


def _view(con: duckdb.DuckDBPyConnection, projection: Projection, name: str, select: str, shape: str) -> None:
    """Makes `every_<name>`, which has all columns of the fact, over `read_<name>`, which has those that are there."""
    con.execute(f"CREATE TEMP {shape} read_{name} AS {select}")
    con.execute(f"CREATE TEMP VIEW every_{name} AS SELECT {_fact_columns(projection)}, problem"
                f"{''.join(f', {tally}' for tally in _tallied(projection))} FROM read_{name}")


def _select(projection: Projection, scan: Scan, relation: str) -> str:
    """The projection of a relation of the scan as a query with the fact's columns that the file has, its tags, and
    `problem`: what is wrong with the row, or NULL."""
    types = {column.name: column.sql_type for column in columns(projection.fact)}
    parts: list[str] = []
    kept: list[str] = []
    arms: list[str] = []
    for place, cell in enumerate(projection.cells):
        if cell.target == "tags":
            continue
        parts.append(f'CAST({cell.sql} AS {types[cell.target]}) AS "{cell.target}"')
        kept.append(f'"{cell.target}"')
        if cell.raw is not None:
            parts.append(f"({cell.raw}) AS raw_{place}")
        arms.extend(_cell_arms(cell, f"raw_{place}"))
    if _is_map(projection):
        sql = projection.tags or next((cell.sql for cell in projection.cells if cell.target == "tags"), "NULL")
        parts.append(f"coalesce(CAST({sql} AS {TAGS}), MAP {{}}) AS tags")
        kept.append("tags")
    else:
        names = _tag_names(projection)
        parts.extend(f"CAST({sql} AS VARCHAR) AS {names[key]}" for key, sql in projection.tag_columns)
        kept.extend(names.values())
    parts.extend(f"({tally.counted_when}) AS {name}"
                 for tally, name in zip(projection.tallies, _tallied(projection), strict=True))
    kept.extend(_tallied(projection))
    where = f"WHERE {projection.where}" if projection.where else ""
    found = _case(_arm(check.refused_when, check.field, check.reason) for check in projection.checks)
    checks = fact_checks(projection.fact, projection.cells)
    limits = _case(_arm(check.refused_when, check.field, check.reason) for check in checks)
    if scan.doubt:
        parts.append(scan.doubt)
        arms.insert(0, f"WHEN {scan.doubt} THEN error('no whole number')")
    # In two steps, so that a value is made from its text once, however often it is looked at.
    return (f"SELECT {', '.join(kept)}, coalesce({_case(arms)}, problem, {limits}) AS problem "
            f"FROM (SELECT {', '.join(parts)}, {found} AS problem FROM {relation} {where})")


def _is_map(projection: Projection) -> bool:
    return not projection.tag_columns and (
        projection.tags is not None or any(cell.target == "tags" for cell in projection.cells))


def _tag_names(projection: Projection) -> dict[str, str]:
    """The column of each tag; its own name may be that of a column of the fact."""
    return {key: f"tag_{place}" for place, (key, _) in enumerate(projection.tag_columns)}


def _tallied(projection: Projection) -> tuple[str, ...]:
    return tuple(f"tally_{place}" for place, _ in enumerate(projection.tallies))


def _fact_columns(projection: Projection) -> str:
    """All columns of the fact, absent ones as NULL, and those of single tags."""
    cells = {cell.target for cell in projection.cells}
    names = _tag_names(projection)
    parts = []
    for column in columns(projection.fact):
        if column.name == "tags":
            parts.append("tags" if _is_map(projection) else f"{tag_map(names)} AS tags")
        elif column.name in cells:
            parts.append(f'"{column.name}"')
        else:
            parts.append(f'CAST(NULL AS {column.sql_type}) AS "{column.name}"')
    return ", ".join([*parts, *names.values()])


def _case(arms: Iterable[str]) -> str:
    all_arms = " ".join(arms)
    return f"CASE {all_arms} END" if all_arms else "CAST(NULL AS VARCHAR)"


def _cell_arms(cell: Cell, raw: str) -> Iterator[str]:
    field_name = cell.field or cell.target
    if cell.raw is not None:
        yield _arm(f'{raw} IS NOT NULL AND "{cell.target}" IS NULL', field_name, cell.reason, raw)
    if cell.required:
        yield _arm(f'"{cell.target}" IS NULL', field_name, "is missing")


def _arm(condition: str, field_name: str, reason: str, raw: str = "NULL") -> str:
    said = literal(f"{field_name}{_MARK}{reason}{_MARK}")
    return f"WHEN {condition} THEN {said} || coalesce(left(CAST({raw} AS VARCHAR), 100), '')"


def _rejects(con: duckdb.DuckDBPyConnection, scan: Scan, select: str) -> Iterator[Reject]:
    """A second pass, in the order of the file, made only where rows were refused: it finds their line numbers."""
    rows = con.execute(
        f"SELECT n, problem FROM (SELECT row_number() OVER () AS n, problem FROM ({select})) "
        "WHERE problem IS NOT NULL ORDER BY n"
    ).fetchall()
    for number, problem in rows:
        name, reason, raw = problem.split(_MARK, 2)
        yield Reject(scan.line(number), name, reason, raw)


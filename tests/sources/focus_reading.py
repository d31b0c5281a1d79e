"""Runs a projection as the importer does, for tests of one source alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from outlay.sources.base import Projection, Table
from outlay.sources.focus import Focus


@dataclass(frozen=True)
class Reading:
    """What became of a file: kept rows, refused ones as (field, reason), and how many rows each tally counted."""

    rows: list[dict[str, Any]]
    rejects: list[tuple[str, str]]
    tallies: list[int]
    notices: list[str]


def scan_sql(path: Path) -> tuple[str, str]:
    if path.suffix == ".parquet":
        return f"read_parquet('{path}')", "parquet"
    return f"read_csv('{path}', all_varchar=true, header=true, nullstr='', quote='\"')", "csv"


def projection_of(connection: duckdb.DuckDBPyConnection, path: Path) -> tuple[Projection, str]:
    scan, form = scan_sql(path)
    described = connection.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()
    (projection,) = Focus().projections(Table({row[0]: row[1] for row in described}, form))
    return projection, scan


def staged_sql(projection: Projection, scan: str) -> str:
    cells = ", ".join(f'{cell.sql} AS "{cell.target}"' for cell in projection.cells)
    problems = [
        f"WHEN ({cell.raw or 'NULL'}) IS NOT NULL AND ({cell.sql}) IS NULL THEN '{cell.field}: {cell.reason}'"
        for cell in projection.cells if cell.raw
    ]
    problems += [f"WHEN ({c.sql}) IS NULL THEN '{c.field}: is missing'" for c in projection.cells if c.required]
    problems += [f"WHEN {check.refused_when} THEN '{check.field}: {check.reason}'" for check in projection.checks]
    tallies = ", ".join(tally.counted_when for tally in projection.tallies)
    problem = f"CASE {' '.join(problems)} END"
    return f"SELECT {cells}, {projection.tags} AS tags, [{tallies}] AS tallied, {problem} AS problem FROM {scan} t"


def read(path: Path) -> Reading:
    connection = duckdb.connect()
    projection, scan = projection_of(connection, path)
    result = connection.execute(staged_sql(projection, scan))
    names = [column[0] for column in result.description]
    rows = [dict(zip(names, values, strict=True)) for values in result.fetchall()]
    kept = [row for row in rows if row["problem"] is None]
    return Reading(
        [{key: value for key, value in row.items() if key not in ("problem", "tallied")} for row in kept],
        [tuple(row["problem"].split(": ", 1)) for row in rows if row["problem"] is not None],
        [sum(bool(row["tallied"][place]) for row in kept) for place in range(len(projection.tallies))],
        [notice.message for notice in projection.notices],
    )

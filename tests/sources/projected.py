"""Runs a table source over a file in DuckDB, cell by cell: what is kept and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from outlay.sources.base import Projection, Table, TableSource
from outlay.sources.factchecks import fact_checks
from outlay.sources.sql_values import literal


def scan_of(path: Path) -> tuple[str, str]:
    """The file as a table function, and its format."""
    name = path.name.removesuffix(".gz")
    if name.endswith(".parquet"):
        return f"read_parquet({literal(str(path))})", "parquet"
    if name.endswith(".csv"):
        return f"read_csv({literal(str(path))}, all_varchar = true, header = true)", "csv"
    return f"read_json({literal(str(path))}, format = 'newline_delimited')", "json"


def table_of(path: Path) -> Table:
    """The file's columns with the types that DuckDB gives them."""
    scan, form = scan_of(path)
    with duckdb.connect() as connection:
        described = connection.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()
    return Table({row[0]: row[1] for row in described}, form)


def query_of(projection: Projection, scan: str) -> str:
    """Every column of the fact and, under `problem`, field and reason of the first thing that is wrong."""
    arms = [f"WHEN {check.refused_when} THEN {literal(check.field + ': ' + check.reason)}"
            for check in projection.checks]
    for cell in projection.cells:
        said = literal(cell.field + ": " + cell.reason)
        if cell.raw is not None:
            arms.append(f"WHEN {cell.raw} IS NOT NULL AND {cell.raw} <> '' AND ({cell.sql}) IS NULL THEN {said}")
        if cell.required:
            arms.append(f"WHEN ({cell.sql}) IS NULL THEN {literal(cell.field + ': is missing')}")
    cells = [f'{cell.sql} AS "{cell.target}"' for cell in projection.cells]
    cells.append(f"{projection.tags or 'MAP {}'} AS tags")
    arms.append("WHEN false THEN ''")
    limits = " ".join(f"WHEN {check.refused_when} THEN {literal(check.field + ': ' + check.reason)}"
                      for check in fact_checks(projection.fact, projection.cells))
    return (f"SELECT * REPLACE (CASE WHEN problem IS NOT NULL THEN problem {limits} END AS problem) "
            f"FROM (SELECT {', '.join(cells)}, CASE {' '.join(arms)} END AS problem FROM {scan})")


def project(source: TableSource, path: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """The rows that are kept, and the problems of the others, in the file's order."""
    (projection,) = source.projections(table_of(path))
    scan, _ = scan_of(path)
    with duckdb.connect() as connection:
        # Nothing may depend on the zone of the machine.
        connection.execute("SET TimeZone = 'Asia/Tokyo'")
        cursor = connection.execute(query_of(projection, scan))
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        for tally in projection.tallies:
            connection.execute(f"SELECT count(*) FILTER (WHERE {tally.counted_when}) FROM {scan}").fetchall()
    kept = [{name: value for name, value in row.items() if name != "problem"} for row in rows if not row["problem"]]
    return kept, [row["problem"] for row in rows if row["problem"]]

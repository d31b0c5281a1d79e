"""A FOCUS dataset as a file: Parquet, CSV or gzipped CSV, whole or not at all."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from outlay.accounting.focus_schema import EXPORT_OUTPUT
from outlay.accounting.unit_prices import plain
from outlay.errors import FileError, UsageError


def write_focus(parts: pa.Table | Iterable[pa.Table], path: Path) -> int:
    """Writes tables of `EXPORT_OUTPUT` (from `focus_table`) to one file and says how many rows it has.

    The ending of the name decides: .parquet, .csv or .csv.gz. An existing file is replaced only by a whole one.
    Raises `UsageError` for another ending, `FileError` where the place cannot be written.
    """
    form = next((ending for ending in (".parquet", ".csv", ".csv.gz") if path.name.endswith(ending)), None)
    if form is None:
        raise UsageError(f"{path.name} is neither .parquet nor .csv nor .csv.gz", where="export focus",
                         hint="Name the file by the form that you want.")
    tables = [parts] if isinstance(parts, pa.Table) else parts
    unfinished = path.with_name(f".{path.name}.part")
    try:
        rows = _write_parquet(tables, unfinished) if form == ".parquet" else _write_csv(tables, unfinished, form)
        unfinished.replace(path)
    except OSError as error:
        raise FileError(f"cannot be written: {error.strerror or error}", where=str(path)) from error
    finally:
        unfinished.unlink(missing_ok=True)
    return rows


def _write_parquet(tables: Iterable[pa.Table], path: Path) -> int:
    rows = 0
    with pq.ParquetWriter(path, EXPORT_OUTPUT, compression="zstd") as writer:
        for table in tables:
            writer.write_table(table)
            rows += table.num_rows
    return rows


def _write_csv(tables: Iterable[pa.Table], path: Path, form: str) -> int:
    rows = 0
    schema = pa.schema([field.with_type(pa.string()) for field in EXPORT_OUTPUT])
    with _opened(path, form) as stream, pa_csv.CSVWriter(stream, schema) as writer:
        for table in tables:
            writer.write_table(pa.table([_as_text(column) for column in table.columns], schema=schema))
            rows += table.num_rows
    return rows


def _opened(path: Path, form: str) -> Any:
    return gzip.open(path, "wb", compresslevel=6) if form == ".csv.gz" else path.open("wb")


def _as_text(column: Any) -> Any:
    """Times as FOCUS writes them (2025-01-31T00:00:00Z); decimals without the zeros that say nothing."""
    if pa.types.is_timestamp(column.type):
        return pc.strftime(column.cast(pa.timestamp("s", tz="UTC")), format="%Y-%m-%dT%H:%M:%SZ")
    if pa.types.is_decimal(column.type):
        return pa.array([None if value is None else plain(value) for value in column.to_pylist()], pa.string())
    return column.cast(pa.string())

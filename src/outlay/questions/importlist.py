"""What was imported and received, the latest last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outlay.questions.answer import plain

if TYPE_CHECKING:
    import duckdb

#: Columns of `imports` that people are shown, in order.
COLUMNS = ("import_id", "name", "source", "imported_at", "rows", "added", "duplicates", "replaced", "rejected",
           "since", "until", "notices", "rejects_file")


def import_rows(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    """One row an import, with `COLUMNS`."""
    return con.execute(f"SELECT {', '.join(COLUMNS)} FROM imports ORDER BY import_id").fetchall()


def import_json(row: tuple[Any, ...]) -> dict[str, Any]:
    """One of these rows, as JSON has it."""
    return {name: plain(value) for name, value in zip(COLUMNS, row, strict=True)}


def import_list(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """All of them in the one shape of answers."""
    rows = import_rows(con)
    return {"schema": "outlay.imports/1", "rows": [import_json(row) for row in rows],
            "totals": {"imports": len(rows)}, "rejected": sum(row[8] for row in rows)}

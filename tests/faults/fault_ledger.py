"""What tests of faults look at in a ledger: whole tables, and what a file became of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import outlay
from outlay.api import Ledger
from outlay.ledger.importing import Imported
from outlay.ledger.schema import CALL_DAY_KEYS, KINDS


def open_copy(template: Path, path: Path) -> Ledger:
    """An empty ledger at `path`; copying one is faster than making it."""
    shutil.copytree(template, path)
    return outlay.open(path)


def put(ledger: Ledger, path: Path, data: bytes, **options: Any) -> Imported:
    """Writes the file and imports it."""
    path.write_bytes(data)
    return ledger.import_file(path, **options)


def facts(ledger: Ledger) -> dict[str, list[tuple[Any, ...]]]:
    """Every active row but for the number of the import that it came with, in an order that depends on nothing."""
    found = {}
    for kind in KINDS:
        columns = ", ".join(f'"{name}"' for name, _ in kind.layout if name != "import_id")
        found[kind.table] = rows(ledger, f"SELECT {columns} FROM {kind.table} ORDER BY ALL")
    return found


def call_days(ledger: Ledger) -> list[tuple[Any, ...]]:
    """The rollup of calls as it is kept."""
    keys = ", ".join(CALL_DAY_KEYS)
    return rows(ledger, f"""SELECT {keys}, sum(calls), sum(errors), sum(unpriced), sum(input_tokens),
        sum(output_tokens), sum(cost), sum(list_cost) FROM call_day GROUP BY ALL HAVING sum(calls) > 0 ORDER BY ALL""")


def call_days_anew(ledger: Ledger) -> list[tuple[Any, ...]]:
    """The same worked out from the calls themselves."""
    keys = ", ".join(CALL_DAY_KEYS[1:])
    unpriced = "cost IS NULL AND (model IS NOT NULL OR input_tokens IS NOT NULL OR output_tokens IS NOT NULL)"
    return rows(ledger, f"""SELECT date_trunc('day', time), {keys}, count(*),
        count(*) FILTER (status IS NOT NULL AND status <> 'ok'), count(*) FILTER ({unpriced}),
        coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0), coalesce(sum(cost), 0),
        coalesce(sum(list_cost), 0) FROM call GROUP BY ALL ORDER BY ALL""")


def imports(ledger: Ledger) -> list[tuple[Any, ...]]:
    return rows(ledger, "SELECT import_id, name, added, rejected FROM imports ORDER BY 1")


def rows(ledger: Ledger, sql: str) -> list[tuple[Any, ...]]:
    return ledger.store.con.execute(sql).fetchall()

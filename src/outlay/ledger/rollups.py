"""Calls summed by day. Kept with the import that brought them, so that an append adds rows and a removal takes them."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from outlay.ledger.schema import CALL_DAY_KEYS

if TYPE_CHECKING:
    import duckdb

#: A span of a tool or of an agent has no model and no tokens, and so nothing that could be priced.
_UNPRICED = "cost IS NULL AND (model IS NOT NULL OR input_tokens IS NOT NULL OR output_tokens IS NOT NULL)"

_COUNTS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens",
           "system_tokens", "cost", "list_cost")


def add_import(con: duckdb.DuckDBPyConnection, import_id: int, empty: Collection[str] = ()) -> None:
    """Adds what an import appended, without touching what was there. `empty`: columns in which all its rows are NULL;
    they need not be read."""
    con.execute(f"INSERT INTO call_day {_summed(f'import_id = {import_id}', empty)}")


def remake_days(con: duckdb.DuckDBPyConnection, since: object, until: object) -> None:
    """Makes the days from `since` to `until` (both included) again from the calls themselves."""
    con.execute(
        "DELETE FROM call_day WHERE day BETWEEN date_trunc('day', ?::TIMESTAMP) AND ?::TIMESTAMP", [since, until])
    con.execute(
        "INSERT INTO call_day " + _summed("time >= date_trunc('day', $since::TIMESTAMP) AND "
                                          "time < date_trunc('day', $until::TIMESTAMP) + INTERVAL 1 DAY"),
        {"since": since, "until": until})


def remake_all(con: duckdb.DuckDBPyConnection) -> None:
    """Makes the whole rollup again."""
    con.execute("DELETE FROM call_day")
    con.execute(f"INSERT INTO call_day {_summed('TRUE')}")


def _summed(condition: str, empty: Collection[str] = ()) -> str:
    keys = ", ".join(f"NULL AS {name}" if name in empty else name for name in CALL_DAY_KEYS[1:])
    sums = ", ".join("0" if name in empty else f"coalesce(sum({name}), 0)" for name in _COUNTS)
    return (f"SELECT date_trunc('day', time) AS day, {keys}, count(*), "
            f"count(*) FILTER (status IS NOT NULL AND status <> 'ok'), count(*) FILTER ({_UNPRICED}), {sums} "
            f"FROM call WHERE {condition} GROUP BY ALL")

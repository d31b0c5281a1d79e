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


def add_rows(con: duckdb.DuckDBPyConnection, relation: str, sign: int = 1) -> None:
    """Adds the calls of a relation, or takes them away (`sign` -1)."""
    con.execute(f"INSERT INTO call_day {_summed('TRUE', relation=relation, sign=sign)}")


def fold(con: duckdb.DuckDBPyConnection, since: object) -> None:
    """Makes one row of those that say the same, from the day of `since` on: what arrives live adds some each time."""
    keys = ", ".join(CALL_DAY_KEYS)
    sums = ", ".join(f"sum({name}) AS {name}" for name in ("calls", "errors", "unpriced", *_COUNTS))
    con.execute(f"CREATE TEMP TABLE folded AS SELECT {keys}, {sums} FROM call_day "
                "WHERE day >= date_trunc('day', ?::TIMESTAMP) GROUP BY ALL HAVING sum(calls) <> 0", [since])
    con.execute("DELETE FROM call_day WHERE day >= date_trunc('day', ?::TIMESTAMP)", [since])
    con.execute("INSERT INTO call_day BY NAME SELECT * FROM folded")
    con.execute("DROP TABLE folded")


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


def _summed(condition: str, empty: Collection[str] = (), relation: str = "call", sign: int = 1) -> str:
    keys = ", ".join(f"NULL AS {name}" if name in empty else name for name in CALL_DAY_KEYS[1:])
    times = "-1 * " if sign < 0 else ""
    counted = ("count(*)", "count(*) FILTER (status IS NOT NULL AND status <> 'ok')", f"count(*) FILTER ({_UNPRICED})")
    sums = ", ".join(("0" if name in empty else f"{times}coalesce(sum({name}), 0)") for name in _COUNTS)
    return (f"SELECT date_trunc('day', time) AS day, {keys}, {', '.join(f'{times}{each}' for each in counted)}, {sums} "
            f"FROM {relation} WHERE {condition} GROUP BY ALL")

"""Makes the days again on which something arrived, and leaves the others alone.

The statements that make all days are run on a narrow view of the facts: temporary views and tables of the same names
stand before the real ones, and what they come to takes the place of these days. What only all days together tell (which
accounts a bill names, whether a usage report holds the calls) is taken as it was found when all were made last.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from outlay.ledger import costday, dirty, gpu, rollups
from outlay.ledger.schema import COST_DAY, GPU_DAY, GPU_HOUR, RECONCILED, columns_sql
from outlay.ledger.store import Store, transaction

if TYPE_CHECKING:
    import duckdb

    from outlay.ledger.derive import Rate
    from outlay.prices.book import PriceBook

_DAY = timedelta(days=1)
#: Where the ledger's own tables are; the schema `main` alone may be that of temporary ones.
_REAL = "ledger.main"
#: Rows of the day's rollup that have come in since it was folded last; from so many on it is folded again.
_FOLD_FROM = 20_000
_TIME = {"gpu_hour": "hour", "gpu_day": "day", "cost_day": "day", "reconciled": "day"}


def freshen(
    store: Store, topics: Sequence[str], *, book: PriceBook, currency: str, rates: Sequence[Rate]
) -> bool:
    """Makes the dirty days of these topics again; `gpu` brings `cost` along. Returns whether there were any; False,
    with nothing done, also where a bill for several days stands over them: then all must be made again."""
    spans = [span for name in topics if (span := dirty.of(store, name)) is not None]
    if not spans:
        return False
    con = store.con
    since = min(span[0] for span in spans).replace(hour=0, minute=0, second=0, microsecond=0)
    until = max(span[1] for span in spans).replace(hour=0, minute=0, second=0, microsecond=0) + _DAY
    if _billed_across(con, since, until):
        return False
    accelerators = "gpu" in topics and dirty.of(store, "gpu") is not None
    with transaction(con):
        _fold(con, since)
        made = ("gpu_hour", "gpu_day", "cost_day", "reconciled") if accelerators else ("cost_day", "reconciled")
        _stand_before(con, since, until, accelerators)
        if accelerators:
            gpu.remake(con, book)
        costday.fill(con, whole=False)
        if rates:
            from outlay.ledger.derive import convert

            for name in ("gpu_day", "cost_day") if accelerators else ("cost_day",):
                convert(con, name, currency, rates)
        for name in made:
            during = f"{_TIME[name]} >= TIMESTAMP '{since}' AND {_TIME[name]} < TIMESTAMP '{until}'"
            con.execute(f"DELETE FROM {_REAL}.{name} WHERE {during}")
            con.execute(f"INSERT INTO {_REAL}.{name} SELECT * FROM temp.{name} WHERE {during}")
        # Where it fails, the transaction takes them away.
        _step_aside(con, accelerators)
        dirty.clear(store, tuple(topics))
    return True


def _fold(con: duckdb.DuckDBPyConnection, since: datetime) -> None:
    rows = con.execute("SELECT count(*) FROM call_day WHERE day >= ?", [since]).fetchall()[0][0]
    known = con.execute("SELECT value FROM meta WHERE key = 'folded'").fetchall()
    if rows > _FOLD_FROM + 2 * int(known[0][0] if known else 0):
        rollups.fold(con, since)
        left = con.execute("SELECT count(*) FROM call_day WHERE day >= ?", [since]).fetchall()[0][0]
        con.execute("DELETE FROM meta WHERE key = 'folded'")
        con.execute("INSERT INTO meta VALUES ('folded', ?)", [str(left)])


def _billed_across(con: duckdb.DuckDBPyConnection, since: datetime, until: datetime) -> bool:
    """Whether a bill of a model for more than one day meets these days: it is spread by what all its days metered."""
    return bool(con.execute(
        "SELECT 1 FROM charge WHERE model_key IS NOT NULL AND charge_period_start < ? AND charge_period_end > ? "
        "AND charge_period_end > charge_period_start + INTERVAL 1 DAY LIMIT 1", [until, since]).fetchall())


def _stand_before(
    con: duckdb.DuckDBPyConnection, since: datetime, until: datetime, accelerators: bool
) -> None:
    a, b = f"TIMESTAMP '{since}'", f"TIMESTAMP '{until}'"
    con.execute(f"CREATE TEMP VIEW charge_line AS SELECT c.*, c.rowid AS row_no FROM {_REAL}.charge c "
                f"WHERE c.charge_period_start < {b} AND "
                f"coalesce(c.charge_period_end, c.charge_period_start + INTERVAL 1 DAY) > {a}")
    con.execute(f"CREATE TEMP VIEW call_day AS SELECT * FROM {_REAL}.call_day WHERE day >= {a} AND day < {b}")
    con.execute(f'CREATE TEMP VIEW usage AS SELECT * FROM {_REAL}.usage WHERE "start" >= {a} AND "start" < {b}')
    con.execute(f"CREATE TEMP TABLE cost_day ({columns_sql(COST_DAY)})")
    con.execute(f"CREATE TEMP TABLE reconciled ({columns_sql(RECONCILED)})")
    if not accelerators:
        con.execute(f"CREATE TEMP VIEW gpu_day AS SELECT * FROM {_REAL}.gpu_day WHERE day >= {a} AND day < {b}")
        return
    con.execute(f"CREATE TEMP VIEW sample AS SELECT * FROM {_REAL}.sample WHERE time >= {a} AND time < {b}")
    con.execute(f"CREATE TEMP VIEW run AS SELECT * FROM {_REAL}.run WHERE started < "
                f"{b} AND (ended IS NULL OR ended >= {a})")
    con.execute(f"CREATE TEMP TABLE gpu_hour ({columns_sql(GPU_HOUR)})")
    con.execute(f"CREATE TEMP TABLE gpu_day ({columns_sql(GPU_DAY)})")


def _step_aside(con: duckdb.DuckDBPyConnection, accelerators: bool) -> None:
    tables = {"cost_day", "reconciled", *(("gpu_hour", "gpu_day") if accelerators else ())}
    views = {"charge_line", "call_day", "usage", *(("sample", "run") if accelerators else ("gpu_day",))}
    for shape, names in (("VIEW", views), ("TABLE", tables)):
        for name in names:
            con.execute(f"DROP {shape} temp.{name}")

"""The ledger's money in US dollars, while detectors look at it.

Prices, thresholds and what is metered are US dollars. Where the reporting currency is another one, the derived tables
hold that; detectors must not add the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

    from outlay.ledger.derive import Rate

#: What prices and metered calls are counted in.
METERED = "USD"
_COSTS = ("billed_cost", "effective_cost", "list_cost", "contracted_cost")
_TABLES = ("cost_day", "gpu_day")


def dollar_rates(rates: Sequence[Rate]) -> tuple[tuple[datetime, Decimal], ...]:
    """From when on a US dollar is how much of the reporting currency, in order of time."""
    found = ((datetime(r.day.year, r.day.month, r.day.day), r.rate) for r in rates if r.currency == METERED)
    return tuple(sorted(found))


@contextmanager
def in_dollars(
    con: duckdb.DuckDBPyConnection, currency: str, rates: Sequence[tuple[datetime, Decimal]]
) -> Iterator[None]:
    """Within it, `cost_day` and `gpu_day` show what stands in `currency` as US dollars, at each day's rate.

    What is in another currency, and days before the first rate, stay as they are. Amounts go by a float: they are
    estimates of findings, not entries of a bill.
    """
    if currency == METERED:
        yield
        return
    con.execute("CREATE TEMP TABLE dollar_rate (day TIMESTAMP, rate DECIMAL(18,9))")
    try:
        for day, rate in rates:
            con.execute("INSERT INTO dollar_rate VALUES (?, ?)", [day, rate])
        own = "t.currency = ? AND r.rate IS NOT NULL"
        costs = ", ".join(
            f"CASE WHEN {own} THEN CAST(CAST(t.{name} AS DOUBLE) / CAST(r.rate AS DOUBLE) AS DECIMAL(38,18)) "
            f"ELSE t.{name} END AS {name}" for name in _COSTS)
        for table in _TABLES:
            # A temporary table is found before the ledger's own of the same name.
            con.execute(
                f"CREATE TEMP TABLE {table} AS SELECT t.* REPLACE ({costs}, "
                f"CASE WHEN {own} THEN '{METERED}' ELSE t.currency END AS currency) "
                f"FROM main.{table} t ASOF LEFT JOIN dollar_rate r ON r.day <= t.day",
                [currency] * (len(_COSTS) + 1))
        yield
    finally:
        for table in (*_TABLES, "dollar_rate"):
            con.execute(f"DROP TABLE IF EXISTS temp.{table}")

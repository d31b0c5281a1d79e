"""Makes the derived tables current. They are a function of the facts, the rules, the prices and the exchange rates."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from outlay.attribution.rules import Attribution
from outlay.attribution.shared import Split
from outlay.attribution.sql import AttributionSql, attribution_sql, literal
from outlay.facts import Call
from outlay.ledger import costday, dirty, gpu, rollups, shared, staging
from outlay.ledger.enrich import PAID, attributed, computed_columns, empty_columns, selected, tag_keys
from outlay.ledger.freshen import freshen
from outlay.ledger.plaintags import given_tags, kept_again
from outlay.ledger.schema import DERIVED, DIMENSIONS, KINDS, Kind
from outlay.ledger.sparse import held_columns, make_room
from outlay.ledger.store import Store, transaction
from outlay.ledger.terms import terms

if TYPE_CHECKING:
    import duckdb

    from outlay.prices.book import PriceBook

_COSTS = ("billed_cost", "effective_cost", "list_cost", "contracted_cost")


@dataclass(frozen=True, slots=True)
class Rate:
    """One unit of `currency` is `rate` units of the reporting currency, from `day` on."""

    currency: str
    day: date
    rate: Decimal


def make_current(
    store: Store, *, attribution: Attribution, book: PriceBook, currency: str = "USD", rates: Sequence[Rate] = (),
    splits: tuple[Split, ...] = (), topics: Sequence[str] = dirty.TOPICS,
) -> bool:
    """Re-attributes rows if the rules changed and makes the derived tables if facts, rules or rates changed; where
    facts only arrived live, the days that these meet. `topics`: which of them are to be current now (see `dirty`).

    Returns whether anything was made. All of it or nothing is kept.
    """
    inputs = hashlib.sha256(repr((DERIVED, costday.HABITS, terms(attribution, book), splits, currency, sorted(
        (r.currency, r.day, str(r.rate)) for r in rates))).encode()).hexdigest()
    if store.meta("derived") == inputs:
        waiting = [name for name in topics if dirty.of(store, name) is not None]
        if not waiting:
            return False
        # Shares of shared cost are told by all days together.
        if not splits and freshen(store, waiting, book=book, currency=currency, rates=rates):
            return True
    con = store.con
    changed = store.meta("terms") not in (None, terms(attribution, book))
    if changed:
        _make_room(store, attribution)
    with transaction(con):
        if changed:
            _enrich_again(con, attribution, book)
        con.execute("CREATE TEMP VIEW charge_line AS SELECT c.*, c.rowid AS row_no FROM charge c")
        gpu.remake(con, book)
        costday.remake(con)
        con.execute("DROP VIEW charge_line")
        if rates:
            convert(con, "gpu_day", currency, rates)
            convert(con, "cost_day", currency, rates)
        shared.apply(con, splits)
        dirty.clear(store, dirty.TOPICS)
        store.set_meta("derived", inputs)
        store.set_meta("terms", terms(attribution, book))
    return True


def _make_room(store: Store, attribution: Attribution) -> None:
    """Columns that these rules may fill; outside of the transaction."""
    for kind in KINDS:
        for table in (kind.table, f"{kind.table}_shadow"):
            empty = empty_columns(_rules(store.con, kind, table, attribution))
            make_room(store, kind, {*DIMENSIONS, "rule"} - empty)


def _enrich_again(con: duckdb.DuckDBPyConnection, attribution: Attribution, book: PriceBook) -> None:
    """Applies changed rules and prices to the rows that are there, the waiting ones included."""
    for kind in KINDS:
        held = ", ".join(f'"{name}"' for name in held_columns(con, kind))
        for table, rows in ((kind.table, kind.rows), (f"{kind.table}_shadow", f"{kind.table}_shadow")):
            if not con.execute(f"SELECT 1 FROM {rows} LIMIT 1").fetchall():
                continue
            join, computed = computed_columns(con, kind, table, book, "s.export", "s.authority")
            if kind.fact is Call:
                computed |= kept_again(_tags(con, kind, table), PAID)
            again = attributed(f"(SELECT * EXCLUDE (rule) FROM {table})", _rules(con, kind, table, attribution))
            kept = selected(kind, computed | PAID)
            con.execute(f"CREATE TEMP TABLE enriched AS SELECT {kept} FROM ({again}) s {join}")
            con.execute(f"DELETE FROM {rows}")
            con.execute(f"INSERT INTO {rows} BY NAME SELECT {held} FROM enriched")
            staging.drop(con)
    rollups.remake_all(con)


def _rules(con: duckdb.DuckDBPyConnection, kind: Kind, table: str, attribution: Attribution) -> AttributionSql:
    return attribution_sql(attribution, kind.fact, _tags(con, kind, table))


def _tags(con: duckdb.DuckDBPyConnection, kind: Kind, table: str) -> dict[str, str]:
    """SQL of the tags that the rows of the ledger came with."""
    keys = tag_keys(con, table)
    if kind.fact is Call:
        return given_tags(keys, held_columns(con, kind))
    return {key: f"s.tags[{literal(key)}]" for key in keys}


def convert(con: duckdb.DuckDBPyConnection, table: str, currency: str, rates: Sequence[Rate]) -> None:
    """Turns what has a rate into the reporting currency; the rest keeps its own and is never added to it."""
    con.execute("CREATE TEMP TABLE rate (currency VARCHAR, day TIMESTAMP, rate DECIMAL(18,9))")
    for rate in rates:
        con.execute("INSERT INTO rate VALUES (?, ?, ?)", [rate.currency, rate.day, rate.rate])
    changed = ", ".join(f"{name} = CAST({table}.{name} * r.rate AS DECIMAL(38,18))" for name in _COSTS)
    con.execute(
        f"UPDATE {table} SET {changed}, currency = ? FROM (SELECT c.rowid AS row_no, rate.rate FROM {table} c "
        "ASOF JOIN rate ON rate.currency = c.currency AND rate.day <= c.day) r WHERE r.row_no = "
        f"{table}.rowid AND {table}.currency <> ?", [currency, currency])
    con.execute("DROP TABLE rate")

"""Large files that are read once: what a sample promises of all rows, and what is done where the rest is otherwise.

Reading ten million JSON lines to count them and to learn which models are to be priced costs a quarter of their import.
So some rows from all over the file say what to prepare for; once the rows are in the ledger, where counting costs next
to nothing, it is looked at what there really was. Rows of models that the sample did not show are priced then.
Whatever else the sample did not promise ends the attempt, of which nothing stays, and the file is read twice.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from outlay.ledger.census import Census, take_census
from outlay.ledger.enrich import Origin, computed_columns, selected
from outlay.ledger.schema import Kind
from outlay.ledger.sparse import held_columns
from outlay.prices.pricetable import Key

if TYPE_CHECKING:
    import duckdb

    from outlay.prices.book import PriceBook


class Unforeseen(Exception):
    """The file holds what its sample did not promise."""


#: Logs are written in the order of time, and the sample holds both ends of the file.
_MARGIN = timedelta(days=1)
#: True for good rows; a row that is to be refused ends the query with `duckdb.InvalidInputException`.
AS_FORESEEN = "CASE WHEN problem IS NULL THEN true ELSE error('unforeseen') END"


def foreseen(sample: Census) -> Census | None:
    """What to prepare for, by a sample of a file's rows; None where only all of them tell: rows that are refused,
    counted for a notice, or without an id of their own must be known before."""
    span = sample.span
    if span is None or not sample.prices or sample.refused or sample.nameless or sample.tallies:
        return None
    since, until = span[0] - _MARGIN, span[1] + _MARGIN
    prices = tuple(replace(key, first=since, last=until, context=2 * key.context) for key in sample.prices)
    return replace(sample, since=since, until=until, prices=prices)


def settle(
    con: duckdb.DuckDBPyConnection, kind: Kind, promised: Census, origin: Origin, book: PriceBook
) -> Census:
    """The census of the rows that an import of calls has put in; what was not foreseen in their prices is mended.

    Raises `Unforeseen` where the rows can not stay as they are.
    """
    tables = {kind.table: kind.rows, f"{kind.table}_shadow": f"{kind.table}_shadow"}
    own = f"import_id = {origin.import_id}"
    every = " UNION ALL ".join(f"SELECT * FROM {table} WHERE {own}" for table in tables)
    found = take_census(con, kind, f"({every})")
    span, expected = found.span, promised.span
    if found.nameless or span is None or expected is None or span[0] < expected[0] or span[1] > expected[1]:
        raise Unforeseen
    contexts = {_named(key): key.context for key in promised.prices or ()}
    rest = [key for key in found.prices or () if contexts.get(_named(key), -1) < key.context]
    for table, rows in tables.items() if rest else ():
        _price(con, kind, table, rows, own, rest, origin, book)
    return found


def _named(key: Key) -> tuple[str | None, str, str | None]:
    return key.provider, key.model, key.service_tier


def _price(
    con: duckdb.DuckDBPyConnection, kind: Kind, table: str, rows: str, own: str, keys: list[Key], origin: Origin,
    book: PriceBook,
) -> None:
    """Puts the import's rows that have one of the keys in again, with their prices."""
    con.execute("CREATE TEMP TABLE unpriced (provider VARCHAR, model VARCHAR, service_tier VARCHAR)")
    con.executemany("INSERT INTO unpriced VALUES (?, ?, ?)", [_named(key) for key in keys])
    chosen = (f"{own} AND EXISTS (SELECT 1 FROM unpriced u WHERE u.provider IS NOT DISTINCT FROM s.provider "
              "AND u.model = s.model AND u.service_tier IS NOT DISTINCT FROM s.service_tier)")
    join, computed = computed_columns(con, kind, "unpriced", book, "NULL", str(origin.authority), tuple(keys))
    con.execute(f"CREATE TEMP TABLE priced AS SELECT {selected(kind, computed)} FROM (SELECT s.* FROM {table} s "
                f"WHERE {chosen}) s {join}")
    con.execute(f"DELETE FROM {rows} WHERE {own} AND id IN (SELECT id FROM priced)")
    held = ", ".join(f'"{name}"' for name in held_columns(con, kind))
    con.execute(f"INSERT INTO {rows} BY NAME SELECT {held} FROM priced")
    con.execute("DROP TABLE priced")
    con.execute("DROP TABLE unpriced")

"""Facts that arrive while work goes on: a batch is kept whole, with the cursor of its source, or not at all.

What a source sends within one day of its arrival is one import, so that it can be listed and undone like a file. Within
it a fact that comes again is dropped; one that another import has is decided upon as between files (see `append`). The
rollups take what was really put in, and give back what it displaced.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from outlay.attribution.rules import Attribution
from outlay.errors import StoreError
from outlay.facts import Call, Charge, Reject, Run, Sample
from outlay.facts.call import AUTHORITY
from outlay.ledger import dirty, rollups
from outlay.ledger.append import later, outranks
from outlay.ledger.census import take_census
from outlay.ledger.enrich import Origin, enriched
from outlay.ledger.failures import in_users_terms
from outlay.ledger.schema import Keeps, Kind, kind_of
from outlay.ledger.sparse import held_columns, make_room
from outlay.ledger.staging import Relation
from outlay.ledger.store import Store, transaction

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from outlay.prices.book import PriceBook

#: Two readings of one call that both arrive live are no further apart than this, whatever the clocks.
_APART = timedelta(hours=1)
#: Rejected rows of one source and day that are kept to be looked at.
_MOST_REJECTS = 10_000


@dataclass(frozen=True, slots=True)
class Arrival:
    """What one source sent. `tables`: facts by kind, with the columns of each (`ledger.arrow.facts_table`).

    `cursor`: name and value that the source goes on from once this is kept; None: it keeps none.
    """

    source: str
    tables: Mapping[type, pa.Table]
    authority: str = "spend_log"
    cursor: tuple[str, str] | None = None
    rejects: tuple[Reject, ...] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """`added` facts are active now; `duplicates` were there; `replaced` older ones gave way."""

    added: int = 0
    duplicates: int = 0
    replaced: int = 0
    rejected: int = 0


def cursor_of(store: Store, name: str) -> str | None:
    """Where the source of this name goes on; None: it was never asked."""
    return store.meta(f"cursor:{name}")


def keep(store: Store, arrival: Arrival, *, attribution: Attribution, book: PriceBook, now: datetime) -> Kept:
    """Keeps a batch. Raises `StoreError` where the disk is full or the ledger damaged; nothing of it is kept then."""
    con = store.con
    kinds = {kind_of(fact): table for fact, table in arrival.tables.items() if table.num_rows}
    if any(kind.fact is Charge for kind in kinds):
        raise StoreError("bills are imported as whole exports, not row by row", where=arrival.source)
    with in_users_terms(store.path, arrival.source):
        import_id = _import_of(store, arrival.source, now) if kinds or arrival.rejects else 0
        origin = Origin(import_id, arrival.source, AUTHORITY[arrival.authority], arrival.source)
        try:
            for kind, table in kinds.items():
                _prepare(store, kind, table, origin, attribution, book)
            with transaction(con):
                kept = Kept(rejected=len(arrival.rejects))
                if kind_of(Run) in kinds and _new_scheduler(con):
                    # From now on somebody tells allocated devices from free ones: on earlier days, too.
                    store.set_meta("derived", "stale")
                for kind in kinds:
                    kept = _sum(kept, _put(con, kind, import_id))
                if import_id:
                    _count_in(con, import_id, kept, kinds)
                if arrival.cursor is not None:
                    store.set_meta(f"cursor:{arrival.cursor[0]}", arrival.cursor[1])
                dirty.mark(store, _touched(con, kinds))
        finally:
            for kind in kinds:
                con.execute(f"DROP TABLE IF EXISTS live_{kind.table}")
    _note_rejects(store, import_id, arrival)
    return kept


def _sum(a: Kept, b: Kept) -> Kept:
    return Kept(a.added + b.added, a.duplicates + b.duplicates, a.replaced + b.replaced, a.rejected + b.rejected)


def _import_of(store: Store, source: str, now: datetime) -> int:
    """The import that what this source sends today belongs to; made where it is the first of the day."""
    con, name = store.con, f"{source}, received {now:%Y-%m-%d}"
    found = con.execute("SELECT import_id FROM imports WHERE name = ? AND source = ? AND stamp = 'live'",
                        [name, source]).fetchall()
    if found:
        return int(found[0][0])
    kept = int(con.execute("SELECT coalesce(max(import_id), 0) FROM imports").fetchall()[0][0])
    import_id = max(kept, int(store.meta("last_import") or 0)) + 1
    rejects = store.path.absolute() / "rejects" / f"{import_id}-{source}.jsonl"
    with transaction(con):
        con.execute(
            "INSERT INTO imports VALUES (?, ?, ?, '', ?, ?, 0, 0, 0, 0, 0, 0, NULL, NULL, [], ?, 'live')",
            [import_id, name, source, source, now, str(rejects)])
        store.set_meta("last_import", str(import_id))
    return import_id


def _prepare(
    store: Store, kind: Kind, table: pa.Table, origin: Origin, attribution: Attribution, book: PriceBook
) -> None:
    """Makes the temp table `live_<kind>`: the ledger's rows of these facts, each of them once."""
    con, name = store.con, f"given_{kind.table}"
    con.register(name, table)
    try:
        empty = frozenset(column for column in table.column_names if table[column].null_count == table.num_rows)
        rows = enriched(con, kind, Relation(name, take_census(con, kind, name), empty=empty), origin, attribution, book)
        make_room(store, kind, set(dict(kind.layout)) - rows.empty)
        key = ", ".join(f'"{column}"' for column in kind.key)
        con.execute(f"CREATE OR REPLACE TEMP TABLE live_{kind.table} AS SELECT * FROM ({rows.query}) "
                    f"QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY {_fullest(kind)}) = 1")
    finally:
        con.unregister(name)


def _fullest(kind: Kind) -> str:
    """Of rows of one batch that are the same fact, the one that says most stays."""
    if kind.fact is Call:
        return "output_tokens DESC NULLS LAST"
    return "observed DESC NULLS LAST" if kind.fact is Run else f'"{kind.time}"'


def _put(con: duckdb.DuckDBPyConnection, kind: Kind, import_id: int) -> Kept:
    """Puts the rows of `live_<kind>` where they belong."""
    live = f"live_{kind.table}"
    given = _one(con, f"SELECT count(*) FROM {live}")
    near = _near(con, kind, live)
    equal = " AND ".join(f't."{column}" = i."{column}"' for column in kind.key)
    con.execute(f"CREATE OR REPLACE TEMP TABLE met AS SELECT t.rowid AS there, i.rowid AS here, t.import_id AS whose, "
                f"{_wins(kind)} AS wins FROM {kind.rows} t JOIN {live} i ON {equal} {near}")
    met, won = con.execute("SELECT count(*), count(*) FILTER (wins) FROM met").fetchall()[0]
    if met:
        losers = f"rowid IN (SELECT here FROM met WHERE NOT wins AND whose <> {import_id})"
        con.execute(f"INSERT INTO {kind.table}_shadow BY NAME SELECT * FROM {live} WHERE {losers}")
        con.execute(f"DELETE FROM {live} WHERE rowid IN (SELECT here FROM met WHERE NOT wins)")
    if won:
        chosen = "rowid IN (SELECT there FROM met WHERE wins)"
        if kind.fact is Call:
            con.execute(f"CREATE OR REPLACE TEMP TABLE yielding AS SELECT * FROM call WHERE id IN "
                        f"(SELECT id FROM {kind.rows} WHERE {chosen}) {_within('call', con, live)}")
            rollups.add_rows(con, "yielding", sign=-1)
        con.execute(f"INSERT INTO {kind.table}_shadow BY NAME SELECT * FROM {kind.rows} "
                    f"WHERE {chosen} AND import_id <> {import_id}")
        con.execute(f"DELETE FROM {kind.rows} WHERE {chosen}")
    held = ", ".join(f'"{name}"' for name in held_columns(con, kind))
    con.execute(f"INSERT INTO {kind.rows} BY NAME SELECT {held} FROM {live}")
    if kind.fact is Call:
        rollups.add_rows(con, live)
    con.execute("DROP TABLE met")
    return Kept(given - (met - won), met - won, won)


def _new_scheduler(con: duckdb.DuckDBPyConnection) -> bool:
    return bool(con.execute("SELECT 1 FROM live_run WHERE scheduler NOT IN (SELECT scheduler FROM run) LIMIT 1")
                .fetchall())


def _near(con: duckdb.DuckDBPyConnection, kind: Kind, live: str) -> str:
    """Keeps the join to where equal facts can be: rows lie in the order of time, so that most need no look."""
    return _within("t", con, live) if kind.fact is Call else (
        "AND t.time >= (SELECT min(time) FROM " + live + ")" if kind.fact is Sample else "")


def _within(row: str, con: duckdb.DuckDBPyConnection, live: str) -> str:
    since, until = con.execute(f"SELECT min(time), max(time) FROM {live}").fetchall()[0]
    if since is None:
        return ""
    return f"AND {row}.time BETWEEN TIMESTAMP '{since - _APART}' AND TIMESTAMP '{until + _APART}'"


def _wins(kind: Kind) -> str:
    """SQL: whether the row `i` that arrives takes the place of the row `t` that is there."""
    if kind.keeps is Keeps.FIRST:
        return "false"
    return outranks() if kind.keeps is Keeps.AUTHORITY else later(kind)


def _count_in(con: duckdb.DuckDBPyConnection, import_id: int, kept: Kept, kinds: Mapping[Kind, pa.Table]) -> None:
    import pyarrow.compute as pc

    times = [moment for kind, table in kinds.items() for moment in pc.min_max(table[kind.time]).as_py().values()
             if moment is not None]
    con.execute(
        "UPDATE imports SET rows = rows + ?, added = added + ?, duplicates = duplicates + ?, replaced = replaced + ?, "
        "rejected = rejected + ?, since = least(since, ?), until = greatest(until, ?) WHERE import_id = ?",
        [sum(table.num_rows for table in kinds.values()) + kept.rejected, kept.added, kept.duplicates, kept.replaced,
         kept.rejected, min(times, default=None), max(times, default=None), import_id])


def _touched(con: duckdb.DuckDBPyConnection, kinds: Iterable[Kind]) -> dirty.Touched:
    """Of which days the derived tables are to be made again."""
    since: dict[str, datetime] = {}
    until: dict[str, datetime] = {}
    for kind in kinds:
        topic = dirty.topic(kind)
        if topic is None:
            continue
        first = f'"{kind.time}"' if kind.fact is not Run else "coalesce(ended, observed, started) - INTERVAL 1 DAY"
        last = f'"{kind.time}"' if kind.fact is not Run else "coalesce(ended, observed, started)"
        a, b = con.execute(f"SELECT min({first}), max({last}) FROM live_{kind.table}").fetchall()[0]
        if a is not None:
            since[topic] = min(a, since.get(topic, a))
            until[topic] = max(b, until.get(topic, b))
    return {topic: (since[topic], until[topic]) for topic in since}


def _note_rejects(store: Store, import_id: int, arrival: Arrival) -> None:
    """One JSON object a rejected row, as of a file; what does not fit is counted in `imports` alone."""
    if not arrival.rejects:
        return
    path = store.path.absolute() / "rejects" / f"{import_id}-{arrival.source}.jsonl"
    lines = [json.dumps({"file": arrival.source, "line": reject.line, "field": reject.field, "reason": reject.reason,
                         "raw": reject.raw[:500]}, ensure_ascii=False) for reject in arrival.rejects]
    with path.open("a+", encoding="utf-8", errors="backslashreplace") as out:
        out.seek(0)
        room = _MOST_REJECTS - sum(1 for _ in out)
        out.write("".join(f"{line}\n" for line in lines[:max(0, room)]))


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    return int(con.execute(sql).fetchall()[0][0])

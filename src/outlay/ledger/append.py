"""Puts rows into the ledger so that no fact is ever there twice.

Which of two equal facts stays is a function of all imports that are present, never of the order of events, so that
removing an import leaves what would be there had it never been made: rows that lose wait in the kind's shadow table.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from outlay.facts import Call, Charge, Sample
from outlay.ledger.schema import Keeps, Kind, kind_of
from outlay.ledger.sparse import held_columns

if TYPE_CHECKING:
    import duckdb


#: The times of the first and the last of some rows.
Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Appended:
    """`added` rows are active now; `duplicates` were there already; `replaced` older rows gave way."""

    added: int
    duplicates: int
    replaced: int
    #: From when to when rows of other imports changed, so that their rollups must be made again; None: none did.
    disturbed: Span | None


def append(
    con: duckdb.DuckDBPyConnection, kind: Kind, query: str, import_id: int, span: Span | None = None
) -> Appended:
    """Adds the rows of `query` (columns of the kind's table), whose times lie within `span` (None: not known). Part of
    the transaction that is open."""
    held = ", ".join(f'"{name}"' for name in held_columns(con, kind))
    query = f"SELECT {held} FROM ({query})"
    restated = _restate(con, import_id) if kind.fact is Charge else 0
    if not _meets(con, kind, query, span):
        con.execute(f"INSERT INTO {kind.rows} BY NAME {query}")
        inserted = _count(con, f"SELECT count(*) FROM {kind.rows} WHERE import_id = {import_id}")
        twice = _drop_twins(con, kind, kind.rows, import_id)
        return Appended(inserted - twice, twice, restated, None)
    con.execute(f"CREATE TEMP TABLE incoming AS {query}")
    twice = _drop_twins(con, kind, "incoming", import_id)
    moved, disturbed = _give_way(con, kind)
    con.execute(f"INSERT INTO {kind.table}_shadow BY NAME SELECT i.* FROM incoming i "
                f"WHERE EXISTS ({_same(kind, 'i')})")
    duplicates = _count(con, f"SELECT count(*) FROM {kind.table}_shadow WHERE import_id = {import_id}")
    con.execute(f"INSERT INTO {kind.rows} BY NAME SELECT i.* FROM incoming i WHERE NOT EXISTS ({_same(kind, 'i')})")
    added = _count(con, f"SELECT count(*) FROM {kind.rows} WHERE import_id = {import_id}")
    con.execute("DROP TABLE incoming")
    return Appended(added, twice + duplicates, restated + moved, disturbed)


def remove(con: duckdb.DuckDBPyConnection, kind: Kind, import_id: int) -> tuple[int, Span | None]:
    """Takes an import's rows of one kind away and brings back what they had displaced.

    Returns how many rows were taken, and the span of those that came back.
    """
    taken = 0
    for table in (kind.rows, f"{kind.table}_shadow"):
        taken += _count(con, f"SELECT count(*) FROM {table} WHERE import_id = {import_id}")
        con.execute(f"DELETE FROM {table} WHERE import_id = {import_id}")
    return taken, _promote(con, kind)


def _promote(con: duckdb.DuckDBPyConnection, kind: Kind) -> Span | None:
    """Brings back the best shadow row of every fact that has no active row, and the span of these rows.

    A row of a bill that a restatement has replaced does not come back. One whose restatement is gone comes back in the
    place of a later export's equal row, which was there in the meantime.
    """
    shadow = f"{kind.table}_shadow"
    if not _count(con, f"SELECT count(*) FROM {shadow}"):
        return None
    key = ", ".join(f'"{name}"' for name in kind.key)
    live, better = (f"AND NOT {_RESTATED}", "t.import_id < s.import_id") if kind.fact is Charge else ("", "TRUE")
    con.execute(
        f"CREATE TEMP TABLE comeback AS SELECT s.* FROM {shadow} s "
        f"WHERE NOT EXISTS ({_same(kind, 's')} AND {better}) {live} "
        f"QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY {_preference(kind)}) = 1"
    )
    if kind.fact is Charge:
        yields = f"EXISTS (SELECT 1 FROM comeback r WHERE {_equal(kind, 'r', 't')})"
        con.execute(f"INSERT INTO {shadow} SELECT t.* FROM {kind.table} t WHERE {yields}")
        con.execute(f"DELETE FROM {kind.table} t WHERE {yields}")
    held = ", ".join(f'"{name}"' for name in held_columns(con, kind))
    con.execute(f"INSERT INTO {kind.rows} BY NAME SELECT {held} FROM comeback")
    con.execute(f"DELETE FROM {shadow} s WHERE EXISTS (SELECT 1 FROM comeback r WHERE r.import_id = s.import_id AND "
                + _equal(kind, "r", "s") + ")")
    span = _span(con, f'SELECT min("{kind.time}"), max("{kind.time}") FROM comeback')
    con.execute("DROP TABLE comeback")
    return span


#: A shadow row `s` of charges is replaced for as long as a later import restates its export, issuer, account, period.
_RESTATED = """EXISTS (
    SELECT 1 FROM charge_scope later JOIN charge_scope own ON own.import_id = s.import_id
        AND own.export = later.export AND own.issuer IS NOT DISTINCT FROM later.issuer
        AND own.account IS NOT DISTINCT FROM later.account AND own.period IS NOT DISTINCT FROM later.period
    WHERE later.import_id > s.import_id AND own.issuer IS NOT DISTINCT FROM s.invoice_issuer_name
        AND own.account IS NOT DISTINCT FROM s.billing_account_id
        AND own.period IS NOT DISTINCT FROM s.billing_period_start
        AND own.since < later.until AND later.since < own.until)"""


#: Two readings of one call lie closer together than this, whatever the clocks: older and younger rows need no look.
_APART = "INTERVAL 1 DAY"


def _meets(con: duckdb.DuckDBPyConnection, kind: Kind, query: str, span: Span | None) -> bool:
    """Whether any incoming row is a fact that has an active row; where none is, rows go straight in."""
    if not _count(con, f"SELECT count(*) FROM (SELECT 1 FROM {kind.rows} LIMIT 1)"):
        return False
    near = ""
    if span and kind.fact in (Call, Sample):
        near = (f"WHERE \"{kind.time}\" BETWEEN TIMESTAMP '{span[0]}' - {_APART} "
                f"AND TIMESTAMP '{span[1]}' + {_APART}")
        if not _count(con, f"SELECT count(*) FROM (SELECT 1 FROM {kind.rows} {near} LIMIT 1)"):
            return False
    key = ", ".join(f'"{name}"' for name in kind.key)
    return bool(_count(con, f"SELECT count(*) FROM (SELECT 1 FROM (SELECT {key} FROM ({query})) i "
                            f"JOIN (SELECT {key} FROM {kind.rows} {near}) t ON {_equal(kind, 't', 'i')} LIMIT 1)"))


def _restate(con: duckdb.DuckDBPyConnection, import_id: int) -> int:
    """Moves the rows of earlier imports that this export restates into the shadow; returns how many."""
    condition = f"""s.import_id <> {import_id} AND {_RESTATED}"""
    moved = _count(con, f"SELECT count(*) FROM charge s WHERE {condition}")
    if moved:
        con.execute(f"INSERT INTO charge_shadow SELECT s.* FROM charge s WHERE {condition}")
        con.execute(f"DELETE FROM charge s WHERE {condition}")
        # Equal rows of other exports stand in for them now, before those of this one are looked at.
        _promote(con, kind_of(Charge))
    return moved


def _give_way(con: duckdb.DuckDBPyConnection, kind: Kind) -> tuple[int, Span | None]:
    """Moves active rows that an incoming row outranks into the shadow; returns how many, and their span."""
    if kind.keeps is Keeps.FIRST:
        return 0, None
    outranked = outranks() if kind.keeps is Keeps.AUTHORITY else later(kind)
    con.execute(
        f"CREATE TEMP TABLE yielding AS SELECT t.rowid AS id_of_row FROM {kind.rows} t JOIN incoming i ON "
        f"{_equal(kind, 't', 'i')} WHERE {outranked}"
    )
    moved, span = _count(con, "SELECT count(*) FROM yielding"), None
    if moved:
        chosen = f"{kind.rows}.rowid IN (SELECT id_of_row FROM yielding)"
        span = _span(con, f'SELECT min("{kind.time}"), max("{kind.time}") FROM {kind.rows} WHERE {chosen}')
        con.execute(f"INSERT INTO {kind.table}_shadow BY NAME SELECT * FROM {kind.rows} WHERE {chosen}")
        con.execute(f"DELETE FROM {kind.rows} WHERE {chosen}")
    con.execute("DROP TABLE yielding")
    return moved, span


#: A call of equal authority with more output is the same call read later, as from a log that was still growing.
_OUTRANKS = ("(i.authority > t.authority OR (i.authority = t.authority "
             "AND coalesce(i.output_tokens, 0) > coalesce(t.output_tokens, 0)))")

#: For kinds whose latest reading stands: when the incoming row `i` is later than the active row `t`. Runs say when they
#: were read; of buckets the later import is the later reading.
_LATER = {"run": "coalesce(i.observed, TIMESTAMP '1970-01-01') >= coalesce(t.observed, TIMESTAMP '1970-01-01')"}


def outranks() -> str:
    """SQL: whether the incoming call `i` is believed rather than the call `t` that is there."""
    return _OUTRANKS


def later(kind: Kind) -> str:
    """SQL: whether the incoming row `i` is a later reading than the row `t` that is there."""
    return _LATER.get(kind.table, "TRUE")


def _preference(kind: Kind) -> str:
    if kind.keeps is Keeps.AUTHORITY:
        return "authority DESC, coalesce(output_tokens, 0) DESC, import_id"
    if kind.keeps is Keeps.LATEST:
        return "observed DESC NULLS LAST, import_id DESC" if kind.table == "run" else "import_id DESC"
    return "import_id"


def _drop_twins(con: duckdb.DuckDBPyConnection, kind: Kind, table: str, import_id: int) -> int:
    """Removes rows of this import that say the same as another row of it; returns how many."""
    key = ", ".join(f'"{name}"' for name in kind.key)
    con.execute(
        f"CREATE TEMP TABLE twins AS SELECT {key} FROM {table} WHERE import_id = {import_id} "
        f"GROUP BY ALL HAVING count(*) > 1"
    )
    found = _count(con, "SELECT count(*) FROM twins")
    removed = 0
    if found:
        order = _FULLEST.get(kind.table, "t.rowid")
        condition = (
            f"rowid IN (SELECT r FROM (SELECT t.rowid AS r, row_number() OVER (PARTITION BY "
            f"{', '.join(f't.{chr(34)}{name}{chr(34)}' for name in kind.key)} ORDER BY {order}) AS n FROM {table} t "
            f"JOIN twins w ON {_equal(kind, 't', 'w')} WHERE t.import_id = {import_id}) WHERE n > 1)"
        )
        removed = _count(con, f"SELECT count(*) FROM {table} WHERE {condition}")
        con.execute(f"DELETE FROM {table} WHERE {condition}")
    con.execute("DROP TABLE twins")
    return removed


#: Of rows of one file that are the same fact, the one that says most stays.
_FULLEST = {"run": "t.observed DESC NULLS LAST, t.rowid",
            "call": "t.output_tokens DESC NULLS LAST, t.rowid"}


def _same(kind: Kind, row: str) -> str:
    return f"SELECT 1 FROM {kind.rows} t WHERE {_equal(kind, 't', row)}"


def _equal(kind: Kind, left: str, right: str) -> str:
    return " AND ".join(f'{left}."{name}" = {right}."{name}"' for name in kind.key)


def _span(con: duckdb.DuckDBPyConnection, sql: str) -> Span | None:
    since, until = con.execute(sql).fetchall()[0]
    return None if since is None else (since, until)


def _count(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    return int(con.execute(sql).fetchall()[0][0])

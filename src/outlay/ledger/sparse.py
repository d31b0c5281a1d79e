"""Tables that have only the columns which some row needs.

A call has some fifty columns, of which most files fill twenty; DuckDB writes an empty one at a fifth of a full one's
price, and thirty of them cost as much as the file itself. So the rows of such a kind are kept in a table that begins
with the columns in `Kind.starts` and grows when an import brings more; all that ask see a view with every column.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from outlay.ledger.schema import Kind, row_view
from outlay.ledger.store import Store, transaction

if TYPE_CHECKING:
    import duckdb

#: From so many rows on, each new column is written before the next one is made, so that memory stays bounded.
_LARGE = 5_000_000


def make_room(store: Store, kind: Kind, needed: Collection[str]) -> None:
    """Gives the kind's table the columns that it lacks. Not part of any transaction: nothing that anyone could ask
    changes by it, and an import that fails afterwards leaves nothing but room."""
    if not kind.starts:
        return
    con = store.con
    held = list(held_columns(con, kind))
    types = dict(kind.layout)
    missing = [name for name in types if name in needed and name not in held]
    large = bool(missing) and con.execute(f"SELECT count(*) FROM {kind.rows}").fetchall()[0][0] > _LARGE
    for name in missing:
        held.append(name)
        with transaction(con):
            con.execute(f'ALTER TABLE {kind.rows} ADD COLUMN "{name}" {types[name]}')
            con.execute(row_view(kind, held))
        if large:
            con.execute("CHECKPOINT")


def held_columns(con: duckdb.DuckDBPyConnection, kind: Kind) -> tuple[str, ...]:
    """The columns that the table of the kind's rows has, in the kind's order."""
    rows = con.execute("SELECT column_name FROM duckdb_columns() WHERE table_name = ? AND NOT internal",
                       [kind.rows]).fetchall()
    found = {name for (name,) in rows}
    return tuple(name for name, _ in kind.layout if name in found)

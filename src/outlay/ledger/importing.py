"""One file into the ledger: all of it or nothing, once, whatever happens in the middle."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outlay.attribution.rules import Attribution
from outlay.errors import FileError, OutlayError
from outlay.facts import Call, Charge, Notice, Reject
from outlay.facts.call import AUTHORITY
from outlay.ledger import rollups, staging
from outlay.ledger.append import append, remove
from outlay.ledger.enrich import Origin, enriched
from outlay.ledger.schema import KINDS
from outlay.ledger.store import Store, transaction
from outlay.ledger.terms import terms
from outlay.sources.base import Source
from outlay.sources.inputfile import InputFile

if TYPE_CHECKING:
    from outlay.prices.book import PriceBook

_SUFFIXES = re.compile(r"(\.(gz|zst|snappy|csv|tsv|txt|jsonl|ndjson|json|parquet))+$", re.IGNORECASE)
#: Rejects that the answer itself carries; all of them are in the file of rejects.
SHOWN_REJECTS = 20


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one file. Counts are rows of the file; `already` names the import that has the same bytes."""

    name: str
    source: str
    import_id: int | None
    rows: int = 0
    added: int = 0
    duplicates: int = 0
    replaced: int = 0
    rejected: int = 0
    notices: tuple[str, ...] = ()
    rejects: tuple[Reject, ...] = ()
    rejects_file: str = ""
    already: int | None = None
    kinds: tuple[tuple[str, int], ...] = ()


def import_file(
    store: Store, file: InputFile, source: Source, *, attribution: Attribution, book: PriceBook,
    export: str | None = None, advance: Callable[[int], None] = lambda rows: None,
) -> Imported:
    """Imports one file.

    Raises `FileError` where the file as a whole cannot be read (nothing of it is kept) and `StoreError` where the disk
    is full (nothing is changed).
    """
    earlier = store.con.execute(
        "SELECT import_id FROM imports WHERE sha256 = ? AND source = ? ORDER BY 1", [file.sha256, source.code]
    ).fetchall()
    if earlier:
        return Imported(file.name, source.code, None, already=int(earlier[0][0]))
    try:
        staged = staging.stage(store.con, source, file, advance)
        if not staged.relations and not staged.rejects:
            staged.notices.append(Notice("holds no rows"))
        elif not staged.relations:
            first = staged.rejects[0]
            raise FileError(f"has no usable row; the first: {_said(first)}", where=file.name)
        return _keep(store, file, source, staged, attribution, book,
                     export or source.export or export_name(file.name))
    except OutlayError:
        raise
    except Exception as error:
        raise _translated(error, file) from error
    finally:
        staging.drop(store.con)


def _keep(
    store: Store, file: InputFile, source: Source, staged: staging.Staged, attribution: Attribution, book: PriceBook,
    export: str,
) -> Imported:
    con = store.con
    import_id = int(con.execute("SELECT coalesce(max(import_id), 0) + 1 FROM imports").fetchall()[0][0])
    rejects_file = _write_rejects(store.path, import_id, file.name, staged.rejects)
    origin = Origin(import_id, source.code, AUTHORITY[source.authority], export)
    added = duplicates = replaced = 0
    kinds: list[tuple[str, int]] = []
    try:
        with transaction(con):
            for kind, relation in staged.relations.items():
                if kind.fact is Charge:
                    _note_scope(con, relation, origin)
                done = append(con, kind, enriched(con, kind, relation, origin, attribution, book), import_id)
                if kind.fact is Call:
                    _roll_up(con, relation, import_id, done.disturbed)
                added, duplicates, replaced = (
                    added + done.added, duplicates + done.duplicates, replaced + done.replaced)
                kinds.append((kind.table, done.added))
            since, until = _span(con, staged)
            con.execute(
                "INSERT INTO imports VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [import_id, file.name, export, file.sha256, source.code, datetime.now(UTC).replace(tzinfo=None),
                 file.size, staged.rows, added, duplicates, replaced, len(staged.rejects), since, until,
                 [notice.message for notice in staged.notices], rejects_file])
            store.set_meta("derived", "stale")
            if store.meta("terms") is None:
                store.set_meta("terms", terms(attribution, book))
    except BaseException:
        if rejects_file:
            Path(rejects_file).unlink(missing_ok=True)
        raise
    return Imported(
        file.name, source.code, import_id, staged.rows, added, duplicates, replaced, len(staged.rejects),
        tuple(notice.message for notice in staged.notices), tuple(staged.rejects[:SHOWN_REJECTS]), rejects_file,
        kinds=tuple(kinds))


def remove_import(store: Store, import_id: int) -> int:
    """Takes an import back exactly; what it had displaced returns. Returns the rows taken."""
    con = store.con
    rows = con.execute("SELECT rejects_file, since, until FROM imports WHERE import_id = ?", [import_id]).fetchall()
    if not rows:
        from outlay.errors import NotFound

        raise NotFound(f"there is no import {import_id}", hint="See `outlay imports list`.")
    rejects_file, since, until = rows[0]
    taken = 0
    with transaction(con):
        con.execute("DELETE FROM charge_scope WHERE import_id = ?", [import_id])
        for kind in KINDS:
            taken += remove(con, kind, import_id)
        if since is not None:
            rollups.remake_days(con, since, until)
        con.execute("DELETE FROM imports WHERE import_id = ?", [import_id])
        store.set_meta("derived", "stale")
    if rejects_file:
        Path(rejects_file).unlink(missing_ok=True)
    return taken


def export_name(name: str) -> str:
    """The name under which later files restate this one: the base name without its endings."""
    return _SUFFIXES.sub("", Path(name).name) or Path(name).name


def _note_scope(con: Any, relation: str, origin: Origin) -> None:
    con.execute(
        f"INSERT INTO charge_scope SELECT {origin.import_id}, ?, invoice_issuer_name, billing_account_id, "
        "billing_period_start, min(charge_period_start), "
        "max(coalesce(charge_period_end, charge_period_start + INTERVAL 1 SECOND)) "
        f"FROM {relation} GROUP BY ALL", [origin.export])


def _roll_up(con: Any, relation: str, import_id: int, disturbed: bool) -> None:
    if not disturbed:
        rollups.add_import(con, import_id)
        return
    since, until = con.execute(f"SELECT min(time), max(time) FROM {relation}").fetchall()[0]
    # A displaced row may stand a moment before or after the row that displaced it.
    rollups.remake_days(con, *con.execute(
        "SELECT ?::TIMESTAMP - INTERVAL 1 DAY, ?::TIMESTAMP + INTERVAL 1 DAY", [since, until]).fetchall()[0])


def _span(con: Any, staged: staging.Staged) -> tuple[Any, Any]:
    spans = [
        con.execute(f'SELECT min("{kind.time}"), max("{kind.time}") FROM {relation}').fetchall()[0]
        for kind, relation in staged.relations.items()
    ]
    known = [(since, until) for since, until in spans if since is not None]
    return (min(s for s, _ in known), max(u for _, u in known)) if known else (None, None)


def _write_rejects(store: Path, import_id: int, name: str, rejects: list[Reject]) -> str:
    """One JSON object a rejected row; written before the import is committed, removed if it is not."""
    if not rejects:
        return ""
    target = store / "rejects" / f"{import_id}-{export_name(name)[:80]}.jsonl"
    with target.open("w", encoding="utf-8") as out:
        for reject in rejects:
            row = {"file": name, "line": reject.line, "field": reject.field, "reason": reject.reason,
                   "raw": reject.raw[:500]}
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
    return str(target)


def _said(reject: Reject) -> str:
    return f"line {reject.line}, {reject.field or 'row'} {reject.reason}"


def _translated(error: Exception, file: InputFile) -> Exception:
    """DuckDB's own errors in the user's terms; anything else is a fault of the program and stays what it is."""
    import duckdb

    if isinstance(error, duckdb.InterruptException):
        return error
    if isinstance(error, duckdb.Error):
        text = str(error).split("\n")[0]
        if "space" in text.lower():
            from outlay.errors import StoreError

            return StoreError("the disk is full; nothing was changed", where=file.name,
                              hint="Free some space and import the file again.")
        return FileError(f"cannot be read: {text}", where=file.name)
    return error

"""One file into the ledger: all of it or nothing, once, whatever happens in the middle."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outlay.attribution.rules import Attribution
from outlay.errors import FileError
from outlay.facts import Call, Charge, Notice, Reject
from outlay.facts.call import AUTHORITY
from outlay.ledger import rollups, staging
from outlay.ledger.append import Span, append, remove
from outlay.ledger.census import Census
from outlay.ledger.enrich import Enriched, Origin, enriched
from outlay.ledger.failures import file_at_fault, in_users_terms
from outlay.ledger.foreseen import Unforeseen, settle
from outlay.ledger.schema import KINDS
from outlay.ledger.sparse import make_room
from outlay.ledger.staging import Reading
from outlay.ledger.store import Store, transaction
from outlay.ledger.terms import terms
from outlay.sources.base import Source
from outlay.sources.fingerprint import Fingerprint
from outlay.sources.inputfile import InputFile

if TYPE_CHECKING:
    from outlay.prices.book import PriceBook

_SUFFIXES = re.compile(r"(\.(gz|zst|snappy|csv|tsv|txt|jsonl|ndjson|json|parquet))+$", re.IGNORECASE)
#: What a file's name may not hold on all systems.
_ODD = re.compile(r"[^\w.-]+")
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
    alone: Callable[[], AbstractContextManager[object]] | None = None,
) -> Imported:
    """Imports one file. `alone` gives the ledger to this thread for as long as its context lasts: it is entered once
    the file has been read; None: nobody else writes.

    Raises `FileError` where the file as a whole cannot be read (nothing of it is kept) and `StoreError` where the disk
    is full or the ledger damaged (nothing is changed).
    """
    import duckdb

    with Fingerprint(file) as fingerprint:
        if earlier := _earlier(store, source, fingerprint):
            return Imported(file.name, source.code, None, already=earlier)
        fingerprint.begin()
        kept = partial(_keep, store, file, source, fingerprint, attribution, book,
                       export or source.export or export_name(file.name))
        try:
            # A file may be read while its rows are put in, too.
            with in_users_terms(store.path, file.name), file_at_fault(file.name):
                if alone is not None:
                    with (staging.staged(store.con, source, file, advance, store.scratch, Reading.COPIED) as staged,
                          alone()):
                        if earlier := _earlier(store, source, fingerprint):
                            return Imported(file.name, source.code, None, already=earlier)
                        return kept(staged)
                for reading in (Reading.ONCE, Reading.TWICE):
                    with (suppress(Unforeseen, *staging.misfits()),
                          staging.staged(store.con, source, file, advance, store.scratch, reading) as staged):
                        return kept(staged)
                # Only then did it show; what was put in has been taken back.
                with staging.staged(store.con, source, file, advance, store.scratch, Reading.COPIED) as staged:
                    return kept(staged)
        finally:
            with suppress(duckdb.FatalException):  # the connection is of no use any more, and has already said why
                staging.drop(store.con)


def _earlier(store: Store, source: Source, fingerprint: Fingerprint) -> int | None:
    """The import of the same bytes as the same source, if there is one. A file's bytes are hashed first only where an
    import of as many bytes makes that likely; else beside the import."""
    alike = store.con.execute(
        "SELECT import_id, sha256, stamp FROM imports WHERE bytes = ? AND source = ? ORDER BY 1",
        [fingerprint.size, source.code]).fetchall()
    for import_id, sha256, stamp in alike:
        if fingerprint.is_stamped(stamp) or sha256 == fingerprint.sha256:
            return int(import_id)
    return None


def _refuse_unusable(staged: staging.Staged, source: Source, file: InputFile) -> None:
    """Raises `FileError` where there are rows, and none of them can be used."""
    if staged.rejects and not staged.usable:
        first = staged.rejects[0]
        where = f"line {first.line}, {first.field or 'row'} {first.reason}"
        raise FileError(f"has no usable row among {len(staged.rejects):,}; the first: {where}", where=file.name, hint=(
            f"It was read as {source.title}; if it is another format, name that with --as. Nothing of it was kept."))
    if not staged.usable:
        staged.notices.append(Notice("Holds no rows."))


def _keep(
    store: Store, file: InputFile, source: Source, fingerprint: Fingerprint, attribution: Attribution,
    book: PriceBook, export: str, staged: staging.Staged,
) -> Imported:
    _refuse_unusable(staged, source, file)
    con = store.con
    import_id = _next_number(store)
    rejects_file = _rejects_file(store.path, import_id, file.name) if staged.rejects else None
    origin = Origin(import_id, source.code, AUTHORITY[source.authority], export)
    added = duplicates = replaced = 0
    kinds: list[tuple[str, int]] = []
    try:
        if rejects_file:
            _write_rejects(rejects_file, file.name, staged.rejects)
        rows = {kind: enriched(con, kind, relation, origin, attribution, book)
                for kind, relation in staged.relations.items()}
        for kind, ready in rows.items():
            make_room(store, kind, set(dict(kind.layout)) - ready.empty)
        with transaction(con):
            for kind, ready in rows.items():
                if kind.fact is Charge:
                    _note_scope(con, staged.relations[kind].name, origin)
                relation = staged.relations[kind]
                done = append(con, kind, ready.query, import_id, relation.census.span)
                if relation.foreseen:
                    # Of rows that are twice in the file, one is there to be counted.
                    census = settle(con, kind, relation.census, origin, book)
                    relation = replace(relation, census=replace(census, rows=done.added + done.duplicates))
                    staged.relations[kind] = relation
                if kind.fact is Call:
                    _roll_up(con, import_id, ready, relation.census, done.disturbed)
                added, duplicates, replaced = (
                    added + done.added, duplicates + done.duplicates, replaced + done.replaced)
                kinds.append((kind.table, done.added))
            since, until = _span(staged)
            con.execute(
                "INSERT INTO imports VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [import_id, file.name, export, fingerprint.sha256, source.code, datetime.now(UTC).replace(tzinfo=None),
                 file.size, staged.rows, added, duplicates, replaced, len(staged.rejects), since, until,
                 [notice.message for notice in staged.notices], str(rejects_file or ""), fingerprint.stamp])
            store.set_meta("last_import", str(import_id))
            store.set_meta("derived", "stale")
            if store.meta("terms") is None:
                store.set_meta("terms", terms(attribution, book))
    except BaseException:
        if rejects_file:
            rejects_file.unlink(missing_ok=True)
        raise
    return Imported(
        file.name, source.code, import_id, staged.rows, added, duplicates, replaced, len(staged.rejects),
        tuple(notice.message for notice in staged.notices),
        tuple(_shown(reject) for reject in staged.rejects[:SHOWN_REJECTS]),
        str(rejects_file or ""),
        kinds=tuple(kinds))


def _next_number(store: Store) -> int:
    """The number of the next import: never one that an import had before, though that was removed."""
    kept = int(store.con.execute("SELECT coalesce(max(import_id), 0) FROM imports").fetchall()[0][0])
    return max(kept, int(store.meta("last_import") or 0)) + 1


def remove_import(store: Store, import_id: int) -> int:
    """Takes an import back exactly; what it had displaced returns. Returns the rows taken."""
    con = store.con
    rows = con.execute("SELECT rejects_file, since, until FROM imports WHERE import_id = ?", [import_id]).fetchall()
    if not rows:
        from outlay.errors import NotFound

        raise NotFound(f"there is no import {import_id}", hint="See `outlay imports list`.")
    rejects_file, since, until = rows[0]
    taken = 0
    with in_users_terms(store.path, f"import {import_id}"), transaction(con):
        con.execute("DELETE FROM charge_scope WHERE import_id = ?", [import_id])
        for kind in KINDS:
            gone, back = remove(con, kind, import_id)
            taken += gone
            if back and kind.fact is Call:
                since, until = min(since, back[0]), max(until, back[1])
        if since is not None:
            rollups.remake_days(con, since, until)
        store.set_meta("last_import", str(_next_number(store) - 1))
        con.execute("DELETE FROM imports WHERE import_id = ?", [import_id])
        store.set_meta("derived", "stale")
    if rejects_file:
        Path(rejects_file).unlink(missing_ok=True)
    return taken


def give_way(store: Store, restated: Iterable[int], by: int) -> tuple[int, ...]:
    """Takes back the imports of `restated` that speak of no time that the import `by` does not speak of; which."""
    ids = sorted(set(restated) - {by})
    covered = store.con.execute(
        "SELECT old.import_id FROM imports old JOIN imports new ON new.import_id = ? WHERE list_contains(?, "
        "old.import_id) AND (old.since IS NULL OR (old.since >= new.since AND old.until <= new.until)) ORDER BY 1",
        [by, ids]).fetchall() if ids else []
    for (import_id,) in covered:
        remove_import(store, int(import_id))
    return tuple(int(import_id) for (import_id,) in covered)


def export_name(name: str) -> str:
    """The name under which later files restate this one: the base name without its endings."""
    return _SUFFIXES.sub("", Path(name).name) or Path(name).name


def _note_scope(con: Any, relation: str, origin: Origin) -> None:
    con.execute(
        f"INSERT INTO charge_scope SELECT {origin.import_id}, ?, invoice_issuer_name, billing_account_id, "
        "billing_period_start, min(charge_period_start), "
        "max(coalesce(charge_period_end, charge_period_start + INTERVAL 1 SECOND)) "
        f"FROM {relation} GROUP BY ALL", [origin.export])


def _roll_up(con: Any, import_id: int, ready: Enriched, census: Census, disturbed: Span | None) -> None:
    if not disturbed:
        rollups.add_import(con, import_id, ready.empty)
        return
    # A displaced row may stand before or after the row that displaced it.
    since, until = census.since or disturbed[0], census.until or disturbed[1]
    rollups.remake_days(con, min(since, disturbed[0]), max(until, disturbed[1]))


def _span(staged: staging.Staged) -> tuple[datetime | None, datetime | None]:
    since = [r.census.since for r in staged.relations.values() if r.census.since is not None]
    until = [r.census.until for r in staged.relations.values() if r.census.until is not None]
    return min(since, default=None), max(until, default=None)


def _rejects_file(store: Path, import_id: int, name: str) -> Path:
    """Where this import's rejects go. What a killed process left under its number goes away."""
    directory = store.absolute() / "rejects"
    for left in directory.glob(f"{import_id}-*"):
        left.unlink()
    base = _ODD.sub("_", export_name(name))[:80]
    return directory / f"{import_id}-{base}.jsonl"


def _shown(reject: Reject) -> Reject:
    """As any terminal and any encoding can write it."""
    raw = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in reject.raw[:500])
    return replace(reject, raw=raw)


def _write_rejects(target: Path, name: str, rejects: list[Reject]) -> None:
    """One JSON object a rejected row; written before the import is committed, removed if it is not."""
    with target.open("w", encoding="utf-8", errors="backslashreplace") as out:
        for reject in rejects:
            row = {"file": name, "line": reject.line, "field": reject.field, "reason": reject.reason,
                   "raw": reject.raw[:500]}
            out.write(json.dumps(row, ensure_ascii=False) + "\n")

"""The open store of the process that owns it, shared by the threads that ask, and its clock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from outlay.errors import FileError
from outlay.facts import Fact
from outlay.ledger.arrow import facts_table
from outlay.ledger.live import Arrival, keep
from outlay.ledger.remote.host import Host
from outlay.ledger.store import Beside, read_meta
from outlay.questions.ask import Ask
from outlay.questions.windows import latest_fact, now
from outlay.server.writer import Writer
from outlay.web.part import View

if TYPE_CHECKING:
    import duckdb

    from outlay.api import Ledger
    from outlay.collectors.base import Batch, Collector, WholeFile
    from outlay.ledger.importing import Imported
    from outlay.settings import Settings

#: Where in its last day a sample month is when it is first looked at.
_BEFORE_THE_END = timedelta(hours=9, minutes=28)


class Owner:
    """One open ledger. `clock` gives naive UTC.

    On the sample month time goes on from the afternoon of its last day, so that there is a today to look at.
    """

    def __init__(self, ledger: Ledger, clock: Callable[[], datetime] | None = None) -> None:
        self.ledger = ledger
        self._own = threading.local()
        self._outside: Callable[[], Mapping[str, Any]] = dict
        self._watching: list[Callable[[], None]] = []
        self._settings: Callable[[], Settings] = lambda: ledger.settings
        ledger.ask()
        self.clock = clock or _clock(ledger)
        self.writer = Writer(ledger, self._changed)
        self._host: Host | None = None

    def start(self, status: Callable[[], dict[str, Any]]) -> None:
        """Begins to write, and to lend the store to the commands of its user; `status` is what `outlay status` says."""
        self.writer.start()
        self._host = Host(
            self.ledger.store, self.writer.alone, self.writer.refresh, self.writer.stirred, status)

    def stop(self, wait_s: float) -> None:
        """Lends no more, and does what is queued to be written."""
        if self._host is not None:
            self._host.close()
        self.writer.stop(wait_s)

    def watch(self, changed: Callable[[], None]) -> None:
        """`changed` is called, in the writer's thread, whenever the ledger has changed."""
        self._watching.append(changed)

    def _changed(self) -> None:
        for changed in self._watching:
            changed()

    def govern(self, settings: Callable[[], Settings]) -> None:
        """`settings` gives those of the file with what people set beside it."""
        self._settings = settings

    def know(self, outside: Callable[[], Mapping[str, Any]]) -> None:
        """What views are given beside the ledger."""
        self._outside = outside

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """This thread's own way into the ledger."""
        if not hasattr(self._own, "con"):
            self._own.con = self.ledger.store.cursor()
        con: duckdb.DuckDBPyConnection = self._own.con
        return con

    def put(self, collector: Collector, batch: Batch) -> None:
        """Keeps what a collector gave, with its cursor; returns once both are committed."""
        if batch.file is not None:
            batch.file.told(*self._import(batch.file))
        by_kind: dict[type[Fact], list[Fact]] = {}
        for fact in batch.facts:
            by_kind.setdefault(type(fact), []).append(fact)
        tables = {kind: facts_table(kind, facts) for kind, facts in by_kind.items()} | dict(batch.tables)
        cursor = (collector.name, batch.cursor) if batch.cursor is not None else None
        arrival = Arrival(batch.source or collector.code, tables, batch.authority or collector.authority, cursor,
                          batch.rejects)
        now = self.clock()
        self.writer.act(lambda ledger: keep(
            ledger.store, arrival, attribution=ledger.settings.attribution, book=ledger.book, now=now)).result()

    def _import(self, file: WholeFile) -> tuple[Imported | FileError, tuple[int, ...]]:
        """Imports a file in the collector's own thread: others write while it is read, and wait while it is put in.
        What became of it, and which imports it took the place of."""
        from outlay.ledger.importing import give_way, import_file
        from outlay.sources.inputfile import InputFile

        if not hasattr(self._own, "store"):
            self._own.store = Beside(self.ledger.store)
        store, settings = self._own.store, self.ledger.settings
        try:
            done = import_file(store, InputFile(file.path, file.name), file.source, attribution=settings.attribution,
                               book=self.ledger.book, alone=lambda: self.writer.alone)
        except FileError as error:
            return error, ()
        kept = done.import_id if done.import_id is not None else done.already
        assert kept is not None
        with self.writer.alone:
            gone = give_way(store, file.restates, kept)
        if done.import_id is not None or gone:
            self.writer.stirred()
        return done, gone

    def cursor_of(self, name: str) -> str | None:
        """Where the source of this name goes on."""
        return read_meta(self.cursor(), f"cursor:{name}")

    def warm(self) -> None:
        """Loads what the first question would wait for."""
        import ibis  # noqa: F401

        from outlay.web.templating import environment

        environment(self.ledger.settings.currency)

    def reader(self) -> Ledger:
        """The ledger for this thread to ask; it writes nothing."""
        if not hasattr(self._own, "ledger"):
            from outlay.api import Ledger

            self._own.ledger = Ledger(Beside(self.ledger.store), self.ledger.settings)
        reading: Ledger = self._own.ledger
        return reading

    def view(self) -> View:
        """What a question of this thread may look at now."""
        return View(Ask(self.cursor()).remembering(), self._settings(), self.ledger.book, self.clock(),
                    self._outside())


def _clock(ledger: Ledger) -> Callable[[], datetime]:
    if not ledger.settings.sample or ledger.settings.collectors:
        return now
    latest = latest_fact(Ask(ledger.store.con))
    if latest is None:
        return now
    behind = now() - (latest - _BEFORE_THE_END)
    return lambda: now() - behind

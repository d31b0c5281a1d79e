"""Takes what was received out of the spool and into the ledger, in order, each delivery once."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from outlay.collectors.runner import Health
from outlay.errors import StoreError
from outlay.ledger.live import Arrival, cursor_of, keep
from outlay.ledger.spool import Cursor, Spool, Spooled

if TYPE_CHECKING:
    from outlay.api import Ledger
    from outlay.server.writer import Writer

#: The name under which the ledger keeps how far the spool is read.
NAME = "spool"
#: What arrives is taken in once in so many seconds; a backlog without a pause.
EVERY_S = 1.0
ROWS = 20_000
_RETRY_S = 5.0

_log = logging.getLogger("outlay.drain")


class Drain:
    """A thread that empties the spool."""

    def __init__(self, spool: Spool, writer: Writer, clock: Callable[[], datetime], after: Cursor | None) -> None:
        self._spool = spool
        self._writer = writer
        self._clock = clock
        self._after = after
        self._stopping = threading.Event()
        self._began = clock()
        self._thread = threading.Thread(target=self._run, name="drain", daemon=True)
        #: Facts taken in, when last, and why nothing is, as of now.
        self.rows = 0
        self.last_at: datetime | None = None
        self.error = ""

    def health(self) -> tuple[Health, ...]:
        """How receiving is; nothing before the first delivery."""
        if self.last_at is None and not self.error:
            return ()
        return (Health("otlp", "otlp", "OTLP receiver", "failed" if self.error else "ok", self._began,
                       self.last_at, self.last_at, self.rows, 0, self.error),)

    @property
    def waiting_bytes(self) -> int:
        """What is received and not in the ledger yet."""
        return self._spool.beyond(self._after)

    def start(self) -> None:
        self._thread.start()

    def stop(self, wait_s: float) -> None:
        """Takes in what is there, then ends; what does not fit into `wait_s` waits for the next start."""
        self._stopping.set()
        self._thread.join(wait_s)

    def _run(self) -> None:
        while True:
            began = time.monotonic()
            if not self._spool.wait(self._after, 0.25):
                if self._stopping.is_set():
                    return
                continue
            try:
                rows = self._take()
                self.error = ""
            except StoreError as error:
                if str(error) != self.error:
                    _log.error("what was received waits: %s", error)
                self.error = str(error)
                if self._stopping.wait(_RETRY_S):
                    return
                continue
            if rows < ROWS:
                self._stopping.wait(max(0.0, EVERY_S - (time.monotonic() - began)))

    def _take(self) -> int:
        entries = self._spool.read(self._after, ROWS)
        for arrival, cursor, rows in _arrivals(entries):
            now = self._clock()
            self._writer.act(partial(_keep, arrival=arrival, now=now)).result()
            self._after = cursor
            self._spool.done(cursor)
            self.rows += rows
            self.last_at = now
        return sum(entry.rows for entry in entries)


def _keep(ledger: Ledger, arrival: Arrival, now: datetime) -> None:
    keep(ledger.store, arrival, attribution=ledger.settings.attribution, book=ledger.book, now=now)


def resume(ledger: Ledger) -> Cursor | None:
    """How far the ledger has taken the spool in."""
    text = cursor_of(ledger.store, NAME)
    return Cursor.parse(text) if text else None


def _arrivals(entries: list[Spooled]) -> Iterator[tuple[Arrival, Cursor, int]]:
    """Entries of one source that follow each other, as one."""
    import pyarrow as pa

    for (source, authority), group in groupby(entries, lambda entry: (entry.source, entry.authority)):
        together = list(group)
        kinds = {kind for entry in together for kind in entry.tables}
        tables = {kind: pa.concat_tables([entry.tables[kind] for entry in together if kind in entry.tables])
                  for kind in kinds}
        rejects = tuple(reject for entry in together for reject in entry.rejects)
        cursor = together[-1].cursor
        yield (Arrival(source, tables, authority, (NAME, str(cursor)), rejects), cursor,
               sum(entry.rows for entry in together))

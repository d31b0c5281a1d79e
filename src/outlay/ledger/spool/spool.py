"""Takes deliveries in, answers once they are durable, and gives them to the ledger in order.

Deliveries that arrive within a short time of each other are made durable with one fsync and answered together. The
ledger's writer reads on from its cursor, commits rows and cursor in one transaction, and says `done`.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from outlay.errors import StoreError
from outlay.ledger.failures import is_full
from outlay.ledger.spool.entry import Cursor, Parcel, Spooled, decode, encode
from outlay.ledger.spool.segments import Segments

_LOG = logging.getLogger(__name__)


class SpoolFull(StoreError):
    """There is no room for more, in the spool or on the disk. The sender is to come again later."""

    code = "spool_full"


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """How much may wait. `keep_free_bytes`: so much of the disk is left alone, because the ledger needs room to take
    what waits. `gather_s`: how long the first delivery waits for others to share its fsync. `gather_rows`: so many
    facts that are not yet durable are held in memory at most."""

    most_bytes: int = 1 << 30
    segment_bytes: int = 16 << 20
    keep_free_bytes: int = 256 << 20
    gather_s: float = 0.025
    gather_rows: int = 200_000


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the spool holds: `size`, bytes on disk, and whether it was full when something came last. `end`: behind the
    last durable entry."""

    size: int
    end: Cursor
    full: bool


def _utc_now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


class Spool:
    """A directory of segments with one writer (any number of threads may deliver) and one reader.

    Use it as a context manager; leaving it makes durable what was delivered.
    """

    def __init__(
        self, path: Path, after: Cursor | None = None, limits: SpoolLimits = SpoolLimits(),
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        """Opens `path`, making it where it does not exist; `after`: the cursor that the ledger has kept.

        Raises `StoreError` where the directory cannot be used.
        """
        self._limits = limits
        self._now = now
        try:
            self._path = path
            self._segments = Segments(path, after, limits.segment_bytes)
        except OSError as error:
            raise StoreError(f"cannot be opened: {error.strerror or error}", where=str(path),
                             hint="Check that it is there and who may use it.") from error
        self._lock = threading.Lock()
        self._delivered = threading.Condition()
        self._durable = threading.Condition()
        self._queue: deque[tuple[Parcel, Future[None]]] = deque()
        self._queued_rows = 0
        self._closing = False
        self._full = False
        self._thread = threading.Thread(target=self._work, name="outlay-spool", daemon=True)
        self._thread.start()

    def accept(self, parcel: Parcel) -> Future[None]:
        """Takes a delivery; the result comes once it is durable.

        The future raises `SpoolFull` where there is no room (nothing of it was kept) and `StoreError` where the disk
        fails.
        """
        done: Future[None] = Future()
        with self._delivered:
            if self._closing:
                done.set_exception(SpoolFull("is being closed", where=str(self._path), hint="Send it again."))
            elif self._queued_rows >= self._limits.gather_rows:
                done.set_exception(SpoolFull("more arrives than the disk takes", where=str(self._path),
                                             hint="Send it again later."))
            else:
                self._queue.append((parcel, done))
                self._queued_rows += len(parcel.facts)
                self._delivered.notify()
        return done

    def read(self, after: Cursor | None, limit_rows: int) -> list[Spooled]:
        """Durable entries beyond `after`, in order, until they hold `limit_rows` facts or more; the last one whole.

        Raises `StoreError` where the disk fails.
        """
        found: list[Spooled] = []
        rows = 0
        with self._lock:
            try:
                for payload, cursor in self._segments.read(after):
                    found.append(decode(payload, cursor))
                    rows += found[-1].rows
                    if rows >= limit_rows:
                        break
            except OSError as error:
                raise StoreError(f"cannot be read: {error.strerror or error}", where=str(self._path)) from error
        return found

    def wait(self, after: Cursor | None, timeout_s: float) -> bool:
        """Blocks until there is something to read beyond `after`, or the time is over; whether there is."""
        with self._durable:
            return self._durable.wait_for(lambda: self._beyond(after), timeout_s)

    def beyond(self, after: Cursor | None) -> int:
        """Bytes of entries beyond `after`."""
        with self._lock:
            return self._segments.beyond(after)

    def done(self, cursor: Cursor) -> None:
        """Everything before `cursor` is in the ledger: segments that lie wholly before it are deleted."""
        with self._lock:
            self._segments.forget(cursor)

    @property
    def waiting(self) -> Waiting:
        with self._lock:
            return Waiting(self._segments.size, self._segments.end, self._full)

    def close(self) -> None:
        """Makes durable what was delivered, and ends."""
        with self._delivered:
            self._closing = True
            self._delivered.notify()
        self._thread.join()
        self._segments.close()

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _beyond(self, after: Cursor | None) -> bool:
        with self._lock:
            end = self._segments.end
        return end > (after or Cursor(0, 0)) and end.offset > 0

    def _work(self) -> None:
        while True:
            with self._delivered:
                self._delivered.wait_for(lambda: self._queue or self._closing)
                if not self._queue:
                    return
            if not self._closing:
                time.sleep(self._limits.gather_s)
            with self._delivered:
                taken = list(self._queue)
                self._queue.clear()
                self._queued_rows = 0
            self._keep(taken)

    def _keep(self, taken: list[tuple[Parcel, Future[None]]]) -> None:
        """Makes deliveries durable and answers them. Where one of them cannot be written, the others still are."""
        error = self._kept([parcel for parcel, _ in taken])
        if error is not None and not isinstance(error, StoreError) and len(taken) > 1:
            for delivery in taken:
                self._keep([delivery])
            return
        for _, answer in taken:
            if error is None:
                answer.set_result(None)
            else:
                answer.set_exception(error)

    def _kept(self, parcels: list[Parcel]) -> Exception | None:
        """None once they are durable; else what went wrong, and none of them is."""
        def origin(parcel: Parcel) -> tuple[str, str]:
            return parcel.source, parcel.authority

        accepted_at = self._now()
        try:
            payloads = [encode(source, authority, group, accepted_at)
                        for (source, authority), group in groupby(sorted(parcels, key=origin), origin)]
            with self._lock:
                self._refuse_without_room(sum(map(len, payloads)))
                self._segments.append(payloads)
        except OSError as error:
            self._full = is_full(error)
            kind = SpoolFull if self._full else StoreError
            return kind(f"cannot be written: {error.strerror or error}", where=str(self._path),
                        hint="Make room on the disk; nothing that was acknowledged is lost.")
        except SpoolFull as error:
            self._full = True
            return error
        except Exception as error:  # noqa: BLE001  # the sender of this very delivery is told; the thread must live
            _LOG.exception("spool: a delivery could not be encoded")
            return error
        self._full = False
        with self._durable:
            self._durable.notify_all()
        return None

    def _refuse_without_room(self, size: int) -> None:
        if self._segments.size + size > self._limits.most_bytes:
            raise SpoolFull(
                f"holds {self._segments.size >> 20:,} MiB that the ledger has not taken yet", where=str(self._path),
                hint="It empties as the ledger catches up; send again later.")
        disk = os.statvfs(self._path)
        free = disk.f_bavail * disk.f_frsize
        if free - size < self._limits.keep_free_bytes:
            raise SpoolFull(f"the disk has only {free >> 20:,} MiB left", where=str(self._path),
                            hint="Make room on it; nothing that was acknowledged is lost.")

"""Readings that are not delivered yet, on disk: kept through a kill, the oldest dropped first where there are too many.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

from outlay.errors import OutlayError
from outlay.ledger.spool.entry import Cursor
from outlay.ledger.spool.segments import Segments

_LOG = logging.getLogger("outlay.agent")
#: The backlog is dropped in so many parts.
_PARTS = 8
_PLACE = "delivered"


class BacklogError(OutlayError):
    """The folder cannot be used."""

    code = "backlog"


class Backlog:
    """A folder that one agent writes and empties. `said`: makes the payload that tells how many were dropped."""

    def __init__(self, path: Path, most_bytes: int, said: Callable[[int], bytes]) -> None:
        """Raises `BacklogError` where the folder cannot be used, or another agent uses it."""
        self._path = path
        self._most = most_bytes
        self._said = said
        #: Since the start.
        self.dropped = 0
        self._arrived = threading.Condition()
        try:
            self._lock = _locked(path)
            self._done = _kept_place(path)
            self._segments = Segments(path, self._done, max(4096, most_bytes // _PARTS))
        except OSError as error:
            raise BacklogError(f"cannot be used: {error.strerror or error}", where=str(path),
                               hint="Name another folder with --spool.") from error

    def add(self, payload: bytes) -> None:
        """Keeps a payload; it is on disk when this returns. Where the disk is full it is dropped, and counted."""
        with self._arrived:
            try:
                self._make_room(len(payload))
                self._segments.append([zlib.compress(payload)])
            except OSError as error:
                self.dropped += 1
                _LOG.error("a reading is lost, it cannot be kept: %s", error.strerror or error)
            self._arrived.notify_all()

    def waiting(self, most_bytes: int) -> tuple[list[bytes], Cursor] | None:
        """The oldest payloads that are not delivered, up to `most_bytes` of them, and the place behind them."""
        found: list[bytes] = []
        size = 0
        place: Cursor | None = None
        with self._arrived:
            for entry, behind in self._segments.read(self._done):
                found.append(zlib.decompress(entry))
                size, place = size + len(found[-1]), behind
                if size >= most_bytes:
                    break
        return (found, place) if place is not None else None

    def delivered(self, place: Cursor) -> None:
        """What lies before `place` will not be sent again; on disk when this returns."""
        with self._arrived:
            if self._done is not None and place <= self._done:
                return  # it was dropped in the meantime
            fresh = self._path / f"{_PLACE}.new"
            with fresh.open("w") as file:
                file.write(str(place))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path / _PLACE)
            self._done = place
            self._segments.forget(place)

    def wait(self, timeout_s: float) -> None:
        """Until something arrives, or the time is over."""
        with self._arrived:
            self._arrived.wait(timeout_s)

    @property
    def size(self) -> int:
        """Bytes that wait."""
        with self._arrived:
            return self._segments.beyond(self._done)

    def close(self) -> None:
        with self._arrived:
            self._segments.close()
            self._lock.close()

    def _make_room(self, size: int) -> None:
        lost = 0
        while self._segments.beyond(self._done) + size > self._most:
            oldest = next(iter(self._segments.read(self._done)), None)
            if oldest is None:
                break
            number = oldest[1].segment
            lost += sum(1 for _, place in self._segments.read(self._done) if place.segment == number)
            self._done = Cursor(number + 1, 0)
            self._segments.forget(self._done)
        if lost:
            self.dropped += lost
            _LOG.warning("the server was away for too long: the %d oldest readings are dropped", lost)
            self._segments.append([zlib.compress(self._said(lost))])


def _locked(path: Path) -> IO[str]:
    """Makes the folder and holds its lock. Raises `BacklogError`, `OSError`."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = (path / "lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise BacklogError("another agent uses it", where=str(path),
                           hint="One agent a host is enough; name another folder with --spool.") from error
    return lock


def _kept_place(path: Path) -> Cursor | None:
    """Up to where it was delivered."""
    with suppress(FileNotFoundError, ValueError):
        return Cursor.parse((path / _PLACE).read_text())
    return None

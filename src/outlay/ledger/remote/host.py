"""The owner's side: one thread and one connection a guest."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outlay.errors import OutlayError
from outlay.ledger.remote.wire import Cut, address, as_stream, from_stream, packed, receive, send, unpacked
from outlay.ledger.store import Store

if TYPE_CHECKING:
    import duckdb

#: Guests that are served at once; further ones wait.
MOST_GUESTS = 16
_log = logging.getLogger("outlay.guests")


class Host:
    """Lends connections to `store`. `alone`: a lock that whoever writes holds; `refresh` makes the daily tables
    current; `changed` is called when a guest has written; `status` says how the owner is, as JSON."""

    def __init__(
        self, store: Store, alone: threading.RLock, refresh: Callable[[], None], changed: Callable[[], None],
        status: Callable[[], dict[str, Any]],
    ) -> None:
        self._store = store
        self._alone = alone
        self._refresh = refresh
        self._changed = changed
        self._status = status
        self._room = threading.BoundedSemaphore(MOST_GUESTS)
        self._closing = False
        self._listener = _listen(store.path)
        threading.Thread(target=self._welcome, name="guests", daemon=True).start()

    def close(self) -> None:
        """Takes no more guests; those that are here lose their connection."""
        self._closing = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with address(self._store.path) as path, suppress(OSError):
            Path(path).unlink()

    def _welcome(self) -> None:
        while not self._closing:
            try:
                stream, _ = self._listener.accept()
            except OSError:
                return
            self._room.acquire()
            threading.Thread(target=self._serve, args=(stream,), name="guest", daemon=True).start()

    def _serve(self, stream: socket.socket) -> None:
        guest = _Guest(self._store.cursor(), self._alone, self._refresh, self._status)
        try:
            while True:
                head, body = receive(stream)
                try:
                    answer, table = guest.do(head, body)
                except Exception as error:  # noqa: BLE001 - it is the guest's error and raised on its side
                    answer, table = {"error": type(error).__name__, "text": str(error), **_words(error)}, b""
                send(stream, answer, table)
        except (Cut, OSError):
            return
        except ValueError:
            _log.exception("a guest of the store spoke another language")
        finally:
            if guest.leave():
                self._changed()
            stream.close()
            self._room.release()


def _words(error: Exception) -> dict[str, str]:
    if not isinstance(error, OutlayError):
        return {}
    return {"message": error.message, "where": error.where, "hint": error.hint}


def _listen(store: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        with address(store) as path:
            # Whoever holds the lock of the store owns the socket; one that is there was left by a process that died.
            with suppress(FileNotFoundError):
                Path(path).unlink()
            listener.bind(path)
    finally:
        os.umask(before)
    listener.listen(MOST_GUESTS)
    return listener


class _Guest:
    """One connection that is lent."""

    def __init__(
        self, con: duckdb.DuckDBPyConnection, alone: threading.RLock, refresh: Callable[[], None],
        status: Callable[[], dict[str, Any]],
    ) -> None:
        self._con = con
        self._alone = alone
        self._refresh = refresh
        self._status = status
        self._held = 0
        self._wrote = False

    def do(self, head: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        act = head["do"]
        if act == "execute":
            parameters = unpacked(head["with"])
            self._con.execute(head["sql"], parameters or None)
        elif act == "rows":
            return {"rows": packed(self._con.fetchall())}, b""
        elif act == "table":
            return {}, as_stream(self._con.sql(head["sql"]).to_arrow_table())
        elif act == "register":
            self._con.register(head["name"], from_stream(body))
        elif act == "unregister":
            self._con.unregister(head["name"])
        elif act == "alone":
            self._alone.acquire()
            self._held += 1
        elif act == "together":
            self._release()
        elif act == "refresh":
            self._refresh()
        elif act == "status":
            return {"status": self._status()}, b""
        else:
            raise ValueError(f"unknown act {act!r}")
        return {}, b""

    def _release(self) -> None:
        if self._held:
            self._held -= 1
            self._wrote = True
            self._alone.release()

    def leave(self) -> bool:
        """Ends what the guest left open; whether it may have written."""
        # Closing takes back what was not committed.
        with suppress(Exception):
            self._con.close()
        while self._held:
            self._release()
        return self._wrote

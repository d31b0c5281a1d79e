"""The other processes' side: a store whose connection is lent by its owner."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from outlay.errors import StoreError
from outlay.ledger.remote.wire import Cut, address, as_stream, from_stream, packed, receive, send, unpacked
from outlay.ledger.schema import SCHEMA_VERSION
from outlay.ledger.store import Store, other_version

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


class LentStore(Store):
    """A store that another process owns. Raises `ConnectionError` where there is no such process."""

    lent = True

    def __init__(self, path: Path) -> None:
        self.path = path
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with address(path) as name:
                stream.connect(name)
        except OSError as error:
            stream.close()
            raise ConnectionError(str(error)) from error
        self._lent = LentConnection(stream, path)
        self.con = cast("duckdb.DuckDBPyConnection", self._lent)
        if (found := self.meta("schema_version")) != str(SCHEMA_VERSION):
            self.close()
            raise other_version(found, str(path))

    def close(self) -> None:
        self._lent.close()

    def refresh(self) -> None:
        """Has the owner make the daily tables current, by its own settings."""
        self._lent.ask({"do": "refresh"})

    def status(self) -> dict[str, Any]:
        """How the owner is."""
        answer, _ = self._lent.ask({"do": "status"})
        found: dict[str, Any] = answer["status"]
        return found

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else writes for as long as the context lasts."""
        self._lent.ask({"do": "alone"})
        try:
            yield
        finally:
            self._lent.ask({"do": "together"})


class LentConnection:
    """What of a DuckDB connection the ledger uses."""

    def __init__(self, stream: socket.socket, store: Path) -> None:
        self._stream = stream
        self._store = store

    def ask(self, head: dict[str, Any], body: bytes = b"") -> tuple[dict[str, Any], bytes]:
        """Raises what the owner's connection raised, `StoreError` where the owner is gone."""
        try:
            send(self._stream, head, body)
            answer, table = receive(self._stream)
        except (Cut, OSError) as error:
            raise StoreError("the process that keeps the store has ended", where=str(self._store),
                             hint="Nothing that was said to be done is lost; try again.") from error
        if "error" in answer:
            raise _raised(answer)
        return answer, table

    def execute(self, query: str, parameters: Sequence[Any] | dict[str, Any] | None = None) -> LentConnection:
        self.ask({"do": "execute", "sql": query, "with": packed(parameters or [])})
        return self

    def executemany(self, query: str, rows: Sequence[Sequence[Any]]) -> LentConnection:
        for row in rows:
            self.execute(query, row)
        return self

    def fetchall(self) -> list[tuple[Any, ...]]:
        answer, _ = self.ask({"do": "rows"})
        return [tuple(row) for row in unpacked(answer["rows"])]

    def sql(self, query: str) -> LentAnswer:
        return LentAnswer(self, query)

    def register(self, name: str, table: pa.Table) -> LentConnection:
        self.ask({"do": "register", "name": name}, as_stream(table))
        return self

    def unregister(self, name: str) -> LentConnection:
        self.ask({"do": "unregister", "name": name})
        return self

    def close(self) -> None:
        self._stream.close()


class LentAnswer:
    """An answer that is fetched as a table."""

    def __init__(self, connection: LentConnection, query: str) -> None:
        self._connection = connection
        self._query = query

    def to_arrow_table(self) -> pa.Table:
        _, table = self._connection.ask({"do": "table", "sql": self._query})
        return from_stream(table)


def _raised(answer: dict[str, Any]) -> Exception:
    """The owner's error as the connection of an own store would have raised it."""
    import duckdb

    kind = getattr(duckdb, answer["error"], None)
    if isinstance(kind, type) and issubclass(kind, Exception):
        found: Exception = kind(answer["text"])
        return found
    if "message" in answer:
        return StoreError(answer["message"], where=answer["where"], hint=answer["hint"])
    return StoreError(f"{answer['error']}: {answer['text']}", hint="The log of the process that keeps the store says "
                      "more.")

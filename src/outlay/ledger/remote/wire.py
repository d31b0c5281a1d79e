"""Frames on the socket: a head in JSON and, where tables travel, an Arrow stream."""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from outlay.ledger.store import SOCKET

if TYPE_CHECKING:
    import pyarrow as pa

#: Length of the JSON, length of what follows it.
_HEAD = struct.Struct("<IQ")
#: A longer name than this does not fit the address of a socket.
_LONGEST = 100


class Cut(ConnectionError):
    """The other side is gone."""


def send(stream: socket.socket, head: dict[str, Any], body: bytes = b"") -> None:
    """Sends one frame."""
    text = json.dumps(head, ensure_ascii=True).encode()
    stream.sendall(_HEAD.pack(len(text), len(body)) + text)
    if body:
        stream.sendall(body)


def receive(stream: socket.socket) -> tuple[dict[str, Any], bytes]:
    """Receives one frame. Raises `Cut`."""
    text_bytes, body_bytes = _HEAD.unpack(_exactly(stream, _HEAD.size))
    head: dict[str, Any] = json.loads(_exactly(stream, text_bytes))
    return head, _exactly(stream, body_bytes)


def _exactly(stream: socket.socket, size: int) -> bytes:
    found = bytearray()
    while len(found) < size:
        part = stream.recv(min(size - len(found), 1 << 20))
        if not part:
            raise Cut("the other process has closed the connection")
        found += part
    return bytes(found)


def packed(value: Any) -> Any:
    """A value as JSON has it; what JSON has no type for is an object with one key."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    for kind, (name, write, _) in _TYPES.items():
        if isinstance(value, kind):
            return {name: write(value)}
    if isinstance(value, (list, tuple)):
        return [packed(each) for each in value]
    if isinstance(value, dict):
        return {"map": [[packed(key), packed(each)] for key, each in value.items()]}
    raise TypeError(f"{type(value).__name__} does not travel")


def unpacked(value: Any) -> Any:
    """What `packed` was given."""
    if isinstance(value, list):
        return [unpacked(each) for each in value]
    if not isinstance(value, dict):
        return value
    [(name, inner)] = value.items()
    if name == "map":
        return {unpacked(key): unpacked(each) for key, each in inner}
    return next(read for known, _, read in _TYPES.values() if known == name)(inner)


_TYPES: dict[type, tuple[str, Any, Any]] = {
    Decimal: ("decimal", str, Decimal),
    datetime: ("time", datetime.isoformat, datetime.fromisoformat),
    date: ("day", date.isoformat, date.fromisoformat),
    timedelta: ("us", lambda value: value // timedelta(microseconds=1), lambda us: timedelta(microseconds=us)),
    UUID: ("uuid", str, UUID),
    bytes: ("bytes", bytes.hex, bytes.fromhex),
}


def as_stream(table: pa.Table) -> bytes:
    """A table as Arrow IPC."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as out:
        out.write_table(table)
    text: bytes = sink.getvalue().to_pybytes()
    return text


def from_stream(text: bytes) -> pa.Table:
    """The table that `as_stream` wrote."""
    import pyarrow as pa

    with pa.ipc.open_stream(text) as stream:
        return stream.read_all()


@contextmanager
def address(store: Path) -> Iterator[str]:
    """The address of the socket in a store, for as long as the context lasts, however long the store's name is."""
    path = str(store.absolute() / SOCKET)
    if len(path.encode()) <= _LONGEST or not sys.platform.startswith("linux"):
        yield path
        return
    folder = os.open(store, os.O_PATH)
    try:
        yield f"/proc/self/fd/{folder}/{SOCKET}"
    finally:
        os.close(folder)

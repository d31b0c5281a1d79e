"""Append-only files of entries with length and checksum, and what a killed process left of them.

A segment is `NUMBER.spool`; an entry in it a head (mark, length of the payload, checksum over both) and the payload.
Numbers only grow, and a process never appends to a segment of an earlier one: what follows a torn entry would be lost
behind it.
"""

from __future__ import annotations

import logging
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from outlay.ledger.spool.entry import Cursor

_LOG = logging.getLogger(__name__)
_MARK = b"\xf5OUT"
#: Mark, length of the payload, checksum of length and payload.
_HEAD = struct.Struct("<4sII")
_LENGTH = struct.Struct("<I")


class Segments:
    """The files of one spool, oldest first. Not safe for several threads; the spool holds its lock."""

    def __init__(self, path: Path, after: Cursor | None, segment_bytes: int) -> None:
        """Opens the directory and cuts torn ends. What lies behind `after` is deleted, and nothing is ever written at a
        place that is not beyond it, even where the files are gone."""
        self._path = path
        self._segment_bytes = segment_bytes
        path.mkdir(parents=True, exist_ok=True)
        #: Number of every segment and its length up to the last whole entry.
        self._lengths: dict[int, int] = {}
        for number in sorted(int(file.stem) for file in path.glob("*.spool") if file.stem.isdigit()):
            if after is not None and number < after.segment:
                self._file(number).unlink()
                continue
            if length := self._mended(number):
                self._lengths[number] = length
            else:
                self._file(number).unlink()
        self._last = max([0, *self._lengths, *([after.segment] if after else [])])
        self._handle: int | None = None

    @property
    def size(self) -> int:
        """Bytes that all segments take together."""
        return sum(self._lengths.values())

    def beyond(self, after: Cursor | None) -> int:
        """Bytes that lie beyond a place."""
        place = after or Cursor(0, 0)
        return sum(length - (place.offset if number == place.segment else 0)
                   for number, length in self._lengths.items() if number >= place.segment)

    @property
    def end(self) -> Cursor:
        """Behind the last durable entry."""
        return Cursor(self._last, self._lengths.get(self._last, 0))

    def append(self, payloads: list[bytes]) -> None:
        """Adds entries; when it returns they are durable, all of them. Raises `OSError` and adds none of them."""
        if self._handle is None or self._lengths[self._last] >= self._segment_bytes:
            self._begin()
        assert self._handle is not None
        start = self._lengths[self._last]
        data = memoryview(b"".join(part for payload in payloads for part in (_head(payload), payload)))
        try:
            written = 0
            while written < len(data):
                written += os.pwrite(self._handle, data[written:], start + written)
            os.fsync(self._handle)
        except OSError:
            self._abandon(start)
            raise
        self._lengths[self._last] = start + len(data)

    def read(self, after: Cursor | None) -> Iterator[tuple[memoryview, Cursor]]:
        """Whole entries beyond `after`, each with the place behind it."""
        for number, length in sorted(self._lengths.items()):
            if after is not None and number < after.segment:
                continue
            start = after.offset if after is not None and number == after.segment else 0
            if start >= length:
                continue
            with self._file(number).open("rb") as file:
                file.seek(start)
                data = memoryview(file.read(length - start))
            for begin, end in _entries(data):
                yield data[begin + _HEAD.size : end], Cursor(number, start + end)

    def forget(self, before: Cursor) -> None:
        """Deletes the segments that lie wholly before this place."""
        for number in [number for number in self._lengths if number < before.segment]:
            self._file(number).unlink(missing_ok=True)
            del self._lengths[number]

    def close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _begin(self) -> None:
        """A new segment; it is there after a power cut, too."""
        self.close()
        number = self._last + 1
        handle = os.open(self._file(number), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            directory = os.open(self._path, os.O_RDONLY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        except OSError:
            os.close(handle)
            self._file(number).unlink(missing_ok=True)
            raise
        self._handle, self._last, self._lengths[number] = handle, number, 0

    def _abandon(self, start: int) -> None:
        """After a failed write nobody knows what the disk holds beyond `start`: the next entry begins a new segment."""
        assert self._handle is not None
        try:
            os.ftruncate(self._handle, start)
        except OSError as error:
            _LOG.warning("spool: the end of segment %d could not be cut: %s", self._last, error)
        self.close()
        if not start:
            self._lengths.pop(self._last)
            self._file(self._last).unlink(missing_ok=True)

    def _mended(self, number: int) -> int:
        """The length of a segment up to the end of its last whole entry, to which it is cut."""
        data = memoryview(self._file(number).read_bytes())
        length = max((end for _, end in _entries(data)), default=0)
        if length < len(data):
            _LOG.warning("spool: segment %d ends in %d bytes of an entry that was never acknowledged; cut",
                         number, len(data) - length)
            os.truncate(self._file(number), length)
        return length

    def _file(self, number: int) -> Path:
        return self._path / f"{number:012d}.spool"


def _head(payload: bytes) -> bytes:
    length = _LENGTH.pack(len(payload))
    return _HEAD.pack(_MARK, len(payload), zlib.crc32(payload, zlib.crc32(length)))


def _entries(data: memoryview) -> Iterator[tuple[int, int]]:
    """Where every whole entry begins and ends. What lies between two of them is damage, and is passed over."""
    at = 0
    while at < len(data):
        end = _entry_end(data, at)
        if end is None:
            later = _next_entry(data, at + 1)
            if later is None:
                return
            _LOG.error("spool: %d bytes are damaged and were passed over", later - at)
            at = later
            continue
        yield at, end
        at = end


def _entry_end(data: memoryview, at: int) -> int | None:
    """The end of the entry that begins here; None: no whole entry does."""
    if len(data) - at < _HEAD.size:
        return None
    mark, length, checksum = _HEAD.unpack_from(data, at)
    end = at + _HEAD.size + length
    if mark != _MARK or end > len(data):
        return None
    whole = zlib.crc32(data[at + _HEAD.size : end], zlib.crc32(data[at + 4 : at + 8]))
    return end if whole == checksum else None


def _next_entry(data: memoryview, at: int) -> int | None:
    """Where the next whole entry begins, from `at` on."""
    held = bytes(data)
    while (at := held.find(_MARK, at)) >= 0:
        if _entry_end(data, at) is not None:
            return at
        at += 1
    return None

"""A file that a user points at: opened once, so that every source can look at its content."""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import io
import json
import os
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from outlay.errors import FileError
from outlay.sources.json_errors import is_cut_line, is_object
from outlay.sources.json_paths import json_paths

#: How much of a file the sources may look at to recognise it.
HEAD_BYTES = 256 * 1024
_BLOCK = 1 << 20
_NOTHING = {0: None, 0xFEFF: None}
_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"
_LINE_END = re.compile(r"\r\n|\n|\r")
#: Byte-order marks, longest first; UTF-16 files are read as such.
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


@dataclass(frozen=True)
class InputFile:
    """`path` is where the bytes are, `name` what the user called it (`-` for standard input)."""

    path: Path
    name: str

    @cached_property
    def size(self) -> int:
        """Bytes on disk."""
        with self._readable():
            return self.path.stat().st_size

    def sha256(self) -> str:
        """Hash of the bytes as they are, hexadecimal; reads the whole file."""
        with self._readable(), self.path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    @property
    def stat(self) -> os.stat_result:
        """What the file system says of it."""
        with self._readable():
            return self.path.stat()

    @cached_property
    def is_empty(self) -> bool:
        """Whether nothing but blanks stands in it (as far as the head goes)."""
        return self.size == 0 or not (self.is_parquet or self.text.translate(_NOTHING).strip())

    @cached_property
    def _first_bytes(self) -> bytes:
        with self._readable(), self.path.open("rb") as stream:
            return stream.read(4)

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise FileError(f"cannot be read: {error.strerror}", where=self.name, hint=_UNREADABLE) from error

    @property
    def is_gzip(self) -> bool:
        return self._first_bytes[:2] == _GZIP

    @property
    def is_parquet(self) -> bool:
        return self._first_bytes == _PARQUET

    @cached_property
    def head(self) -> bytes:
        """The first decompressed bytes. Raises `FileError` where a compressed file is broken at its start."""
        try:
            with self._open_binary() as stream:
                return stream.read(HEAD_BYTES)
        except (OSError, EOFError, zlib.error) as error:
            raise FileError(f"cannot be decompressed: {error}", where=self.name, hint=_TRUNCATED) from error

    @cached_property
    def encoding(self) -> str:
        """utf-8, utf-8-sig or utf-16, by byte-order mark."""
        return next((name for mark, name in _BOMS if self.head.startswith(mark)), "utf-8")

    @cached_property
    def text(self) -> str:
        """The head as text; bytes that are not of the encoding become U+FFFD. Empty for Parquet."""
        return "" if self.is_parquet else self.head.decode(self.encoding, errors="replace")

    @cached_property
    def first_lines(self) -> tuple[str, ...]:
        """Up to 50 leading lines that are not blank."""
        # Not splitlines(): U+2028 and its like stand unescaped inside JSON strings and do not end a line.
        lines = (line for line in _LINE_END.split(self.text) if line.strip())
        return tuple(line for line, _ in zip(lines, range(50), strict=False))

    @cached_property
    def csv_header(self) -> tuple[str, ...]:
        """Column names if the first line reads as a delimited header (comma, tab, semicolon or bar), else empty."""
        if not self.first_lines or self.first_lines[0].lstrip()[:1] in "{[":
            return ()
        line = self.first_lines[0]
        delimiter = max(",\t;|", key=line.count)
        if delimiter not in line:
            return ()
        try:
            return tuple(name.strip() for name in next(csv.reader(io.StringIO(line), delimiter=delimiter)))
        except (csv.Error, StopIteration):
            return ()

    @cached_property
    def parquet_columns(self) -> tuple[str, ...]:
        """Column names of a Parquet file, else empty. Raises `FileError` where its footer is broken."""
        if not self.is_parquet:
            return ()
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return tuple(pq.read_schema(self.path).names)
        except (pa.ArrowException, OSError) as error:
            raise FileError(f"is not a whole Parquet file: {_first_line(error)}", where=self.name,
                            hint=_TRUNCATED) from error

    @cached_property
    def column_names(self) -> frozenset[str]:
        """Names of the flat columns, for CSV, Parquet and JSON lines alike; empty where the file is not flat."""
        if self.is_parquet:
            return frozenset(self.parquet_columns)
        if self.json_records:
            return frozenset(key for record in self.json_records for key in record)
        return frozenset(self.csv_header)

    @cached_property
    def json_records(self) -> tuple[dict[str, Any], ...]:
        """The first objects of a JSON-lines file (up to 50), else empty."""
        records = []
        for line in self._whole_lines:
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                # The head may end in the middle of a line; anything else that fails is not JSON lines.
                break
            if not isinstance(value, dict):
                break
            records.append(value)
        return tuple(records)

    @cached_property
    def json_paths(self) -> frozenset[str]:
        """Dotted key paths of the JSON at the head, list positions left out; empty where it is not JSON."""
        text = self.text
        if self._whole_lines != self.first_lines:
            text = text[text.index(self.first_lines[0]) + len(self.first_lines[0]) :]
        return json_paths(text)

    @cached_property
    def _whole_lines(self) -> tuple[str, ...]:
        """The first lines, less one that is the rest of an object: logs are cut off at their beginning."""
        lines = self.first_lines
        cut = len(lines) > 1 and lines[1].startswith("{") and is_object(lines[1]) and is_cut_line(lines[0])
        return lines[1:] if cut else lines

    @cached_property
    def is_json_document(self) -> bool:
        """Whether it looks like one JSON value over several lines, or longer than the head."""
        return self.text.lstrip()[:1] in ("{", "[") and not self.json_records

    def _open_binary(self) -> IO[bytes]:
        if self.is_gzip:
            return gzip.open(self.path, "rb")  # type: ignore[return-value]  # GzipFile is a binary stream
        return self.path.open("rb")

    @contextmanager
    def open_binary_checked(self) -> Iterator[IO[bytes]]:
        """The decompressed bytes. Reading raises `FileError` where a gzip file ends too early or the file vanishes."""
        with self._readable():
            raw = self._open_binary()
        with raw:
            yield io.BufferedReader(_Checked(raw, self.name))

    @contextmanager
    def open_text(self) -> Iterator[IO[str]]:
        """The whole file as text, decompressed; undecodable bytes become U+FFFD.

        Reading raises `FileError` where a gzip file ends too early or the file vanishes.
        """
        with self.open_binary_checked() as raw, io.TextIOWrapper(
                raw, self.encoding, errors="replace", newline="") as text:
            yield text

    @cached_property
    def is_well_encoded(self) -> bool:
        """Whether every byte of a text file is of its encoding; reads the whole file."""
        decoder = codecs.getincrementaldecoder(self.encoding)()
        with self.open_binary_checked() as stream:
            try:
                while block := stream.read(_BLOCK):
                    decoder.decode(block)
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                return False
        return True

    def lines(self) -> Iterator[tuple[int, str]]:
        """Every line with its number, from 1, without its end."""
        with self.open_text() as text:
            for number, line in enumerate(text, start=1):
                yield number, line.rstrip("\r\n")

    def json(self) -> Any:
        """The whole file as one JSON value. Raises `FileError` naming line and column where it is not."""
        with self.open_text() as text:
            try:
                return json.load(text)
            except (ValueError, RecursionError) as error:
                raise FileError(f"is not valid JSON: {error}", where=self.name, hint=_TRUNCATED) from error


class _Checked(io.RawIOBase):
    """Reads from `source`; what fails then is the file's fault, unlike what fails while its bytes are used."""

    def __init__(self, source: IO[bytes], name: str) -> None:
        self._source = source
        self._name = name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._source.read(len(buffer))
        except (OSError, EOFError, zlib.error) as error:
            raise FileError(f"cannot be read to its end: {error}", where=self._name, hint=_TRUNCATED) from error
        buffer[: len(data)] = data
        return len(data)


def _first_line(error: Exception) -> str:
    """Libraries add what they tried to do, on further lines."""
    return str(error).split("\n")[0]


_TRUNCATED = "The file may be incomplete; fetch or export it again. Nothing of it was kept."
_UNREADABLE = "Check that it is a file and that you may read it. Nothing of it was kept."

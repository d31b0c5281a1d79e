"""A flat file as DuckDB can read it: CSV, JSON lines or Parquet, compressed or not, in whatever encoding.

What DuckDB would refuse as a whole is mended first: another encoding becomes UTF-8, and rows that do not parse are
taken out, each with its line, so that one bad line does not cost the user the other million.
"""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from outlay.errors import FileError
from outlay.facts import Notice, Reject
from outlay.sources.base import Table
from outlay.sources.inputfile import InputFile

if TYPE_CHECKING:
    import duckdb

_FIELD_LIMIT = 16 * 1024 * 1024
_VARCHAR = "'VARCHAR'"


@dataclass
class Scan:
    """A readable relation. `sql` goes after FROM; `table` says its columns."""

    con: duckdb.DuckDBPyConnection
    file: InputFile
    directory: Path
    sql: str = ""
    table: Table = field(default_factory=lambda: Table({}, "csv"))
    rejects: list[Reject] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    _kept_lines: list[int] = field(default_factory=list)
    _header_lines: int = 0

    def line(self, row: int) -> int:
        """The line of the user's file that the `row`-th row (from 1) stands on."""
        if self._kept_lines:
            return self._kept_lines[row - 1]
        return row + self._header_lines

    def as_text(self) -> None:
        """Reads again, every column as text and broken rows taken out: for files that are not what they promise."""
        if self.table.format == "parquet":
            raise FileError("has values that do not fit their columns", where=self.file.name)
        mended = self.directory / "mended"
        if self.table.format == "json":
            self._mend_json(mended)
            self._scan_json(mended, text=True)
        else:
            self._mend_csv(mended)
            self._scan_csv(mended)

    def _describe(self, format_name: str) -> None:
        rows = self.con.execute(f"DESCRIBE SELECT * FROM {self.sql}").fetchall()
        self.table = Table({str(name): str(kind) for name, kind, *_ in rows}, format_name)

    def _scan_parquet(self) -> None:
        self.sql = f"read_parquet({_quoted(self.file.path)})"
        self._describe("parquet")

    def _scan_csv(self, path: Path) -> None:
        delimiter = self._delimiter()
        self._header_lines = 1
        self.sql = (f"read_csv({_quoted(path)}, all_varchar = true, header = true, delim = '{delimiter}', "
                    "quote = '\"', escape = '\"', null_padding = false, auto_detect = false, "
                    f"columns = {{{', '.join(f'{_text(name)}: {_VARCHAR}' for name in self._names())}}}, "
                    f"max_line_size = {_FIELD_LIMIT})")
        self._describe("csv")

    def _names(self) -> list[str]:
        """Header names, made unique as DuckDB wants them: an empty or repeated name gets its position."""
        names: list[str] = []
        seen: set[str] = set()
        for position, name in enumerate(self.file.csv_header):
            unique = name.lstrip("\ufeff") or f"column{position}"
            if unique.lower() in seen:
                unique = f"{unique}_{position}"
            seen.add(unique.lower())
            names.append(unique)
        return names

    def _delimiter(self) -> str:
        line = self.file.first_lines[0]
        return max(",\t;|", key=line.count)

    def _scan_json(self, path: Path, *, text: bool = False) -> None:
        self.sql = f"read_json({_quoted(path)}, format = 'newline_delimited', maximum_object_size = {_FIELD_LIMIT})"
        self._describe("json")
        # Numbers with a fraction are read as text, because money must never pass through a float.
        columns = {
            name: "VARCHAR" if kind == "DOUBLE" or (text and "STRUCT" not in kind and "MAP" not in kind) else kind
            for name, kind in self.table.columns.items()
        }
        if columns != self.table.columns:
            spec = ", ".join(f"{_text(name)}: {_text(kind)}" for name, kind in columns.items())
            self.sql = (f"read_json({_quoted(path)}, format = 'newline_delimited', columns = {{{spec}}}, "
                        f"maximum_object_size = {_FIELD_LIMIT})")
            self._describe("json")

    def _mend_csv(self, target: Path) -> None:
        """Keeps the rows that have as many fields as the header."""
        self.rejects.clear()
        self._kept_lines = []
        csv.field_size_limit(_FIELD_LIMIT)
        width = len(self.file.csv_header)
        with self.file.open_text() as text, target.open("w", encoding="utf-8", newline="") as out:
            reader = csv.reader(text, delimiter=self._delimiter())
            writer = csv.writer(out, delimiter=self._delimiter())
            for number, row in _csv_rows(reader):
                if number == 0 or len(row) == width:
                    writer.writerow(row)
                    if number:
                        self._kept_lines.append(reader.line_num)
                elif row:
                    self.rejects.append(Reject(reader.line_num, "", f"has {len(row)} fields, the header has {width}"))

    def _mend_json(self, target: Path) -> None:
        """Keeps the lines that are JSON objects."""
        self.rejects.clear()
        self._kept_lines = []
        with target.open("w", encoding="utf-8") as out:
            for number, line in self.file.lines():
                if not line.strip():
                    continue
                try:
                    value = json.loads(line)
                except ValueError as error:
                    self.rejects.append(Reject(number, "", f"is not JSON ({error}); the file may be incomplete"))
                    continue
                if not isinstance(value, dict):
                    self.rejects.append(Reject(number, "", "is not a JSON object"))
                    continue
                out.write(line + "\n")
                self._kept_lines.append(number)


def _csv_rows(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    number = 0
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            # A field beyond the limit or a NUL: the row is given as empty fields, so that it is refused by width.
            row = [""]
        yield number, row
        number += 1


@contextmanager
def open_scan(con: duckdb.DuckDBPyConnection, file: InputFile) -> Iterator[Scan]:
    """The file as a relation, with temporary copies removed at the end. Raises `FileError` where it is broken."""
    import duckdb

    with tempfile.TemporaryDirectory(prefix="outlay-") as name:
        scan = Scan(con, file, Path(name))
        try:
            if file.is_parquet:
                scan._scan_parquet()
            elif file.json_records:
                scan._scan_json(_plain(scan))
            else:
                scan._scan_csv(_plain(scan))
        except duckdb.Error as error:
            if file.is_parquet:
                raise FileError(f"is not a whole Parquet file: {error}", where=file.name,
                                hint="Fetch or export it again. Nothing of it was kept.") from error
            scan.table = Table({}, "json" if file.json_records else "csv")
            scan.as_text()
        yield scan


def _plain(scan: Scan) -> Path:
    """The file as uncompressed UTF-8 without byte-order mark: itself where it is that already.

    Compressed files are unpacked here rather than by DuckDB, which does not notice that one ends too early.
    """
    file = scan.file
    if not file.is_gzip and file.encoding == "utf-8" and _is_utf8(file.path):
        return file.path
    target = scan.directory / "plain"
    if file.is_gzip and file.encoding == "utf-8":
        _unpack(file, target)
        if _is_utf8(target):
            return target
    scan.notices.append(Notice("is not UTF-8 throughout; what could not be read stands as \N{REPLACEMENT CHARACTER}"))
    with file.open_text() as text, target.open("w", encoding="utf-8", newline="") as out:
        shutil.copyfileobj(text, out, 1 << 20)
    if file.encoding != "utf-8":
        scan.notices.pop()
    return target


def _unpack(file: InputFile, target: Path) -> None:
    with file.open_binary_checked() as raw, target.open("wb") as out:
        shutil.copyfileobj(raw, out, 1 << 20)


def _is_utf8(path: Path) -> bool:
    import codecs

    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as stream:
        try:
            return all(decoder.decode(block) is not None for block in _blocks(stream)) and not decoder.getstate()[0]
        except UnicodeDecodeError:
            return False


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    while block := stream.read(1 << 20):
        yield block


def _quoted(path: Path) -> str:
    return _text(str(path))


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"

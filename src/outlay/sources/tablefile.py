"""A flat file as DuckDB can read it: CSV, JSON lines or Parquet, compressed or not, in whatever encoding.

What DuckDB would refuse as a whole is mended first: another encoding becomes UTF-8, and rows that do not parse are
taken out, each with its line, so that one bad line does not cost the user the other million.
"""

from __future__ import annotations

import codecs
import csv
import shutil
import tempfile
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from outlay.errors import FileError
from outlay.facts import Notice, Reject
from outlay.sources.base import Table
from outlay.sources.csv_rows import FIELD_LIMIT, delimited_rows
from outlay.sources.inputfile import InputFile
from outlay.sources.json_lines import json_sample, json_type, object_line

if TYPE_CHECKING:
    import duckdb

_VARCHAR = "'VARCHAR'"
#: Two of the longest rows. DuckDB would take 16 of them at a time, which is more than the memory that it may have.
_BUFFER_BYTES = 2 * FIELD_LIMIT
#: Nothing may follow from a file's name: neither columns (`day=2026-01-01/`) nor compression.
_AS_IT_IS = "compression = 'none', hive_partitioning = false"
_AGAIN = "Fetch or export it again. Nothing of it was kept."


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
    #: A column of `sql` beyond the table's own, true in rows whose numbers are not what the first rows promise.
    doubt: str | None = None
    #: The same as `sql` over rows from all over a large file; None: there are not so many rows.
    sample: str | None = None
    #: The file as DuckDB reads it, where that is not the user's own.
    path: Path | None = None
    #: The line of each row, where it is known.
    _lines: array[int] | None = None

    def line(self, row: int) -> int:
        """The line of the user's file that the `row`-th row (from 1) begins on."""
        if self.table.format == "parquet":
            return row
        if self._lines is None:
            self._lines = self._count_lines()
        return self._lines[row - 1] if self._lines else row + (self.table.format == "csv")

    def _count_lines(self) -> array[int]:
        """Empty where each line is a row."""
        is_csv = self.table.format == "csv"
        rows = self.con.execute(f"SELECT count(*) FROM {self.sql}").fetchall()[0][0]
        entries = delimited_rows(self.file, self._delimiter()) if is_csv else (
            (number, line) for number, line in self.file.lines() if line.strip())
        if not _begins_blank(self.file) and _line_count(self.path or self.file.path) == rows + is_csv:
            return array("q")
        lines = array("q", (entry[0] for entry in entries if not isinstance(entry, Reject)))
        return lines[1:] if is_csv else lines

    def as_text(self) -> None:
        """Reads again, every column as text and broken rows taken out: for files that are not what they promise."""
        if self.table.format == "parquet":
            raise FileError("has values that do not fit their columns", where=self.file.name, hint=_AGAIN)
        mended = self.directory / "mended"
        if self.table.format == "json":
            if not self.notices and not self.file.is_well_encoded:
                self.notices.append(misread(self.file))
            self._mend_json(mended)
            self._scan_json(mended, text=True)
        else:
            self._mend_csv(mended)
            self._scan_csv(mended)

    def _describe(self, format_name: str) -> None:
        rows = self.con.execute(f"DESCRIBE SELECT * FROM {self.sql}").fetchall()
        self.table = Table({str(name): str(kind) for name, kind, *_ in rows}, format_name)

    def _scan_parquet(self) -> None:
        self.sql = f"read_parquet({_quoted(self._safe(self.file.path))}, hive_partitioning = false)"
        self._describe("parquet")

    def _scan_csv(self, path: Path) -> None:
        if not self.file.csv_header:
            raise FileError("does not begin with a line of column names", where=self.file.name,
                            hint="Tables are CSV with a header, JSON lines or Parquet.")
        delimiter = self._delimiter()
        self.sql = (f"read_csv({_quoted(self._safe(path))}, all_varchar = true, header = true, delim = '{delimiter}', "
                    "quote = '\"', escape = '\"', null_padding = false, auto_detect = false, "
                    f"columns = {{{', '.join(f'{_text(name)}: {_VARCHAR}' for name in self._names())}}}, "
                    f"max_line_size = {FIELD_LIMIT}, buffer_size = {_BUFFER_BYTES}, {_AS_IT_IS})")
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
        """`text`: every column as text, by all rows of a mended file; else typed, by rows from all over the file."""
        options = f"format = 'newline_delimited', maximum_object_size = {FIELD_LIMIT}, {_AS_IT_IS}"
        seen = path if text else json_sample(path, self.directory)
        wide = ", map_inference_threshold = -1" if text else ""
        self.sql = f"read_json({_quoted(self._safe(seen))}, {options}, sample_size = -1{wide})"
        self._describe("json")
        if set(self.table.columns) == {"json"} and not text:
            return self.as_text()  # not all of the lines are objects
        kinds = dict(self.table.columns)
        spec = ", ".join(f"{_text(name)}: {_text(json_type(kind, text=text))}" for name, kind in kinds.items())
        options += f", columns = {{{spec}}}"
        whole = [] if text else [self.table.quoted(name) for name, kind in kinds.items() if kind == "BIGINT"]
        # The doubt is no column of the file, and is looked at once, when its rows are counted.
        self.doubt = "outlay_doubt" if whole else None
        self.sample = self._typed_json(seen, options, whole) if seen != path else None
        self.sql = self._typed_json(path, options, whole)
        self._describe("json")
        self.table = Table({name: kind for name, kind in self.table.columns.items() if name != self.doubt}, "json")
        return None

    def _typed_json(self, path: Path, options: str, whole: list[str]) -> str:
        """The file with the columns in `whole` as numbers without fraction, and `doubt`."""
        read = f"read_json({_quoted(self._safe(path))}, {options})"
        if not whole:
            return read
        cast = ", ".join(f"CAST({name} AS BIGINT) AS {name}" for name in whole)
        doubts = " OR ".join(f"coalesce({_has_fraction(name)}, false)" for name in whole)
        return f"(SELECT * REPLACE ({cast}), {doubts} AS {self.doubt} FROM {read})"

    def _safe(self, path: Path) -> Path:
        """A path that DuckDB takes as it is, without looking for patterns or other files in it."""
        self.path = path.absolute()
        name = str(self.path)
        if name.isprintable() and not set(name) & set("*?[]{}\\"):
            return self.path
        link = self.directory / f"link-{path.name.encode(errors='surrogateescape').hex()[-40:]}"
        link.unlink(missing_ok=True)
        link.symlink_to(self.path)
        return link

    def _mend_csv(self, target: Path) -> None:
        """Keeps the rows that have as many fields as the header."""
        self.rejects.clear()
        self._lines = lines = array("q")
        with target.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, delimiter=self._delimiter())
            for entry in delimited_rows(self.file, self._delimiter()):
                if isinstance(entry, Reject):
                    self.rejects.append(entry)
                    continue
                writer.writerow(entry[1])
                lines.append(entry[0])
        del lines[:1]

    def _mend_json(self, target: Path) -> None:
        """Keeps the lines that are JSON objects."""
        self.rejects.clear()
        self._lines = lines = array("q")
        with target.open("w", encoding="utf-8") as out:
            for number, line in self.file.lines():
                if not line.strip():
                    continue
                try:
                    out.write(object_line(line) + "\n")
                except ValueError as error:
                    self.rejects.append(Reject(number, "", str(error)))
                    continue
                lines.append(number)


@contextmanager
def open_scan(con: duckdb.DuckDBPyConnection, file: InputFile, scratch: Path | None = None) -> Iterator[Scan]:
    """The file as a relation. Copies that reading needs lie in `scratch`, and are removed at the end.

    Raises `FileError` where the file as a whole is broken.
    """
    import duckdb

    with tempfile.TemporaryDirectory(prefix="outlay-", dir=scratch) as name:
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
                raise FileError(f"is not a whole Parquet file: {_first_line(error)}", where=file.name,
                                hint=_AGAIN) from error
            scan.table = Table({}, "json" if file.json_records else "csv")
            scan.as_text()
        yield scan


def _plain(scan: Scan) -> Path:
    """The file as uncompressed UTF-8 without byte-order mark: itself where it is that already.

    Compressed files are unpacked here rather than by DuckDB, which does not notice that one ends too early.
    """
    file = scan.file
    as_it_is = file.encoding == "utf-8" and not _begins_blank(file)
    # DuckDB looks at every byte of JSON itself, and refuses what is no UTF-8.
    if as_it_is and not file.is_gzip and (file.json_records or file.is_well_encoded):
        return file.path
    target = scan.directory / "plain"
    if as_it_is and file.is_gzip and _unpack(file, target):
        return target
    if not file.is_well_encoded:
        scan.notices.append(misread(file))
    with file.open_text() as text, target.open("w", encoding="utf-8", newline="") as out:
        if _begins_blank(file):
            out.write(next((line for line in text if line.strip()), ""))
        shutil.copyfileobj(text, out, 1 << 20)
    return target


def misread(file: InputFile) -> Notice:
    """What a user hears of a file that is not of its encoding throughout."""
    name = "UTF-16" if file.encoding == "utf-16" else "UTF-8"
    return Notice(f"Is not {name} throughout; what could not be read stands as \N{REPLACEMENT CHARACTER}.")


def _begins_blank(file: InputFile) -> bool:
    """DuckDB takes an empty first line for the header."""
    return file.text.lstrip("\ufeff")[:1] in ("\n", "\r")


def _unpack(file: InputFile, target: Path) -> bool:
    """Whether all of it is UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with file.open_binary_checked() as raw, target.open("wb") as out:
        try:
            for block in _blocks(raw):
                decoder.decode(block)
                out.write(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _line_count(path: Path) -> int:
    """Lines of a UTF-8 file; the last one may lack its end."""
    count, last = 0, b"\n"
    with path.open("rb") as stream:
        for block in _blocks(stream):
            count, last = count + block.count(b"\n"), block[-1:]
    return count + (last != b"\n")


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    while block := stream.read(1 << 20):
        yield block


def _has_fraction(column: str) -> str:
    """A fraction further down would be rounded without a word, and large numbers have lost digits."""
    return f"({column} <> floor({column}) OR abs({column}) >= 9007199254740992)"


def _first_line(error: Exception) -> str:
    """DuckDB adds the statement, on further lines."""
    return str(error).split("\n")[0].split(" Error: ", 1)[-1]


def _quoted(path: Path) -> str:
    return _text(str(path))


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"

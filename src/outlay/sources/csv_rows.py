"""The rows of a delimited file, with the lines that they begin on, however broken some of them are."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator

from outlay.facts import Reject
from outlay.sources.inputfile import InputFile
from outlay.sources.record import Record

#: A field may hold a whole conversation (spend logs do); Python's own limit is 128 KiB.
FIELD_LIMIT = 16 * 1024 * 1024


def csv_rows(file: InputFile) -> Iterator[tuple[int, Record] | Reject]:
    """Each row by column name, with the line that it begins on. Comma, tab, semicolon or bar, as the header has it.

    A row that is broken, or has more or fewer fields than the header, is a reject.
    """
    delimiter = max(",\t;|", key=file.first_lines[0].count)
    names: list[str] | None = None
    for entry in delimited_rows(file, delimiter):
        if isinstance(entry, Reject):
            yield entry
        elif names is None:
            names = [name.strip().lstrip("\ufeff") for name in entry[1]]
        elif any(entry[1]):
            yield entry[0], Record(dict(zip(names, entry[1], strict=True)))


def delimited_rows(file: InputFile, delimiter: str) -> Iterator[tuple[int, list[str]] | Reject]:
    """The header and each row that has as many fields, with the line that it begins on; blank lines are passed over.

    A quote that is never closed costs the line on which it stands, not those behind it.
    """
    csv.field_size_limit(FIELD_LIMIT)
    with file.open_text() as text:
        lines = _Lines(text)
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        width = 0
        while True:
            begin = lines.forget()
            problem = ""
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                fields, problem = [], f"cannot be read as a row: {error}"
                reader = csv.reader(lines, delimiter=delimiter, strict=True)
            if not problem and (not fields or (len(fields) == 1 != width and not fields[0].strip())):
                continue
            if not problem and width and len(fields) != width:
                problem = f"has {len(fields)} fields, the header has {width}; the file may be incomplete"
            if problem:
                lines.again_after_first()
                yield Reject(begin, "", problem)
                continue
            width = width or len(fields)
            yield begin, fields


class _Lines:
    """Lines of a file that can be given once more: those that a broken row took along."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._waiting: deque[str] = deque()
        self._taken: list[str] = []
        self._begin = 1

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._waiting.popleft() if self._waiting else next(self._lines)
        self._taken.append(line)
        return line

    def forget(self) -> int:
        """Lets go of what was taken; returns the number of the line that comes next."""
        self._begin += len(self._taken)
        self._taken.clear()
        return self._begin

    def again_after_first(self) -> None:
        """Gives all lines again that were taken since `forget`, but the first."""
        self._waiting.extendleft(reversed(self._taken[1:]))
        del self._taken[1:]

"""The rows of a small delimited file, by column name."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from outlay.facts import Reject
from outlay.sources.inputfile import InputFile
from outlay.sources.record import Record

#: A field may hold a whole conversation (spend logs do); Python's own limit is 128 KiB.
_FIELD_LIMIT = 1 << 30


def csv_rows(file: InputFile) -> Iterator[tuple[int, Record] | Reject]:
    """Each row with the line that it begins on. Comma, tab, semicolon or bar, as the header has it.

    A row with more or fewer fields than the header is a reject.
    """
    csv.field_size_limit(_FIELD_LIMIT)
    delimiter = max(",\t;|", key=file.first_lines[0].count)
    with file.open_text() as text:
        reader = csv.reader(text, delimiter=delimiter)
        header: list[str] | None = None
        line = 1
        while True:
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Reject(line, "", f"cannot be read as a row: {error}")
                line = reader.line_num + 1
                continue
            begin, line = line, reader.line_num + 1
            if not any(fields):
                continue
            if header is None:
                header = [name.strip().lstrip("\ufeff") for name in fields]
            elif len(fields) != len(header):
                yield Reject(begin, "", f"has {len(fields)} fields, the header has {len(header)}; {_HINT}")
            else:
                yield begin, Record(dict(zip(header, fields, strict=True)))


_HINT = "the file may be incomplete"

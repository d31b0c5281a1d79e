"""Logs in JSON lines, read on from where they were read to: each whole line once, in pieces that fit into memory."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from outlay.collectors.watching import Known
from outlay.errors import FileError
from outlay.facts import Call, Fact, Reject
from outlay.sources.base import RowSource, Source
from outlay.sources.inputfile import InputFile
from outlay.sources.json_errors import is_object

if TYPE_CHECKING:
    import pyarrow as pa

#: How much of a log is read at once, and the longest line.
PIECE_BYTES = 4 << 20
LINE_BYTES = 64 << 20
_HEAD_BYTES = 4096
#: A table of these columns is one of calls.
_CALL_TABLE = frozenset({"time", "model", "input_tokens"})


@dataclass(frozen=True, slots=True)
class Piece:
    """Facts of some lines that follow each other, by kind, what was refused, and where to go on. `first`: nothing of
    the log was read before."""

    tables: dict[type[Fact], pa.Table]
    rejects: tuple[Reject, ...]
    known: Known
    first: bool


def is_log(file: InputFile, source: Source) -> bool:
    """Whether a file is a log of model calls: its lines stay as they are, and new ones are put at its end."""
    if file.is_parquet or file.is_gzip or not file.json_records or Call not in source.facts:
        return False
    return source.facts == (Call,) or file.column_names >= _CALL_TABLE


def pieces(
    path: Path, name: str, source: Source, known: Known, *, ended: bool, scratch: Path | None
) -> Iterator[Piece]:
    """What is new in a log since `known`; all of it where it is another log by now (rotated, or cut off). `ended`: its
    last line is one though no end of line follows it.

    A source whose lines need those before them is read from its beginning; what was known of it counts once.
    Raises `FileError` and `OSError`.
    """
    if known.head_bytes and (
            _head(path, known.head_bytes) != known.head or path.stat().st_size < known.offset):
        known = replace(known, offset=0, lines=0)
    first, seen, whole = known.offset == 0, known.lines, not source.by_line
    if whole:
        known = replace(known, offset=0, lines=0)
    with path.open("rb") as file:
        while True:
            file.seek(known.offset)
            data = _whole_lines(file.read(path.stat().st_size if whole else PIECE_BYTES), ended)
            if not data and not whole:
                data = _long_line(path, known, ended)
            if not data:
                return
            tables, rejects = _facts(data, name, source, known.lines, scratch)
            head_bytes = min(_HEAD_BYTES, known.offset + len(data))
            known = replace(known, offset=known.offset + len(data), lines=known.lines + data.count(b"\n"),
                            head=_head(path, head_bytes), head_bytes=head_bytes)
            yield Piece(tables, tuple(each for each in rejects if each.line is None or each.line > seen), known, first)
            first = False
            if whole:
                return


def _whole_lines(data: bytes, ended: bool) -> bytes:
    """Up to the last end of a line; what follows is still being written, or another piece."""
    end = data.rfind(b"\n") + 1
    rest = data[end:]
    if ended and rest and len(data) < PIECE_BYTES and is_object(rest.decode(errors="replace")):
        return data
    return data[:end]


def _long_line(path: Path, known: Known, ended: bool) -> bytes:
    """The one line that is longer than a piece; empty where it has no end yet. Raises `FileError`."""
    with path.open("rb") as file:
        file.seek(known.offset)
        line = file.readline(LINE_BYTES + 1)
    if len(line) > LINE_BYTES:
        raise FileError(f"has a line of more than {LINE_BYTES >> 20} MiB", where=f"line {known.lines + 1}",
                        hint="It is no log of JSON lines any more; nothing behind this line is read.")
    return line if line.endswith(b"\n") or (ended and is_object(line.decode(errors="replace"))) else b""


def _facts(
    data: bytes, name: str, source: Source, before: int, scratch: Path | None
) -> tuple[dict[type[Fact], pa.Table], tuple[Reject, ...]]:
    """The facts of some lines; `before`: how many lines precede them in the log."""
    if not data.strip():
        return {}, ()
    with tempfile.NamedTemporaryFile(prefix="outlay-", suffix=".jsonl", dir=scratch) as copy:
        copy.write(data)
        copy.flush()
        tables, rejects = _read(InputFile(Path(copy.name), name), source)
    return tables, tuple(replace(reject, line=before + reject.line) if reject.line else reject for reject in rejects)


def _read(file: InputFile, source: Source) -> tuple[dict[type[Fact], pa.Table], tuple[Reject, ...]]:
    """What a file holds, read beside the ledger. Raises `FileError`."""
    import duckdb

    from outlay.facts import columns
    from outlay.ledger import staging
    from outlay.ledger.arrow import facts_table

    if isinstance(source, RowSource):
        by_kind: dict[type[Fact], list[Fact]] = {}
        rejects: list[Reject] = []
        for item in source.read(file):
            if isinstance(item, Reject):
                rejects.append(item)
            elif isinstance(item, Fact):
                by_kind.setdefault(type(item), []).append(item)
        return {kind: facts_table(kind, facts) for kind, facts in by_kind.items()}, tuple(rejects)
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute("SET TimeZone = 'UTC'")
        with staging.staged(con, source, file, lambda rows: None, None, staging.Reading.COPIED) as found:
            tables = {}
            for kind, relation in found.relations.items():
                names = ", ".join(f'"{column.name}"' for column in columns(kind.fact))
                tables[kind.fact] = con.sql(f"SELECT {names} FROM {relation.name}").to_arrow_table()
            return tables, tuple(found.rejects)


def _head(path: Path, size: int) -> str:
    """The hash of the first bytes; another one where there are not so many."""
    with path.open("rb") as file:
        return hashlib.sha256(file.read(size)).hexdigest()[:16]

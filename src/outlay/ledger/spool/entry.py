"""One entry of the spool: facts that were made durable together, as bytes that describe themselves.

The bytes are a length (4 bytes, little-endian), that many bytes of JSON (where the facts are from, what was refused,
and how long each table is), then one Arrow IPC stream for each kind of fact. The streams carry their own schema, so
that an entry that an older version wrote can still be read.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from outlay.facts import Fact, Reject, columns
from outlay.ledger.arrow import arrow_type, facts_table
from outlay.ledger.schema import KINDS, kind_of

if TYPE_CHECKING:
    import pyarrow as pa

_HEAD = struct.Struct("<I")


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """A place in the spool: everything before it has been read. Later places compare as greater."""

    segment: int
    offset: int

    def __str__(self) -> str:
        return f"{self.segment}:{self.offset}"

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """The cursor that `str` wrote. Raises `ValueError`."""
        segment, _, offset = text.partition(":")
        return cls(int(segment), int(offset))


@dataclass(frozen=True, slots=True)
class Parcel:
    """What one delivery holds. `source`: the code of the source; `authority`: see `outlay.facts.call.AUTHORITY`."""

    source: str
    authority: str
    facts: tuple[Fact, ...]
    rejects: tuple[Reject, ...] = ()


@dataclass(frozen=True, slots=True)
class Spooled:
    """One entry as the ledger takes it. `cursor`: where to go on once it is kept; `accepted_at`: UTC."""

    cursor: Cursor
    tables: Mapping[type[Fact], pa.Table]
    source: str
    authority: str
    accepted_at: datetime
    rejects: tuple[Reject, ...] = field(default=())

    @property
    def rows(self) -> int:
        """Facts of all kinds."""
        return sum(table.num_rows for table in self.tables.values())


def encode(source: str, authority: str, parcels: Iterable[Parcel], accepted_at: datetime) -> bytes:
    """The entry of parcels that share their source and authority.

    Raises `ValueError` or a `pyarrow.ArrowException` where a value does not fit its column.
    """
    import pyarrow as pa

    by_kind: dict[type[Fact], list[Fact]] = {}
    rejects: list[Reject] = []
    for parcel in parcels:
        rejects += parcel.rejects
        for fact in parcel.facts:
            by_kind.setdefault(type(fact), []).append(fact)
    streams: list[pa.Buffer] = []
    kinds: list[tuple[str, int]] = []
    for kind, facts in by_kind.items():
        table = facts_table(kind, facts)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as stream:
            stream.write_table(table)
        streams.append(sink.getvalue())
        kinds.append((kind_of(kind).table, streams[-1].size))
    head = json.dumps({
        "source": source, "authority": authority, "accepted_at": accepted_at.isoformat(), "kinds": kinds,
        "rejects": [(reject.line, reject.field, reject.reason, reject.raw) for reject in rejects],
    }).encode()
    return b"".join((_HEAD.pack(len(head)), head, *streams))


def decode(payload: memoryview, cursor: Cursor) -> Spooled:
    """The entry that `encode` wrote."""
    import pyarrow as pa

    (length,) = _HEAD.unpack_from(payload)
    at = _HEAD.size + length
    head = json.loads(bytes(payload[_HEAD.size : at]))
    facts = {kind.table: kind.fact for kind in KINDS}
    tables = {}
    for name, size in head["kinds"]:
        with pa.ipc.open_stream(pa.py_buffer(payload[at : at + size])) as stream:
            tables[facts[name]] = _fitted(stream.read_all(), facts[name])
        at += size
    return Spooled(
        cursor, tables, head["source"], head["authority"], datetime.fromisoformat(head["accepted_at"]),
        tuple(Reject(*reject) for reject in head["rejects"]))


def _fitted(table: pa.Table, fact: type) -> pa.Table:
    """The table with the fact's columns of today: what it lacks is empty, what is not kept any more goes away."""
    import pyarrow as pa

    wanted = columns(fact)
    if [column.name for column in wanted] == table.column_names:
        return table
    return pa.table({
        column.name: table[column.name] if column.name in table.column_names
        else pa.nulls(table.num_rows, arrow_type(column.sql_type)) for column in wanted})

"""The sample month, going on: invented facts, given when their time comes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from outlay.collectors.base import Batch, Collector, SourceDown
from outlay.collectors.settings import Entry
from outlay.facts import Call, Fact, Progress, Run, Sample, Usage, columns
from outlay.facts.column import TAGS
from outlay.sources.inputfile import InputFile
from outlay.sources.otlp import OpenTelemetryTraces
from outlay.sources.sacct import Sacct

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T", bound=Fact)
_TABLES: dict[str, type[Fact]] = {
    "calls": Call, "usage": Usage, "gpu/samples.parquet": Sample, "runs/progress.parquet": Progress,
}


class SampleMonth(Collector):
    """Invented calls, GPU readings and runs of the sample month, from the files that `outlay sample --live` kept aside.

    **It is a fake**: it stands for a gateway, exporters and a scheduler, so that the dashboard has something to show.
    """

    code = "sample_month"
    title = "The sample month, going on (invented)"
    authority = "provider"

    def __init__(self, name: str, folder: Path, every_s: float = 5.0) -> None:
        self.name = name
        self.every_s = every_s
        self._folder = folder
        self._ahead: _Ahead | None = None

    @classmethod
    def from_settings(cls, entry: Entry) -> SampleMonth:
        entry.only("folder", "every")
        return cls(entry.name, entry.path("folder"), entry.seconds("every", "5s"))

    def collect(self, cursor: str | None, now: datetime) -> Iterator[Batch]:
        """Everything that happened after the cursor, by its own times, up to `now`."""
        since = datetime.fromisoformat(cursor) if cursor else now.replace(hour=0, minute=0, second=0, microsecond=0)
        if self._ahead is None or self._ahead.since > since:
            try:
                self._ahead = _read(self._folder, since)
            except OSError as error:
                raise SourceDown(f"cannot be read: {error.strerror or error}", where=str(self._folder),
                                 hint="Write the sample month again with `outlay sample --live`.") from error
        facts = tuple(fact for at, fact in self._ahead.facts if since < at <= now)
        runs = tuple(self._ahead.runs_at(now))
        yield Batch((*facts, *runs), cursor=now.isoformat(), until=now)


@dataclass(frozen=True, slots=True)
class _Ahead:
    """What happens after `since`: when each fact is known, in order; and the runs as they end."""

    since: datetime
    facts: tuple[tuple[datetime, Fact], ...]
    runs: tuple[Run, ...]

    def runs_at(self, now: datetime) -> Iterator[Run]:
        """Runs that are there at `now` or ended after `since`, as their schedulers tell of them then."""
        for run in self.runs:
            began = run.submitted or run.started
            if began is None or began > now or (run.ended is not None and run.ended <= self.since):
                continue
            if run.started is None or run.started > now:
                yield replace(run, state="pending", started=None, ended=None, exit_code=None, observed=now)
            elif run.ended is None or run.ended > now:
                yield replace(run, state="running", ended=None, exit_code=None, observed=now)
            else:
                yield replace(run, observed=now)


def _read(folder: Path, since: datetime) -> _Ahead:
    import pyarrow.parquet as pq

    facts: list[tuple[datetime, Fact]] = []
    for name, kind in _TABLES.items():
        place = folder / name
        for path in sorted(place.glob("*.parquet")) if place.is_dir() else [place]:
            facts += _known(kind, pq.read_table(path), since)
    with (folder / "calls" / "report-writer.jsonl").open(encoding="utf-8") as lines:
        rows = (json.loads(line) for line in lines)
        facts += [(fact.time, fact) for fact in (
            _fact(Call, {**row, "time": datetime.fromisoformat(row["time"]).replace(tzinfo=None)}) for row in rows)
            if fact.time > since]
    facts += _spans(folder / "calls" / "agent-traces.jsonl", since)
    facts.sort(key=lambda known: known[0])
    jobs = Sacct().read(InputFile(folder / "runs" / "sacct.txt", "sacct.txt"))
    endpoints = (_fact(Run, row) for row in pq.read_table(folder / "runs" / "endpoints.parquet").to_pylist())
    return _Ahead(since, tuple(facts), tuple(run for run in (*jobs, *endpoints) if isinstance(run, Run)))


def _known(kind: type[T], table: pa.Table, since: datetime) -> Iterator[tuple[datetime, T]]:
    """Facts of a table with the moment at which each is known: when what lasts is over."""
    import pyarrow as pa
    import pyarrow.compute as pc

    start = "start" if kind is Usage else "time"
    earliest = pa.scalar(since - timedelta(hours=1), table[start].type)
    for row in table.filter(pc.greater_equal(table[start], earliest)).to_pylist():
        over = row["end"] if kind is Usage else row["time"] + timedelta(seconds=row.get("seconds") or 0)
        if over > since:
            yield over, _fact(kind, row)


def _fact(kind: type[T], row: dict[str, Any]) -> T:
    """A row whose columns have the fact's names; further ones are tags."""
    own = {column.name: column.sql_type for column in columns(kind)}
    values = {name: row[name] for name in row if name in own and own[name] != TAGS}
    tags = {name: str(value) for name, value in row.items() if name not in own and value is not None}
    return kind(**values, tags=tags)


def _spans(path: Path, since: datetime) -> Iterator[tuple[datetime, Fact]]:
    for fact in OpenTelemetryTraces().read(InputFile(path, path.name)):
        if isinstance(fact, Call):
            over = fact.time + timedelta(milliseconds=fact.duration_ms or 0)
            if over > since:
                yield over, fact

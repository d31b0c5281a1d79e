"""The sample month as it would look now: thirty days of which the last is today, known up to this moment.

What lies ahead of now is kept aside, and the collector `sample_month` gives it as its time comes. Bills come a day
late, as they do.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outlay.sample.scenario import DAYS
from outlay.sample.write import write_sample

if TYPE_CHECKING:
    import pyarrow as pa

#: Where the whole month lies, beside the files of what is known.
AHEAD = ".month"
_SETTINGS = """collectors:
  - {{kind: sample_month, name: sample month, folder: {ahead}}}
"""


def write_live_sample(directory: Path, now: datetime, seed: int = 1) -> None:
    """Writes what is known at `now` (naive UTC) into `directory`, and the whole month below it.

    Raises `OSError` where the directory cannot be written.
    """
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    ahead = directory / AHEAD
    written = write_sample(ahead, seed=seed, start=(midnight - timedelta(days=DAYS - 1)).date())
    for path in written.imports:
        target = directory / path.relative_to(ahead)
        target.parent.mkdir(parents=True, exist_ok=True)
        _CUTS[path.suffix](path, target, now)
    for path in sorted(written.prompts.iterdir()):
        (directory / "prompts").mkdir(exist_ok=True)
        (directory / "prompts" / path.name).write_bytes(path.read_bytes())
    settings = written.settings.read_text("utf-8")
    (directory / "outlay.yaml").write_text(settings + _SETTINGS.format(ahead=AHEAD), "utf-8", newline="\n")


def _known_table(table: pa.Table, now: datetime) -> pa.Table:
    """The rows of a table of facts that are known at `now`: what lasts is known once it is over, and a run from its
    start on."""
    import pyarrow as pa
    import pyarrow.compute as pc

    names = set(table.column_names)
    if "started" in names:
        rows = [_known_run(row, now) for row in table.to_pylist() if row["started"] < now]
        return pa.Table.from_pylist(rows, table.schema)
    if "end" in names:
        return table.filter(pc.less_equal(table["end"], pa.scalar(now, table["end"].type)))
    latest = now
    if "seconds" in names:
        latest -= timedelta(seconds=max(table["seconds"].to_pylist(), default=0))
    return table.filter(pc.less_equal(table["time"], pa.scalar(latest, table["time"].type)))


def _known_run(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    """A run as its scheduler tells of it at `now`."""
    if row["ended"] is None or row["ended"] > now:
        row = {**row, "ended": None, "state": "running"}
    return {**row, "observed": now}


def _known_jobs(lines: Iterable[str], now: datetime) -> Iterator[str]:
    """What `sacct` would print at `now`, of what it prints in the end."""
    rows = csv.reader(lines, delimiter="|")
    header = next(rows)
    place = {name: number for number, name in enumerate(header)}
    yield "|".join(header)
    for row in rows:
        submitted, started, ended = (_moment(row[place[name]]) for name in ("Submit", "Start", "End"))
        if submitted is None or submitted > now or started is None:
            continue
        if started > now:
            row[place["State"]], row[place["Start"]], row[place["End"]] = "PENDING", "Unknown", "Unknown"
            row[place["ElapsedRaw"]] = "0"
        elif ended is None or ended > now:
            row[place["State"]], row[place["End"]], row[place["ExitCode"]] = "RUNNING", "Unknown", "0:0"
            row[place["ElapsedRaw"]] = str(int((now - started).total_seconds()))
        yield "|".join(row)


def _moment(text: str) -> datetime | None:
    return None if text == "Unknown" else datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z").replace(tzinfo=None)


def _cut_table(path: Path, target: Path, now: datetime) -> None:
    import pyarrow.parquet as pq

    pq.write_table(_known_table(pq.read_table(path), now), target, compression="zstd")


def _cut_lines(path: Path, target: Path, now: datetime) -> None:
    """JSON lines: calls with their time, or batches of spans."""
    with path.open(encoding="utf-8") as lines, target.open("w", encoding="utf-8", newline="\n") as out:
        out.writelines(line for line in lines if _line_time(line) <= now)


def _line_time(line: str) -> datetime:
    """When what a line of JSON speaks of had happened: a call's time, the end of the last span of a batch."""
    value = json.loads(line)
    if "time" in value:
        return datetime.fromisoformat(value["time"]).replace(tzinfo=None)
    ends = [int(span["endTimeUnixNano"]) for resource in value["resourceSpans"] for scope in resource["scopeSpans"]
            for span in scope["spans"]]
    return datetime(1970, 1, 1) + timedelta(microseconds=max(ends) // 1000)


def _cut_page(path: Path, target: Path, now: datetime) -> None:
    """A page of a provider's usage: buckets of days that are over."""
    page = json.loads(path.read_text("utf-8"))
    until = (now - datetime(1970, 1, 1)).total_seconds()
    page["data"] = [bucket for bucket in page["data"] if bucket["end_time"] <= until]
    target.write_text(json.dumps(page, indent=1), "utf-8", newline="\n")


def _cut_accounting(path: Path, target: Path, now: datetime) -> None:
    with path.open(encoding="utf-8") as lines, target.open("w", encoding="utf-8", newline="\n") as out:
        out.writelines(f"{line}\n" for line in _known_jobs(lines, now))


def _cut_csv(path: Path, target: Path, now: datetime) -> None:
    """Bills and counted outputs hold the days before today."""
    _write_csv(target, path.read_text("utf-8"), now)


def _cut_gzip(path: Path, target: Path, now: datetime) -> None:
    text = io.StringIO(newline="")
    _cut_rows(gzip.decompress(path.read_bytes()).decode("utf-8"), text, now)
    target.write_bytes(gzip.compress(text.getvalue().encode("utf-8"), mtime=0))


def _write_csv(target: Path, text: str, now: datetime) -> None:
    out = io.StringIO(newline="")
    _cut_rows(text, out, now)
    target.write_text(out.getvalue(), "utf-8", newline="\n")


def _cut_rows(text: str, out: io.StringIO, now: datetime) -> None:
    rows = csv.reader(io.StringIO(text, newline=""))
    header = next(rows)
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    billed = "ChargePeriodEnd" in header
    place = header.index("ChargePeriodEnd" if billed else "time")
    latest = now.replace(hour=0, minute=0, second=0, microsecond=0) - (timedelta() if billed else timedelta(days=1))
    writer.writerows(row for row in rows if datetime.fromisoformat(row[place]).replace(tzinfo=None) <= latest)


_CUTS: dict[str, Callable[[Path, Path, datetime], None]] = {
    ".parquet": _cut_table, ".jsonl": _cut_lines, ".json": _cut_page, ".txt": _cut_accounting, ".csv": _cut_csv,
    ".gz": _cut_gzip,
}

"""Usage and cost reports of model providers: pages of buckets of results, as their administration APIs give them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from outlay.facts import Fact, Notice, Reject
from outlay.sources.inputfile import InputFile
from outlay.sources.json_values import json_values
from outlay.sources.record import BadRow, Record


@dataclass(frozen=True, slots=True)
class Result:
    """One result of one bucket. Reports hold no texts, so `raw` may be shown as it is."""

    start: datetime
    end: datetime | None
    record: Record

    @property
    def raw(self) -> str:
        return json.dumps(self.record.values, default=str)


def report_results(
    file: InputFile,
    start_name: str,
    end_name: str,
    fact: Callable[[Result], Fact | None],
) -> Iterator[Fact | Reject | Notice]:
    """The facts that `fact` makes of every result, and a reject for each that it refuses with `BadRow`.

    The file is one page (`{"data": [...]}`), several one behind another or as JSON lines, a list of pages, or a list of
    buckets. Buckets name their bounds `start_name` and `end_name`. A page is held as a whole, in four to eight times
    its size of memory; of many pages, one at a time.
    """
    more = False
    for value in json_values(file):
        if isinstance(value, Reject):
            yield value
            continue
        line, page = value
        for path, bucket in _buckets(page):
            yield from _bucket_facts(line, path, bucket, (start_name, end_name), fact)
        more = isinstance(page, dict) and page.get("has_more") is True
    if more:
        yield Notice("The last page says that more pages follow (next_page); import those, too.")


def _buckets(page: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(page, dict) and isinstance(data := page.get("data"), list):
        yield from ((f"data[{place}]", bucket) for place, bucket in enumerate(data))
    else:
        yield "", page


def _bucket_facts(
    line: int,
    path: str,
    bucket: Any,
    bounds: tuple[str, str],
    fact: Callable[[Result], Fact | None],
) -> Iterator[Fact | Reject]:
    if not isinstance(bucket, dict):
        yield Reject(line, path, "is not an object")
        return
    record = Record(bucket, path)
    try:
        start, end = bucket_bounds(record, *bounds)
        results = record.items("results")
    except BadRow as bad:
        yield bad.reject(line, record.raw((*bounds, "object")))
        return
    prefix = f"{path}.results" if path else "results"
    for place, values in enumerate(results):
        if not isinstance(values, dict):
            yield Reject(line, f"{prefix}[{place}]", "is not an object")
            continue
        result = Result(start, end, Record(values, f"{prefix}[{place}]"))
        try:
            made = fact(result)
        except BadRow as bad:
            yield bad.reject(line, result.raw)
            continue
        if made is not None:
            yield made


def bucket_bounds(record: Record, start_name: str, end_name: str) -> tuple[datetime, datetime | None]:
    """Start and exclusive end of a bucket. Raises `BadRow` without a start, or where it ends before it starts."""
    start, end = record.time(start_name), record.time(end_name)
    if start is None:
        raise record.bad(start_name, "is missing")
    if end is not None and end <= start:
        raise record.bad(end_name, f"is not after {start_name}")
    return start, end

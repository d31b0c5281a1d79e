"""Answers of Prometheus' query API: matrix (query_range) and vector (query)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from outlay.facts import Reject
from outlay.sources.gpu_series import Series, SeriesBook
from outlay.sources.inputfile import InputFile
from outlay.sources.jsonarray import array_elements
from outlay.sources.record import BadRow


def gather_json(file: InputFile, book: SeriesBook) -> Iterator[Reject]:
    """Puts the readings of all answers in the file into `book`.

    Raises `FileError` where the file is broken or breaks off.
    """
    for line, element in array_elements(file, "result"):
        labels = element.get("metric") if isinstance(element, dict) else None
        if not isinstance(labels, dict):
            yield Reject(line, "metric", "is missing; is the answer a matrix or a vector?")
            continue
        texts = {str(name): str(value) for name, value in labels.items()}
        try:
            series = book.series(texts.get("__name__", "(a metric without a name)"), texts)
        except BadRow as bad:
            yield bad.reject(line)
            continue
        if series is not None:
            for reading in element.get("values") or [element.get("value")]:
                try:
                    _add(series, reading)
                except BadRow as bad:
                    yield bad.reject(line, str(reading)[:100])


def _add(series: Series, reading: Any) -> None:
    if not isinstance(reading, list) or len(reading) != 2:
        raise BadRow(series.name, "is not a pair of time and value")
    moment, value = reading
    if isinstance(moment, bool) or not isinstance(moment, int | Decimal) or not 0 < moment < 10**12:
        raise BadRow("timestamp", "is not a number of seconds")
    try:
        number = float(value)
    except (ValueError, TypeError):
        raise BadRow(series.name, "is not a number") from None
    series.add(round(moment * 1000), number)

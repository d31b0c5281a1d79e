"""OpenMetrics and Prometheus' exposition text with timestamps, line by line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from outlay.errors import FileError
from outlay.facts import Reject
from outlay.sources.gpu_series import METRICS, Series, SeriesBook
from outlay.sources.inputfile import InputFile
from outlay.sources.record import BadRow

_LABEL = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)\s*')
_NAME = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
_ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}
#: Beyond this, a time counts milliseconds (Prometheus' text), not seconds (OpenMetrics): the year 5138 or 1973.
_MILLISECONDS_FROM = 10**11
_RAW_LENGTH = 200
#: Of so many heads the series are remembered; they may be long, and different on every line.
_HEADS = 10_000


def gather_text(file: InputFile, book: SeriesBook) -> Iterator[Reject]:
    """Puts the readings of the file into `book`.

    Raises `FileError` where no reading has a timestamp.
    """
    # A series has many lines with the same head; it is read once.
    heads: dict[str, Series | None] = {}
    timed = untimed = 0
    for line, text in file.lines():
        if not text.strip() or text.startswith("#"):
            continue
        name = text.partition("{")[0].split(" ", 1)[0]
        if name and name not in METRICS:
            if not _NAME.fullmatch(name):
                yield Reject(line, "", "is not a line of OpenMetrics: no name of a metric begins it")
                continue
            book.ignore(name)
            continue
        end = max(text.rfind("}") + 1, len(name))
        head = text[:end]
        try:
            if head not in heads:
                if len(heads) >= _HEADS:
                    heads.clear()
                heads[head] = book.series(*_series_of(head))
            series = heads[head]
            if series is None:
                continue
            fields = text[end:].split()
            if len(fields) == 1:
                untimed += 1
                raise BadRow("timestamp", "is missing")
            _add(series, fields)
            timed += 1
        except BadRow as bad:
            yield bad.reject(line, text[:_RAW_LENGTH])
    if untimed and not timed:
        raise FileError("has readings without the time at which they were made", where=file.name, hint=(
            "A scrape of /metrics has no times; export them from Prometheus (docs/sources.md shows the command)."))


def gather_lines(
    lines: Iterable[tuple[int, str]], book: SeriesBook, now_ms: int, labels: Mapping[str, str]
) -> Iterator[Reject]:
    """Puts what an exporter shows at a moment (milliseconds since 1970) into `book`; `labels` are its own, which
    Prometheus would add."""
    for line, text in lines:
        name = text.partition("{")[0].split(" ", 1)[0]
        if name not in METRICS:
            continue
        end = max(text.rfind("}") + 1, len(name))
        try:
            _, own = _series_of(text[:end])
            series = book.series(name, {**labels, **own})
            if series is not None:
                _add(series, [*text[end:].split()[:1], str(now_ms)])
        except BadRow as bad:
            yield bad.reject(line, text[:_RAW_LENGTH])


def _series_of(head: str) -> tuple[str, dict[str, str]]:
    """Name and labels. promtool's dump writes the name as a label."""
    name, brace, inner = head.partition("{")
    labels: dict[str, str] = {}
    at, inner = 0, inner.removesuffix("}").strip()
    while brace and at < len(inner):
        label = _LABEL.match(inner, at)
        if label is None:
            raise BadRow("labels", "cannot be read")
        labels[label[1]] = re.sub(r'\\[\\"n]', lambda escape: _ESCAPES[escape[0]], label[2])
        at = label.end()
    return name.strip() or labels.get("__name__", ""), labels


def _add(series: Series, fields: list[str]) -> None:
    if len(fields) != 2:
        raise BadRow(series.name, "is not followed by a value and a time")
    try:
        value = float(fields[0])
    except ValueError:
        raise BadRow(series.name, "is not a number") from None
    try:
        moment = float(fields[1])
    except ValueError:
        raise BadRow("timestamp", "is not a number") from None
    if not abs(moment) < 10**15:
        raise BadRow("timestamp", "is not a time")
    series.add(round(moment if abs(moment) >= _MILLISECONDS_FROM else moment * 1000), value)

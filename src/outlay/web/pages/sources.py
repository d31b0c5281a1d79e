"""Sources: what Outlay hears from, how old it is, and what it could not read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from outlay.collectors.runner import Health
from outlay.questions.importlist import COLUMNS, import_rows
from outlay.web.part import Page, Part, Query, Sheet, View

#: Imports on the page, the latest first; the CSV has all.
SHOWN = 50
#: Rejected rows that are shown of an import.
REJECTS = 5
#: How much of a file of rejects is looked at.
_HEAD_BYTES = 16_384


@dataclass(frozen=True, slots=True)
class Import:
    """A row of `imports`, and the first of the rows that it refused: line, field, reason."""

    values: tuple[Any, ...]
    rejects: tuple[tuple[str, str, str], ...]

    def __getattr__(self, name: str) -> Any:
        if name in COLUMNS:
            return self.values[COLUMNS.index(name)]
        raise AttributeError(name)


@dataclass(frozen=True, slots=True)
class Sources:
    """`health`: of what is asked or received all the time; `imports`: the latest first, at most `SHOWN` of `all`."""

    now: datetime
    health: tuple[Health, ...]
    imports: tuple[Import, ...]
    all: int
    rows: int
    rejected: int
    #: The source that is asked for by its name.
    asked: str = ""


def sources(view: View, query: Query) -> Sources:
    """What there is, and how it is."""
    rows = import_rows(view.ask.con)
    place = {name: COLUMNS.index(name) for name in COLUMNS}
    latest = sorted(rows, key=lambda row: row[place["imported_at"]], reverse=True)[:SHOWN]
    shown = tuple(Import(row, _rejects(row[place["rejects_file"]]) if row[place["rejected"]] else ())
                  for row in latest)
    return Sources(view.now, tuple(view.outside.get("health", ())), shown, len(rows),
                   sum(row[place["rows"]] for row in rows), sum(row[place["rejected"]] for row in rows),
                   dict(query).get("name", ""))


def _rejects(path: str) -> tuple[tuple[str, str, str], ...]:
    """The first rows of a file of rejects; none where it is not there any more."""
    try:
        with Path(path).open(encoding="utf-8", errors="replace") as file:
            head = file.read(_HEAD_BYTES).splitlines()[:REJECTS]
    except OSError:
        return ()
    found = []
    for line in head:
        try:
            value = json.loads(line)
        except ValueError:
            break  # cut off by the limit
        found.append((str(value["line"] or ""), str(value["field"] or "row"), str(value["reason"])))
    return tuple(found)


def sheet(part: Sources) -> Sheet:
    return Sheet(COLUMNS, tuple(each.values for each in part.imports))


SOURCES = Page("/sources", "sources", "Sources", "live/sources.html.j2", (
    Part("sources-list", "live/sources_list.html.j2", sources, every_s=5, csv=sheet),
), {"name": "the source to point out"}, key="s")

"""Explore: cost by any dimension, of anything, over any time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from outlay.errors import UsageError
from outlay.facts.window import Window
from outlay.ledger.dollars import dollar_rates
from outlay.questions.costs import DIMENSIONS, EVERY, PER_CALL, CostQuery, costs, parse_where
from outlay.questions.windows import resolve
from outlay.web.part import Page, Part, Query, Sheet, View

#: Rows of the page; the CSV has all.
SHOWN = 200
PERIODS = {"24h": "24 hours", "7d": "7 days", "30d": "30 days", "90d": "90 days"}


@dataclass(frozen=True, slots=True)
class Explored:
    """An answer to a cost question. `rows`: keys (the period first, where there is one), cost, estimated, and the share
    of the largest row's cost. `problem`: why there is none. `slow`: single calls were looked at."""

    by: str
    every: str
    since: str
    where: tuple[str, ...]
    window: Window | None = None
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[tuple[str, ...], Decimal, bool, float], ...] = ()
    total: Decimal = Decimal(0)
    count: int = 0
    unknown: tuple[Mapping[str, Any], ...] = ()
    problem: str = ""
    slow: bool = False
    until: str = ""


def explore(view: View, query: Query) -> Explored:
    """Asks what the URL asks."""
    given = dict(query)
    by, every = given.get("by", "team"), given.get("every", "")
    since, where = given.get("since", "30d"), tuple(filter(None, given.get("where", "").splitlines()))
    asked = Explored(by, every, since, where, until=given.get("until", ""))
    try:
        names = tuple(name.strip() for name in by.split(",") if name.strip())
        fine = every in ("5m", "hour")
        window = resolve(view.ask, since, given.get("until") or None, whole_days=not fine, default="30d")
        known = CostQuery(names, window, parse_where(where), every or None, currency=view.settings.currency,
                          dollar_rates=dollar_rates(view.settings.rates))
        if fine and window.length.days > 7:
            raise UsageError("hours are shown for a week at most", hint="Choose a shorter time, or days.")
        answer = costs(view.ask, known, as_of=view.now)
    except UsageError as error:
        return replace(asked, problem=f"{error.message}. {error.hint}".strip())
    top = max((row[-2] for row in answer.rows), default=Decimal(0))
    rows = tuple((tuple(_cell(cell, every) for cell in row[:-2]), row[-2], bool(row[-1]),
                  float(row[-2] / top) if top > 0 else 0.0) for row in answer.rows)
    return Explored(asked.by, every, since, where, window, tuple(answer.columns[:-2]), rows, answer.totals["cost"],
                    len(rows), answer.unknown, slow=bool(set(names) & PER_CALL.keys()), until=asked.until)


def _cell(value: Any, every: str) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}" if every in ("5m", "hour") else f"{value:%Y-%m-%d}"
    return "none" if value is None else str(value)


def sheet(part: Explored) -> Sheet:
    return Sheet((*part.columns, "cost", "estimated"), tuple((*keys, cost, estimated)
                                                            for keys, cost, estimated, _ in part.rows))


EXPLORE = Page("/explore", "explore", "Explore", "live/explore.html.j2", (
    Part("explore-answer", "live/explore_answer.html.j2", explore, every_s=5, csv=sheet),
), {"by": f"dimensions: {', '.join(DIMENSIONS)}", "every": f"one of {', '.join(EVERY)}",
    "since": "30d, 24h, a day or a time", "until": "a day or a time",
    "where": "dimension=value, once or more"}, key="e")

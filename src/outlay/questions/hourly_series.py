"""Model calls by hour, of the largest teams, projects, models, runs and endpoints; and what a change is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from outlay.facts.window import Window
from outlay.questions.ask import Ask
from outlay.questions.callslices import in_window, total
from outlay.questions.tables import table

HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)
#: What has a series of its own, and the column of `call` that names it; endpoints are named by a tag.
SERIES: dict[str, str] = {
    "team": "team", "project": "project", "run": "run_id", "endpoint": "tags.endpoint", "model": "model_key",
}
#: By what a change is taken apart, beside these.
PARTS: dict[str, str] = SERIES | {
    "key": "api_key", "agent": "agent", "user": "user", "prompt version": "prompt_version", "task": "task",
    "owner": "owner",
}


@dataclass(frozen=True, slots=True)
class HourSum:
    """One hour of one series. `cost`: metered US dollars of what has a price."""

    calls: int
    errors: int
    cost: float


@dataclass(frozen=True, slots=True)
class Change:
    """What one part of a series did in some hours, and in the same hours a week before. None: without a name."""

    part: str | None
    calls: int
    usual_calls: int
    cost: float
    usual_cost: float


def hourly_series_expr(window: Window, dimension: str, most: int) -> Any:
    """Columns name, hour, calls, errors, cost, of the `most` series that cost most in the window. Hours without a call
    are absent. Raises `KeyError` for what is no dimension of `SERIES`."""
    calls = in_window(table("call"), window)
    calls = calls.filter(calls.operation.isnull() | ~calls.operation.isin(("execute_tool", "invoke_agent")))
    name = _column(calls, SERIES[dimension])
    rows = calls.select(name=name, time=calls.time, status=calls.status, cost=calls.cost).filter(name.notnull())
    summed = rows.group_by("name", hour=rows.time.truncate("h")).aggregate(
        calls=rows.count(), errors=total(rows.status.notnull() & (rows.status != "ok")),
        cost=rows.cost.sum().cast("float64").fill_null(0.0))
    largest = summed.group_by("name").aggregate(spent=summed.cost.sum(), made=summed.calls.sum())
    import ibis

    largest = largest.order_by([ibis.desc("spent"), ibis.desc("made"), "name"]).limit(most)
    return summed.filter(summed.name.isin(largest.name))


def hourly_series(ask: Ask, window: Window, dimension: str, most: int) -> Mapping[str, Mapping[datetime, HourSum]]:
    """By name of the series and hour."""
    found: dict[str, dict[datetime, HourSum]] = {}
    for name, hour, calls, errors, cost in ask.rows(hourly_series_expr(window, dimension, most)):
        found.setdefault(name, {})[hour] = HourSum(calls, errors, cost)
    return found


def change_expr(window: Window, dimension: str, name: str, by: str) -> Any:
    """Columns part, calls, usual_calls, cost, usual_cost of one series; usual is a week before."""
    before = Window(window.since - WEEK, window.until - WEEK)
    calls = table("call")
    calls = calls.filter(((calls.time >= window.since) & (calls.time < window.until))
                         | ((calls.time >= before.since) & (calls.time < before.until)))
    calls = calls.filter(calls.operation.isnull() | ~calls.operation.isin(("execute_tool", "invoke_agent")))
    calls = calls.filter(_column(calls, SERIES[dimension]) == name)
    now = calls.time >= window.since
    spent = calls.cost.cast("float64")
    return calls.group_by(part=_column(calls, PARTS[by])).aggregate(
        calls=total(now), usual_calls=total(~now), cost=spent.sum(where=now).fill_null(0.0),
        usual_cost=spent.sum(where=~now).fill_null(0.0))


def change(ask: Ask, window: Window, dimension: str, name: str, by: str) -> tuple[Change, ...]:
    """What the parts of a series did in a window, which is shorter than a week."""
    return tuple(Change(*row) for row in ask.rows(change_expr(window, dimension, name, by)))


def _column(rows: Any, column: str) -> Any:
    return rows.tags.get(column.removeprefix("tags.")) if column.startswith("tags.") else rows[column]

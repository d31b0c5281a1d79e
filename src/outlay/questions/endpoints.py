"""Endpoints: what they cost, how long they were up, and who asked them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from outlay.facts.window import Window
from outlay.questions.ask import Ask
from outlay.questions.tables import table


@dataclass(frozen=True, slots=True)
class EndpointRun:
    """One stretch of an endpoint's life within a window. `hours`: how long it was up in it; `ended` None: still up."""

    endpoint: str
    run_id: str
    scheduler: str
    owner: str | None
    team: str | None
    environment: str | None
    note: str | None
    nodes: str | None
    ended: datetime | None
    hours: float
    cost: Decimal


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests of one run: how many, and in how many clock hours there was any."""

    requests: float
    active_hours: int


def endpoint_runs_expr(window: Window) -> Any:
    """Runs of kind endpoint that were up in the window, with their cost in it."""
    import ibis

    runs = table("run")
    since, until = ibis.literal(window.since), ibis.literal(window.until)
    runs = runs.filter(runs.kind == "endpoint", runs.started.notnull(), runs.started < until,
                       runs.ended.isnull() | (runs.ended > since))
    days = table("gpu_day")
    days = days.filter(days.day >= window.since, days.day < window.until, days.run_id.notnull())
    cost = days.group_by(cost_of=days.run_id).aggregate(cost=days.effective_cost.sum())
    up = ibis.least(runs.ended.fill_null(until), until).epoch_seconds() - ibis.greatest(
        runs.started, since).epoch_seconds()
    named = runs.select(
        endpoint=ibis.coalesce(runs.endpoint, runs.name, runs.run_id), run_id=runs.run_id, scheduler=runs.scheduler,
        owner=runs.owner, team=runs.team, environment=runs.environment, note=runs.note, nodes=runs.nodes,
        ended=runs.ended, hours=up / 3600.0)
    joined = named.left_join(cost, named.run_id == cost.cost_of)
    return joined.select(*named.columns, cost=joined.cost.fill_null(0)).order_by(["endpoint", "run_id"])


def progress_traffic_expr(window: Window) -> Any:
    """Requests that endpoints report of themselves: sum, hours with any, and readings at all, by run."""
    rows = table("progress")
    rows = rows.filter(rows.time >= window.since, rows.time < window.until, rows.metric == "requests")
    busy = rows.value > 0
    return rows.group_by("run_id").aggregate(
        requests=rows.value.sum(), hours=(rows.time.epoch_seconds() // 3600).nunique(where=busy), readings=rows.count())


def call_traffic_expr(window: Window) -> Any:
    """Model calls that name the run that served them: how many, and hours with any."""
    rows = table("call")
    rows = rows.filter(rows.time >= window.since, rows.time < window.until, rows.run_id.notnull())
    return rows.group_by("run_id").aggregate(
        requests=rows.count(), hours=(rows.time.epoch_seconds() // 3600).nunique())


def endpoint_runs(ask: Ask, window: Window) -> tuple[EndpointRun, ...]:
    """Sorted by endpoint and run; the cost of one without any known cost is 0."""
    return tuple(EndpointRun(*row) for row in ask.rows(endpoint_runs_expr(window)))


def traffic(ask: Ask, window: Window) -> dict[str, Traffic]:
    """Requests by run, of runs of which anything says how many they had."""
    found = {
        run_id: Traffic(float(requests or 0), int(hours or 0))
        for run_id, requests, hours, _ in ask.rows(progress_traffic_expr(window))}
    for run_id, requests, hours in ask.rows(call_traffic_expr(window)):
        if run_id not in found:
            found[run_id] = Traffic(float(requests), int(hours))
    return found

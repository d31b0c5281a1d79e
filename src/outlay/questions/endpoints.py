"""Endpoints: what they cost, how long they were up, and who asked them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
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
    #: Of the cost, what machines cost that are reserved.
    reserved: Decimal


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests of one endpoint: how many, and in how many clock hours there was any (each of its runs for itself)."""

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
    days = days.filter(days.day >= window.since, days.day < window.until, days.run_id.notnull(),
                       days.currency == "USD")
    cost = days.group_by(cost_of=days.run_id).aggregate(
        cost=days.effective_cost.sum(), reserved=days.effective_cost.sum(where=days.market == "reserved"))
    up = ibis.least(runs.ended.fill_null(until), until).epoch_seconds() - ibis.greatest(
        runs.started, since).epoch_seconds()
    named = runs.select(
        endpoint=ibis.coalesce(runs.endpoint, runs.name, runs.run_id), run_id=runs.run_id, scheduler=runs.scheduler,
        owner=runs.owner, team=runs.team, environment=runs.environment, note=runs.note, nodes=runs.nodes,
        ended=runs.ended, hours=up / 3600.0)
    joined = named.left_join(cost, named.run_id == cost.cost_of)
    paid = {"cost": joined.cost.fill_null(0), "reserved": joined.reserved.fill_null(0)}
    return joined.select(*named.columns, **paid).order_by(["endpoint", "run_id"])


def progress_traffic_expr(window: Window) -> Any:
    """Requests that endpoints report of themselves: sum, hours with any, and readings at all, by run.

    A reading of the metric `requests` is their number since the one before it.
    """
    rows = table("progress")
    rows = rows.filter(rows.time >= window.since, rows.time < window.until, rows.metric == "requests")
    busy = rows.value > 0
    return rows.group_by("run_id").aggregate(
        requests=rows.value.sum(), hours=(rows.time.epoch_seconds() // 3600).nunique(where=busy), readings=rows.count())


def call_traffic_expr(window: Window, run_ids: Collection[str], names: Collection[str]) -> Any:
    """Model calls by what names their endpoint: the run that served them, the tag `endpoint`, or the model as which it
    is served. Columns key (run id or endpoint), requests, hours with any."""
    import ibis

    rows = table("call")
    rows = rows.filter(rows.time >= window.since, rows.time < window.until)
    wanted, ids, tag = sorted(names), sorted(run_ids), rows.tags.get("endpoint")
    key = ibis.cases(
        (rows.run_id.isin(ids), rows.run_id), (tag.isin(wanted), tag), (rows.model.isin(wanted), rows.model))
    rows = rows.mutate(key=key).filter(lambda t: t.key.notnull())
    return rows.group_by("key").aggregate(
        requests=rows.count(), hours=(rows.time.epoch_seconds() // 3600).nunique())


def run_peaks_expr(window: Window, run_ids: Collection[str]) -> Any:
    """Highest reading, percent, of any device of each run."""
    rows = table("gpu_hour")
    rows = rows.filter(rows.hour >= window.since, rows.hour < window.until, rows.run_id.isin(sorted(run_ids)))
    return rows.group_by("run_id").aggregate(peak=rows.peak.max())


def endpoint_runs(ask: Ask, window: Window) -> tuple[EndpointRun, ...]:
    """Sorted by endpoint and run; the cost of one without any known cost is 0."""
    return tuple(EndpointRun(*row) for row in ask.rows(endpoint_runs_expr(window)))


def traffic(ask: Ask, window: Window, runs: Iterable[EndpointRun]) -> dict[str, Traffic]:
    """Requests by endpoint, of endpoints of which anything says how many they had.

    What an endpoint reports of itself stands; only for those that report nothing calls are looked for.
    """
    chosen = tuple(runs)
    names = {run.run_id: run.endpoint for run in chosen}
    found: dict[str, Traffic] = {}

    def add(endpoint: str, requests: float | None, hours: int | None) -> None:
        before = found.get(endpoint, Traffic(0.0, 0))
        found[endpoint] = Traffic(before.requests + (requests or 0), before.active_hours + (hours or 0))

    for run_id, requests, hours, _ in ask.rows(progress_traffic_expr(window)):
        if run_id in names:
            add(names[run_id], requests, hours)
    silent = {run_id: endpoint for run_id, endpoint in names.items() if endpoint not in found}
    if silent and ask.has("call"):
        for key, requests, hours in ask.rows(call_traffic_expr(window, silent, set(silent.values()))):
            add(silent.get(key, key), requests, hours)
    return found


def run_peaks(ask: Ask, window: Window, runs: Iterable[EndpointRun]) -> dict[str, float]:
    """Highest utilisation of each run that was read, percent, by run id."""
    return dict(ask.rows(run_peaks_expr(window, [run.run_id for run in runs])))

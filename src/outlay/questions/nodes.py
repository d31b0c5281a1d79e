"""Machines that stand there without work: from when on, and what they cost since."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from outlay.facts.window import Window
from outlay.questions.ask import Ask
from outlay.questions.gpus import of_days
from outlay.questions.tables import table

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class FreeNode:
    """A machine that no run holds and whose accelerators nothing uses. `until`: the end of its last known day."""

    node: str
    gpu_type: str | None
    pool: str | None
    provider: str | None
    market: str | None
    scheduler: str | None
    owner: str | None
    team: str | None
    #: Since when; not before the window.
    since: datetime
    until: datetime
    #: Accelerators.
    devices: float
    #: Whether anything was read of its use, or only the scheduler says that it is free.
    is_read: bool
    #: By day: cost (None: unknown) and device seconds of what no run held.
    days: tuple[tuple[datetime, Decimal | None, float], ...]

    @property
    def cost(self) -> Decimal:
        """Of everything that no run held in the window."""
        return sum((cost for _, cost, _ in self.days if cost is not None), Decimal(0))

    @property
    def cost_since(self) -> Decimal:
        """From `since` on; of that day, the device time after it."""
        total = Decimal(0)
        for day, cost, seconds in self.days:
            if cost is None or day + DAY <= self.since:
                continue
            after = self.devices * (day + DAY - max(day, self.since)).total_seconds()
            total += cost * min(Decimal(1), Decimal(str(after)) / Decimal(str(seconds)))
        return total


def node_days_expr(window: Window) -> Any:
    """By node: first and last day, the last day on which a run held any of it, and who pays for the rest."""
    rows = of_days(table("gpu_day"), window).filter(lambda t: t.node.notnull())
    free = rows.run_id.isnull()
    return rows.group_by("node").aggregate(
        first_day=rows.day.min(), last_day=rows.day.max(), held_day=rows.day.max(where=~free),
        gpu_type=rows.gpu_type.max(), pool=rows.pool.max(), provider=rows.provider.max(),
        market=rows.market.max(where=free), scheduler=rows.scheduler.max(), owner=rows.owner.max(where=free),
        team=rows.team.max(where=free))


def free_nodes_expr(window: Window, hours: float) -> Any:
    """Of `node_days_expr`, nodes that no run held on the last whole days that fit into so many hours."""
    import ibis

    nodes = node_days_expr(window)
    whole_s = max(int(hours // 24) - 1, 0) * 86400
    held = ibis.coalesce(nodes.held_day, nodes.first_day)
    return nodes.filter(nodes.last_day.epoch_seconds() - held.epoch_seconds() >= whole_s)


def held_until_expr(window: Window, nodes: Collection[str]) -> Any:
    """The end of the last run on each node, as the scheduler says."""
    import ibis

    runs = table("run")
    runs = runs.filter(runs.started < window.until, runs.nodes.notnull(), runs.gpus.isnull() | (runs.gpus > 0))
    until = ibis.literal(window.until)
    runs = runs.select(node=runs.nodes.split(",").unnest(), ended=ibis.least(runs.ended.fill_null(until), until))
    runs = runs.filter(runs.node.isin(sorted(nodes)))
    return runs.group_by("node").aggregate(ended=runs.ended.max())


def node_use_expr(window: Window, nodes: Collection[str], util_pct: float) -> Any:
    """By node: the last hour with a reading at the limit, the last that was a run's, and the last of all."""
    rows = table("gpu_hour")
    rows = rows.filter(rows.hour >= window.since, rows.hour < window.until, rows.node.isin(sorted(nodes)))
    return rows.group_by("node").aggregate(
        used=rows.hour.max(where=rows.peak >= util_pct), held=rows.hour.max(where=rows.run_id.notnull()),
        read=rows.hour.max())


def unheld_days_expr(window: Window, nodes: Collection[str]) -> Any:
    """By node and day: cost and device seconds of what no run held, and device seconds of all."""
    import ibis

    rows = of_days(table("gpu_day"), window)
    rows = rows.filter(rows.node.isin(sorted(nodes)))
    free = rows.run_id.isnull()
    return rows.group_by("node", "day").aggregate(
        cost=rows.effective_cost.sum(where=free & (rows.currency == "USD")),
        free_s=ibis.ifelse(free, rows.gpu_s, 0.0).sum(),
        all_s=rows.gpu_s.sum())


def billed_machines_expr(window: Window, nodes: Collection[str]) -> Any:
    """Columns node, resource_id, region: machines as bills of the window name them."""
    rows = table("charge")
    rows = rows.filter(rows.charge_period_start >= window.since, rows.charge_period_start < window.until,
                       rows.resource_name.isin(sorted(nodes)), rows.resource_id.notnull())
    return rows.group_by("resource_name").aggregate(resource_id=rows.resource_id.max(), region=rows.region.max())


def billed_machines(ask: Ask, window: Window, nodes: Collection[str]) -> dict[str, tuple[str | None, str | None]]:
    """By node: its id and region on the bill, for those that a bill names."""
    if not nodes:
        return {}
    return {node: (resource_id, region) for node, resource_id, region in ask.rows(billed_machines_expr(window, nodes))}


def free_nodes(ask: Ask, window: Window, *, hours: float, util_pct: float) -> tuple[FreeNode, ...]:
    """Machines without a run and without use for at least so many hours, up to their last known day; by name."""
    candidates = list(ask.rows(free_nodes_expr(window, hours)))
    names = [row[0] for row in candidates]
    if not names:
        return ()
    ended = dict(ask.rows(held_until_expr(window, names)))
    use = {node: marks for node, *marks in ask.rows(node_use_expr(window, names, util_pct))}
    days: dict[str, list[tuple[datetime, Decimal | None, float]]] = defaultdict(list)
    devices: dict[str, float] = defaultdict(float)
    for node, day, cost, free_s, all_s in ask.rows(unheld_days_expr(window, names)):
        devices[node] = max(devices[node], all_s / DAY.total_seconds())
        if free_s > 0:
            days[node].append((day, cost, free_s))
    found = []
    for row in sorted(candidates, key=lambda row: row[0]):
        node, first_day, last_day, held_day, gpu_type, pool, provider, market, scheduler, owner, team = row
        used, held, read = use.get(node, (None, None, None))
        last_signs = (_held_until(held_day, ended.get(node), held), used + HOUR if used else None)
        since = max(window.since, first_day, *filter(None, last_signs))
        until = min(last_day + DAY, window.until)
        if until - since >= timedelta(hours=hours):
            found.append(FreeNode(
                node, gpu_type, pool, provider, market, scheduler, owner, team, since, until, devices[node],
                is_read=read is not None, days=tuple(sorted(days[node], key=lambda day: day[0]))))
    return tuple(found)


def _held_until(held_day: datetime | None, ended: datetime | None, labelled: datetime | None) -> datetime | None:
    """The moment on the last day that a run held any of the node; its end where nothing says more exactly.

    `ended` is the scheduler's end of a run, `labelled` the last hour whose samples name one.
    """
    if held_day is None:
        return None
    if labelled is not None and (ended is None or labelled >= ended):
        ended = labelled + HOUR
    return held_day + DAY if ended is None else min(max(ended, held_day), held_day + DAY)

"""Work on demand that could be interrupted: its cost, its checkpoints, and what spot costs on the same bill."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from outlay.facts.window import Window
from outlay.questions.ask import Ask
from outlay.questions.tables import table

#: Kinds of run that may wait: nobody looks at them while they run.
KINDS = ("batch", "sweep", "trial")


@dataclass(frozen=True, slots=True)
class OnDemandRun:
    """A run's cost on one kind of node billed on demand, in the window. `checkpoints`: in all its life."""

    run_id: str
    work: str
    scheduler: str
    owner: str | None
    team: str | None
    environment: str | None
    started: datetime
    ended: datetime | None
    gpu_type: str | None
    region: str | None
    node: str | None
    cost: Decimal
    checkpoints: int
    last_checkpoint: datetime | None


def on_demand_expr(window: Window, least: float = 0) -> Any:
    """Runs of interruptible kinds with their cost on demand by node, and their checkpoints; only of work that cost
    `least` US dollars in all."""
    import ibis

    days = table("gpu_day")
    days = days.filter(days.day >= window.since, days.day < window.until, days.market == "on_demand",
                       days.run_id.notnull(), days.effective_cost.notnull(), days.currency == "USD")
    cost = days.group_by(cost_of=days.run_id, node=days.node).aggregate(
        gpu_type=days.gpu_type.max(), region=days.region.max(), cost=days.effective_cost.sum())
    runs = table("run")
    runs = runs.filter(runs.kind.isin(KINDS), runs.started.notnull())
    work = ibis.coalesce(runs["group"], runs.name, runs.run_id)
    runs = runs.select(run_id=runs.run_id, work=work, scheduler=runs.scheduler, owner=runs.owner, team=runs.team,
                       environment=runs.environment, started=runs.started, ended=runs.ended)
    saved = table("progress")
    saved = saved.filter(saved.checkpoint.notnull()).group_by(saved_by=saved.run_id).aggregate(
        checkpoints=saved.time.nunique(), last_checkpoint=saved.time.max())
    paid = runs.inner_join(cost, runs.run_id == cost.cost_of)
    work_cost = paid.cost.cast("float64").sum().over(ibis.window(group_by=[paid.work, paid.team]))
    paid = paid.mutate(work_cost=work_cost).filter(lambda t: t.work_cost >= least)
    joined = paid.left_join(saved, paid.run_id == saved.saved_by)
    return joined.select("run_id", "work", "scheduler", "owner", "team", "environment", "started", "ended", "gpu_type",
                         "region", "node", "cost", joined.checkpoints.fill_null(0).name("checkpoints"),
                         "last_checkpoint")


def machine_prices_expr(window: Window) -> Any:
    """Cost and hours of machines by name, type and pricing category, as bills state them."""
    rows = table("charge")
    rows = rows.filter(rows.charge_period_start >= window.since, rows.charge_period_start < window.until,
                       rows.resource_type.notnull(), rows.consumed_unit.lower().contains("hour"),
                       rows.pricing_category.isin(["Standard", "Dynamic"]))
    return rows.group_by(["resource_name", "resource_id", "resource_type", "pricing_category"]).aggregate(
        cost=rows.effective_cost.sum(), hours=rows.consumed_quantity.sum())


def on_demand_runs(ask: Ask, window: Window, least: float = 0) -> tuple[OnDemandRun, ...]:
    """Runs of work that cost at least `least` US dollars on demand, sorted by work and run."""
    runs = (OnDemandRun(*row) for row in ask.rows(on_demand_expr(window, least)))
    return tuple(sorted(runs, key=lambda run: (run.work, run.run_id, run.node or "")))


def billed_spot_shares(ask: Ask, window: Window) -> dict[str, float]:
    """Spot price as a share of the price on demand, by node, where the bill has both prices of its machine type."""
    sums: dict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    types: dict[str, str] = {}
    for name, resource_id, kind, category, cost, hours in ask.rows(machine_prices_expr(window)):
        sums[kind, category][0] += cost or Decimal(0)
        sums[kind, category][1] += hours or Decimal(0)
        for node in (name, resource_id):
            if node is not None:
                types[node] = kind
    shares = {}
    for kind in set(types.values()):
        spot, plain = sums[kind, "Dynamic"], sums[kind, "Standard"]
        if spot[0] > 0 and spot[1] > 0 and plain[0] > 0 and plain[1] > 0:
            shares[kind] = float(spot[0] / spot[1] / (plain[0] / plain[1]))
    return {node: shares[kind] for node, kind in types.items() if kind in shares}


def spot_partitions_expr(window: Window) -> Any:
    """Columns scheduler, partition: where runs were given machines that are billed as spot."""
    days = table("gpu_day")
    days = days.filter(days.day >= window.since, days.day < window.until, days.market == "spot", days.run_id.notnull())
    runs = table("run")
    runs = runs.filter(runs.partition.notnull()).semi_join(days, "run_id")
    return runs.group_by("scheduler").aggregate(partition=runs.partition.max())


def spot_partitions(ask: Ask, window: Window) -> dict[str, str]:
    """A partition of spot machines by scheduler, where one is known."""
    return dict(ask.rows(spot_partitions_expr(window)))

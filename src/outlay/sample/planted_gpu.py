"""The planted waste of machines, in the dollars that `truth` defines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from outlay.sample.cluster import Cluster
from outlay.sample.endpoints import Endpoint
from outlay.sample.job import Numbered
from outlay.sample.scenario import HOURS, INTERVALS, PER_HOUR, Scenario
from outlay.sample.truth import Planted

#: 730 hours against the hours of the month at hand.
MONTH = Decimal(730) / HOURS
#: Kinds of run that count as an experiment.
EXPERIMENTS = ("training", "sweep", "trial")


def planted_machines(scenario: Scenario, cluster: Cluster, endpoints: tuple[Endpoint, ...]) -> Iterator[Planted]:
    yield from (_zombie(each) for each in cluster.zombies)
    yield from (_quiet(each) for each in cluster.quiet)
    yield _idle_node(scenario, cluster)
    yield from (_oversized(each) for each in cluster.oversized)
    yield from _spot(scenario, cluster)
    yield _experiment_rate(scenario, cluster)
    named = {each.name: each for each in endpoints}
    yield _idle_endpoint(named["demo-summarise"])
    yield _always_on(named["label-assist"])


def _zombie(numbered: Numbered) -> Planted:
    job = numbered.job
    assert job.load.died is not None
    how = (
        "spins at 100% and reports nothing"
        if job.load.spins
        else "trains on NaN"
        if job.reports is not None and job.reports.nan
        else "its process failed, the allocation goes on"
        if job.failed_step
        else "no use and no progress"
    )
    return Planted(
        code="zombie-run",
        subjects=(numbered.run_id,),
        owner=job.owner.login,
        team=job.team,
        so_far=job.cost(job.load.died),
        month=job.month(),
        explanation=f"{job.name}, {job.gpus} GPUs: {how} since its last sign of life",
        figures={"gpus": str(job.gpus), "state": job.state},
    )


def _quiet(numbered: Numbered) -> Planted:
    job = numbered.job
    return Planted(
        code="idle-gpu",
        subjects=(numbered.run_id,),
        owner=job.owner.login,
        team=job.team,
        so_far=job.cost(),
        month=job.month(),
        explanation=f"{job.name} holds {job.gpus} GPUs and never uses more than 3% of one",
    )


def _idle_node(scenario: Scenario, cluster: Cluster) -> Planted:
    node = next(node for node in scenario.slurm_nodes if node.name == cluster.idle_node)
    return Planted(
        code="idle-gpu",
        subjects=(node.name,),
        owner=scenario.person("platform", "fleet").login,
        team="platform",
        so_far=node.usd_h * (INTERVALS - cluster.idle_from) / PER_HOUR,
        month=node.usd_h * 730,
        explanation="an on-demand node that was left running after the benchmark on it ended",
    )


def _oversized(numbered: Numbered) -> Planted:
    job = numbered.job
    assert job.load.busy is not None
    idle = job.gpus - job.load.busy
    return Planted(
        code="oversized-gpu",
        subjects=(numbered.run_id,),
        owner=job.owner.login,
        team=job.team,
        so_far=job.cost(gpus=idle),
        month=job.month(gpus=idle),
        explanation=f"{job.name} holds {job.gpus} GPUs and works on {job.load.busy}",
    )


def _spot(scenario: Scenario, cluster: Cluster) -> Iterator[Planted]:
    share = Decimal(scenario.plan["spot_share"])
    for group in sorted({each.job.group for each in cluster.spot if each.job.group}):
        runs = [each for each in cluster.spot if each.job.group == group]
        cost = sum((each.job.cost() for each in runs), Decimal(0))
        saved = cost * (1 - share)
        yield Planted(
            code="spot-candidate",
            subjects=(group, *(each.run_id for each in runs)),
            owner=runs[0].job.owner.login,
            team=runs[0].job.team,
            so_far=saved,
            month=saved * MONTH,
            explanation=f"{len(runs)} runs of {group} on demand, with a checkpoint every 30 minutes",
            amount=cost,
            figures={"spot_share": str(share)},
        )


def _experiment_rate(scenario: Scenario, cluster: Cluster) -> Planted:
    weeks: Counter[str] = Counter()
    for numbered in cluster.jobs:
        if numbered.job.team == "search" and numbered.job.kind in EXPERIMENTS:
            moment = scenario.since + timedelta(hours=numbered.job.start // PER_HOUR)
            weeks["{}-W{:02d}".format(*moment.isocalendar()[:2])] += 1
    return Planted(
        code="experiment-rate",
        subjects=("search",),
        owner=None,
        team="search",
        so_far=None,
        month=None,
        explanation="more than 20 experiments started in every full week",
        figures={week: str(count) for week, count in sorted(weeks.items())},
    )


def _idle_endpoint(endpoint: Endpoint) -> Planted:
    return Planted(
        code="idle-endpoint",
        subjects=(endpoint.name,),
        owner=endpoint.owner.login,
        team=endpoint.team,
        so_far=endpoint.cost,
        month=endpoint.usd_h * 730,
        explanation="left running after the demo",
        figures={"requests": str(int(endpoint.requests.sum()))},
    )


def _always_on(endpoint: Endpoint) -> Planted:
    wasted = endpoint.cost_without_requests
    return Planted(
        code="always-on",
        subjects=(endpoint.name,),
        owner=endpoint.owner.login,
        team=endpoint.team,
        so_far=wasted,
        month=wasted * MONTH,
        explanation="called from 09:00 to 17:00 UTC on working days alone, and up all the time",
        figures={"hours_with_requests": str(int((endpoint.requests > 0).sum()))},
    )

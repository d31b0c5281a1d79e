"""Scheduler accounting of the sample month, as `sacct --parsable2` prints it, and the endpoints' runs as a table."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from outlay.sample.cluster import Cluster
from outlay.sample.endpoints import SCHEDULER, Endpoint
from outlay.sample.job import Numbered
from outlay.sample.scenario import DAYS, INTERVAL_S, INTERVALS, Scenario

if TYPE_CHECKING:
    import pyarrow as pa

_COLUMNS = (
    "JobID",
    "JobIDRaw",
    "JobName",
    "User",
    "Account",
    "Partition",
    "Cluster",
    "State",
    "ExitCode",
    "Submit",
    "Start",
    "End",
    "ElapsedRaw",
    "TimelimitRaw",
    "NNodes",
    "NCPUS",
    "AllocTRES",
    "NodeList",
    "Restarts",
    "Comment",
)
_TIME_LIMIT_MIN = 43_200
#: CPU nodes of the data pipelines, and how many of them run a day.
CPU_NODES = ("cpu-01", "cpu-02")
PIPELINES_A_DAY = 3


def sacct_lines(scenario: Scenario, cluster: Cluster) -> Iterator[str]:
    """Header, then every job with its batch step, in the order of job ids; pipelines on CPU nodes last."""
    yield "|".join(_COLUMNS)
    for numbered in cluster.jobs:
        yield from _job(scenario, numbered)
    yield from _pipelines(scenario, cluster.jobs[-1].job_id)


def _job(scenario: Scenario, numbered: Numbered) -> Iterator[str]:
    job, run_id = numbered.job, numbered.run_id
    start, end = scenario.at(job.start), None if job.end is None else scenario.at(job.end)
    elapsed = ((INTERVALS if job.end is None else job.end) - job.start) * INTERVAL_S
    comment = {
        "owner": job.owner.login,
        "team": job.team,
        "project": job.project,
        "purpose": job.purpose,
        "environment": job.environment,
        "kind": job.kind,
        "group": job.group,
        **job.extra,
        "note": job.note,
    }
    instance = job.places[0][0].instance
    cpus = instance.cpus * job.gpus // instance.gpus
    tres = f"billing={cpus},cpu={cpus},gres/gpu:{instance.short}={job.gpus},gres/gpu={job.gpus},node={len(job.places)}"
    ended = {"COMPLETED": "0:0", "FAILED": "1:0", "TIMEOUT": "0:15", "CANCELLED": "0:15", "RUNNING": "0:0"}[job.state]
    state = f"CANCELLED by {1000 + numbered.job_id % 60}" if job.state == "CANCELLED" else job.state
    fields = (
        run_id,
        run_id,
        job.name,
        job.owner.login,
        job.team,
        job.places[0][0].pool,
        scenario.plan["cluster"],
        state,
        ended,
        _time(scenario.at(job.start - job.queued)),
        _time(start),
        _time(end),
        elapsed,
        _TIME_LIMIT_MIN,
        len(job.places),
        cpus,
        tres,
        _node_list([node.name for node, _ in job.places]),
        0,
        ",".join(f"{key}={value}" for key, value in comment.items() if value),
    )
    yield "|".join(map(str, fields))
    # The process may have failed while the allocation goes on, and is paid for.
    failed = job.failed_step and job.load.died is not None
    step_end = scenario.at(job.load.died) if failed and job.load.died is not None else end
    step_state = "FAILED" if failed else job.state
    step = (
        f"{run_id}.batch",
        f"{run_id}.batch",
        "batch",
        "",
        job.team,
        "",
        scenario.plan["cluster"],
        step_state,
        "1:0" if failed else ended,
        _time(start),
        _time(start),
        _time(step_end),
        elapsed,
        "",
        len(job.places),
        cpus,
        f"cpu={cpus},gres/gpu={job.gpus},node={len(job.places)}",
        fields[17],
        "",
        "",
    )
    yield "|".join(map(str, step))


def _pipelines(scenario: Scenario, last_id: int) -> Iterator[str]:
    """Work of the data stage: no GPU, a few hours a day."""
    rng = scenario.rng("pipelines")
    names = (
        ("crawl-clean", "search", "docs-search"),
        ("frames-dedup", "vision", "labelling"),
        ("mix-shards", "foundation", "datasets"),
    )
    for day in range(DAYS):
        for place in range(PIPELINES_A_DAY):
            name, team, project = names[place]
            owner = scenario.person(team, name)
            run_id = last_id + 7 * (PIPELINES_A_DAY * day + place + 1)
            start = scenario.since + timedelta(days=day, minutes=int(rng.integers(60, 400)))
            seconds = int(rng.uniform(1.2, 5) * 3600)
            node = CPU_NODES[place % len(CPU_NODES)]
            yield "|".join(
                map(
                    str,
                    (
                        run_id,
                        run_id,
                        name,
                        owner.login,
                        team,
                        "cpu",
                        scenario.plan["cluster"],
                        "COMPLETED",
                        "0:0",
                        _time(start),
                        _time(start),
                        _time(start + timedelta(seconds=seconds)),
                        seconds,
                        720,
                        1,
                        16,
                        "billing=16,cpu=16,mem=64G,node=1",
                        node,
                        0,
                        f"owner={owner.login},team={team},project={project},purpose=data,environment=production,kind=pipeline",
                    ),
                )
            )


def _time(moment: datetime | None) -> str:
    return "Unknown" if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S+0000")


def _node_list(names: list[str]) -> str:
    """As Slurm folds it: gpu-[01-02]."""
    if len(names) == 1:
        return names[0]
    prefix = names[0].rsplit("-", 1)[0]
    return f"{prefix}-[{','.join(name.rsplit('-', 1)[1] for name in names)}]"


def endpoint_runs(scenario: Scenario, endpoints: tuple[Endpoint, ...]) -> pa.Table:
    """The endpoints as runs, with the columns of `facts.Run`; who pays stands in further columns."""
    import pyarrow as pa

    rows = [_endpoint_run(scenario, each, *run) for each in endpoints for run in each.runs]
    types = {
        "submitted": pa.timestamp("us"),
        "started": pa.timestamp("us"),
        "ended": pa.timestamp("us"),
        "observed": pa.timestamp("us"),
        "gpus": pa.int64(),
    }
    return pa.table({name: pa.array([row[name] for row in rows], types.get(name, pa.string())) for name in rows[0]})


def _endpoint_run(scenario: Scenario, each: Endpoint, run_id: str, first: int, last: int | None) -> dict[str, Any]:
    started = scenario.since + timedelta(hours=first)
    return {
        "run_id": run_id,
        "scheduler": SCHEDULER,
        "kind": "endpoint",
        "name": each.name,
        "endpoint": each.name,
        "user": each.owner.login,
        "account": each.team,
        "partition": "serve",
        "state": "running" if last is None else "completed",
        "submitted": started,
        "started": started,
        "ended": None if last is None else scenario.since + timedelta(hours=last),
        "observed": scenario.until,
        "nodes": ",".join(node.name for node in each.nodes),
        "gpus": sum(node.instance.gpus for node in each.nodes),
        "gpu_type": each.nodes[0].instance.gpu,
        "market": "on_demand",
        "region": scenario.plan["region"],
        "note": each.note,
        "team": each.team,
        "owner": each.owner.login,
        "project": each.name,
        "environment": each.environment,
    }

"""GPU samples, pool capacity and progress of the sample month, as tables."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from outlay.sample.cluster import Cluster
from outlay.sample.endpoints import Endpoint
from outlay.sample.job import Job, Look, Numbered
from outlay.sample.scenario import HOURS, INTERVAL_S, INTERVALS, PER_DAY, PER_HOUR, Node, Scenario

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

#: The exporter of this node does not know jobs: its samples find their run by node and time.
WITHOUT_JOB_LABELS = "gpu-02"
#: What the five quantities of a device are made of: utilisation of the job, in percent, and its place in `run_ids`.
FREE, NO_READING = -1, -2


class Readings:
    """Utilisation of every device over the month, filled in job by job."""

    def __init__(self, scenario: Scenario, cluster: Cluster, endpoints: tuple[Endpoint, ...]) -> None:
        import numpy as np

        self.scenario = scenario
        self.nodes = (*scenario.slurm_nodes, *scenario.serving_nodes)
        self.first_device: dict[str, int] = {}
        devices = 0
        for node in self.nodes:
            self.first_device[node.name] = devices
            devices += node.instance.gpus
        self.util = np.zeros((devices, INTERVALS), dtype=np.int8)
        self.run = np.full((devices, INTERVALS), FREE, dtype=np.int32)
        self.run_ids: list[str] = []
        for numbered in cluster.jobs:
            self._job(numbered)
        for endpoint in endpoints:
            self._endpoint(endpoint)
        self._nodes_that_were_not_there(cluster)

    def _job(self, numbered: Numbered) -> None:
        job = numbered.job
        first, last = job.span
        if first >= last:
            return
        number = len(self.run_ids)
        self.run_ids.append(numbered.run_id)
        rng = self.scenario.rng(f"load {numbered.run_id}")
        busy = job.gpus if job.load.busy is None else job.load.busy
        for node, devices in job.places:
            for device in devices:
                row = self.first_device[node.name] + device
                self.run[row, first:last] = number
                self.util[row, first:last] = _load(self.scenario, job, rng, works=busy > 0)
                busy -= 1

    def _endpoint(self, endpoint: Endpoint) -> None:
        import numpy as np

        rng = self.scenario.rng(f"load {endpoint.name}")
        traffic = np.repeat(endpoint.requests, PER_HOUR)
        peak = max(int(endpoint.requests.max()), 1)
        run = np.full(INTERVALS, NO_READING)
        for run_id, first, last in endpoint.runs if endpoint.exporter else ():
            run[first * PER_HOUR : None if last is None else last * PER_HOUR] = len(self.run_ids)
            self.run_ids.append(run_id)
        for node in endpoint.nodes:
            for row in self._devices(node):
                wanted = np.where(traffic > 1, 12 + 52 * traffic / peak + rng.normal(0, 4, INTERVALS), 0)
                self.util[row] = np.clip(wanted, 0, 100)
                self.run[row] = run

    def _nodes_that_were_not_there(self, cluster: Cluster) -> None:
        """Nodes that are started for their work alone have no readings at other times."""
        for node in self.scenario.slurm_nodes:
            if node.market != "reserved" and node.name != cluster.idle_node:
                self.run[self._rows(node)][:, cluster.board.held(node.name) == 0] = NO_READING

    def _devices(self, node: Node) -> range:
        first = self.first_device[node.name]
        return range(first, first + node.instance.gpus)

    def _rows(self, node: Node) -> slice:
        return slice(self._devices(node).start, self._devices(node).stop)

    def used_gpu_hours(self, pool: str) -> float:
        """Held GPU-hours of a pool, each weighted by its utilisation."""
        rows = [row for node in self.nodes if node.pool == pool for row in self._devices(node)]
        return float((self.util[rows] * (self.run[rows] >= 0)).sum() / 100 / PER_HOUR)

    def tables(self) -> Iterator[pa.Table]:
        """Samples, one table a node, in order of time."""
        for node in self.nodes:
            if (table := self._table(node)) is not None:
                yield table

    def _table(self, node: Node) -> pa.Table | None:
        import numpy as np
        import pyarrow as pa

        run, util = self.run[self._rows(node)].T, self.util[self._rows(node)].T
        present = run != NO_READING
        if not present.any():
            return None
        gpus = node.instance.gpus
        run, util = run[present], util[present].astype(np.float64)
        interval, device = np.nonzero(present)
        rng = self.scenario.rng(f"readings {node.name}")
        shape, instance = len(run), node.instance
        memory = np.where(run >= 0, np.where(util > 4, 0.62 + util / 400, 0.31), 0.006) * instance.mem_mib
        power = instance.idle_w + (instance.full_w - instance.idle_w) * (util / 100) + rng.uniform(0, 6, shape)
        names = pa.array([f"{node.name}/{gpu}" for gpu in range(gpus)])
        labelled = run if node.name != WITHOUT_JOB_LABELS else np.full(shape, FREE)
        runs = pa.DictionaryArray.from_arrays(
            pa.array(labelled, mask=labelled < 0), pa.array(self.run_ids, pa.string())
        )
        return pa.table(
            {
                "time": self._times(interval),
                "seconds": pa.array(np.full(shape, float(INTERVAL_S))),
                "node": _constant(node.name, shape),
                "device": pa.DictionaryArray.from_arrays(pa.array(device.astype(np.int32)), names).cast(pa.string()),
                "gpu_type": _constant(instance.gpu, shape),
                "pool": _constant(node.pool, shape),
                "util": pa.array(util),
                "sm_active": pa.array(np.round(util * 0.71, 1)),
                "mem_used_mb": pa.array(np.round(memory)),
                "mem_total_mb": pa.array(np.full(shape, float(instance.mem_mib))),
                "power_w": pa.array(np.round(power, 1)),
                "run_id": runs.cast(pa.string()),
            }
        )

    def _times(self, interval: np.ndarray) -> pa.Array:
        import numpy as np
        import pyarrow as pa

        start = np.datetime64(self.scenario.since, "us")
        return pa.array(start + interval * np.timedelta64(INTERVAL_S, "s").astype("timedelta64[us]"))


def _constant(text: str, length: int) -> Any:
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(pa.nulls(length, pa.int32()).fill_null(0), pa.array([text])).cast(pa.string())


def _load(scenario: Scenario, job: Job, rng: np.random.Generator, *, works: bool) -> np.ndarray:
    """Utilisation of one GPU of a job, percent, over the job's intervals of the month."""
    import numpy as np

    first, last = job.span
    length, load = last - first, job.load
    if not works or load.look is Look.QUIET:
        quiet: np.ndarray = rng.choice([0, 1, 2, 3], size=length, p=[0.5, 0.35, 0.1, 0.05])
        return quiet if works else quiet // 2
    util = rng.normal(load.mean, 5, length)
    # A checkpoint or an evaluation every few hours.
    util[:: 4 * PER_HOUR] *= 0.5
    if load.look is Look.OFFICE:
        clock = np.arange(first, last)
        hour, day = clock % PER_DAY // PER_HOUR, clock // PER_DAY
        # Bursts of half an hour to an hour and a half, on working days: in use, and low on average.
        burst = np.repeat(rng.random(length // 6 + 1) < 0.4, 6)[:length]
        util = np.where(
            np.isin(day, scenario.weekdays()) & (hour >= 8) & (hour < 19) & burst, util, rng.integers(0, 4, length)
        )
    if load.look is Look.SLOW:
        # It loads and augments on the CPU for hours, and learns between.
        phase = (np.arange(first, last) // (3 * PER_HOUR)) % 3
        util = np.where(phase == 0, rng.normal(9, 2, length), util)
    if load.staging:
        util[: load.staging] = rng.integers(0, 2, load.staging)
    if load.died is not None:
        dead = max(load.died - first, 0)
        util[dead:] = 100 if load.spins else rng.choice([0, 1], size=length - dead, p=[0.85, 0.15])
        if job.reports is not None and job.reports.nan:
            util[dead:] = np.clip(rng.normal(load.mean, 4, length - dead), 30, 100)
    return np.clip(np.round(util), 0, 100).astype(np.int8)


def progress_table(scenario: Scenario, cluster: Cluster, endpoints: tuple[Endpoint, ...]) -> pa.Table:
    """What runs reported: steps with their loss or count, checkpoints, and the requests of every endpoint and hour."""
    import pyarrow as pa

    rows: list[tuple[Any, ...]] = []
    for numbered in cluster.jobs:
        rows += _reports(scenario, numbered)
    for endpoint in endpoints:
        rows += [
            (scenario.since + timedelta(hours=hour), run_id, "requests", None, float(endpoint.requests[hour]), None)
            for run_id, first, last in endpoint.runs
            for hour in range(first, HOURS if last is None else last)
        ]
    names = ("time", "run_id", "metric", "step", "value", "checkpoint")
    types = (pa.timestamp("us"), pa.string(), pa.string(), pa.int64(), pa.float64(), pa.string())
    columns = list(zip(*rows, strict=True))
    return pa.table({n: pa.array(c, t) for n, c, t in zip(names, columns, types, strict=True)})


def _reports(scenario: Scenario, numbered: Numbered) -> Iterator[tuple[Any, ...]]:
    job, plan = numbered.job, numbered.job.reports
    if plan is None:
        return
    rng = scenario.rng(f"progress {numbered.run_id}")
    end = INTERVALS if job.end is None else job.end
    alive = end if plan.until is None else min(plan.until, end)
    whole = max(end - job.start, 1)
    for interval in range(job.start + plan.every, (end if plan.nan else alive) + 1, plan.every):
        if interval >= INTERVALS:
            break
        done = (interval - job.start) / whole
        if interval > alive:
            value = float("nan")
        elif plan.metric == "loss":
            value = round(2.9 - plan.falls * done**0.5 + 0.004 * float(rng.normal()), 4)
        else:
            value = float(1200 * (interval - job.start))
        step = 40 * (interval - job.start)
        saves = plan.checkpoint and (interval - job.start) % plan.checkpoint == 0 and interval <= alive
        path = f"s3://checkpoints/{job.project}/{numbered.run_id}/step-{step}" if saves else None
        yield scenario.at(interval), numbered.run_id, plan.metric, step, value, path


def capacity_table(scenario: Scenario, cluster: Cluster) -> pa.Table:
    """GPUs of each pool by hour: owned, held, working (held and alive), waited for."""
    import numpy as np
    import pyarrow as pa

    rng = scenario.rng("pending")
    tables = []
    hours = np.arange(HOURS)
    for pool in scenario.plan["pools"]:
        nodes = [node for node in scenario.slurm_nodes if node.pool == pool["pool"]]
        held = np.array([cluster.board.held(node.name)[::PER_HOUR] for node in nodes])
        there = np.array(
            [
                np.where(
                    (row > 0) | (node.market == "reserved") | (node.name == cluster.idle_node), node.instance.gpus, 0
                )
                for node, row in zip(nodes, held, strict=True)
            ]
        )
        total, allocated = there.sum(axis=0), held.sum(axis=0)
        start = np.datetime64(scenario.since, "us")
        tables.append(
            pa.table(
                {
                    "time": pa.array(start + hours * np.timedelta64(3_600_000_000, "us")),
                    "seconds": pa.array(np.full(HOURS, 3600.0)),
                    "pool": pa.array([pool["pool"]] * HOURS),
                    "unit": pa.array(["gpu"] * HOURS),
                    "gpu_type": pa.array([nodes[0].instance.gpu] * HOURS),
                    "total": pa.array(total.astype(np.float64)),
                    "allocated": pa.array(allocated.astype(np.float64)),
                    "pending": pa.array(
                        np.where(allocated > 0.9 * total, rng.integers(0, 9, HOURS), 0).astype(np.float64)
                    ),
                }
            )
        )
    return pa.concat_tables(tables)

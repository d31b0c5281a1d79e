"""GPU readings among OTLP metrics: OpenTelemetry's `hw.gpu.*`, and DCGM's names as a collector scrapes them or as
`outlay agent` sends them, with the runs of its host."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from outlay.facts import Reject, Run, Sample

_MIB = 1 / (1 << 20)
#: Metric to the column of `Sample` and the factor that turns its unit into the column's.
METRICS: Mapping[str, tuple[str, float]] = {
    "hw.gpu.utilization": ("util", 100.0), "DCGM_FI_DEV_GPU_UTIL": ("util", 1.0),
    "DCGM_FI_PROF_SM_ACTIVE": ("sm_active", 100.0),
    "hw.gpu.memory.usage": ("mem_used_mb", _MIB), "DCGM_FI_DEV_FB_USED": ("mem_used_mb", 1.0),
    "hw.gpu.memory.limit": ("mem_total_mb", _MIB), "DCGM_FI_DEV_FB_FREE": ("mem_free_mb", 1.0),
    "hw.power": ("power_w", 1.0), "DCGM_FI_DEV_POWER_USAGE": ("power_w", 1.0),
}
_DEVICE = ("hw.id", "UUID", "uuid")
_INDEX = ("gpu", "hw.name")
_NODE = ("host.name", "Hostname", "k8s.node.name", "instance")
_TYPE = ("modelName", "hw.model", "hw.name")
_RUN = ("outlay.run_id", "OUTLAY_RUN_ID", "hpc_job", "slurm_job_id")
_POOL = ("outlay.pool", "k8s.cluster.name")
_EPOCH = datetime(1970, 1, 1)
#: What the agent sends beside readings: work of which no scheduler knows, and how many readings it had to drop.
RUN, DROPPED = "outlay.run.gpus", "outlay.agent.dropped"
#: Labels that begin so become tags of the sample.
TAG = "outlay.tag."
_LIMITS = {"util": 100.0, "sm_active": 100.0}


@dataclass(frozen=True, slots=True)
class Point:
    """One data point. Times in nanoseconds since 1970; `start` 0: an instant. `labels`: of resource and point."""

    metric: str
    value: float
    start: int
    time: int
    labels: Mapping[str, Any]


def samples(points: Iterable[Point | None]) -> tuple[list[Sample | Run], list[Reject], int]:
    """Readings of one device and moment become one sample, observations of runs a run each. The third value counts
    points about something else."""
    found: dict[tuple[str, int, int], dict[str, float]] = {}
    labels: dict[tuple[str, int, int], Mapping[str, Any]] = {}
    rejects: list[Reject] = []
    runs: list[Sample | Run] = []
    others = 0
    for point in points:
        if point is not None and point.metric in (RUN, DROPPED):
            made = _run(point) if point.metric == RUN else _lost(point)
            rejects.append(made) if isinstance(made, Reject) else runs.append(made)
            continue
        if point is None or point.metric not in METRICS or point.labels.get("hw.type", "gpu") != "gpu":
            others += 1
            continue
        column, factor = METRICS[point.metric]
        problem = _problem(point, column, factor)
        device = _device(point.labels)
        if problem or device is None:
            rejects.append(Reject(None, point.metric, problem or "names no device (hw.id or UUID)"))
            continue
        key = (device, point.start, point.time)
        found.setdefault(key, {})[column] = point.value * factor
        labels[key] = {**labels.get(key, {}), **point.labels}
    return [*(_sample(key, values, labels[key]) for key, values in found.items()), *runs], rejects, others


def _run(point: Point) -> Run | Reject:
    labels = point.labels
    run_id, scheduler = _first(labels, ("outlay.run_id",)), _first(labels, ("outlay.scheduler",))
    if problem := _problem(point, "", 1.0):
        return Reject(None, RUN, problem)
    if run_id is None or scheduler is None:
        return Reject(None, RUN, "names no run (outlay.run_id) or no scheduler (outlay.scheduler)")
    try:
        started, ended = (_time(labels.get(f"outlay.run.{name}")) for name in ("started", "ended"))
    except ValueError:
        return Reject(None, RUN, "has a time that is none (outlay.run.started, outlay.run.ended)")
    return Run(
        run_id=run_id, scheduler=scheduler, name=_first(labels, ("process.executable.name",)),
        user=_first(labels, ("process.owner",)), state="running" if ended is None else None, started=started,
        ended=ended, observed=_EPOCH + timedelta(microseconds=point.time // 1000), nodes=_first(labels, _NODE),
        gpus=round(point.value), partition=_first(labels, _POOL))


def _time(value: object) -> datetime | None:
    """A time in UTC. Raises `ValueError`."""
    return None if value is None else datetime.fromisoformat(str(value)).replace(tzinfo=None)


def _lost(point: Point) -> Reject:
    return Reject(None, DROPPED, f"the agent on {_first(point.labels, _NODE)} dropped {point.value:,.0f} readings that "
                  "it could not deliver")


def _problem(point: Point, column: str, factor: float) -> str:
    if not math.isfinite(point.value) or point.value < 0 or point.value * factor > _LIMITS.get(column, 1e9):
        return "is not a usable number"
    if not 946_684_800 * 10**9 < point.time < 4_102_444_800 * 10**9 or point.start > point.time:
        return "has a time that cannot be"
    return ""


def _device(labels: Mapping[str, Any]) -> str | None:
    device = _first(labels, _DEVICE)
    if device:
        # A slice of a GPU that is partitioned (MIG) is a device of its own.
        return f"{device}/{part}" if (part := _first(labels, ("GPU_I_ID",))) else device
    node, index = _first(labels, _NODE), _first(labels, _INDEX)
    return f"{node}/{index}" if node and index else None


def _sample(key: tuple[str, int, int], values: dict[str, float], labels: Mapping[str, Any]) -> Sample:
    device, start, end = key
    total = values.get("mem_total_mb")
    if total is None and "mem_free_mb" in values and "mem_used_mb" in values:
        total = values["mem_free_mb"] + values["mem_used_mb"]
    seconds = (end - start) / 1e9 if start else None
    return Sample(
        time=_EPOCH + timedelta(microseconds=(start or end) // 1000), seconds=seconds, node=_first(labels, _NODE),
        device=device, gpu_type=_first(labels, _TYPE), pool=_first(labels, _POOL), util=values.get("util"),
        sm_active=values.get("sm_active"), mem_used_mb=values.get("mem_used_mb"), mem_total_mb=total,
        power_w=values.get("power_w"), run_id=_first(labels, _RUN),
        tags={name.removeprefix(TAG): str(value)[:200] for name, value in labels.items() if name.startswith(TAG)})


def _first(labels: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    for name in names:
        value = labels.get(name)
        if isinstance(value, (str, int)) and str(value).strip():
            return str(value).strip()[:200]
    return None

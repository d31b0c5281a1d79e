"""What accelerators did, and what pools of them had. Field names of samples follow NVIDIA's DCGM exporter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from outlay.facts.column import NO_TAGS, TAGS, TEXT, TIME, column


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One accelerator's reading over an interval. Identity: device, interval start."""

    time: datetime = column(TIME, "start of the interval, UTC", required=True)
    seconds: float | None = column("DOUBLE", "length of the interval the reading stands for; None: until the next one")
    node: str | None = column(TEXT, "host name (DCGM: Hostname), equal to the resource name or id of the bill")
    device: str = column(TEXT, "the accelerator: its UUID, else node and index", required=True)
    gpu_type: str | None = column(TEXT, "modelName, for example NVIDIA H100 80GB HBM3")
    pool: str | None = column(TEXT, "cluster, partition or virtual cluster")
    util: float | None = column("DOUBLE", "DCGM_FI_DEV_GPU_UTIL, percent 0-100")
    sm_active: float | None = column("DOUBLE", "DCGM_FI_PROF_SM_ACTIVE, percent 0-100")
    mem_used_mb: float | None = column("DOUBLE", "DCGM_FI_DEV_FB_USED, MiB")
    mem_total_mb: float | None = column("DOUBLE", "FB_USED + FB_FREE, MiB")
    power_w: float | None = column("DOUBLE", "DCGM_FI_DEV_POWER_USAGE, watts")
    run_id: str | None = column(TEXT, "scheduler job or OUTLAY_RUN_ID, where the exporter knows it (hpc_job, pod)")
    tags: Mapping[str, str] = column(TAGS, "other labels", default=NO_TAGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """Units that a pool owned, allocated and ran over an interval; never expanded into samples."""

    time: datetime = column(TIME, "start of the interval, UTC", required=True)
    seconds: float | None = column("DOUBLE", "length of the interval; None: until the pool's next reading")
    pool: str = column(TEXT, "cluster, partition or virtual cluster", required=True)
    unit: str = column(TEXT, "gpu or node", required=True)
    gpu_type: str | None = column(TEXT, "accelerator of the pool")
    total: float | None = column("DOUBLE", "units that the pool owns")
    allocated: float | None = column("DOUBLE", "units promised to runs")
    running: float | None = column("DOUBLE", "units that work")
    pending: float | None = column("DOUBLE", "units that are asked for and not given")
    tags: Mapping[str, str] = column(TAGS, "other labels", default=NO_TAGS)

"""Runs, and what they report of themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from outlay.facts.column import COUNT, NO_TAGS, TAGS, TEXT, TIME, column

#: The kinds of run, and the stage of a model's life that each belongs to.
RUN_STAGES = {
    "training": "training", "sweep": "training", "trial": "training", "notebook": "training",
    "batch": "inference", "endpoint": "inference", "pipeline": "data",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One piece of work on accelerators. Identity: scheduler and id; the latest `observed` version stands."""

    run_id: str = column(TEXT, "the scheduler's id, for example the Slurm job id", required=True)
    scheduler: str = column(TEXT, "slurm, ray, kubernetes, local, ... with the cluster: slurm/north", required=True)
    kind: str | None = column(TEXT, "training, sweep, trial, batch, pipeline, notebook or endpoint")
    name: str | None = column(TEXT, "job name")
    group: str | None = column(TEXT, "sweep or array that the run is part of")
    user: str | None = column(TEXT, "who submitted it")
    account: str | None = column(TEXT, "the scheduler's account (often the team)")
    partition: str | None = column(TEXT, "queue or partition")
    state: str | None = column(TEXT, "pending, running, completed, failed, cancelled, timeout or out_of_memory")
    exit_code: int | None = column(COUNT, "exit status, where it ended")
    submitted: datetime | None = column(TIME, "UTC")
    started: datetime | None = column(TIME, "UTC; None: it has not started")
    ended: datetime | None = column(TIME, "UTC; None: it has not ended")
    observed: datetime | None = column(TIME, "when this was read; the latest version of a run stands")
    nodes: str | None = column(TEXT, "comma-separated host names (expanded)")
    gpus: int | None = column(COUNT, "accelerators allocated, all nodes together")
    gpu_type: str | None = column(TEXT, "accelerator")
    cpus: int | None = column(COUNT, "CPU cores allocated")
    market: str | None = column(TEXT, "on_demand, spot or reserved")
    region: str | None = column(TEXT, "region")
    time_limit_s: int | None = column(COUNT, "the scheduler's limit, seconds")
    restarts: int | None = column(COUNT, "times that the scheduler started it again")
    endpoint: str | None = column(TEXT, "for endpoints: the name that calls carry")
    note: str | None = column(TEXT, "comment; a cold standby says so here")
    tags: Mapping[str, str] = column(TAGS, "comment fields, labels", default=NO_TAGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What a run reported of itself. Identity: run, time, metric."""

    time: datetime = column(TIME, "UTC", required=True)
    run_id: str = column(TEXT, "the run's id", required=True)
    metric: str = column(TEXT, "loss, accuracy, step, checkpoint, requests, ...", required=True)
    step: int | None = column(COUNT, "training step")
    value: float | None = column("DOUBLE", "the metric's value; NaN is kept")
    checkpoint: str | None = column(TEXT, "where a checkpoint was written")
    tags: Mapping[str, str] = column(TAGS, "other labels", default=NO_TAGS)

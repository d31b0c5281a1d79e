"""Runs, their progress and their machines, for tests of detectors about accelerators."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from made_ledger import at
from outlay.facts import Progress, Run

#: How long the ledgers of these tests reach.
DAYS = 10


def run(run_id: str = "4711", **more: Any) -> Run:
    """A training run of 4 GPUs on `n1` that began with the window and still runs."""
    values: dict[str, Any] = {
        "run_id": run_id, "scheduler": "slurm/north", "kind": "training", "name": "sft", "state": "running",
        "started": at(0), "observed": at(DAYS), "gpus": 4, "nodes": "n1",
        "tags": {"team": "search", "owner": "ana"}}
    values |= more
    if values.get("ended") and "state" not in more:
        values["state"] = "cancelled"
    return Run(**values)


def progress(
    run_id: str, since: datetime, until: datetime, *, hours: float = 1, value: float | None = 0.5,
    step: int | None = None, metric: str = "loss",
) -> Iterator[Progress]:
    """Reports every so many hours; `step` is the first one's, each later one is further (None: no steps)."""
    while since < until:
        yield Progress(time=since, run_id=run_id, metric=metric, value=value, step=step)
        step = None if step is None else step + 100
        since += timedelta(hours=hours)


NAN = math.nan

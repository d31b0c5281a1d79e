"""One Slurm job, whichever way sacct printed it, as a run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from outlay.facts import Run
from outlay.facts.run import RUN_STAGES
from outlay.sources.record import BadRow
from outlay.sources.slurm_values import Tres, expand_hosts, parse_comment, parse_state

#: Words in the name or partition of jobs that a person sits in front of.
_INTERACTIVE = frozenset({"interactive", "jupyter", "jupyterlab", "jupyterhub", "notebook", "ipython", "vscode", "bash",
                          "zsh"})
_BAD_ENDS = frozenset({"failed", "timeout", "out_of_memory", "cancelled"})


@dataclass(frozen=True, slots=True)
class SlurmStep:
    """A step of a job: its name (batch, extern, 0, ...), state in the ledger's word, and end."""

    name: str
    state: str | None
    ended: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlurmJob:
    """What sacct says of one start of a job. Times are naive UTC; `tres` None: no resources were printed."""

    job_id: str
    shown_id: str
    array_id: str | None
    cluster: str | None
    name: str | None
    user: str | None
    account: str | None
    partition: str | None
    qos: str | None
    reservation: str | None
    state: str
    exit_code: int | None
    submitted: datetime | None
    started: datetime | None
    ended: datetime | None
    elapsed_s: int | None
    limit_s: int | None
    nodes: str
    tres: Tres | None
    comment: str | None
    restarts: int | None
    steps: tuple[SlurmStep, ...] = ()


def run_of(job: SlurmJob, earlier_starts: int) -> Run:
    """The run; `earlier_starts` is how often the file shows the job before.

    Raises `BadRow` where it ends before it starts.
    """
    if job.started and job.ended and job.ended < job.started:
        raise BadRow("End", "is before Start")
    tags, note = parse_comment(job.comment)
    note = tags.pop("note", None) or note
    kind, group, market = (tags.pop(name, None) for name in ("kind", "group", "market"))
    state = parse_state(job.state)
    for name, value in (("qos", job.qos), ("reservation", job.reservation)):
        if value:
            tags.setdefault(name, value)
    if job.shown_id != job.job_id:
        tags.setdefault("job", job.shown_id)
    tags |= _dead_steps(job, state)
    return Run(
        run_id=job.job_id,
        scheduler=f"slurm/{job.cluster}" if job.cluster else "slurm",
        kind=kind if kind in RUN_STAGES else _kind(job),
        name=job.name,
        group=group or job.array_id,
        user=job.user,
        account=job.account,
        partition=job.partition,
        state=state,
        exit_code=job.exit_code if job.ended else None,
        submitted=job.submitted,
        started=job.started,
        ended=job.ended,
        observed=_observed(job, earlier_starts),
        nodes=expand_hosts(job.nodes),
        gpus=None if job.tres is None else job.tres.gpus,
        gpu_type=None if job.tres is None else job.tres.gpu_type,
        cpus=None if job.tres is None else job.tres.cpus,
        market=market or ("spot" if "spot" in _words(job.partition, job.qos) else None),
        time_limit_s=job.limit_s,
        restarts=max(job.restarts or 0, earlier_starts),
        note=note,
        tags=tags,
    )


def _observed(job: SlurmJob, earlier_starts: int) -> datetime | None:
    """sacct does not print when it ran. How long a running job had run by then says it; of an ended job nothing newer
    than its end will be said. A requeued job is submitted again in the second in which it ended before: the later
    start is a little later."""
    seen = job.ended or job.started or job.submitted
    if job.started and not job.ended and job.elapsed_s is not None:
        seen = job.started + timedelta(seconds=job.elapsed_s)
    return seen + timedelta(microseconds=earlier_starts) if seen else None


def _kind(job: SlurmJob) -> str:
    if job.array_id:
        return "trial"
    return "notebook" if _INTERACTIVE & _words(job.partition, job.name) else "training"


def _words(*texts: str | None) -> set[str]:
    return {word for text in texts if text for word in re.split(r"[^a-z0-9]+", text.lower())}


def _dead_steps(job: SlurmJob, state: str | None) -> dict[str, str]:
    """An allocation whose last step failed, and that is held on: nothing runs on it, and it is paid for."""
    steps: Sequence[SlurmStep] = [step for step in job.steps if step.name != "extern"]
    ends = [step.ended for step in steps if step.ended is not None]
    if not ends or len(ends) < len(steps) or (state != "running" and not job.ended):
        return {}
    last = steps[ends.index(max(ends))]
    if last.state not in _BAD_ENDS or (job.ended is not None and job.ended <= max(ends)):
        return {}
    return {"step_state": last.state, "step_ended": max(ends).isoformat() + "Z"}

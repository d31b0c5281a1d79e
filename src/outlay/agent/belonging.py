"""Whose each accelerator is: the job that it was given to, else the processes that hold its memory.

A sample belongs to a run by OUTLAY_RUN_ID, else by the scheduler's job or the pod. Work of which no scheduler knows is
a run of the host itself: one container, or the processes that descend from one command that a person or service began.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from outlay.agent.processes import Processes
from outlay.agent.reading import Device, HostRun, Owner, Process

#: What people and services begin commands with: it is not part of what they began.
_BEGINNERS = frozenset({
    "bash", "sh", "zsh", "fish", "dash", "ksh", "tcsh", "tmux", "tmux: server", "screen", "sshd", "systemd", "init",
    "login", "su", "sudo", "cron", "crond", "containerd-shim", "conmon", "runc", "dockerd", "sshd-session",
})
_DEEPEST = 64


@dataclass(frozen=True, slots=True)
class Belonging:
    """`owners` in the order of the devices; `runs`: what runs on the host without a scheduler."""

    owners: tuple[Owner, ...]
    runs: tuple[HostRun, ...]


def belonging(devices: Iterable[Device], processes: Processes, node: str, now: datetime) -> Belonging:
    """Whose each device is at `now`, UTC."""
    given = dict(_given(processes, now))
    owners: list[Owner] = []
    runs: dict[str, HostRun] = {}
    for device in devices:
        holders = sorted(((held.memory_mb or 0.0, process) for held in device.held
                          if (process := processes.one(held.pid, now)) is not None),
                         key=lambda holder: (-holder[0], holder[1].pid))
        first = holders[0][1] if holders else None
        job = next((given[name] for name in _names(device) if name in given), None)
        run_id = job
        if run_id is None and first is not None:
            run_id = _named(first)
            if run_id is None or _of_host(first):
                found = _host_run(first, processes, node, now)
                run_id = found.run_id
                other = runs.get(run_id, replace(found, gpus=0))
                runs[run_id] = replace(found, gpus=other.gpus + 1, started=min(found.started, other.started))
        owners.append(Owner(run_id, first.user, first.command) if first is not None else Owner(run_id))
    return Belonging(tuple(owners), tuple(runs.values()))


def _given(processes: Processes, now: datetime) -> Iterator[tuple[str, str]]:
    """Device, as its scheduler names it, and the run that has it."""
    for process in processes.of_jobs(now):
        run_id = _named(process)
        if run_id is not None:
            for name in process.allocated:
                yield name, run_id


def _names(device: Device) -> Iterator[str]:
    """A device as schedulers name it; a slice has a name of its own that is not read, and none of its parent's."""
    if device.instance is None:
        yield device.uuid
        yield str(device.index)


def _named(process: Process) -> str | None:
    return process.run_id or process.slurm_job or process.pod


def _of_host(process: Process) -> bool:
    """Whether no scheduler will tell of it."""
    return process.slurm_job is None and process.pod is None


def _host_run(process: Process, processes: Processes, node: str, now: datetime) -> HostRun:
    root = process if process.container else _root(process, processes, now)
    run_id = process.run_id or (process.container[:12] if process.container else
                                f"{node}/{root.pid}-{int((root.started - datetime(1970, 1, 1)).total_seconds())}")
    return HostRun(run_id=run_id, name=root.command, user=process.user, started=root.started, gpus=1)


def _root(process: Process, processes: Processes, now: datetime) -> Process:
    """The command that it descends from, of the same user."""
    for _ in range(_DEEPEST):
        parent = processes.one(process.parent, now) if process.parent > 1 else None
        if parent is None or parent.user != process.user or parent.command in _BEGINNERS:
            return process
        process = parent
    return process


class HostRuns:
    """Runs of the host over time: one that is not there any more has ended when it was last seen."""

    def __init__(self, before: Iterable[tuple[HostRun, datetime]] = ()) -> None:
        """`before`: runs that an agent before this one had seen, and when last."""
        self._seen = {run.run_id: (run, at) for run, at in before}

    def now(self, runs: Iterable[HostRun], at: datetime) -> tuple[HostRun, ...]:
        """The runs as of `at`, and once each those that ended since the last time."""
        present = {run.run_id: run for run in runs}
        ended = [replace(run, ended=last) for name, (run, last) in self._seen.items() if name not in present]
        # The most devices that it had: one that has let go of a device still held it.
        kept = {name: replace(run, gpus=max(run.gpus, self._seen[name][0].gpus)) if name in self._seen else run
                for name, run in present.items()}
        self._seen = {name: (run, at) for name, run in kept.items()}
        return (*kept.values(), *ended)

    @property
    def seen(self) -> tuple[tuple[HostRun, datetime], ...]:
        """What the next agent is to be told."""
        return tuple(self._seen.values())

"""What /proc says of the processes that use accelerators. Of the environment only the named variables are looked at."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from outlay.agent.reading import Process

_EPOCH = datetime(1970, 1, 1)
#: The variables whose values are read; nothing else of the environment is.
VARIABLES = frozenset({
    "OUTLAY_RUN_ID", "SLURM_JOB_ID", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID", "SLURM_JOB_GPUS", "SLURM_STEP_GPUS",
    "NVIDIA_VISIBLE_DEVICES",
})
_SLURM = re.compile(r"slurm.*?/job_(\d+)(?:/|$)", re.MULTILINE)
_POD = re.compile(r"pod([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}|[0-9a-f]{32})")
_CONTAINER = re.compile(r"(?:[/-])([0-9a-f]{64})(?:\.scope)?(?:/|$)", re.MULTILINE)
#: Of what a process may have in its environment so much is looked at.
_MOST_BYTES = 1 << 20
_LONGEST = 200
#: A younger process may still become another program, with another environment.
_SETTLED_S = 30.0


class Processes:
    """The processes of a host, under `root`. `account` names a user by number."""

    def __init__(self, root: Path = Path("/proc"), account: Callable[[int], str] | None = None) -> None:
        self._root = root
        self._account = account or _account
        self._ticks = os.sysconf("SC_CLK_TCK")
        self._booted: datetime | None = None
        #: What was read of a process, with the time that it began: a number is given again.
        self._known: dict[int, tuple[int, Process]] = {}

    def one(self, pid: int, now: datetime) -> Process | None:
        """A process; None where it has ended, or is none of this host's (as seen from within a container)."""
        try:
            stat = (self._root / str(pid) / "stat").read_text(errors="replace")
        except OSError:
            self._known.pop(pid, None)
            return None
        command, _, rest = stat.partition("(")[2].rpartition(")")
        fields = rest.split()
        parent, ticks = int(fields[1]), int(fields[19])
        kept = self._known.get(pid)
        if kept is not None and kept[0] == ticks:
            return kept[1]
        found = self._read(pid, command[:_LONGEST], parent, self._start(ticks))
        if found is not None and (now - found.started).total_seconds() > _SETTLED_S:
            self._known[pid] = (ticks, found)
        return found

    def of_jobs(self, now: datetime) -> Iterator[Process]:
        """Processes whose scheduler told them which accelerators their job has, busy or not."""
        there = set()
        with os.scandir(self._root) as entries:
            pids = [int(entry.name) for entry in entries if entry.name.isdigit()]
        for pid in pids:
            if (found := self.one(pid, now)) is not None:
                there.add(pid)
                if found.allocated and (found.slurm_job or found.pod):
                    yield found
        for pid in self._known.keys() - there:
            del self._known[pid]

    def _read(self, pid: int, command: str, parent: int, started: datetime) -> Process | None:
        folder = self._root / str(pid)
        try:
            user = self._account(folder.stat().st_uid)
            cgroup = (folder / "cgroup").read_text(errors="replace")
        except OSError:
            return None
        said = _environment(folder / "environ")
        slurm, pod, container = _SLURM.search(cgroup), _POD.search(cgroup), _CONTAINER.search(cgroup)
        return Process(
            pid=pid, parent=parent, user=user, command=command, started=started, run_id=said.get("OUTLAY_RUN_ID"),
            slurm_job=_job(said) or (slurm[1] if slurm else None), pod=pod[1].replace("_", "-") if pod else None,
            container=container[1] if container else None, allocated=_allocated(said, bool(pod)))

    def _start(self, ticks: int) -> datetime:
        if self._booted is None:
            lines = (self._root / "stat").read_text().splitlines()
            boot = next((line.split()[1] for line in lines if line.startswith("btime ")), "0")
            self._booted = _EPOCH + timedelta(seconds=int(boot))
        return self._booted + timedelta(seconds=ticks // self._ticks)


def _environment(path: Path) -> Mapping[str, str]:
    """The variables that are read; none where the process is another user's and we may not look."""
    try:
        with path.open("rb") as file:
            entries = file.read(_MOST_BYTES).split(b"\0")
    except OSError:
        return {}
    found = {}
    for entry in entries:
        name, _, value = entry.partition(b"=")
        if name.decode("latin-1") in VARIABLES and value.strip():
            found[name.decode()] = value.decode(errors="replace").strip()[:_LONGEST]
    return found


def _job(said: Mapping[str, str]) -> str | None:
    """The job as `sacct` names it: a task of an array by the array's number and its own."""
    array, task = said.get("SLURM_ARRAY_JOB_ID"), said.get("SLURM_ARRAY_TASK_ID")
    return f"{array}_{task}" if array and task else said.get("SLURM_JOB_ID")


def _allocated(said: Mapping[str, str], in_pod: bool) -> tuple[str, ...]:
    """Indices or UUIDs. What a container may see says what it has only where Kubernetes gave it single devices."""
    text = said.get("SLURM_JOB_GPUS") or said.get("SLURM_STEP_GPUS") or ""
    seen = said.get("NVIDIA_VISIBLE_DEVICES", "")
    if not text and in_pod and seen.startswith(("GPU-", "MIG-")):
        text = seen
    found: list[str] = []
    for part in filter(None, (each.strip() for each in text.split(","))):
        first, dash, last = part.partition("-")
        if dash and first.isdigit() and last.isdigit() and 0 <= int(last) - int(first) < 64:
            found += map(str, range(int(first), int(last) + 1))
        else:
            found.append(part)
    return tuple(found)


@lru_cache(maxsize=1024)
def _account(number: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)

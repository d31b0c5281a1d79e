"""The agent at work: reads, keeps, sends, until it is told to stop."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from outlay.agent.backlog import Backlog
from outlay.agent.belonging import HostRuns, belonging
from outlay.agent.message import dropped, message
from outlay.agent.nvml import NoGpus, Nvml
from outlay.agent.processes import Processes
from outlay.agent.reading import HostRun, Reading
from outlay.agent.sending import Door, Sender

_LOG = logging.getLogger("outlay.agent")
#: After a pause of more than so many intervals (the host slept) nothing is said of the time in between.
_GAP = 5.0
#: How long what waits is tried to be delivered at the end, seconds.
_LAST_S = 5.0
#: How long a single reading takes, seconds.
ONCE_S = 1.0
_SEEN = "runs.json"


class Reader:
    """Reads the host again and again; each reading stands for the time since the one before it."""

    def __init__(
        self, nvml: Nvml, processes: Processes, *, node: str, pool: str, every_s: float, clock: Callable[[], datetime],
        runs: HostRuns | None = None,
    ) -> None:
        self._nvml = nvml
        self._processes = processes
        self._node = node
        self._pool = pool
        self._every_s = every_s
        self._clock = clock
        self._since: datetime | None = None
        self.runs = runs or HostRuns()

    def read(self) -> Reading | None:
        """What was since the last reading; None for the first one, and after a gap. Raises `NoGpus`."""
        devices = self._nvml.read()
        now = self._clock()
        since, self._since = self._since, now
        if since is None or not 0 < (now - since).total_seconds() <= _GAP * self._every_s:
            return None
        whose = belonging(devices, self._processes, self._node, now)
        return Reading(self._node, self._pool, since, now, tuple(zip(devices, whose.owners, strict=True)),
                       self.runs.now(whose.runs, now))

    def lost(self, nvml: Nvml) -> None:
        """The driver was away: goes on with a new one, saying nothing of the time in between."""
        self._nvml, self._since = nvml, None


def once(reader: Reader, wait: Callable[[float], object] = time.sleep) -> Reading:
    """One reading, of a second. Raises `NoGpus`."""
    reading = reader.read()
    while reading is None:
        wait(ONCE_S)
        reading = reader.read()
    return reading


def work(
    reader: Reader, backlog: Backlog, door: Door, folder: Path, every_s: float, stopping: threading.Event,
    again: Callable[[], Nvml],
) -> None:
    """Reads every `every_s` seconds until `stopping` is set. `again` opens the driver anew when it was lost."""
    sender = Sender(door, backlog)
    sender.start()
    next_at = time.monotonic()
    try:
        while not stopping.is_set():
            _round(reader, backlog, folder, again)
            next_at = max(next_at + every_s, time.monotonic())
            stopping.wait(next_at - time.monotonic())
    finally:
        sender.stop(_LAST_S)
        _LOG.info("stopped; %d bytes wait on disk, %d readings were dropped", backlog.size, backlog.dropped)


def _round(reader: Reader, backlog: Backlog, folder: Path, again: Callable[[], Nvml]) -> None:
    try:
        reading = reader.read()
    except NoGpus as error:
        _LOG.warning("%s", error)
        with suppress(NoGpus):
            reader.lost(again())
        return
    if reading is not None:
        backlog.add(message(reading).SerializeToString())
        remember(folder, reader.runs)


def open_backlog(folder: Path, most_bytes: int, node: str, clock: Callable[[], datetime]) -> Backlog:
    """Raises `BacklogError`."""
    return Backlog(folder, most_bytes, lambda count: dropped(node, count, clock()).SerializeToString())


def remember(folder: Path, runs: HostRuns) -> None:
    """Writes what runs on the host, so that an agent that is started again can say what has ended."""
    text = json.dumps([{
        "run_id": run.run_id, "name": run.name, "user": run.user, "started": run.started.isoformat(), "gpus": run.gpus,
        "seen": at.isoformat()} for run, at in runs.seen])
    fresh = folder / f"{_SEEN}.new"
    try:
        fresh.write_text(text)
        fresh.replace(folder / _SEEN)
    except OSError as error:
        _LOG.warning("what runs cannot be remembered: %s", error.strerror or error)


def remembered(folder: Path) -> HostRuns:
    """What an agent before this one saw; nothing where that cannot be read."""
    try:
        entries = json.loads((folder / _SEEN).read_text())
        return HostRuns((HostRun(
            run_id=each["run_id"], name=each["name"], user=each["user"], gpus=each["gpus"],
            started=datetime.fromisoformat(each["started"])), datetime.fromisoformat(each["seen"])) for each in entries)
    except FileNotFoundError:
        return HostRuns()
    except (OSError, ValueError, KeyError, TypeError) as error:
        _LOG.warning("what ran before cannot be read: %s", error)
        return HostRuns()

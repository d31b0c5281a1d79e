"""What is read on a GPU host, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Held:
    """Memory that a process has on an accelerator, MiB; None: the driver does not say."""

    pid: int
    memory_mb: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One accelerator, or one slice of it (MIG; `instance` is its number), over the time since the last reading.

    None: the device or the driver does not say. `util`, `sm_active`: percent, 0-100. `throttle`: why its clocks are
    lower than they could be; `ecc_errors`: uncorrected since the driver was loaded; `xids`: errors that the driver
    reported since the last reading.
    """

    uuid: str
    index: int
    name: str
    instance: int | None = None
    util: float | None = None
    sm_active: float | None = None
    memory_used_mb: float | None = None
    memory_total_mb: float | None = None
    power_w: float | None = None
    energy_mj: float | None = None
    temperature_c: float | None = None
    sm_clock_mhz: float | None = None
    throttle: tuple[str, ...] = ()
    ecc_errors: int | None = None
    xids: tuple[int, ...] = ()
    held: tuple[Held, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process as the host knows it. `command` is its name alone: arguments may hold secrets. `allocated`: what its
    scheduler said of the accelerators that its job has, as indices or UUIDs."""

    pid: int
    parent: int
    user: str
    command: str
    started: datetime
    run_id: str | None = None
    slurm_job: str | None = None
    pod: str | None = None
    container: str | None = None
    allocated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRun:
    """Work on this host that no scheduler knows: processes that have a root in common, or a container."""

    run_id: str
    name: str
    user: str
    started: datetime
    gpus: int
    ended: datetime | None = None


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose an accelerator is at the moment: the run, and the process that holds most of its memory."""

    run_id: str | None = None
    user: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything that was read of a host between two moments, UTC."""

    node: str
    pool: str
    since: datetime
    until: datetime
    devices: tuple[tuple[Device, Owner], ...]
    runs: tuple[HostRun, ...] = field(default=())

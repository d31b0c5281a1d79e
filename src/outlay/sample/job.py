"""A job of the sample's Slurm cluster, how its GPUs look while it runs, and what it says of its progress."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from outlay.sample.scenario import INTERVALS, PER_HOUR, Node, Person


class Look(StrEnum):
    """How utilisation goes. steady: around its mean. office: bursts in working hours. quiet: never above 3%. slow: long
    stretches of low use between bursts, progress all the while."""

    STEADY = "steady"
    OFFICE = "office"
    QUIET = "quiet"
    SLOW = "slow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Utilisation of a job's GPUs, percent. `busy`: how many of them work at all (None: all). `staging`: intervals at
    the start without use. From `died` (interval of the month) on there is none, or only a spinning 100% (`spins`)."""

    look: Look = Look.STEADY
    mean: float = 60
    busy: int | None = None
    staging: int = 0
    died: int | None = None
    spins: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """Progress rows: every `every` intervals until `until` (None: the end), a checkpoint every `checkpoint` intervals
    (0: never); after `until` the metric is NaN if `nan`, else silent. `falls`: how far the loss falls in all."""

    every: int = 4
    until: int | None = None
    checkpoint: int = 24
    nan: bool = False
    metric: str = "loss"
    falls: float = 1.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One Slurm job. Times are intervals of the month (see `scenario.INTERVAL_S`); `end` None: it still runs."""

    name: str
    kind: str
    team: str
    owner: Person
    project: str
    purpose: str
    environment: str
    places: tuple[tuple[Node, tuple[int, ...]], ...]
    start: int
    end: int | None
    state: str
    load: Load
    reports: Reports | None
    group: str | None = None
    note: str | None = None
    queued: int = 1
    failed_step: bool = False
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def gpus(self) -> int:
        return sum(len(devices) for _, devices in self.places)

    @property
    def span(self) -> tuple[int, int]:
        """Its first interval, and the one after its last."""
        return self.start, INTERVALS if self.end is None else self.end

    def cost(self, since: int | None = None, gpus: int | None = None) -> Decimal:
        """Dollars of the month, from an interval on, of so many of its GPUs (all: None). Its nodes cost alike."""
        first, last = self.span
        intervals = max(last - max(first, first if since is None else since), 0)
        rate = self.places[0][0].usd_gpu_h
        return rate * (self.gpus if gpus is None else gpus) * intervals / PER_HOUR

    def month(self, gpus: int | None = None) -> Decimal:
        """Dollars of 730 hours at its present rate; 0 where it has ended."""
        if self.end is not None:
            return Decimal(0)
        return self.places[0][0].usd_gpu_h * (self.gpus if gpus is None else gpus) * 730


@dataclass(frozen=True, slots=True)
class Numbered:
    """A job with the id that the scheduler gave it, in the order of submission."""

    job_id: int
    job: Job

    @property
    def run_id(self) -> str:
        return str(self.job_id)

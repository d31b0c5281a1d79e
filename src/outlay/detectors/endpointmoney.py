"""Endpoints as detectors see them: the runs of one name together, with their traffic and their money."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from outlay.detectors.base import Context
from outlay.facts.finding import Claim
from outlay.facts.window import HOURS_PER_MONTH
from outlay.questions.endpoints import EndpointRun, Traffic, endpoint_runs, run_peaks, traffic

#: Notes that say that an endpoint is meant to wait without traffic.
_STANDBY = re.compile(r"stand-?by|fail-?over|disaster|recovery|takes over|warm spare|canary|\bdr\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """All runs of one endpoint in the window. `measured`: something says how many requests it had; `inferred`: nothing
    does, but others of its scheduler report theirs. `peak`: highest utilisation of its devices, None: not read."""

    name: str
    runs: tuple[EndpointRun, ...]
    requests: float
    active_hours: int
    measured: bool
    inferred: bool
    peak: float | None

    @property
    def hours(self) -> float:
        return sum(run.hours for run in self.runs)

    @property
    def cost(self) -> Decimal:
        return sum((run.cost for run in self.runs), Decimal(0))

    @property
    def latest(self) -> EndpointRun:
        return max(self.runs, key=lambda run: (run.ended is None, run.ended or run.run_id, run.run_id))

    @property
    def is_up(self) -> bool:
        return any(run.ended is None for run in self.runs)

    @property
    def is_standby(self) -> bool:
        return any(run.note and _STANDBY.search(run.note) for run in self.runs)

    def claims(self, share: float) -> tuple[Claim, ...]:
        """`share` of each run's money; a month at the present rate for runs that are still up."""
        return tuple(_claim(run, share) for run in self.runs if run.cost > 0)


def endpoints(context: Context) -> tuple[Endpoint, ...]:
    """Every endpoint that was up in the window."""
    runs = endpoint_runs(context.ask, context.window)
    if not runs:
        return ()
    asked = traffic(context.ask, context.window, runs)
    peaks = run_peaks(context.ask, context.window, runs)
    groups: dict[str, list[EndpointRun]] = defaultdict(list)
    for run in runs:
        groups[run.endpoint].append(run)
    reporting = {run.scheduler for run in runs if run.endpoint in asked}
    return tuple(_endpoint(name, tuple(own), asked.get(name), reporting, peaks) for name, own in sorted(groups.items()))


def _endpoint(
    name: str, runs: tuple[EndpointRun, ...], asked: Traffic | None, reporting: set[str], peaks: dict[str, float]
) -> Endpoint:
    read = [peaks[run.run_id] for run in runs if run.run_id in peaks]
    return Endpoint(
        name, runs, asked.requests if asked else 0.0, asked.active_hours if asked else 0, measured=asked is not None,
        inferred=asked is None and any(run.scheduler in reporting for run in runs), peak=max(read, default=None))


def _claim(run: EndpointRun, share: float) -> Claim:
    a_month = run.cost / Decimal(str(run.hours)) * HOURS_PER_MONTH if run.ended is None else Decimal(0)
    part = Decimal(str(share))
    return Claim(f"run:{run.run_id}", run.cost * part, a_month * part, run.cost, a_month, run.reserved / run.cost)

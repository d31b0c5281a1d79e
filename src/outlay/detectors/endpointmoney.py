"""Endpoints as detectors see them: the runs of one name together, with their traffic and their money."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from outlay.detectors.base import Context
from outlay.facts.finding import Claim
from outlay.facts.window import HOURS_PER_MONTH
from outlay.questions.endpoints import EndpointRun, endpoint_runs, traffic

#: Notes that say that an endpoint is meant to wait without traffic.
_STANDBY = re.compile(r"stand-?by|fail-?over|disaster|recovery|takes over|warm spare|canary|\bdr\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """All runs of one endpoint in the window. `measured`: something says how many requests it had."""

    name: str
    runs: tuple[EndpointRun, ...]
    requests: float
    active_hours: int
    measured: bool

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
    asked = traffic(context.ask, context.window)
    groups: dict[str, list[EndpointRun]] = defaultdict(list)
    for run in endpoint_runs(context.ask, context.window):
        groups[run.endpoint].append(run)
    # Where any endpoint of a scheduler reports requests, one that reports none had none.
    reporting = {run.scheduler for runs in groups.values() for run in runs if run.run_id in asked}
    return tuple(
        Endpoint(name, tuple(runs), sum(asked[run.run_id].requests for run in runs if run.run_id in asked),
                 sum(asked[run.run_id].active_hours for run in runs if run.run_id in asked),
                 any(run.scheduler in reporting for run in runs))
        for name, runs in sorted(groups.items()))


def _claim(run: EndpointRun, share: float) -> Claim:
    a_month = run.cost / Decimal(str(run.hours)) * HOURS_PER_MONTH if run.ended is None else Decimal(0)
    part = Decimal(str(share))
    return Claim(f"run:{run.run_id}", run.cost * part, a_month * part, run.cost, a_month)

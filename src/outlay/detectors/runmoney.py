"""Dollars of findings about runs: what a run cost, what of it a finding claims, what that is a month; how to end it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from outlay.accounting.figures import duration
from outlay.detectors.base import Context
from outlay.detectors.endcommand import stop_run
from outlay.facts.finding import Claim
from outlay.facts.window import HOURS_PER_MONTH, Window
from outlay.questions.runs import RunCost, RunLife, run_costs


@dataclass(frozen=True, slots=True)
class RunMoney:
    """A run's dollars in the window. `cost` None: no hour of it has a known price."""

    run: RunLife
    window: Window
    cost: RunCost | None

    def since(self, moment: datetime, share: Decimal = Decimal(1)) -> tuple[Claim, ...]:
        """A claim on `share` of what the run cost from a moment on; a month at the rate since then, where it goes on.

        No claim where its cost is not known.
        """
        if self.cost is None or not self.cost.days:
            return ()
        first, last = span = self.run.span(self.window)
        begin = max(moment, first)
        so_far = self.cost.between(begin, span)
        going = self.run.goes_on(self.window)
        a_month = _rate(so_far, last - begin) if going else Decimal(0)
        pot_month = max(_rate(self.cost.total, last - first), a_month) if going else Decimal(0)
        return (Claim(f"run:{self.run.run_id}", so_far * share, a_month * share, self.cost.total, pot_month,
                      self.cost.reserved_share, Window(begin, last)),)

    @property
    def gpu_hours(self) -> float:
        """Device hours of the window."""
        return self.cost.gpu_s / 3600 if self.cost else 0.0


def money_of(context: Context, runs: Iterable[RunLife]) -> tuple[RunMoney, ...]:
    """The runs with their dollars, in their order."""
    chosen = tuple(runs)
    costs = run_costs(context.ask, context.window, {run.run_id for run in chosen})
    return tuple(RunMoney(run, context.window, costs.get((run.run_id, run.scheduler))) for run in chosen)


def _rate(cost: Decimal, time: timedelta) -> Decimal:
    """A month's dollars at what `time` cost."""
    hours = Decimal(time // timedelta(seconds=1)) / 3600
    return cost / hours * HOURS_PER_MONTH if hours > 0 else Decimal(0)


def subject(run: RunLife) -> str:
    """`run slurm/north 4711`."""
    return f"run {run.scheduler} {run.run_id}" if run.scheduler else f"run {run.run_id}"


def named(run: RunLife) -> str:
    """`Run 4711 (sft-7b-mix)`."""
    return f"Run {run.run_id} ({run.name})" if run.name and run.name != run.run_id else f"Run {run.run_id}"


def held(run: RunLife) -> str:
    """`4 GPUs`."""
    count = run.gpus or run.devices
    return "its GPUs" if not count else "1 GPU" if count == 1 else f"{count:,} GPUs"


def lasting(time: timedelta) -> str:
    """`40 h`, `12 days`: whole days from three days on."""
    hours = time / timedelta(hours=1)
    return duration(round(hours / 24) * 24 if hours >= 72 else round(hours))


def ending(run: RunLife, window: Window) -> tuple[str, str]:
    """Command and change that end a run: none where it has ended, in words where its scheduler is not known."""
    if not run.goes_on(window):
        return "", ""
    command = stop_run(run.scheduler, run.run_id, run.name, run.kind)
    return command, "" if command else f"end run {run.run_id} where it was started"

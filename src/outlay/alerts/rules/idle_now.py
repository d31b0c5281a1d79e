"""Runs and machines that cost money now and do nothing."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from outlay.alerts.condition import Condition, Severity
from outlay.alerts.inputs import Inputs
from outlay.alerts.rules.base import Rule
from outlay.alerts.rules.findings import condition_of, costs_now, goes_on, run_of

#: Detectors whose findings these are.
DETECTORS = ("idle-gpu", "zombie-run")
#: Dollars so far below which it can wait until somebody looks.
_LEAST = Decimal(100)


class IdleNow(Rule):
    """Accelerators that are paid for now and do nothing: idle allocations and machines, and runs without progress.

    **It holds** while a finding of [`idle-gpu`](detectors.md#idle-gpu) or [`zombie-run`](detectors.md#zombie-run) is
    about work that has not ended. Runs of one sweep or job array are one alert, whose amount is their sum.

    **How loud**: warn; info below $100 so far.

    **It leaves alone** what has ended (the Findings page has it), findings that were accepted or ignored, and
    everything while a source of readings or of runs (Prometheus, Slurm) is silent: what is not heard is not idle.

    **End it** with the command that it names: most can be resumed from their last checkpoint.
    """

    code = "idle-now"
    title = "Accelerators are paid for and do nothing"
    needs = ("findings",)
    rests_on = ("prometheus", "slurm")

    def conditions(self, inputs: Inputs) -> Iterable[Condition]:
        for finding in inputs.findings or ():
            if finding.code in DETECTORS and goes_on(finding):
                run = run_of(finding, inputs)
                if run is not None and run.ended:
                    continue
                small = bool(finding.claims) and finding.so_far < _LEAST
                evidence = dict(finding.evidence)
                shows = evidence.get("How it shows") or evidence.get("Highest use", "")
                why = f"{shows[:1].upper()}{shows[1:]}. " if shows else ""
                yield condition_of(
                    self.code, finding, inputs, Severity.INFO if small else Severity.WARN,
                    cause=f"{why}{costs_now(finding, inputs)}".strip(),
                    group=f"{run.scheduler}/{run.group}" if run is not None and run.group else "")

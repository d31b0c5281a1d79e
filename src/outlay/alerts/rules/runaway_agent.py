"""Agents that run away now."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from outlay.alerts.condition import Condition, Severity
from outlay.alerts.inputs import Inputs
from outlay.alerts.rules.base import Rule
from outlay.alerts.rules.findings import condition_of

#: A run of an agent that made no call for so long has ended, or was stopped.
_QUIET = timedelta(minutes=30)


class RunawayAgentNow(Rule):
    """An agent makes far more calls in one run than it should: a loop, retries, or a context that only grows.

    **It holds** while a finding of [`runaway-agent`](detectors.md#runaway-agent) is about a run of an agent whose
    last call is less than half an hour older than the latest that the ledger knows of. Runs of one agent are one alert.

    **How loud**: page. A loop costs until somebody stops it.

    **It leaves alone** runs that have ended; the Findings page has them.

    **End it** by stopping the run, and give the agent a limit of turns.
    """

    code = "runaway-agent"
    title = "An agent runs away"
    needs = ("findings", "burns")

    def conditions(self, inputs: Inputs) -> Iterable[Condition]:
        assert inputs.burns is not None
        for finding in inputs.findings or ():
            if finding.code == "runaway-agent" and inputs.burns.known_until - finding.period.until < _QUIET:
                signs = ", ".join(f"{name[:1].lower()}{name[1:]} {value}" for name, value in finding.evidence[1:4])
                agent = finding.subject.partition(", agent ")[2]
                yield condition_of(
                    self.code, finding, inputs, Severity.PAGE, group=agent,
                    cause=f"{signs[:1].upper()}{signs[1:]}.")

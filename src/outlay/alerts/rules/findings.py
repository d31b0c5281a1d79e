"""Findings as conditions: what detectors found, and goes on."""

from __future__ import annotations

from datetime import datetime

from outlay.accounting.money import dollars
from outlay.alerts.condition import Condition, Severity
from outlay.alerts.inputs import Inputs
from outlay.facts.finding import Finding
from outlay.facts.window import HOURS_PER_MONTH
from outlay.questions.known_runs import KnownRun
from outlay.web.links import finding_link

#: Evidence that a message repeats; the page has all of it.
_EVIDENCE = 4


def goes_on(finding: Finding) -> bool:
    """Whether it costs something now: what has ended has nothing that ends it."""
    return bool(finding.command or finding.change)


def run_of(finding: Finding, inputs: Inputs) -> KnownRun | None:
    """The run that a finding is about, where its scheduler told of it: `run slurm/north 4711`."""
    return inputs.runs.get(run_id) if (run_id := subject_run(finding)) is not None else None


def subject_run(finding: Finding) -> str | None:
    """The id of the run that a finding is about."""
    kind, _, rest = finding.subject.partition(" ")
    return rest.rpartition(" ")[2] if kind == "run" and rest else None


def began(finding: Finding) -> datetime:
    """Since when it costs: the earliest of what it claims."""
    return min((claim.span.since for claim in finding.claims if claim.span is not None), default=finding.period.since)


def condition_of(
    rule: str, finding: Finding, inputs: Inputs, severity: Severity, *, cause: str, group: str = ""
) -> Condition:
    """The condition of one finding; the amount is what it cost so far, unknown where nothing is claimed."""
    return Condition(
        rule=rule, key=f"finding:{finding.id}", severity=severity, team=finding.team, owner=finding.owner,
        title=finding.title, cause=cause, amount=finding.so_far if finding.claims else None, currency=inputs.currency,
        since=began(finding), link=finding_link(finding.id), action=finding.action,
        command=finding.command, facts=finding.evidence[:_EVIDENCE], group=group)


def costs_now(finding: Finding, inputs: Inputs) -> str:
    """`It costs $11.92 an hour.`"""
    if not finding.claims:
        return "What it costs is not known: its accelerator has no price."
    hour = finding.month / HOURS_PER_MONTH
    return f"It costs {dollars(hour, inputs.currency)} an hour." if hour else ""

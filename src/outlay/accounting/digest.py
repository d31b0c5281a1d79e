"""What every face derives from the assessment to say it: goals, what is in no sum, findings in their order."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from outlay.accounting.assessment import Assessment, Counted, Gpu, GpuPart, Line
from outlay.accounting.figures import plural
from outlay.accounting.money import dollars
from outlay.facts.finding import Finding
from outlay.facts.window import HOURS_PER_MONTH

#: Goals that figures are held against: well-run AI wastes 20%, GPUs work over 60%, under 5% of spend has no team.
WASTED_GOAL = 0.2
UTILISATION_GOAL = 0.6
UNTAGGED_GOAL = 0.05

#: The parts of accelerator time, in the order in which they are always shown.
GPU_PARTS = {
    "used": "Used",
    "idle": "Allocated, not used",
    "unallocated": "Not allocated",
    "unknown": "No reading",
}

#: The four costs of FOCUS in plain words.
BASIS = {
    "effective": "what was paid, with commitments spread over their use",
    "billed": "what the invoices say",
    "list": "public prices, before any discount",
    "contracted": "negotiated prices, before commitments",
}


@dataclass(frozen=True, slots=True)
class Ranked:
    """Findings, dearest first. Claims of the live ones, less the overlap, are what is left to them."""

    live: tuple[Counted, ...]
    """open or accepted: what is accepted still costs until it is done"""
    ignored: tuple[Counted, ...]
    """in no sum"""

    @property
    def so_far(self) -> Decimal:
        return sum((each.so_far for each in self.live), Decimal(0))

    @property
    def overlap_so_far(self) -> Decimal:
        return sum((each.finding.so_far for each in self.live), Decimal(0)) - self.so_far


def freed(finding: Finding, currency: str) -> str:
    """What of a finding's month is no cash, in words; "" where all of it is."""
    if not finding.freed_month:
        return ""
    if finding.month - finding.freed_month < finding.month / 100:
        return "frees reserved capacity, which is paid for either way"
    return f"{dollars(finding.freed_month, currency)} a month of it is reserved capacity, which is freed, not saved"


def ranked(findings: tuple[Counted, ...]) -> Ranked:
    """Live and ignored findings by dollars a month; equal ones by id, so that two reports list them alike."""
    ordered = sorted(findings, key=lambda each: (-each.finding.month, each.finding.id))
    return Ranked(
        tuple(each for each in ordered if each.state != "ignored"),
        tuple(each for each in ordered if each.state == "ignored"),
    )


def all_estimated(assessment: Assessment) -> bool:
    """Nothing is billed yet: then it is said once, instead of a mark at each figure."""
    return bool(assessment.spent) and assessment.estimated >= assessment.spent


def window_rate(assessment: Assessment) -> Decimal:
    """The whole window's spend as a month of 730 hours: the neighbour of the last 7 days' rate."""
    hours = Decimal(str(assessment.window.hours))
    return assessment.spent / hours * HOURS_PER_MONTH if hours else Decimal(0)


def top_rest(assessment: Assessment) -> Line | None:
    """What the largest cost lines leave of the spend."""
    rest = assessment.spent - sum((line.cost for line in assessment.top), Decimal(0))
    return Line("Everything else", rest, float(rest / assessment.spent)) if rest > 0 and assessment.spent else None


def suggested(assessment: Assessment) -> Decimal:
    """Untagged spend for which an owner is suggested."""
    return sum((each.cost for each in assessment.untagged.suggestions), Decimal(0))


def gpu_parts(gpu: Gpu) -> tuple[GpuPart, ...]:
    """All four parts in their order; one that the assessment does not name is nothing."""
    found = {part.part: part for part in gpu.parts}
    return tuple(found.get(part, GpuPart(part, Decimal(0), Decimal(0))) for part in GPU_PARTS)


def left_out(assessment: Assessment) -> list[str]:
    """What is in no sum, each in a few words: the unknown is said where the answer is."""
    said = []
    if assessment.unpriced:
        said.append(f"{plural(len(assessment.unpriced), 'model')} without a price")
    for currency, amount in sorted(assessment.other_currencies.items()):
        unnamed = currency == "unknown"
        said.append(f"{dollars(amount, '').strip()} of unknown currency" if unnamed else dollars(amount, currency))
    if assessment.rejected:
        said.append(f"{plural(assessment.rejected, 'row')} that could not be read")
    if assessment.gaps:
        said.append(f"{plural(len(assessment.gaps), 'gap')} in the evidence")
    return said

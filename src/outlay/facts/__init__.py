"""Frozen values in the field's own words; nothing here reads or writes anything."""

from outlay.facts.call import Call, Usage
from outlay.facts.charge import Charge
from outlay.facts.column import Column, columns
from outlay.facts.gpu import Capacity, Sample
from outlay.facts.output import Output
from outlay.facts.reject import Notice, Reject
from outlay.facts.run import Progress, Run

Fact = Charge | Call | Usage | Sample | Capacity | Progress | Run | Output

#: Every kind of fact that the ledger keeps, in the order in which a reader meets them in DESIGN.md.
KINDS: tuple[type[Fact], ...] = (Charge, Call, Usage, Sample, Capacity, Progress, Run, Output)

__all__ = [
    "KINDS", "Call", "Capacity", "Charge", "Column", "Fact", "Notice", "Output", "Progress", "Reject", "Run",
    "Sample", "Usage", "columns",
]

"""What a detector says: something that costs and should not, who can end it, and how."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from outlay.facts.window import Window


class Confidence(StrEnum):
    """high: measured, no judgement needed; medium: measured, one assumption stated; low: evidence incomplete."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Claim:
    """Dollars that a finding says could go, in a pot that others may claim from too.

    `pot` names disjoint money: `run:slurm/north/4711`, `calls:openai/gpt-4o/search/chat`, `resource:vol-1`.
    `pot_so_far` and `pot_month` are what the whole pot cost and costs; no pot is ever emptied beyond them.
    `committed`: the share (0..1) that is reserved and paid for either way: acting frees it for other work, and takes
    nothing off the bill. `span`: when the dollars so far were spent; None: over the finding's period.
    """

    pot: str
    so_far: Decimal
    month: Decimal
    pot_so_far: Decimal
    pot_month: Decimal
    committed: Decimal = Decimal(0)
    span: Window | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding. Money is in US dollars, so far in `period` and a month from now.

    `command`: what ends it, as it can be typed into a shell, one command a line. `change`: where a change of code or
    of settings ends it, what is set to what, and where. Both are empty where `action` says all there is to do.
    """

    code: str
    capability: str
    subject: str
    title: str
    owner: str | None
    team: str | None
    evidence: tuple[tuple[str, str], ...]
    period: Window
    claims: tuple[Claim, ...]
    confidence: Confidence
    action: str
    command: str = ""
    change: str = ""
    assumption: str = ""

    @property
    def id(self) -> str:
        """Stable over time: the same detector and subject give the same id."""
        return f"{self.code}-{hashlib.sha256(self.subject.encode()).hexdigest()[:8]}"

    @property
    def so_far(self) -> Decimal:
        """Dollars of the period that bought nothing."""
        return sum((claim.so_far for claim in self.claims), Decimal(0))

    @property
    def month(self) -> Decimal:
        """Dollars of a month from now that acting saves."""
        return sum((claim.month for claim in self.claims), Decimal(0))

    @property
    def freed_month(self) -> Decimal:
        """Of `month`: capacity that is reserved and paid for either way, freed for other work."""
        return sum((claim.month * claim.committed for claim in self.claims), Decimal(0))

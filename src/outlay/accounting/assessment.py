"""The assessment as a value: everything that the terminal, the HTML report and `--json` say, and nothing more.

Money is Decimal in `currency`; `None` means unknown and is shown as such, never as zero. Shares are 0..1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from outlay.facts.finding import Finding
from outlay.facts.window import Window


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a breakdown. `detail` is a short second line; `estimated`: some of it is metered, not billed."""

    label: str
    cost: Decimal
    share: float
    detail: str = ""
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Cost by one dimension (team, stage, model, run, agent), largest first; `rest` is what was cut off."""

    dimension: str
    lines: tuple[Line, ...]
    rest: Line | None
    total: Decimal


@dataclass(frozen=True, slots=True)
class TrendDay:
    """One day's spend, and what of it bought nothing according to the findings."""

    day: date
    cost: Decimal
    wasted: Decimal


@dataclass(frozen=True, slots=True)
class OutputCost:
    """Cost per Valuable Output: `cost` of the scope that makes `kind`, divided by `count`."""

    kind: str
    scope: str
    count: Decimal
    cost: Decimal
    unit_cost: Decimal | None
    value: Decimal | None = None


@dataclass(frozen=True, slots=True)
class GpuPart:
    """used, idle (allocated, no work), unallocated or unknown (no readings): the four add up to the total."""

    part: str
    gpu_hours: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True)
class Heatmap:
    """Utilisation, one row a device, one cell a time bucket.

    A cell is a percentage 0-100 of an allocated device, -1 where the device was free, None where nothing was read.
    """

    start: datetime
    bucket_s: int
    devices: tuple[str, ...]
    cells: tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True, slots=True)
class Gpu:
    """Accelerators in the window. `utilisation` is of allocated, measured GPU-hours (SLO: over 0.6)."""

    parts: tuple[GpuPart, ...]
    utilisation: float | None
    heatmap: Heatmap | None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A likely owner of untagged spend, with the evidence."""

    subject: str
    cost: Decimal
    suggested: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Untagged:
    """Spend without a team (goal: under 0.05 of all)."""

    cost: Decimal
    share: float
    suggestions: tuple[Suggestion, ...]


@dataclass(frozen=True, slots=True)
class QuickQuestion:
    """One of the seven quick-win questions. `good` is None where it could not be judged."""

    question: str
    answer: str
    figure: str
    good: bool | None


@dataclass(frozen=True, slots=True)
class Counted:
    """A finding with the dollars that are left to it after overlaps; `state` is open, accepted or ignored."""

    finding: Finding
    so_far: Decimal
    month: Decimal
    state: str = "open"
    freed_month: Decimal = Decimal(0)
    """of `month`: reserved capacity that is freed, and paid for either way"""


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that could not be judged, what it touches, and what would settle it (a command where there is one)."""

    gap: str
    cost: Decimal | None
    settle: str


@dataclass(frozen=True, slots=True)
class Drift:
    """Metered against billed US dollars of the same things; `unmetered` is billed without a matching call."""

    billed: Decimal
    metered: Decimal
    unmetered: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What AI cost, who caused it, what of it was waste, and what to do."""

    sample: bool
    organisation: str = ""
    """whose spend it is, as the settings say; empty: not said"""
    as_of: datetime
    window: Window
    currency: str
    cost_basis: str
    spent: Decimal
    estimated: Decimal
    """of `spent`: metered, no bill yet"""
    wasted: Decimal
    """of `spent`: what bought nothing, overlaps counted once"""
    saving_month: Decimal
    """a month from now, if all findings that are not ignored are acted upon, overlaps counted once"""
    freed_month: Decimal = Decimal(0)
    """of `saving_month`: reserved capacity that is freed for other work; the bill stays as it is"""
    overlap_month: Decimal
    """claimed twice, and left out of `saving_month`"""
    month_rate: Decimal
    """the last 7 days' spend as a month of 730 hours"""
    previous: Decimal | None
    """spend of the window of equal length before, None where the ledger does not reach back"""
    trend: tuple[TrendDay, ...]
    outputs: tuple[OutputCost, ...]
    top: tuple[Line, ...]
    breakdowns: tuple[Breakdown, ...]
    gpu: Gpu | None
    untagged: Untagged
    questions: tuple[QuickQuestion, ...]
    findings: tuple[Counted, ...]
    gaps: tuple[Gap, ...]
    drift: Drift
    other_currencies: Mapping[str, Decimal]
    """totals that could not be converted, by currency, `unknown` where the bill names none"""
    unpriced: tuple[Line, ...]
    """models with calls but no known price; cost is zero here and said to be unknown, detail has the tokens"""
    rejected: int
    sources: tuple[str, ...]
    converted: str = ""
    """where the reporting currency is not the US dollar: what was converted how, and what was not"""

    @property
    def wasted_share(self) -> float:
        return float(self.wasted / self.spent) if self.spent else 0.0

    @property
    def cash_month(self) -> Decimal:
        """Of `saving_month`: what comes off the bills."""
        return self.saving_month - self.freed_month

    @property
    def headline(self) -> str:
        """The one sentence that everything else explains."""
        from outlay.accounting.figures import percent
        from outlay.accounting.money import dollars

        if not self.spent:
            return "Nothing was spent in this window."
        spent = f"{dollars(self.spent, self.currency)} was spent"
        if not self.wasted and not self.saving_month:
            return f"{spent}; no finding says that any of it bought nothing."
        freed = dollars(self.freed_month, self.currency)
        gained = [f"saves {dollars(self.cash_month, self.currency)} a month"] if self.cash_month else []
        gained += [f"frees {freed} a month of reserved capacity"] if self.freed_month else []
        return (
            f"{spent}; {percent(self.wasted_share)} of it bought nothing, and acting on the findings "
            f"{' and '.join(gained) or 'saves nothing from now on'}."
        )

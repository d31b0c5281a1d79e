"""Dollars that two findings claim are counted once."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from outlay.accounting.assessment import Counted
from outlay.facts.finding import Claim, Confidence, Finding

_RANK = {Confidence.HIGH: 0, Confidence.MEDIUM: 1, Confidence.LOW: 2}


def count_once(findings: Iterable[Finding]) -> tuple[Counted, ...]:
    """Each finding with the dollars left to it: the surest first, then the largest; no pot is emptied twice.

    The result is sorted by what is left a month, then by id.
    """
    left: dict[str, tuple[Decimal, Decimal]] = {}
    counted = []
    for finding in sorted(findings, key=lambda f: (_RANK[f.confidence], -f.month, -f.so_far, f.id)):
        so_far = month = freed = Decimal(0)
        for claim in finding.claims:
            taken_so_far, taken_month = _take(claim, left)
            so_far += taken_so_far
            month += taken_month
            freed += taken_month * claim.committed
        counted.append(Counted(finding, so_far, month, freed_month=freed))
    return tuple(sorted(counted, key=lambda c: (-c.month, -c.so_far, c.finding.id)))


def _take(claim: Claim, left: dict[str, tuple[Decimal, Decimal]]) -> tuple[Decimal, Decimal]:
    """What the claim still finds in its pot. A pot is as large as the largest account that a finding gives of it."""
    spent_so_far, spent_month = left.get(claim.pot, (Decimal(0), Decimal(0)))
    so_far = max(min(claim.so_far, claim.pot_so_far - spent_so_far), Decimal(0))
    month = max(min(claim.month, claim.pot_month - spent_month), Decimal(0))
    left[claim.pot] = (spent_so_far + so_far, spent_month + month)
    return so_far, month

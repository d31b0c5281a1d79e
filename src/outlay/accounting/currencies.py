"""Findings in the reporting currency: they are made in US dollars, in which prices are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from outlay.accounting.assessment import Gap
from outlay.facts.finding import Claim, Finding
from outlay.facts.window import Window


@dataclass(frozen=True, slots=True)
class Reported:
    """Findings whose claims are in the reporting currency; what is to be said about it; what could not be done."""

    findings: tuple[Finding, ...]
    said: str = ""
    gaps: tuple[Gap, ...] = ()


def in_currency(
    findings: Sequence[Finding], currency: str, rates: Sequence[tuple[datetime, Decimal]], window: Window
) -> Reported:
    """Claims at the latest rate of the window; titles and evidence keep the dollars that they name.

    Without a rate no finding is reported: dollars are never added to another currency.
    """
    if currency == "USD":
        return Reported(tuple(findings))
    known = [(day, rate) for day, rate in rates if day < window.until]
    if not known:
        return Reported((), gaps=(Gap(
            f"No finding is shown: they are US dollars, and the settings give no rate that turns these into {currency}",
            None, "Give a rate for USD in the file that `rates` names (docs/concepts.md, Currencies)"),))
    day, rate = known[-1]
    said = (f"amounts are {currency}; amounts of findings are US dollars x {rate.normalize():f} {currency} (rate of "
            f"{day:%Y-%m-%d}); what titles and evidence of findings, drift and unmetered say with $ is US dollars")
    return Reported(tuple(_converted(finding, rate) for finding in findings), said)


def _converted(finding: Finding, rate: Decimal) -> Finding:
    return replace(finding, claims=tuple(_claim(claim, rate) for claim in finding.claims))


def _claim(claim: Claim, rate: Decimal) -> Claim:
    return replace(
        claim, so_far=claim.so_far * rate, month=claim.month * rate, pot_so_far=claim.pot_so_far * rate,
        pot_month=claim.pot_month * rate)

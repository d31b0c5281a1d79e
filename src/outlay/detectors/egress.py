"""F6: data that leaves its region again and again, and nobody says why."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from outlay.accounting.figures import period
from outlay.accounting.money import dollars
from outlay.detectors.base import Context, Detector
from outlay.detectors.billmoney import BillMoney, in_production, kept_on_purpose
from outlay.detectors.endcommand import costs_shown
from outlay.facts.finding import Confidence, Finding
from outlay.questions.billed_resources import BilledResource, transfers


class UnexplainedEgress(Detector):
    """Recurring transfer out of a region that nobody explains.

    **It finds** resources that moved data to another region, or to the internet, on a week's worth of days or more,
    outside of production, without a purpose or a note.

    **It costs** because every gigabyte is paid for each time it is moved; a nightly copy of what did not change pays
    for all of it every night.

    **The dollars** are what the transfer cost in the window, not what else the resource cost. A month: so far x 730 /
    the hours that the resource's lines cover; 0 for one that the bill no longer lists.

    **It leaves alone** production, whose users are served from there; replicas, which `unused-replication` judges by
    whether they are read; transfer to the internet of resources that name no environment, since that is how products
    are delivered; transfer within a region; and whatever a tag `purpose` or `note` explains.

    **End it** by running the job in the region where the data lies, copying only what changed, or stopping it. What
    the transfer is for belongs in the tag `purpose`.
    """

    code = "egress"
    title = "Recurring transfer that nobody explains"
    capability = "F6"
    needs = ("charge",)
    missing = "Import a bill in FOCUS that names the resource and the meter of data transfer."

    def find(self, context: Context) -> Iterator[Finding]:
        limit = context.thresholds
        money = BillMoney(context, limit["ended_days"])
        for found in transfers(context.ask, context.window, Decimal(limit["min_so_far"])):
            unexplained = _unexplained(found)
            if unexplained >= Decimal(limit["min_so_far"]) and found.moved_days >= limit["min_days"]:
                yield _finding(context, money, found, unexplained)


def _unexplained(found: BilledResource) -> Decimal:
    """Dollars of its transfer that nothing speaks for."""
    said = found.purpose or found.note or found.replica_of or in_production(found) or kept_on_purpose(found)
    if said:
        return Decimal(0)
    return found.across + (found.internet if found.environment else Decimal(0))


def _finding(context: Context, money: BillMoney, found: BilledResource, cost: Decimal) -> Finding:
    where = "out of its region" if found.internet and found.across else (
        "to the internet" if found.internet else "to another region")
    known = found.environment is not None
    return Finding(
        code=UnexplainedEgress.code, capability=UnexplainedEgress.capability, subject=f"transfer {found.resource}",
        title=f"{found.resource} moved data {where} on {found.moved_days} days for {dollars(cost)}; nothing says why.",
        owner=found.owner, team=found.team,
        evidence=(
            ("To other regions", dollars(found.across)),
            ("To the internet", dollars(found.internet)),
            ("Days with transfer", str(found.moved_days)),
            ("From", found.region or "unknown"),
            ("Environment", found.environment or "unknown"),
            ("Purpose", "none is stated"),
            ("Period", period(context.window)),
        ),
        period=context.window,
        claims=(money.claim(found, cost),),
        confidence=Confidence.MEDIUM if known else Confidence.LOW,
        assumption="Nothing needs the data where it is moved to." if known else
                   "Nothing needs the data where it is moved to, and this is no production; no environment is stated.",
        action="Run the job where the data lies or copy only what changed; stop it if nobody misses it.",
        command=costs_shown("line", context.window, resource=found.resource) + " --every day",
        change=f"a tag `purpose` of {found.resource} that says why, if the transfer is needed",
    )

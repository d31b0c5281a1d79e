"""F4: copies in other regions that nobody reads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from outlay.accounting.figures import day, period
from outlay.accounting.money import dollars
from outlay.detectors.base import Context, Detector
from outlay.detectors.billmoney import BillMoney, in_production, kept_on_purpose
from outlay.detectors.endcommand import end_replication
from outlay.facts.finding import Confidence, Finding
from outlay.questions.billed_resources import BilledResource, copies


class UnusedReplication(Detector):
    """Replication that nobody uses.

    **It finds** replicas - resources with a tag `replica_of`, or called replica, mirror, crr or copy - that the bill
    charges storage for, and no read: no GET, no retrieval, no query, nothing taken out.

    **It costs** because a copy is paid for like the original, and every change of the original is moved to it.

    **The dollars** are all charges of the replica in the window: its storage, the transfer that keeps it up to date,
    and its requests. A month: so far x 730 / the hours that its lines cover; 0 for one that the bill no longer lists.

    **It leaves alone** replicas that were read only once (a monthly restore test is a use); those whose purpose, note
    or name speaks of disaster recovery, backup, failover, archive or compliance; those younger than a week, which are
    still being filled; and services whose bills list no reads of anything, since nothing can be concluded from them.

    **End it** by turning the replication off, then deleting the copy. What a replica is kept for belongs in its tag
    `purpose`.
    """

    code = "unused-replication"
    title = "Replicas that nobody reads"
    capability = "F4"
    needs = ("charge",)
    missing = "Import a bill in FOCUS with resources, meters and tags."

    def find(self, context: Context) -> Iterator[Finding]:
        limit = context.thresholds
        money = BillMoney(context, limit["ended_days"])
        filled = context.window.until - timedelta(days=limit["min_days"])
        for copy in copies(context.ask, context.window, Decimal(limit["min_so_far"])):
            if not copy.reads and copy.reads_listed and copy.seen <= filled and not kept_on_purpose(copy):
                yield _finding(context, money, copy)


def _finding(context: Context, money: BillMoney, copy: BilledResource) -> Finding:
    confidence, assumption = _sureness(copy)
    of = copy.replica_of or "unknown"
    command = end_replication(copy)
    moved = copy.across + copy.internet
    return Finding(
        code=UnusedReplication.code, capability=UnusedReplication.capability, subject=f"replica {copy.resource}",
        title=f"Replica {copy.resource} cost {dollars(copy.cost)}, and nothing read it.",
        owner=copy.owner, team=copy.team,
        evidence=(
            ("Replica of", of),
            ("Region", copy.region or "unknown"),
            ("Billed since", day(copy.seen)),
            ("Reads on the bill", "none"),
            ("Storage", dollars(copy.stored)),
            ("Transfer", dollars(moved)),
            ("Other", dollars(copy.cost - copy.stored - moved)),
            ("Period", period(context.window)),
        ),
        period=context.window,
        claims=(money.claim(copy, copy.cost),),
        confidence=confidence,
        assumption=assumption,
        action=f"Turn off the replication of {of} to {copy.region or 'this region'}, and delete the copy."
               if copy.replica_of else "Turn off the replication that fills it, and delete the copy.",
        command=command,
        change="" if command and copy.provider == "aws" and copy.replica_of
               else f"no replication from {copy.replica_of or 'its source'} to {copy.resource}",
    )


def _sureness(copy: BilledResource) -> tuple[Confidence, str]:
    if copy.replica_of is None:
        return Confidence.MEDIUM, "It is a copy, as its name says."
    if in_production(copy):
        return Confidence.MEDIUM, "No plan for a disaster counts on it; no tag or note says that one does."
    return Confidence.HIGH, ""

"""F5: snapshots, checkpoints and versions that were followed by newer ones."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from outlay.accounting.figures import moment, period, plural
from outlay.accounting.money import dollars
from outlay.detectors.base import Context, Detector
from outlay.detectors.billmoney import BillMoney, in_production, kept_on_purpose
from outlay.detectors.endcommand import delete_version
from outlay.facts.finding import Confidence, Finding
from outlay.questions.billed_resources import BilledResource, kept_versions

#: What stands before the number of a version: `lm-7b-v12`, `run/step-4000`, `vol.2026-08-01`.
_NUMBERED = re.compile(
    r"^(.{3,}?)[-_./:@](?:v|ver|version|step|iter|epoch|ckpt|snap)?[-_]?(\d[\d-]{0,13})$", re.IGNORECASE)
_KINDS = ("snapshot", "checkpoint", "version")
#: Names that the evidence spells out.
_NAMED = 200


@dataclass(frozen=True, slots=True)
class _Version:
    resource: BilledResource
    kind: str
    source: str
    created: datetime
    #: Whether tags say both, or they were taken from the name and the first line of the bill.
    stated: bool


class SnapshotBloat(Detector):
    """Snapshots, checkpoints and versions that pile up.

    **It finds** snapshots, checkpoints and versions (by tag `kind` or resource type) that are older than 30 days and
    were followed by a newer one of the same source. Source and age are the tags `source` and `created`; without them
    the name up to its number, and the first day that any bill lists it, which it is at least as old as.

    **It costs** because each is stored until someone deletes it, and nobody restores the fifth-last one.

    **The dollars** are all charges of these resources in the window. A month: so far x 730 / the hours that their
    lines cover; 0 for those that the bill no longer lists.

    **It leaves alone** the newest of each source, and the newest three in production, which a service is rolled back
    to; what is younger than 30 days; what a tag `retain`, a purpose, a note or its name keeps (compliance, legal,
    audit, release, archive); and what has neither a source nor a numbered name, since nothing shows that a newer one
    followed.

    **End it** by deleting the older ones, and giving the job or the volume a rule that keeps the newest few.
    """

    code = "snapshot-bloat"
    title = "Old snapshots, checkpoints and versions"
    capability = "F5"
    needs = ("charge",)
    missing = "Import a bill in FOCUS that names each snapshot or checkpoint, with tags `source` and `created`."

    def find(self, context: Context) -> Iterator[Finding]:
        limit = context.thresholds
        money = BillMoney(context, limit["ended_days"])
        old: dict[tuple[str, str | None, str | None], list[_Version]] = defaultdict(list)
        for version in _followed(_versions(kept_versions(context.ask, context.window, Decimal(0))), context):
            old[version.kind, version.resource.team, version.resource.owner].append(version)
        for versions in old.values():
            if sum((each.resource.cost for each in versions), Decimal(0)) >= Decimal(limit["min_so_far"]):
                yield _finding(context, money, versions)


def _versions(resources: Iterable[BilledResource]) -> Iterator[_Version]:
    for resource in resources:
        # The tag before the type, which is the same for everything in a bucket.
        said = [(text or "").lower() for text in (resource.kind, resource.resource_type)]
        kind = next(kind for text in said for kind in _KINDS if kind in text)
        numbered = _NUMBERED.match(resource.resource)
        source = resource.source or (numbered[1] if numbered else None)
        created = _moment(resource.created)
        if source is not None:
            yield _Version(resource, kind, source, created or resource.seen,
                           stated=resource.source is not None and created is not None)


def _followed(versions: Iterable[_Version], context: Context) -> Iterator[_Version]:
    """Those that are old enough and not among the newest of their source."""
    limit = context.thresholds
    by_source: dict[tuple[object, ...], list[_Version]] = defaultdict(list)
    for each in versions:
        by_source[each.resource.provider, each.resource.account, each.kind, each.source].append(each)
    oldest_kept = context.window.until - timedelta(days=limit["min_age_days"])
    for group in by_source.values():
        group.sort(key=lambda each: (each.created, _natural(each.resource.resource)), reverse=True)
        production = any(in_production(each.resource) for each in group)
        keep = int(limit["keep_production"] if production else limit["keep"])
        for each in group[keep:]:
            if each.created < oldest_kept and not kept_on_purpose(each.resource):
                yield each


def _natural(name: str) -> tuple[tuple[int, str], ...]:
    """Sorts `v9` before `v10`."""
    return tuple((int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", name))


def _moment(text: str | None) -> datetime | None:
    """A day or time as ISO 8601 has it, UTC; None where the tag is no such text."""
    try:
        found = datetime.fromisoformat(text.strip()) if text else None
    except ValueError:
        return None
    return found.astimezone(UTC).replace(tzinfo=None) if found and found.tzinfo else found


def _finding(context: Context, money: BillMoney, versions: Sequence[_Version]) -> Finding:
    one = versions[0]
    resources = sorted((each.resource for each in versions), key=lambda r: (-r.cost, r.resource))
    cost = sum((resource.cost for resource in resources), Decimal(0))
    team, owner = one.resource.team, one.resource.owner
    days = int(context.thresholds["min_age_days"])
    stated = all(each.stated for each in versions)
    names = ", ".join(resource.resource for resource in resources[:_NAMED])
    more = f" and {len(resources) - _NAMED} more" if len(resources) > _NAMED else ""
    whose = "".join(f", {what} {who}" for what, who in (("team", team), ("owner", owner)) if who)
    return Finding(
        code=SnapshotBloat.code, capability=SnapshotBloat.capability, subject=f"old {one.kind}s{whose}",
        title=f"{plural(len(versions), one.kind)} older than {days} days cost {dollars(cost)}; newer ones followed.",
        owner=owner, team=team,
        evidence=(
            ("Sources", str(len({each.source for each in versions}))),
            ("Oldest", moment(min(each.created for each in versions))),
            ("Dearest", f"{resources[0].resource}, {dollars(resources[0].cost)}"),
            ("All of them", f"{names}{more}"),
            ("Period", period(context.window)),
        ),
        period=context.window,
        claims=tuple(money.claim(resource, resource.cost) for resource in resources),
        confidence=Confidence.HIGH if stated else Confidence.MEDIUM,
        assumption="" if stated else "Names that differ by their last number alone are versions of the same thing.",
        action=f"Delete the older {one.kind}s, and keep only the newest of each source from now on.",
        command="\n".join(filter(None, (delete_version(resource) for resource in resources))),
        change=_keep(one.kind, int(context.thresholds["keep"])),
    )


def _keep(kind: str, keep: int) -> str:
    """What stops new ones from piling up."""
    newest = "only the newest" if keep == 1 else f"only the newest {keep}"
    return {"checkpoint": f"save_total_limit={keep} (or its equal) of the trainer that writes them",
            "snapshot": f"{newest} kept by the snapshot schedule",
            "version": f"{newest} kept by the registry"}[kind]

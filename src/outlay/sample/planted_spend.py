"""The planted waste of bills, in the dollars that `truth` defines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from outlay.sample.focus_rows import Line
from outlay.sample.model_bill import unmetered_lines
from outlay.sample.planted_gpu import MONTH
from outlay.sample.scenario import Scenario
from outlay.sample.storage_bill import bloat, storage_lines, vector_lines
from outlay.sample.traffic import Meter
from outlay.sample.truth import Planted


def planted_spend(scenario: Scenario, meter: Meter) -> Iterator[Planted]:
    """From the very lines that the bills are written from."""
    lines = tuple(storage_lines(scenario))
    yield from _replicas(scenario, lines)
    yield from _bloat(scenario, lines)
    yield _one(
        lines, "egress", scenario.plan["egress"]["name"], "copied to another region twice a night; nobody says why"
    )
    unread = next(index for index in scenario.plan["vector_indexes"] if not index["reads_k"])
    yield _one(
        tuple(vector_lines(scenario, unread)),
        "vector-store",
        unread["name"],
        "the old index, kept after the move to its successor, and never asked since",
    )
    yield _untagged(scenario, lines, meter)


def effective(lines: Iterable[Line]) -> Decimal:
    return sum((line.effective for line in lines), Decimal(0))


def _replicas(scenario: Scenario, lines: tuple[Line, ...]) -> Iterator[Planted]:
    plan = scenario.plan["replicas"]
    for region in plan["regions"]:
        yield _one(
            lines,
            "unused-replication",
            f"{plan['of']}-replica-{region}",
            "replication was turned on for a demo; no read of the copy is on the bill",
        )


def _bloat(scenario: Scenario, lines: tuple[Line, ...]) -> Iterator[Planted]:
    for what in ("snapshots", "checkpoints"):
        old = tuple(each.name for each in bloat(scenario, what) if not each.newest)
        wasted = [line for line in lines if line.resource in old]
        cost = effective(wasted)
        yield Planted(
            code="snapshot-bloat",
            subjects=old,
            owner=wasted[0].tags["owner"],
            team=wasted[0].tags["team"],
            so_far=cost,
            month=cost * MONTH,
            explanation=f"{len(old)} {what} older than 30 days, each followed by a newer one",
        )


def _one(lines: tuple[Line, ...], code: str, resource: str, explanation: str) -> Planted:
    found = [line for line in lines if line.resource == resource]
    cost = effective(found)
    return Planted(
        code=code,
        subjects=(resource,),
        owner=found[0].tags["owner"],
        team=found[0].tags["team"],
        so_far=cost,
        month=cost * MONTH,
        explanation=explanation,
    )


def _untagged(scenario: Scenario, lines: tuple[Line, ...], meter: Meter) -> Planted:
    nobodys = [line for line in lines if "team" not in line.tags]
    unmetered = effective(
        line for provider in ("openai", "anthropic") for line in unmetered_lines(scenario, provider, meter)
    )
    return Planted(
        code="untagged",
        subjects=tuple(sorted({str(line.resource) for line in nobodys})),
        owner=None,
        team=None,
        so_far=None,
        month=None,
        explanation="resources without tags, and tokens of a key that no log knows",
        amount=effective(nobodys) + unmetered,
        figures={"resources": str(effective(nobodys)), "unmetered": str(unmetered)},
    )

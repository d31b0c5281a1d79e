"""Everything but machines on the cloud bill of the sample month, by the day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from outlay.sample.focus_rows import Line
from outlay.sample.scenario import DAYS, Scenario

_STORAGE = "Amazon Simple Storage Service"
_TRANSFER = "AWS Data Transfer"
#: A gigabyte-month is billed as a thirtieth of itself a day.
_GB_MONTH_DAYS = 30


@dataclass(frozen=True, slots=True)
class Bloat:
    """A snapshot or checkpoint: what it holds, when it was made, and whether it is the newest of its source."""

    name: str
    source: str
    created: date
    newest: bool


def bloat(scenario: Scenario, what: str) -> tuple[Bloat, ...]:
    """The month's `snapshots` or `checkpoints`, oldest first within each source."""
    plan = scenario.plan[what]
    rng = scenario.rng(what)
    found = []
    sources = (
        [f"vol-train-{n:02d}" for n in range(1, plan["volumes"] + 1)]
        if what == "snapshots"
        else [f"lm-ablation-{n}" for n in range(1, plan["projects"] + 1)]
    )
    for source in sources:
        # The newest is recent, the one before it old enough; all are at least nine days apart.
        ages = sorted((40 + 9 * place + int(rng.integers(0, 5)) for place in range(plan["each"] - 1)), reverse=True)
        ages.append(int(rng.integers(3, 20)))
        for number, age in enumerate(ages, start=1):
            created = (scenario.until - timedelta(days=age)).date()
            name = f"snap-{source}-{number}" if what == "snapshots" else f"ckpt-{source}-v{number}"
            found.append(Bloat(name, source, created, number == len(ages)))
    return tuple(found)


def _gigabytes(scenario: Scenario, what: str, gigabytes: float) -> int:
    """An amount as this seed has it, such that a day's share of a month is exact."""
    return round(scenario.vary(what, gigabytes) / _GB_MONTH_DAYS) * _GB_MONTH_DAYS


def storage_lines(scenario: Scenario) -> Iterator[Line]:
    """Buckets, replicas, snapshots, checkpoints, transfer, vector indexes, databases, and one credit."""
    for bucket in scenario.plan["buckets"]:
        yield from _bucket(scenario, bucket)
    yield from replica_lines(scenario)
    for what in ("snapshots", "checkpoints"):
        yield from _bloat_lines(scenario, what)
    yield from transfer_lines(scenario)
    for index in scenario.plan["vector_indexes"]:
        yield from vector_lines(scenario, index)
    for other in scenario.plan["other"]:
        yield from _other(scenario, other)
    yield Line(
        start=scenario.since,
        end=scenario.until,
        quantity=Decimal(1),
        price=Decimal("-1500"),
        unit="Units",
        service="Amazon Elastic Compute Cloud",
        category="Compute",
        subcategory="Virtual Machines",
        meter="Credit",
        description="Promotional credit",
        charge="Credit",
        tags={"team": "platform"},
    )


def _bucket(scenario: Scenario, plan: dict[str, Any]) -> Iterator[Line]:
    name = plan["name"]
    gigabytes = _gigabytes(scenario, f"bucket {plan.get('replica_of', name)}", plan["tb"] * 1000)
    keys = ("team", "project", "environment", "replica_of", "purpose")
    tags: dict[str, str] = {key: plan[key] for key in keys if key in plan}
    tags["owner"] = scenario.person(plan["team"], f"bucket {name}").login
    region = "us-west-2" if "replica_of" in plan else scenario.plan["region"]
    for day in range(DAYS):
        yield _stored(scenario, day, name, region, gigabytes, tags)
        yield _requests(scenario, day, name, region, "PUT", max(plan["reads_k"] // 40, 1), tags)
        # A replica for disasters is read by the restore test of every Monday.
        if "replica_of" not in plan or (scenario.since + timedelta(days=day)).weekday() == 0:
            yield _requests(scenario, day, name, region, "GET", plan["reads_k"], tags)


def replica_lines(scenario: Scenario) -> Iterator[Line]:
    """The copies that were left on after the demo: stored, kept up to date, never read."""
    plan = scenario.plan["replicas"]
    source = next(each for each in scenario.plan["buckets"] if each["name"] == plan["of"])
    gigabytes = _gigabytes(scenario, "replicas", source["tb"] * 1000 * plan["share"])
    owner = scenario.person("vision", "replicas").login
    for region in plan["regions"]:
        name = f"{plan['of']}-replica-{region}"
        tags = {
            "team": "vision",
            "owner": owner,
            "project": "lisbon-demo",
            "environment": "demo",
            "replica_of": plan["of"],
        }
        for day in range(DAYS):
            yield _stored(scenario, day, name, region, gigabytes, tags)
            yield _requests(scenario, day, name, region, "PUT", 310, tags)
            yield _moved(
                scenario,
                day,
                0,
                24,
                name,
                scenario.plan["region"],
                round(gigabytes * plan["changed_per_day"]),
                scenario.plan["transfer_usd_gb"],
                f"InterRegion:{region}",
                "Cross-region replication",
                tags,
            )


def _bloat_lines(scenario: Scenario, what: str) -> Iterator[Line]:
    plan, snapshots = scenario.plan[what], what == "snapshots"
    gigabytes = _gigabytes(scenario, what, plan["tb"] * 1000)
    price = Decimal(scenario.plan["snapshot_usd_gb_month" if snapshots else "storage_usd_gb_month"])
    owner = scenario.person(plan["team"], what).login
    for each in bloat(scenario, what):
        tags = {
            "team": plan["team"],
            "owner": owner,
            "project": plan.get("project", each.source),
            "source": each.source,
            "kind": "snapshot" if snapshots else "checkpoint",
            "created": each.created.isoformat(),
        }
        for day in range(DAYS):
            if scenario.since + timedelta(days=day) >= datetime.combine(each.created, datetime.min.time()):
                yield _a_day(
                    scenario,
                    day,
                    quantity=Decimal(gigabytes) / _GB_MONTH_DAYS,
                    price=price,
                    unit="GB-Months",
                    service="Amazon Elastic Block Store" if snapshots else _STORAGE,
                    category="Storage",
                    subcategory="Backup Storage" if snapshots else "Object Storage",
                    meter="EBS:SnapshotUsage" if snapshots else "TimedStorage-ByteHrs",
                    description="Snapshot storage" if snapshots else "Checkpoint storage",
                    resource=each.name,
                    resource_type="Snapshot" if snapshots else "Checkpoint",
                    region=scenario.plan["region"],
                    tags=tags,
                )


def transfer_lines(scenario: Scenario) -> Iterator[Line]:
    """A copy across regions twice a night, and what customers download."""
    plan, delivery = scenario.plan["egress"], scenario.plan["delivery"]
    gigabytes = round(scenario.vary("egress", plan["tb_a_night"] * 1000)) // 2
    tags = {
        "team": plan["team"],
        "owner": scenario.person(plan["team"], "egress").login,
        "project": "docs-search",
        "environment": "internal",
    }
    home = scenario.plan["region"]
    for day in range(DAYS):
        for hour in (2, 4):
            yield _moved(
                scenario,
                day,
                hour,
                1,
                plan["name"],
                home,
                gigabytes,
                scenario.plan["transfer_usd_gb"],
                "InterRegion:eu-west-1",
                "Data transfer to another region",
                tags,
            )
    gigabytes = round(scenario.vary("delivery", delivery["tb_a_day"] * 1000))
    tags = {
        "team": delivery["team"],
        "owner": scenario.person(delivery["team"], "delivery").login,
        "project": "recs",
        "environment": "production",
    }
    for day in range(DAYS):
        yield _moved(
            scenario,
            day,
            0,
            24,
            delivery["name"],
            home,
            gigabytes,
            scenario.plan["egress_usd_gb"],
            "DataTransfer-Out-Bytes",
            "Data transfer to the internet",
            tags,
        )


def vector_lines(scenario: Scenario, plan: dict[str, Any]) -> Iterator[Line]:
    """An index of the vector store: what it keeps, and what is asked of it."""
    gigabytes = _gigabytes(scenario, f"index {plan['name']}", plan["gb"])
    common: dict[str, Any] = {
        "service": "Amazon OpenSearch Service",
        "category": "Databases",
        "subcategory": "Other (Databases)",
        "resource": plan["name"],
        "resource_type": "Vector index",
        "region": scenario.plan["region"],
        "tags": {
            "team": "search",
            "owner": scenario.person("search", f"index {plan['name']}").login,
            "project": "docs-search",
            "environment": plan["environment"],
        },
    }
    for day in range(DAYS):
        yield _a_day(
            scenario,
            day,
            quantity=Decimal(gigabytes) / _GB_MONTH_DAYS,
            price=Decimal(scenario.plan["vector_usd_gb_month"]),
            unit="GB-Months",
            meter="VectorStorage-ByteHrs",
            description="Vector index storage",
            **common,
        )
        if plan["reads_k"]:
            yield _a_day(
                scenario,
                day,
                quantity=Decimal(plan["reads_k"] * 1000),
                price=Decimal("0.0004"),
                per=1000,
                unit="Requests",
                meter="VectorReadUnits",
                description="Vector index queries",
                **common,
            )


def _other(scenario: Scenario, plan: dict[str, Any]) -> Iterator[Line]:
    price = Decimal(round(scenario.vary(f"other {plan['name']}", plan["usd_day"]) * 100)) / 100
    tags = {"team": plan["team"]} if "team" in plan else {}
    for day in range(DAYS):
        yield _a_day(
            scenario,
            day,
            quantity=Decimal(1),
            price=price,
            unit="Days",
            service=plan["service"],
            category=plan["category"],
            subcategory=f"Other ({plan['category']})",
            meter=f"Daily:{plan['name']}",
            description=f"{plan['service']}, one day",
            resource=plan["name"],
            resource_type="Service",
            region=scenario.plan["region"],
            sub_account=plan.get("account", "ml-prod"),
            tags=tags,
        )


def _stored(scenario: Scenario, day: int, name: str, region: str, gigabytes: int, tags: dict[str, str]) -> Line:
    return _a_day(
        scenario,
        day,
        quantity=Decimal(gigabytes) / _GB_MONTH_DAYS,
        price=Decimal(scenario.plan["storage_usd_gb_month"]),
        unit="GB-Months",
        service=_STORAGE,
        category="Storage",
        subcategory="Object Storage",
        meter="TimedStorage-ByteHrs",
        description="Object storage",
        resource=name,
        resource_type="Bucket",
        region=region,
        tags=tags,
    )


def _requests(
    scenario: Scenario, day: int, name: str, region: str, kind: str, thousands: int, tags: dict[str, str]
) -> Line:
    return _a_day(
        scenario,
        day,
        quantity=Decimal(thousands * 1000),
        per=1000,
        price=Decimal(scenario.plan["requests_usd_thousand"][kind]),
        unit="Requests",
        service=_STORAGE,
        category="Storage",
        subcategory="Object Storage",
        meter=f"Requests-{kind}",
        description=f"{kind} requests",
        resource=name,
        resource_type="Bucket",
        region=region,
        tags=tags,
    )


def _moved(
    scenario: Scenario,
    day: int,
    hour: int,
    hours: int,
    name: str,
    region: str,
    gigabytes: int,
    price: str,
    meter: str,
    description: str,
    tags: dict[str, str],
) -> Line:
    start = scenario.since + timedelta(days=day, hours=hour)
    return Line(
        start=start,
        end=start + timedelta(hours=hours),
        quantity=Decimal(gigabytes),
        price=Decimal(price),
        unit="GB",
        service=_TRANSFER,
        category="Networking",
        subcategory="Network Connectivity",
        meter=meter,
        description=description,
        resource=name,
        resource_type="Data transfer",
        region=region,
        tags=tags,
    )


def _a_day(scenario: Scenario, day: int, **line: Any) -> Line:
    start = scenario.since + timedelta(days=day)
    return Line(start=start, end=start + timedelta(days=1), **line)

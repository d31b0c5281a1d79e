"""What the bill says of each named resource: what it keeps, moves and is asked, what that costs, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from outlay.facts.window import Window
from outlay.questions.ask import Ask
from outlay.questions.tables import table

#: What a line of the bill is for, as its meter and description (in lower case) say it: AWS usage types, Azure meters,
#: Google SKUs and plain English. RE2 expressions, which DuckDB and ClickHouse share.
READ = (r"\bget\b|\breads?\b|read ?(unit|request|op|capacity)|retriev|quer(y|ies)|tier-?2\b|class b op|"
        r"search ?(unit|request|op)|download")
ACROSS_REGIONS = (r"(inter|cross)[- ]?region|inter[- ]?continent|(another|other|between) regions?|replication|"
                  r"\b[a-z]{2,4}\d?-[a-z]{2,4}\d?-aws-out-bytes")
TO_INTERNET = r"datatransfer-out|(transfer|traffic|bytes|data) out\b|to (the )?internet|internet egress|\begress\b"
STORED = r"storage|stored|byte-?hrs|gb-?month|snapshot"
#: Services and resources that hold embeddings to be searched.
VECTOR = r"vector|embedding|pinecone|qdrant|weaviate|milvus|zilliz|chroma ?(db|cloud)|turbopuffer"
#: How a resource is called that is the copy of another one, or one of several versions.
COPY_NAME = r"(^|[^a-z])(replicas?|mirror|crr|copy)([^a-z]|$)"
VERSION_KIND = r"\b(snapshot|checkpoint|version)s?\b"

_KEYS = ("provider", "account", "resource")
_DIMS = ("team", "owner", "project", "environment", "purpose")
#: Tags that say what a resource is, beyond those of attribution.
_TAGS = ("replica_of", "kind", "created", "source", "note", "retain")
_TEXTS = ("service", "resource_type", "region", "resource_id", *_DIMS, *_TAGS)


@dataclass(frozen=True, slots=True)
class BilledResource:
    """A resource in the window. Money is US dollars; None: the bill does not say.

    `across`, `internet`, `stored`: of `cost`, what moving it across regions, to the internet, and keeping it cost.
    `moved_days`: days on which it moved anything. `reads`: the bill has a line for reads of it, or for what was taken
    out of it; `reads_listed`: it has one for any resource of a service that keeps this one.
    `first`, `last`: from and until when the window's lines are; `seen`: since when any is.
    """

    provider: str | None
    account: str | None
    resource: str
    service: str | None
    resource_type: str | None
    region: str | None
    resource_id: str | None
    team: str | None
    owner: str | None
    project: str | None
    environment: str | None
    purpose: str | None
    replica_of: str | None
    kind: str | None
    created: str | None
    source: str | None
    note: str | None
    retain: str | None
    cost: Decimal
    across: Decimal
    internet: Decimal
    stored: Decimal
    moved_days: int
    reads: bool
    reads_listed: bool
    first: datetime
    last: datetime
    seen: datetime


@dataclass(frozen=True, slots=True)
class Bill:
    """What a window's bill says, as tables that the questions below are built on.

    `meters`: usage by resource (which may be NULL), cost line and words, see `meters_expr`. `phrases`: what each
    resource was called, see `phrases_expr`.
    """

    window: Window
    meters: Any
    phrases: Any


def bill_expr(window: Window) -> Bill:
    """The bill as questions to the charges, for an engine to work out as part of the questions below."""
    return Bill(window, meters_expr(window), phrases_expr(window))


def bill(ask: Ask, window: Window) -> Bill:
    """The bill as it is worked out once, where answers are remembered: charges are many, the resources are few."""
    return Bill(window, ask.table(meters_expr(window)), ask.table(phrases_expr(window)))


def meters_expr(window: Window) -> Any:
    """One row for each resource, cost line and words: columns _KEYS, line, words, those of _TEXTS; first, last (in the
    window), seen, until (whenever); asked: the largest quantity, days: on how many days, both in the window."""
    rows = _rows(window)
    return rows.group_by(*_KEYS, "line", "words").aggregate(
        **{name: rows[name].max() for name in _TEXTS},
        first=rows.started.min(where=rows.now), last=rows.ended.max(where=rows.now), seen=rows.started.min(),
        until=rows.ended.max(), asked=rows.quantity.max(where=rows.now),
        days=rows.started.truncate("D").nunique(where=rows.now))


def phrases_expr(window: Window) -> Any:
    """Columns _KEYS, words, service, resource_type, kind: every combination that the bill has."""
    rows = _rows(window)
    return rows.filter(rows.resource.notnull()).select(*_KEYS, "words", "service", "resource_type", "kind").distinct()


def copies_expr(bill: Bill, least: Decimal) -> Any:
    """The columns of `BilledResource`, for resources that a tag, or their own name, calls the copy of another one."""
    meters = bill.meters
    found = _resources(bill, meters.filter(
        meters.replica_of.notnull() | meters.resource.lower().re_search(COPY_NAME)))
    return _least(found.filter(found.stored > 0), least)


def kept_versions_expr(bill: Bill, least: Decimal) -> Any:
    """The columns of `BilledResource`, for snapshots, checkpoints and versions."""
    called = bill.phrases
    return _least(_resources(bill, called.filter(
        called.kind.fill_null("").lower().re_search(VERSION_KIND)
        | called.resource_type.fill_null("").lower().re_search(VERSION_KIND))), least)


def transfers_expr(bill: Bill, least: Decimal) -> Any:
    """The columns of `BilledResource`, for resources that data left for another region or the internet."""
    found = _resources(bill, _speaking(bill, f"{ACROSS_REGIONS}|{TO_INTERNET}"))
    return _least(found.filter(found.across + found.internet > 0), least)


def vector_indexes_expr(bill: Bill, least: Decimal) -> Any:
    """The columns of `BilledResource`, for indexes of embeddings that are paid for by what they keep."""
    found = _resources(bill, _speaking(bill, VECTOR))
    return _least(found.filter(found.stored > 0), least)


def copies(ask: Ask, window: Window, least: Decimal) -> tuple[BilledResource, ...]:
    """Every copy that cost at least `least` dollars in the window."""
    return _asked(ask, copies_expr(bill(ask, window), least))


def kept_versions(ask: Ask, window: Window, least: Decimal) -> tuple[BilledResource, ...]:
    """Every snapshot, checkpoint or version that cost at least `least` dollars."""
    return _asked(ask, kept_versions_expr(bill(ask, window), least))


def transfers(ask: Ask, window: Window, least: Decimal) -> tuple[BilledResource, ...]:
    """Every resource with transfer out of its region that cost at least `least` dollars."""
    return _asked(ask, transfers_expr(bill(ask, window), least))


def vector_indexes(ask: Ask, window: Window, least: Decimal) -> tuple[BilledResource, ...]:
    """Every index of embeddings that cost at least `least` dollars."""
    return _asked(ask, vector_indexes_expr(bill(ask, window), least))


def billed_until_expr(bill: Bill) -> Any:
    """Columns provider, until: where the bill of each provider ends, up to the end of the window."""
    return bill.meters.group_by("provider").aggregate(until=bill.meters.until.max())


def billed_until(ask: Ask, window: Window) -> dict[str | None, datetime]:
    """Until when each provider has billed: what it does not list on its last days has ended."""
    return {provider or None: until for provider, until in ask.rows(billed_until_expr(bill(ask, window)))}


def _asked(ask: Ask, expression: Any) -> tuple[BilledResource, ...]:
    found = [BilledResource(row[0] or None, row[1] or None, *row[2:]) for row in ask.rows(expression)]
    return tuple(sorted(found, key=lambda each: (-each.cost, each.resource)))


def _least(found: Any, least: Decimal) -> Any:
    return found.filter(found.cost.cast("float64") >= float(least))


def _rows(window: Window) -> Any:
    """Usage that a bill lists up to the end of the window, under names without NULL that can be joined."""
    import ibis

    rows = table("charge")
    rows = rows.filter(rows.charge_period_start < window.until,
                       rows.charge_category.isnull() | (rows.charge_category == "Usage"))
    return rows.select(
        provider=rows.provider.fill_null(""),
        account=ibis.coalesce(rows.sub_account_id, rows.billing_account_id, ""),
        resource=ibis.coalesce(rows.resource_name, rows.resource_id),
        # As `cost_day` names its lines.
        line=rows.service_name.fill_null("unknown") + (
            ibis.literal(", ") + ibis.coalesce(rows.sku_meter, rows.resource_type)).fill_null(""),
        service=rows.service_name, resource_type=rows.resource_type, region=rows.region,
        resource_id=rows.resource_id,
        words=(rows.sku_meter.fill_null("") + ibis.literal(" ") + rows.charge_description.fill_null("")).lower(),
        **{name: rows[name] for name in _DIMS},
        **{name: rows.tags.get(name, ibis.null("string")) for name in _TAGS},
        # Requests that were not made may still be listed, as none.
        quantity=rows.consumed_quantity.fill_null(1).cast("float64"),
        started=rows.charge_period_start, ended=ibis.coalesce(rows.charge_period_end, rows.charge_period_start),
        now=rows.charge_period_start >= _day(window))


def _speaking(bill: Bill, pattern: str) -> Any:
    """Resources whose service, type, meter or description match."""
    import ibis

    called = bill.phrases
    phrase = (called.service.fill_null("") + ibis.literal(" ") + called.resource_type.fill_null("")).lower()
    return called.filter((phrase + ibis.literal(" ") + called.words).re_search(pattern))


def _resources(bill: Bill, chosen: Any) -> Any:
    """The columns of `BilledResource`, for every resource that is among the chosen rows."""
    window, meters = bill.window, bill.meters
    meters = meters.filter(meters.resource.notnull())
    lines = _lines(meters.semi_join(chosen.select(*_KEYS).distinct(), _KEYS), _services_that_list_reads(meters))
    found = lines.left_join(_costs(window), [*_KEYS, "line"])
    paid = found.paid.fill_null(0).cast("decimal(38,18)")

    def part(which: Any) -> Any:
        return paid.sum(where=which).fill_null(0)

    def dearest(name: str) -> Any:
        return found[name].argmax(paid.cast("float64"), where=found[name].notnull())

    resources = found.group_by(*_KEYS).aggregate(
        service=dearest("service"), resource_type=dearest("resource_type"), region=dearest("region"),
        resource_id=dearest("resource_id"),
        **{name: found[name].max() for name in (*_DIMS, *_TAGS)},
        cost=paid.sum(), across=part(found.across), internet=part(found.internet), stored=part(found.stored),
        moved_days=found.days.max(where=found.across | found.internet).fill_null(0),
        reads=found.read.any(), reads_listed=(found.stored & found.listed).any(),
        first=found["first"].min(), last=found["last"].max(), seen=found.seen.min())
    return resources.filter(resources["first"].notnull())


def _lines(known: Any, listing: Any) -> Any:
    """One row for each resource and cost line, with what the line is for."""
    across = known.words.re_search(ACROSS_REGIONS)
    internet = known.words.re_search(TO_INTERNET) & ~across
    read = known.words.re_search(READ)
    known = known.mutate(across=across, internet=internet, read=(read | internet) & (known.asked.fill_null(0) > 0),
                         stored=known.words.re_search(STORED) & ~read)
    known = known.left_join(listing, ["provider", "service"])
    return known.group_by(*_KEYS, "line").aggregate(
        **{name: known[name].max() for name in _TEXTS},
        **{name: known[name].any() for name in ("across", "internet", "read", "stored")},
        listed=known.lists_reads.notnull().any(), first=known["first"].min(), last=known["last"].max(),
        seen=known.seen.min(), days=known.days.max())


def _services_that_list_reads(meters: Any) -> Any:
    """Provider and service of every bill that lists reads of any resource."""
    reads = meters.filter(meters.words.re_search(READ), meters.asked > 0)
    return reads.group_by("provider", "service").aggregate(lists_reads=reads.count())


def _costs(window: Window) -> Any:
    """Dollars by resource and cost line, as everywhere else they are counted."""
    rows = table("cost_day")
    rows = rows.filter(rows.kind == "charge", rows.resource.notnull(), rows.currency == "USD",
                       rows.day >= _day(window), rows.day < window.until)
    return rows.group_by(provider=rows.provider.fill_null(""), account=rows.account.fill_null(""),
                         resource=rows.resource, line=rows.line).aggregate(paid=rows.effective_cost.sum())


def _day(window: Window) -> datetime:
    return window.since.replace(hour=0, minute=0, second=0, microsecond=0)

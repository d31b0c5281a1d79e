"""Rows of a bill, made in a test: one a day."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from made_ledger import at
from outlay.facts import Charge


def daily(
    resource: str | None, usd: str, *, since: float = 0, until: float = 30, meter: str = "TimedStorage-ByteHrs",
    service: str = "Amazon Simple Storage Service", quantity: str = "10", **columns: object,
) -> Iterator[Charge]:
    """`usd` a day from day `since` to day `until` (not included)."""
    day = int(since)
    while day < until:
        yield one_day(resource, at(day), usd, meter=meter, service=service, quantity=quantity, **columns)
        day += 1


def one_day(
    resource: str | None, start: datetime, usd: str, *, meter: str, service: str, quantity: str = "10",
    **columns: object,
) -> Charge:
    price = Decimal(usd)
    values: dict[str, object] = {
        "charge_period_start": start, "charge_period_end": start + timedelta(days=1), "billed_cost": price,
        "effective_cost": price, "list_cost": price, "contracted_cost": price, "billing_currency": "USD",
        "provider": "aws", "sub_account_id": "ml", "resource_name": resource, "service_category": "Storage",
        "service_name": service, "sku_meter": meter, "charge_category": "Usage", "consumed_quantity": Decimal(quantity),
    } | columns
    return Charge(**values)  # type: ignore[arg-type]


def reads(resource: str, usd: str = "0.40", **columns: object) -> Iterator[Charge]:
    """GET requests every day."""
    return daily(resource, usd, meter="Requests-GET", **columns)  # type: ignore[arg-type]

"""Bills of the sample month as FOCUS 1.2 rows. Money is Decimal; a row's costs are its quantity times its price."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path

COLUMNS = (
    "AvailabilityZone",
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingAccountType",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "CapacityReservationId",
    "CapacityReservationStatus",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "CommitmentDiscountCategory",
    "CommitmentDiscountId",
    "CommitmentDiscountName",
    "CommitmentDiscountQuantity",
    "CommitmentDiscountStatus",
    "CommitmentDiscountType",
    "CommitmentDiscountUnit",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "InvoiceId",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "RegionId",
    "RegionName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "ServiceSubcategory",
    "SkuId",
    "SkuMeter",
    "SkuPriceDetails",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "SubAccountType",
    "Tags",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """Who bills, and the account that is billed for the month."""

    provider: str
    company: str
    account: str
    account_name: str
    period: tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One billed line. `price` is what is paid a unit (effective), `list_price` the public price (None: the same).

    A line with `commitment` is paid for by a purchase: its billed cost is 0. A purchase is billed, and effective 0.
    """

    start: datetime
    end: datetime
    quantity: Decimal
    price: Decimal
    unit: str
    service: str
    category: str
    subcategory: str
    meter: str
    description: str
    list_price: Decimal | None = None
    resource: str | None = None
    resource_type: str | None = None
    region: str | None = None
    charge: str = "Usage"
    commitment: str | None = None
    sub_account: str | None = None
    details: Mapping[str, str] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    per: int = 1
    spot: bool = False

    @property
    def cost(self) -> Decimal:
        return self.quantity * self.price / self.per

    @property
    def billed(self) -> Decimal:
        return Decimal(0) if self.commitment and self.charge == "Usage" else self.cost

    @property
    def effective(self) -> Decimal:
        return Decimal(0) if self.charge == "Purchase" else self.cost

    @property
    def public(self) -> Decimal:
        """List cost; a purchase buys no usage of its own."""
        if self.charge == "Purchase":
            return Decimal(0)
        return self.quantity * (self.price if self.list_price is None else self.list_price) / self.per


def write_bill(path: Path, issuer: Issuer, lines: Iterable[Line]) -> None:
    """A CSV, gzipped where the name ends in .gz; the same lines give the same bytes."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for line in lines:
        row = _row(issuer, line)
        writer.writerow([row.get(column, "") for column in COLUMNS])
    data = text.getvalue().encode()
    path.write_bytes(gzip.compress(data, 6, mtime=0) if path.suffix == ".gz" else data)


def _row(issuer: Issuer, line: Line) -> dict[str, str]:
    committed = line.commitment is not None
    unit = line.unit if line.per == 1 else f"{line.per} {line.unit}"
    row = {
        "BilledCost": _amount(line.billed),
        "EffectiveCost": _amount(line.effective),
        "ListCost": _amount(line.public),
        "ContractedCost": _amount(Decimal(0) if line.charge == "Purchase" else line.cost),
        "BillingAccountId": issuer.account,
        "BillingAccountName": issuer.account_name,
        "BillingAccountType": "Organization",
        "BillingCurrency": "USD",
        "BillingPeriodStart": _time(issuer.period[0]),
        "BillingPeriodEnd": _time(issuer.period[1]),
        "InvoiceIssuerName": issuer.company,
        "ProviderName": issuer.provider,
        "PublisherName": issuer.company,
        "InvoiceId": f"{issuer.provider.upper()}-{issuer.period[0]:%Y%m}",
        "ChargeCategory": line.charge,
        "ChargeDescription": line.description,
        "ChargeFrequency": {"Purchase": "Recurring", "Credit": "One-Time"}.get(line.charge, "Usage-Based"),
        "ChargePeriodStart": _time(line.start),
        "ChargePeriodEnd": _time(line.end),
        "PricingCategory": "Committed" if committed else "Dynamic" if line.spot else "Standard",
        "PricingUnit": unit,
        "PricingQuantity": _amount(line.quantity / line.per),
        "ConsumedQuantity": _amount(line.quantity),
        "ConsumedUnit": line.unit,
        "ListUnitPrice": _amount(line.price if line.list_price is None else line.list_price),
        "ContractedUnitPrice": _amount(line.price),
        "ServiceCategory": line.category,
        "ServiceName": line.service,
        "ServiceSubcategory": line.subcategory,
        "SkuMeter": line.meter,
        "RegionId": line.region or "",
        "RegionName": line.region or "",
        "ResourceName": line.resource or "",
        "ResourceType": line.resource_type or "",
        "ResourceId": _resource_id(issuer, line) if line.resource else "",
        "SkuId": f"{line.service}/{line.meter}",
        "SkuPriceId": f"{line.service}/{line.meter}/{line.price}",
        "Tags": json.dumps(line.tags, sort_keys=True) if line.tags else "",
        "SkuPriceDetails": json.dumps(line.details, sort_keys=True) if line.details else "",
    }
    if line.sub_account:
        row |= {
            "SubAccountId": line.sub_account,
            "SubAccountName": f"halyard-{line.sub_account}",
            "SubAccountType": "Account",
        }
    if committed:
        row |= {
            "CommitmentDiscountCategory": "Usage",
            "CommitmentDiscountId": f"commitment:{line.commitment}",
            "CommitmentDiscountName": line.commitment or "",
            "CommitmentDiscountType": "Reserved Instances",
        }
        if line.charge == "Usage":
            row |= {
                "CommitmentDiscountStatus": "Used",
                "CommitmentDiscountQuantity": _amount(line.quantity),
                "CommitmentDiscountUnit": line.unit,
            }
    if line.charge == "Credit":
        # A credit prices nothing.
        for column in (
            "PricingQuantity",
            "PricingUnit",
            "PricingCategory",
            "ListUnitPrice",
            "ContractedUnitPrice",
            "ConsumedQuantity",
            "ConsumedUnit",
            "SkuId",
            "SkuMeter",
            "SkuPriceId",
        ):
            row[column] = ""
    if line.charge == "Purchase":
        row |= {"ConsumedQuantity": "", "ConsumedUnit": ""}
    return row


def _resource_id(issuer: Issuer, line: Line) -> str:
    """An id of the form that the provider writes, made of the name: an ARN, or what AWS calls an instance."""
    number = hashlib.sha256(f"{line.region}/{line.resource}".encode()).hexdigest()
    if issuer.provider != "AWS":
        return f"{issuer.provider.lower()}:{line.region}:{line.resource}"
    at = f"{line.region or ''}:{issuer.account}"
    if line.resource_type == "Snapshot":
        return f"arn:aws:ec2:{at}:snapshot/snap-{number[:17]}"
    if line.resource_type == "Vector index":
        return f"arn:aws:aoss:{at}:collection/{number[:20]}"
    if line.resource_type == "Checkpoint":
        return f"arn:aws:s3:::halyard-checkpoints/{line.resource}"
    if line.resource_type in ("Bucket", "Data transfer"):
        return f"arn:aws:s3:::{line.resource}"
    if line.service == "Amazon Elastic Compute Cloud" and "." in (line.resource_type or ""):
        return f"arn:aws:ec2:{at}:instance/i-{number[:17]}"
    return f"aws:{line.region}:{line.resource}"


def _amount(value: Decimal) -> str:
    """Without exponent and without trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

"""Cost lines of every kind that a ledger may hand to an export, made by hand."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from outlay.accounting.focus_schema import EXPORT_INPUT

DAY = datetime(2025, 6, 3)


def money(text: str) -> Decimal:
    return Decimal(text)


def line(**values: Any) -> dict[str, Any]:
    return {"charge_period_start": DAY, **values}


OPENAI = {"provider": "openai", "billing_account_id": "org-1", "billing_currency": "USD"}
AWS = {
    "provider": "aws", "billing_account_id": "111122223333", "billing_account_name": "Example",
    "billing_currency": "USD",
    "invoice_issuer_name": "Amazon Web Services, Inc.", "invoice_id": "INV-7", "sub_account_id": "444455556666",
    "region": "us-east-1", "service_name": "Amazon Elastic Compute Cloud", "service_category": "Compute",
    "service_subcategory": "Virtual Machines",
}


def tokens(kind: str, count: str, cost: str, price: str | None = None) -> dict[str, Any]:
    """Metered tokens of one type: nobody has billed them yet."""
    return line(**OPENAI, model="gpt-4o", token_type=kind, consumed_quantity=money(count), effective_cost=money(cost),
                list_unit_price=money(price) if price else None, basis="metered", team="search", project="answers",
                environment="production", stage="inference", agent="helper", tags={"prompt": "v3"})


def gpu(part: str, hours: str, cost: str, run: str | None = None) -> dict[str, Any]:
    """One part of a node's day."""
    return line(**AWS, resource_id="i-0abc", resource_name="gpu-7", resource_type="p5.48xlarge", part=part,
                consumed_quantity=money(hours), consumed_unit="Hours", billed_cost=money(cost),
                effective_cost=money(cost), list_cost=money(cost) * 2, run_id=run, scheduler="slurm" if run else None,
                pool="train", gpu_type="H100", basis="billed", pricing_category="Dynamic",
                team="vision" if run else None)


def lines() -> list[dict[str, Any]]:
    """Good lines: the official validator has nothing against what an export makes of them."""
    return [
        tokens("input", "5000000", "12.5", "2.5"),
        tokens("cache_read", "1234567", "1.543208750000000000", "1.25"),
        tokens("cache_write", "10", "0.00003"),
        tokens("output", "777", "0.00777"),
        gpu("used", "10.5", "3.141592653589793238", "job-1"),
        gpu("idle", "3.25", "1.1", "job-1"),
        gpu("unallocated", "10.25", "3.3"),
        # A refund, a zero row, a credit, a correction of last month.
        line(**AWS, resource_id="i-0abc", billed_cost=money("-4.5"), effective_cost=money("-4.5"),
             pricing_quantity=money("3"), pricing_unit="Hours", list_unit_price=money("1.5")),
        line(**AWS, billed_cost=money("0"), pricing_quantity=money("0"), pricing_unit="Hours"),
        line(**AWS, charge_category="Credit", charge_frequency="One-Time", billed_cost=money("-100"),
             effective_cost=money("-100"), pricing_quantity=money("1"), pricing_unit="Unit"),
        line(**AWS, charge_class="Correction", billed_cost=money("-0.3"), effective_cost=money("-0.3"),
             consumed_quantity=money("1"), consumed_unit="Hours"),
        # A reservation: the purchase is billed, its usage effective.
        line(**AWS, charge_category="Purchase", charge_frequency="Usage-Based", billed_cost=money("8760"),
             effective_cost=money("0"), commitment_discount_id="ri-1", commitment_discount_category="Usage",
             commitment_discount_type="Reserved Instance", commitment_discount_quantity=money("8760"),
             commitment_discount_unit="Hours", pricing_quantity=money("8760"), pricing_unit="Hours"),
        # Services as bills name them wrongly, and one that says nothing at all.
        line(**OPENAI, service_name="Vector store", service_category="Database", billed_cost=money("1.25")),
        line(**OPENAI, service_name="Vector store", service_category="Databases", billed_cost=money("1.25")),
        line(effective_cost=money("0.000000000000000001")),
        line(provider="aws", billing_currency="Tokens", effective_cost=money("245"), service_name="Widget"),
        line(service_name="No cost is known"),
    ]


def table(rows: list[dict[str, Any]]) -> pa.Table:
    fields = [field for field in EXPORT_INPUT if any(field.name in row for row in rows)]
    made = [
        pa.array([list(row["tags"].items()) if field.name == "tags" and row.get("tags") else row.get(field.name)
                  for row in rows], field.type)
        for field in fields
    ]
    return pa.table(made, names=[field.name for field in fields])


def contrary_lines() -> list[dict[str, Any]]:
    """Good lines that the official validator refuses, because its rules contradict the specification or each other."""
    committed = {
        **AWS, "commitment_discount_id": "ri-1", "commitment_discount_category": "Usage",
        "commitment_discount_type": "Reserved Instance", "commitment_discount_unit": "Hours",
        "pricing_category": "Committed", "pricing_quantity": money("1"), "pricing_unit": "Hours",
        "commitment_discount_quantity": money("1"), "billed_cost": money("0"), "effective_cost": money("1"),
    }
    return [
        line(**AWS, charge_category="Tax", billed_cost=money("19"), effective_cost=money("19")),
        line(**AWS, charge_category="Credit", billed_cost=money("-5"), effective_cost=money("-5")),
        line(**committed, commitment_discount_status="Used", consumed_quantity=money("1"), consumed_unit="Hours"),
        line(**committed, commitment_discount_status="Unused"),
        line(**{**AWS, "invoice_issuer_name": "A Reseller"}, billed_cost=money("3"), effective_cost=money("3")),
        line(**AWS, charge_category="Purchase", billed_cost=money("50000"), effective_cost=money("50000")),
        line(**AWS, charge_class="Correction", billed_cost=money("-0.3"), effective_cost=money("-0.3")),
        line(**AWS, capacity_reservation_id="cr-1", capacity_reservation_status="Used", billed_cost=money("2")),
        line(**{**OPENAI, "billing_account_name": "Größenwahn"}, billed_cost=money("2")),
    ]

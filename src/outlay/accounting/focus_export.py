"""Cost lines as a FOCUS 1.2 dataset: a pure function from one Arrow table to another.

What the specification wants and a line does not say is filled so that nothing is claimed that is not known: no account
is `unknown`, no currency is XXX, the list cost of what has no public price is the contracted one. Costs are never
changed. Lines without any cost (unpriced usage) are no charges and are left out; `unpriced` counts them.
"""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from outlay.accounting.focus_schema import EXPORT_INPUT, EXPORT_OUTPUT, OWN_TEXTS
from outlay.accounting.focus_services import allowed_service
from outlay.accounting.unit_prices import plain, pricing
from outlay.facts.providers import provider_id

_COSTS = ("billed_cost", "effective_cost", "list_cost", "contracted_cost")
_CATEGORIES = ("Usage", "Purchase", "Tax", "Credit", "Adjustment")
_FREQUENCIES = ("One-Time", "Recurring", "Usage-Based")
_PRICING = ("Standard", "Dynamic", "Committed", "Other")
#: Names of providers that the ledger knows by id; others are written as they are.
_PROVIDER_NAMES = {
    "aws": "Amazon Web Services", "azure": "Microsoft", "gcp": "Google Cloud", "oci": "Oracle", "openai": "OpenAI",
    "anthropic": "Anthropic",
}
_METERS = {
    "input": "Input Tokens", "cache_read": "Cache Read Input Tokens", "cache_write": "Cache Write Input Tokens",
    "output": "Output Tokens",
}
_TOKENS = {
    "input": {"x_TokenDirection": "Input", "x_TokenCacheAction": "Uncached"},
    "cache_read": {"x_TokenDirection": "Input", "x_TokenCacheAction": "Read"},
    "cache_write": {"x_TokenDirection": "Input", "x_TokenCacheAction": "Write"},
    "output": {"x_TokenDirection": "Output"},
}


def unpriced(rows: pa.Table) -> int:
    """How many lines have no cost at all, so that an export leaves them out."""
    return sum(not known for known in _has_cost(_conformed(rows)).to_pylist())


def focus_table(rows: pa.Table) -> pa.Table:
    """`rows` (columns of `EXPORT_INPUT`, any of which but the start may be absent) as `EXPORT_OUTPUT`.

    Raises `ValueError` for a column that `EXPORT_INPUT` does not have, or a start that is null.
    """
    lines = _conformed(rows)
    lines = lines.filter(_has_cost(lines))
    if lines["charge_period_start"].null_count:
        raise ValueError("charge_period_start is null in a cost line")
    columns: dict[str, Any] = {}
    columns.update(_service(lines))
    columns.update(_charge(lines, columns))
    columns.update(_costs(lines, columns))
    columns.update(_periods(lines))
    columns.update(_parties(lines))
    columns.update(_place(lines))
    columns.update(_priced(lines, columns))
    columns.update(_skus(lines, columns))
    columns.update(_commitments(lines))
    columns.update({name: lines[column] for column, name in OWN_TEXTS.items()})
    columns.update({"x_Unmetered": lines["unmetered"], "Tags": _json_tags(lines["tags"])})
    arrays = [columns[field.name].cast(field.type) for field in EXPORT_OUTPUT]
    return pa.table(arrays, schema=EXPORT_OUTPUT)


def _conformed(rows: pa.Table) -> pa.RecordBatch:
    """All columns of `EXPORT_INPUT`, of its types, in one piece each."""
    if foreign := set(rows.column_names) - set(EXPORT_INPUT.names):
        raise ValueError(f"no columns of a cost line: {', '.join(sorted(foreign))}")
    arrays = [
        rows[field.name].cast(field.type).combine_chunks() if field.name in rows.column_names
        else pa.nulls(rows.num_rows, field.type)
        for field in EXPORT_INPUT
    ]
    return pa.record_batch(arrays, names=EXPORT_INPUT.names)


def _has_cost(lines: pa.RecordBatch) -> Any:
    return pc.is_valid(pc.coalesce(*(lines[name] for name in _COSTS)))


def _text(value: str) -> pa.Scalar:
    return pa.scalar(value, pa.string())


def _one_of(column: Any, allowed: tuple[str, ...], otherwise: Any) -> Any:
    return pc.if_else(pc.is_in(column, pa.array(allowed)), column, otherwise)


def _unless(condition: Any, column: Any) -> Any:
    """The column, null where the condition holds."""
    return pc.if_else(condition, pa.scalar(None, column.type), column)


def _costs(lines: pa.RecordBatch, made: dict[str, Any]) -> dict[str, Any]:
    """What nobody invoiced has a billed cost of 0; each other cost falls back on the one nearer to the invoice."""
    billed, effective, listed, contracted = (lines[name] for name in _COSTS)
    effective = pc.coalesce(effective, billed, contracted, listed)
    # A purchase for later use is effective where it is used, so its own price is what was billed.
    bought = pc.if_else(pc.equal(made["ChargeCategory"], "Purchase"), billed, None)
    contracted = pc.coalesce(contracted, bought, effective)
    currency = lines["billing_currency"]
    national = pc.fill_null(pc.match_substring_regex(currency, "^[A-Z]{3}$"), False)
    return {
        "BilledCost": pc.fill_null(billed, pa.scalar(0, billed.type)), "EffectiveCost": effective,
        "ContractedCost": contracted, "ListCost": pc.coalesce(listed, contracted),
        "BillingCurrency": pc.if_else(national, currency, _text("XXX")), "x_Currency": _unless(national, currency),
    }


def _charge(lines: pa.RecordBatch, made: dict[str, Any]) -> dict[str, Any]:
    category = _one_of(lines["charge_category"], _CATEGORIES, _text("Usage"))
    usage = pc.equal(category, "Usage")
    # Of a purchase FOCUS says that it cannot be usage-based.
    habit = pc.if_else(usage, _text("Usage-Based"), _text("One-Time"))
    frequency = _one_of(lines["charge_frequency"], _FREQUENCIES, habit)
    forbidden = pc.and_(pc.equal(category, "Purchase"), pc.equal(frequency, "Usage-Based"))
    meter = pc.coalesce(lines["sku_meter"], lines["model"], lines["resource_type"], category)
    # "skip" loses a row whose parts are all null (pyarrow 26); provider and service never are.
    described = pc.binary_join_element_wise(made["ServiceName"], meter, ": ")
    return {
        "ChargeCategory": category,
        "ChargeClass": _one_of(lines["charge_class"], ("Correction",), pa.scalar(None, pa.string())),
        "ChargeFrequency": pc.if_else(forbidden, _text("One-Time"), frequency),
        "ChargeDescription": pc.coalesce(lines["charge_description"], described),
    }


def _periods(lines: pa.RecordBatch) -> dict[str, Any]:
    """A line without an end is a day's; one without a billing period is in that of its calendar month."""
    start = lines["charge_period_start"]
    end = pc.coalesce(lines["charge_period_end"], pc.add(pc.floor_temporal(start, unit="day"), _days(1)))
    first = pc.coalesce(lines["billing_period_start"], pc.floor_temporal(start, unit="month"))
    after = pc.floor_temporal(pc.add(pc.floor_temporal(first, unit="month"), _days(32)), unit="month")
    return {
        name: pc.assume_timezone(moment, "UTC") for name, moment in {
            "ChargePeriodStart": start, "ChargePeriodEnd": end, "BillingPeriodStart": first,
            "BillingPeriodEnd": pc.coalesce(lines["billing_period_end"], after),
        }.items()
    }


def _days(count: int) -> pa.Scalar:
    return pa.scalar(count * 86_400_000_000, pa.duration("us"))


def _parties(lines: pa.RecordBatch) -> dict[str, Any]:
    provider = pc.coalesce(lines["provider_name"], _mapped(lines["provider"], _PROVIDER_NAMES), lines["provider"],
                           lines["invoice_issuer_name"], _text("Unknown"))
    account = pc.coalesce(lines["billing_account_id"], lines["sub_account_id"], _text("unknown"))
    sub_account = lines["sub_account_id"]
    none = pc.is_null(sub_account)
    return {
        "ProviderName": provider,
        "PublisherName": pc.coalesce(lines["publisher_name"], provider),
        "InvoiceIssuerName": _issuer(lines["invoice_issuer_name"], provider),
        "InvoiceId": lines["invoice_id"],
        "BillingAccountId": account, "BillingAccountName": pc.coalesce(lines["billing_account_name"], account),
        "BillingAccountType": pc.if_else(pc.is_valid(account), _text("Billing Account"), None),
        "SubAccountId": sub_account,
        "SubAccountName": _unless(none, pc.coalesce(lines["sub_account_name"], sub_account)),
        "SubAccountType": _unless(none, pc.if_else(none, None, _text("Sub Account"))),
    }


def _mapped(column: Any, names: dict[str, str]) -> Any:
    keys, values = pa.array([*names], pa.string()), pa.array([*names.values()], pa.string())
    return pc.take(values, pc.index_in(column, keys))


def _issuer(issuer: Any, provider: Any) -> Any:
    """A provider that bills under its legal name is still its own issuer, and is written by one name."""
    pairs = pa.table([issuer, provider], names=["issuer", "provider"]).group_by(["issuer", "provider"]).aggregate([])
    names = {
        (row["issuer"], row["provider"]): row["provider"]
        if row["issuer"] is None or provider_id(row["issuer"]) == provider_id(row["provider"]) else row["issuer"]
        for row in pairs.to_pylist()
    }
    if all(name == key[0] for key, name in names.items()):
        return issuer
    return pa.array([names[key] for key in zip(issuer.to_pylist(), provider.to_pylist(), strict=True)], pa.string())


def _service(lines: pa.RecordBatch) -> dict[str, Any]:
    """One category and subcategory a service, as FOCUS demands: those that most of its lines have."""
    is_model = pc.is_valid(lines["model"])
    name = pc.coalesce(lines["service_name"], pc.if_else(is_model, _text("Model calls"), _text("Unknown")))
    category = pc.coalesce(lines["service_category"], pc.if_else(is_model, _text("AI and Machine Learning"), None))
    subcategory = pc.coalesce(lines["service_subcategory"], pc.if_else(is_model, _text("Generative AI"), None))
    keys = ["name", "category", "subcategory"]
    seen = pa.table([name, category, subcategory], names=keys).group_by(keys).aggregate([([], "count_all")]).to_pylist()
    votes: dict[str, Counter[tuple[str, str]]] = {}
    for row in seen:
        allowed = allowed_service(row["category"], row["subcategory"])
        # What says nothing has no vote against what does.
        weight = row["count_all"] if allowed[0] != "Other" else 0
        votes.setdefault(row["name"], Counter())[allowed] += weight
    chosen = {service: max(sorted(count), key=count.__getitem__) for service, count in votes.items()}
    return {
        "ServiceName": name,
        "ServiceCategory": _mapped(name, {service: pair[0] for service, pair in chosen.items()}),
        "ServiceSubcategory": _mapped(name, {service: pair[1] for service, pair in chosen.items()}),
    }


def _place(lines: pa.RecordBatch) -> dict[str, Any]:
    region, resource = lines["region"], lines["resource_id"]
    identified = pc.coalesce(resource, lines["resource_name"])
    named = pc.if_else(pc.equal(lines["resource_name"], identified), None, lines["resource_name"])
    return {
        "RegionId": region,
        "RegionName": _unless(pc.is_null(region), pc.coalesce(lines["region_name"], region)),
        "AvailabilityZone": lines["availability_zone"],
        "ResourceId": identified, "ResourceName": named,
        "ResourceType": _unless(pc.is_null(identified), pc.fill_null(lines["resource_type"], "Resource")),
    }


_QUANTITIES = (
    "PricingQuantity", "PricingUnit", "ListUnitPrice", "ContractedUnitPrice", "ConsumedQuantity", "ConsumedUnit",
)


def _priced(lines: pa.RecordBatch, made: dict[str, Any]) -> dict[str, Any]:
    """Quantities, units and unit prices that multiply to the costs; FOCUS wants none of them for taxes."""
    columns = (
        made["ChargeCategory"], made["ListCost"], made["ContractedCost"],
        *(lines[name] for name in ("pricing_quantity", "pricing_unit", "consumed_quantity", "consumed_unit",
                                   "list_unit_price", "contracted_unit_price", "token_type",
                                   "commitment_discount_status")),
    )
    rows = [_quantities(*values) for values in zip(*(column.to_pylist() for column in columns), strict=True)]
    arrays = {
        name: pa.array([row[place] for row in rows], EXPORT_OUTPUT.field(name).type)
        for place, name in enumerate(_QUANTITIES)
    }
    tax = pc.equal(made["ChargeCategory"], "Tax")
    category = _one_of(lines["pricing_category"], _PRICING, _text("Standard"))
    return {
        **arrays, "PricingCategory": _unless(tax, category), "PricingCurrency": made["BillingCurrency"],
        "PricingCurrencyListUnitPrice": arrays["ListUnitPrice"],
        "PricingCurrencyContractedUnitPrice": arrays["ContractedUnitPrice"],
        "PricingCurrencyEffectiveCost": made["EffectiveCost"],
    }


def _quantities(
    category: str, listed: Decimal, contracted: Decimal, quantity: Decimal | None, unit: str | None,
    consumed: Decimal | None, consumed_unit: str | None, list_price: Decimal | None, price: Decimal | None,
    token: str | None, status: str | None,
) -> tuple[Decimal | str | None, ...]:
    """One row's values of `_QUANTITIES`."""
    if token is not None and consumed is not None:
        consumed_unit = consumed_unit or "Tokens"
        if quantity is None:
            quantity, unit = consumed.scaleb(-6), "1000000 Tokens"
    used = category == "Usage" and status != "Unused" and consumed is not None and consumed_unit is not None
    usage = (consumed, consumed_unit) if used else (None, None)
    if category == "Tax" or (quantity is None and category not in ("Usage", "Purchase")):
        return (None, None, None, None, *usage)
    if quantity is None and consumed is not None:
        quantity, unit = consumed, consumed_unit
    found = pricing(list_cost=listed, contracted_cost=contracted, quantity=quantity, unit=unit, list_price=list_price,
                    contracted_price=price)
    return (found.quantity, found.unit, found.list_price, found.contracted_price, *usage)


def _skus(lines: pa.RecordBatch, made: dict[str, Any]) -> dict[str, Any]:
    """What is priced, and at which price. A line that names no SKU is known by what it is for."""
    tax = pc.equal(made["ChargeCategory"], "Tax")
    parts = (made["ProviderName"], made["ServiceName"], pc.coalesce(lines["model"], lines["resource_type"]),
             lines["token_type"], made["PricingUnit"])
    # "skip" loses a row whose parts are all null (pyarrow 26); provider and service never are.
    described = pc.binary_join_element_wise(*parts, "/", null_handling="skip")
    sku = _unless(tax, pc.coalesce(lines["sku_id"], lines["sku_price_id"], described))
    price = pa.array([p if p is None else plain(p) for p in made["ListUnitPrice"].to_pylist()], pa.string())
    at_price = pc.coalesce(pc.binary_join_element_wise(sku, price, "@"), sku)
    meter = pc.coalesce(lines["sku_meter"], _mapped(lines["token_type"], _METERS), made["ConsumedUnit"],
                        made["PricingUnit"], _text("Usage"))
    details = pc.coalesce(lines["sku_price_details"], _details(lines["model"], lines["token_type"]))
    return {
        "SkuId": sku, "SkuPriceId": _unless(tax, pc.coalesce(lines["sku_price_id"], at_price)),
        "SkuMeter": _unless(tax, meter), "SkuPriceDetails": _unless(tax, details),
    }


def _details(models: Any, tokens: Any) -> Any:
    """Model and token direction as the draft of FOCUS 1.5 says them; with x_, because 1.2 does not define them."""
    made: dict[tuple[str | None, str | None], str | None] = {(None, None): None}
    texts = []
    for key in zip(models.to_pylist(), tokens.to_pylist(), strict=True):
        if key not in made:
            model = {"x_ModelId": key[0]} if key[0] is not None else {}
            made[key] = json.dumps(model | _TOKENS.get(key[1] or "", {})) if model else None
        texts.append(made[key])
    return pa.array(texts, pa.string())


def _commitments(lines: pa.RecordBatch) -> dict[str, Any]:
    commitment, reservation = lines["commitment_discount_id"], lines["capacity_reservation_id"]
    none, unreserved = pc.is_null(commitment), pc.is_null(reservation)
    kind = pc.fill_null(lines["commitment_discount_type"], "Commitment")
    category = _one_of(lines["commitment_discount_category"], ("Spend", "Usage"), _text("Spend"))
    quantity = lines["commitment_discount_quantity"]
    return {
        "CommitmentDiscountId": commitment,
        "CommitmentDiscountName": _unless(none, lines["commitment_discount_name"]),
        "CommitmentDiscountCategory": _unless(none, category),
        "CommitmentDiscountType": _unless(none, kind),
        "CommitmentDiscountStatus": _unless(none, lines["commitment_discount_status"]),
        "CommitmentDiscountQuantity": _unless(none, quantity),
        "CommitmentDiscountUnit": _unless(pc.or_(none, pc.is_null(quantity)),
                                          pc.fill_null(lines["commitment_discount_unit"], "Unit")),
        "CapacityReservationId": reservation,
        "CapacityReservationStatus": _unless(unreserved, lines["capacity_reservation_status"]),
    }


def _json_tags(tags: Any) -> Any:
    """FOCUS writes tags as JSON objects; a line without tags has none."""
    return pa.array(
        [json.dumps(dict(pairs), ensure_ascii=False, sort_keys=True) if pairs else None for pairs in tags.to_pylist()],
        pa.string(),
    )

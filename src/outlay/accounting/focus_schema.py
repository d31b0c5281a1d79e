"""What goes into a FOCUS export and what comes out: the two Arrow schemas.

pyarrow is imported by this module; import it only where an export is really made.
"""

from __future__ import annotations

import pyarrow as pa

MONEY = pa.decimal128(38, 18)
_TIME_IN = pa.timestamp("us")
_TIME_OUT = pa.timestamp("us", tz="UTC")
TAGS = pa.map_(pa.string(), pa.string())

#: Our own columns: name in the input, name in the export.
OWN_TEXTS: dict[str, str] = {
    "team": "x_Team", "owner": "x_Owner", "project": "x_Project", "environment": "x_Environment",
    "purpose": "x_Purpose", "stage": "x_Stage", "model": "x_Model", "token_type": "x_TokenType", "agent": "x_Agent",
    "task": "x_Task", "run_id": "x_RunId", "scheduler": "x_Scheduler", "pool": "x_Pool", "gpu_type": "x_GpuType",
    "part": "x_Part", "basis": "x_Basis",
}

_TEXTS_IN = (
    # Who bills whom. `provider` is the ledger's id; the names are used where they are known.
    "provider", "provider_name", "publisher_name", "invoice_issuer_name", "invoice_id", "billing_account_id",
    "billing_account_name", "sub_account_id", "sub_account_name", "billing_currency",
    # What for. Values that FOCUS does not allow are brought to the nearest that it does.
    "charge_category", "charge_class", "charge_frequency", "charge_description", "service_name", "service_category",
    "service_subcategory", "region", "region_name", "availability_zone", "resource_id", "resource_name",
    "resource_type", "sku_id", "sku_meter", "sku_price_id", "sku_price_details", "pricing_category", "pricing_unit",
    "consumed_unit", "commitment_discount_id", "commitment_discount_name", "commitment_discount_category",
    "commitment_discount_type", "commitment_discount_status", "commitment_discount_unit", "capacity_reservation_id",
    "capacity_reservation_status",
    # Who pays and whose work it was; token_type: input, cache_read, cache_write, output; part: used, idle,
    # unallocated, unknown; basis: billed, reported, metered.
    *OWN_TEXTS,
)

#: One row is one cost line: a billed row, the tokens of one type and price, or one part of a run's or node's GPU time.
#: Every column but the first may be null or absent. Money in `billing_currency`, times naive UTC.
EXPORT_INPUT: pa.Schema = pa.schema([
    pa.field("charge_period_start", _TIME_IN, nullable=False),
    *(pa.field(name, _TIME_IN) for name in ("charge_period_end", "billing_period_start", "billing_period_end")),
    *(pa.field(name, MONEY) for name in (
        "billed_cost", "effective_cost", "list_cost", "contracted_cost", "pricing_quantity", "consumed_quantity",
        "list_unit_price", "contracted_unit_price", "commitment_discount_quantity")),
    *(pa.field(name, pa.string()) for name in _TEXTS_IN),
    pa.field("tags", TAGS),
    pa.field("unmetered", pa.bool_()),
])

_DECIMALS_OUT = {
    "BilledCost", "CommitmentDiscountQuantity", "ConsumedQuantity", "ContractedCost", "ContractedUnitPrice",
    "EffectiveCost", "ListCost", "ListUnitPrice", "PricingCurrencyContractedUnitPrice", "PricingCurrencyEffectiveCost",
    "PricingCurrencyListUnitPrice", "PricingQuantity",
}
_TIMES_OUT = {"BillingPeriodEnd", "BillingPeriodStart", "ChargePeriodEnd", "ChargePeriodStart"}
_FOCUS_1_2 = (
    "AvailabilityZone", "BilledCost", "BillingAccountId", "BillingAccountName", "BillingAccountType", "BillingCurrency",
    "BillingPeriodEnd", "BillingPeriodStart", "CapacityReservationId", "CapacityReservationStatus", "ChargeCategory",
    "ChargeClass", "ChargeDescription", "ChargeFrequency", "ChargePeriodEnd", "ChargePeriodStart",
    "CommitmentDiscountCategory", "CommitmentDiscountId", "CommitmentDiscountName", "CommitmentDiscountQuantity",
    "CommitmentDiscountStatus", "CommitmentDiscountType", "CommitmentDiscountUnit", "ConsumedQuantity", "ConsumedUnit",
    "ContractedCost", "ContractedUnitPrice", "EffectiveCost", "InvoiceId", "InvoiceIssuerName", "ListCost",
    "ListUnitPrice", "PricingCategory", "PricingCurrency", "PricingCurrencyContractedUnitPrice",
    "PricingCurrencyEffectiveCost", "PricingCurrencyListUnitPrice", "PricingQuantity", "PricingUnit", "ProviderName",
    "PublisherName", "RegionId", "RegionName", "ResourceId", "ResourceName", "ResourceType", "ServiceCategory",
    "ServiceName", "ServiceSubcategory", "SkuId", "SkuMeter", "SkuPriceDetails", "SkuPriceId", "SubAccountId",
    "SubAccountName", "SubAccountType", "Tags",
)


def _type(name: str) -> pa.DataType:
    if name in _DECIMALS_OUT:
        return MONEY
    return _TIME_OUT if name in _TIMES_OUT else pa.string()


#: Every column of FOCUS 1.2 Cost and Usage, then our own. Tags and SkuPriceDetails are JSON text. x_Currency names a
#: virtual currency, whose rows are written in XXX (ISO 4217: no currency), because FOCUS bills national ones only.
EXPORT_OUTPUT: pa.Schema = pa.schema([
    *(pa.field(name, _type(name)) for name in _FOCUS_1_2),
    *(pa.field(name, pa.string()) for name in OWN_TEXTS.values()),
    pa.field("x_Currency", pa.string()),
    pa.field("x_Unmetered", pa.bool_()),
], metadata={"focus_version": "1.2", "focus_dataset": "CostAndUsage"})

"""The columns of FOCUS 1.0 to 1.4 (and of the draft after it), by what they become."""

from __future__ import annotations

from dataclasses import dataclass

#: The four costs: field of a charge, and FOCUS column. A file without any of them is no bill.
COSTS = {
    "billed_cost": "BilledCost",
    "effective_cost": "EffectiveCost",
    "list_cost": "ListCost",
    "contracted_cost": "ContractedCost",
}

DECIMALS = COSTS | {
    "pricing_quantity": "PricingQuantity",
    "consumed_quantity": "ConsumedQuantity",
    "list_unit_price": "ListUnitPrice",
    "contracted_unit_price": "ContractedUnitPrice",
    "pricing_currency_effective_cost": "PricingCurrencyEffectiveCost",
    "commitment_discount_quantity": "CommitmentDiscountQuantity",
}

START = "ChargePeriodStart"
TIMES = {
    "charge_period_start": START,
    "charge_period_end": "ChargePeriodEnd",
    "billing_period_start": "BillingPeriodStart",
    "billing_period_end": "BillingPeriodEnd",
}

#: Text fields and the columns they come from; the first that has a value wins (1.3 renamed ProviderName).
TEXTS: dict[str, tuple[str, ...]] = {
    "invoice_issuer_name": ("InvoiceIssuerName",),
    "service_provider_name": ("ServiceProviderName", "ProviderName"),
    "host_provider_name": ("HostProviderName",),
    "publisher_name": ("PublisherName",),
    "billing_account_id": ("BillingAccountId",),
    "billing_account_name": ("BillingAccountName",),
    "sub_account_id": ("SubAccountId",),
    "sub_account_name": ("SubAccountName",),
    "invoice_id": ("InvoiceId",),
    "charge_category": ("ChargeCategory",),
    "charge_class": ("ChargeClass",),
    "charge_frequency": ("ChargeFrequency",),
    "charge_description": ("ChargeDescription",),
    "service_category": ("ServiceCategory",),
    "service_subcategory": ("ServiceSubcategory",),
    "service_name": ("ServiceName",),
    "region": ("RegionId", "RegionName"),
    "availability_zone": ("AvailabilityZone",),
    "resource_id": ("ResourceId",),
    "resource_name": ("ResourceName",),
    "resource_type": ("ResourceType",),
    "sku_id": ("SkuId",),
    "sku_meter": ("SkuMeter",),
    "sku_price_id": ("SkuPriceId",),
    "sku_price_details": ("SkuPriceDetails",),
    "pricing_category": ("PricingCategory",),
    "pricing_unit": ("PricingUnit",),
    "consumed_unit": ("ConsumedUnit",),
    "commitment_discount_id": ("CommitmentDiscountId",),
    "commitment_discount_name": ("CommitmentDiscountName",),
    "commitment_discount_category": ("CommitmentDiscountCategory",),
    "commitment_discount_type": ("CommitmentDiscountType",),
    "commitment_discount_status": ("CommitmentDiscountStatus",),
    "commitment_discount_unit": ("CommitmentDiscountUnit",),
    "capacity_reservation_id": ("CapacityReservationId",),
    "capacity_reservation_status": ("CapacityReservationStatus",),
}
CURRENCIES = {"billing_currency": "BillingCurrency", "pricing_currency": "PricingCurrency"}

#: Who provides the service, as far as any column says it.
PROVIDER = ("ServiceProviderName", "ProviderName", "HostProviderName", "InvoiceIssuerName", "PublisherName")
#: Where providers name the model of a row outside of SkuPriceDetails, and the kind of token.
MODEL = ("x_ModelId", "x_Model")
TOKEN_TYPE = ("x_TokenType",)

#: FOCUS columns without a field of their own: kept as tags under their own name.
AS_TAGS = (
    "AllocatedMethodDetails", "AllocatedMethodId", "AllocatedResourceDetails", "AllocatedResourceId",
    "AllocatedResourceName", "AllocatedServiceName", "AllocatedTags", "BillingAccountType",
    "CommitmentProgramEligibilityDetails", "ConsumerId", "ContractApplied", "CredentialId", "InvoiceDetailId",
    "PricingCurrencyContractedUnitPrice", "PricingCurrencyListUnitPrice", "PrincipalId", "RequesterDetails",
    "SubAccountType", "TagDetails",
)

#: Mandatory in 1.2; for those that later versions replaced, any one of the names will do.
MANDATORY: tuple[tuple[str, ...], ...] = (
    ("BilledCost",), ("EffectiveCost",), ("ListCost",), ("ContractedCost",), ("BillingAccountId",),
    ("BillingAccountName",), ("BillingCurrency",), ("BillingPeriodStart",), ("BillingPeriodEnd",), ("ChargePeriodEnd",),
    ("ChargeCategory",), ("ChargeClass",), ("ChargeDescription",), ("InvoiceIssuerName",), ("PricingQuantity",),
    ("PricingUnit",), ("ProviderName", "ServiceProviderName"), ("PublisherName", "ServiceProviderName"),
    ("ServiceCategory",), ("ServiceName",),
)

#: Names that only FOCUS uses, as far as the native bills of the large clouds go (which also say PublisherName or Tags).
DISTINCTIVE = frozenset({
    *COSTS.values(), START, "ChargePeriodEnd", "BillingPeriodStart", "BillingPeriodEnd", "ChargeCategory",
    "ChargeClass", "ChargeFrequency", "ChargeDescription", "CommitmentDiscountId", "CommitmentDiscountStatus",
    "CommitmentDiscountType", "ConsumedQuantity", "ConsumedUnit", "ContractedUnitPrice", "HostProviderName",
    "InvoiceIssuerName", "ListUnitPrice", "PricingCategory", "PricingQuantity", "PricingUnit", "ProviderName",
    "ServiceProviderName", "ServiceSubcategory", "SkuPriceDetails", "SkuPriceId", "SubAccountId", "SubAccountName",
})


@dataclass(frozen=True, slots=True)
class Named:
    """A file's columns found by their FOCUS name, whatever their case and whatever stands before the first one."""

    actual: dict[str, str]

    @classmethod
    def of(cls, names: frozenset[str] | tuple[str, ...]) -> Named:
        """Of equal names the first counts."""
        found: dict[str, str] = {}
        for name in names:
            found.setdefault(_folded(name), name)
        return cls(found)

    def find(self, focus_name: str) -> str | None:
        """The file's own spelling of a column, or None."""
        return self.actual.get(_folded(focus_name))

    def __contains__(self, focus_name: str) -> bool:
        return _folded(focus_name) in self.actual


def _folded(name: str) -> str:
    return name.strip("\ufeff\u200b \t\"'").casefold()

"""A billed line. Names are FOCUS 1.2's, in snake case (https://focus.finops.org)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from outlay.facts.column import CHARGE_MONEY, NO_TAGS, QUANTITY, TAGS, TEXT, TIME, column


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One billed line. The four costs are never added to one another: each is a view of the same money.

    Identity: issuer, account, billing period, the row's content, and its occurrence number among equal rows.
    """

    charge_period_start: datetime = column(TIME, "start of the period the charge is for, UTC", required=True)
    charge_period_end: datetime | None = column(TIME, "end of that period, exclusive, UTC")
    billing_period_start: datetime | None = column(TIME, "start of the invoice's period, UTC")
    billing_period_end: datetime | None = column(TIME, "end of the invoice's period, exclusive, UTC")

    billed_cost: Decimal | None = column(CHARGE_MONEY, "what the invoice asks for")
    effective_cost: Decimal | None = column(CHARGE_MONEY, "billed cost with purchases spread over what they cover")
    list_cost: Decimal | None = column(CHARGE_MONEY, "at public prices")
    contracted_cost: Decimal | None = column(CHARGE_MONEY, "at negotiated prices, before commitments")
    billing_currency: str | None = column(TEXT, "ISO 4217 or virtual currency of the four costs; None: not stated")

    invoice_issuer_name: str | None = column(TEXT, "who sends the invoice")
    provider: str | None = column(TEXT, "normalised id of who provides the service: aws, gcp, azure, openai, anthropic")
    service_provider_name: str | None = column(TEXT, "ServiceProviderName (1.3), before it ProviderName")
    host_provider_name: str | None = column(TEXT, "HostProviderName (1.3): on whose machines it runs")
    publisher_name: str | None = column(TEXT, "PublisherName (up to 1.3)")
    billing_account_id: str | None = column(TEXT, "the account that is invoiced")
    billing_account_name: str | None = column(TEXT, "its name")
    sub_account_id: str | None = column(TEXT, "account, subscription or project below it")
    sub_account_name: str | None = column(TEXT, "its name")
    invoice_id: str | None = column(TEXT, "InvoiceId")

    charge_category: str | None = column(TEXT, "Usage, Purchase, Tax, Credit or Adjustment")
    charge_class: str | None = column(TEXT, "Correction, or None")
    charge_frequency: str | None = column(TEXT, "One-Time, Recurring or Usage-Based")
    charge_description: str | None = column(TEXT, "ChargeDescription")

    service_category: str | None = column(TEXT, "ServiceCategory, for example Compute or AI and Machine Learning")
    service_subcategory: str | None = column(TEXT, "ServiceSubcategory")
    service_name: str | None = column(TEXT, "ServiceName")
    region: str | None = column(TEXT, "RegionId")
    availability_zone: str | None = column(TEXT, "AvailabilityZone")
    resource_id: str | None = column(TEXT, "ResourceId")
    resource_name: str | None = column(TEXT, "ResourceName")
    resource_type: str | None = column(TEXT, "ResourceType, for example the instance type")

    sku_id: str | None = column(TEXT, "SkuId")
    sku_meter: str | None = column(TEXT, "SkuMeter")
    sku_price_id: str | None = column(TEXT, "SkuPriceId")
    sku_price_details: str | None = column(TEXT, "SkuPriceDetails as JSON text")
    model: str | None = column(TEXT, "the model of a token-priced row (SkuPriceDetails.ModelId, else the source)")
    token_type: str | None = column(TEXT, "input, cache_read, cache_write, output, for token-priced rows")

    pricing_category: str | None = column(TEXT, "Standard, Dynamic (spot), Committed or Other")
    pricing_quantity: Decimal | None = column(QUANTITY, "in pricing_unit")
    pricing_unit: str | None = column(TEXT, "PricingUnit")
    consumed_quantity: Decimal | None = column(QUANTITY, "in consumed_unit")
    consumed_unit: str | None = column(TEXT, "ConsumedUnit")
    list_unit_price: Decimal | None = column(CHARGE_MONEY, "ListUnitPrice")
    contracted_unit_price: Decimal | None = column(CHARGE_MONEY, "ContractedUnitPrice")
    pricing_currency: str | None = column(TEXT, "PricingCurrency, where it differs (virtual currencies)")
    pricing_currency_effective_cost: Decimal | None = column(CHARGE_MONEY, "PricingCurrencyEffectiveCost")

    commitment_discount_id: str | None = column(TEXT, "CommitmentDiscountId")
    commitment_discount_name: str | None = column(TEXT, "CommitmentDiscountName")
    commitment_discount_category: str | None = column(TEXT, "Spend or Usage")
    commitment_discount_type: str | None = column(TEXT, "CommitmentDiscountType")
    commitment_discount_status: str | None = column(TEXT, "Used or Unused")
    commitment_discount_quantity: Decimal | None = column(QUANTITY, "in commitment_discount_unit")
    commitment_discount_unit: str | None = column(TEXT, "CommitmentDiscountUnit")
    capacity_reservation_id: str | None = column(TEXT, "CapacityReservationId")
    capacity_reservation_status: str | None = column(TEXT, "Used or Unused")

    tags: Mapping[str, str] = column(TAGS, "Tags, and every x_ column under its own name", default=NO_TAGS)

"""Quantities and unit prices of a FOCUS row such that price x quantity is the cost, which the specification demands."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal

#: Costs have 20 digits before the point and 18 after it; their products and quotients must lose none.
_EXACT = Context(prec=80, rounding=ROUND_HALF_EVEN)
_UNIT = Decimal("1e-18")
#: How far a stated price x quantity may be from the cost and still be the price of that cost.
_TOLERANCE = Decimal("1e-9")


@dataclass(frozen=True, slots=True)
class Pricing:
    """PricingQuantity, its unit, and the two unit prices, never negative (None: cannot be said)."""

    quantity: Decimal
    unit: str
    list_price: Decimal | None
    contracted_price: Decimal | None


def pricing(
    *, list_cost: Decimal, contracted_cost: Decimal, quantity: Decimal | None, unit: str | None,
    list_price: Decimal | None, contracted_price: Decimal | None,
) -> Pricing:
    """The stated figures where they agree with the costs, else prices made from costs and quantity.

    A row without a quantity, or with quantity 0 and a cost, is one unit. Refunds have a negative quantity, because
    FOCUS has no negative prices. Prices have 18 decimals, rounded half-even; costs are never touched.
    """
    cost = contracted_cost or list_cost
    if quantity is None or unit is None or (not quantity and (list_cost or contracted_cost)):
        quantity, unit = Decimal(1), unit if unit and quantity is not None else "Unit"
    if cost and (cost < 0) != (quantity < 0):
        quantity = -quantity
    return Pricing(
        quantity, unit, _price(list_cost, quantity, list_price), _price(contracted_cost, quantity, contracted_price)
    )


def _price(cost: Decimal, quantity: Decimal, stated: Decimal | None) -> Decimal | None:
    if stated is not None and stated >= 0:
        off = abs(_EXACT.subtract(_EXACT.multiply(stated, quantity), cost))
        if off <= max(_TOLERANCE * abs(cost), _UNIT):
            return stated
    if not quantity:
        return Decimal(0)
    price = _EXACT.quantize(_EXACT.divide(cost, quantity), _UNIT)
    return price if price >= 0 else None


def plain(value: Decimal) -> str:
    """A decimal as digits and a point, never with an exponent."""
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text

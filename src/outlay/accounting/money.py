"""How amounts are written for people; see docs on numbers. Exact strings for machines are `str(Decimal)`."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal


def dollars(amount: Decimal, currency: str = "USD") -> str:
    """Exact to the unit from 100 on, to the cent below, two significant digits below a cent; a true minus sign."""
    sign = "\N{MINUS SIGN}" if amount < 0 else ""
    size = abs(amount)
    if size == 0:
        text = "0"
    elif size >= 100:
        text = f"{size.quantize(Decimal(1), ROUND_HALF_EVEN):,}"
    elif size >= Decimal("0.01"):
        text = f"{size.quantize(Decimal('0.01'), ROUND_HALF_EVEN):,}"
    else:
        text = f"{size:.2g}" if size >= Decimal("0.0001") else f"{size:.1e}"
        text = format(Decimal(text), "f")
    return f"{sign}${text}" if currency == "USD" else f"{currency} {sign}{text}"


def short_dollars(amount: Decimal, currency: str = "USD") -> str:
    """For axes and prose: $534K, $1.60M."""
    size = abs(amount)
    sign = "\N{MINUS SIGN}" if amount < 0 else ""
    unit = "$" if currency == "USD" else f"{currency} "
    if size >= 1_000_000:
        return f"{sign}{unit}{size / 1_000_000:.2f}M"
    if size >= 10_000:
        return f"{sign}{unit}{size / 1000:.0f}K"
    if size >= 1000:
        return f"{sign}{unit}{size / 1000:.1f}K"
    return dollars(amount, currency)

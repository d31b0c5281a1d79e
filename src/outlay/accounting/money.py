"""How amounts are written for people; see docs on numbers. Exact strings for machines are `str(Decimal)`."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal

MINUS = "\N{MINUS SIGN}"

_CENT = Decimal("0.01")


def places(amounts: Iterable[Decimal]) -> int | None:
    """Decimal places that one column of amounts is written with: 0 from 100 on, 2 from a cent on.

    `None` where even the largest is below a cent: then each amount keeps its own two significant digits.
    """
    largest = max((abs(amount) for amount in amounts), default=Decimal(0))
    if largest >= 100 or largest == 0:
        return 0
    return 2 if largest >= _CENT else None


def dollars(amount: Decimal, currency: str = "USD", places: int | None = None) -> str:
    """Exact to the unit from 100 on, to the cent below, two significant digits below a cent; a true minus sign.

    `places` sets the precision of a column instead; what it would round to nothing reads `<$1`, since `$0` is measured.
    """
    sign = MINUS if amount < 0 else ""
    size = abs(amount)
    if size == 0:
        text = "0"
    elif places is not None:
        unit = Decimal(1).scaleb(-places)
        rounded = size.quantize(unit, ROUND_HALF_EVEN)
        text = f"{rounded:,}"
        if not rounded:
            sign, text = f"{sign}<", f"{unit}"
    elif size >= Decimal("99.995"):
        text = f"{size.quantize(Decimal(1), ROUND_HALF_EVEN):,}"
    elif size >= _CENT:
        text = f"{size.quantize(_CENT, ROUND_HALF_EVEN):,}"
    else:
        text = format(Decimal(f"{size:.1e}"), "f")
    return f"{sign}${text}" if currency == "USD" else f"{currency} {sign}{text}"


def change(amount: Decimal, currency: str = "USD", places: int | None = None) -> str:
    """A difference, always signed: `+$1,448`, `-$231` with a true minus; no difference is `$0`."""
    text = dollars(amount, currency, places)
    if amount <= 0:
        return text
    return f"+{text}" if currency == "USD" else text.replace(" ", " +", 1)


def short_dollars(amount: Decimal, currency: str = "USD") -> str:
    """For axes and prose: $534K, $1.60M."""
    size = abs(amount)
    sign = MINUS if amount < 0 else ""
    unit = "$" if currency == "USD" else f"{currency} "
    if size >= 999_500:
        return f"{sign}{unit}{size / 1_000_000:.2f}M"
    if size >= 10_000:
        return f"{sign}{unit}{size / 1000:.0f}K"
    if size >= 1000:
        return f"{sign}{unit}{size / 1000:.1f}K"
    return dollars(amount, currency)

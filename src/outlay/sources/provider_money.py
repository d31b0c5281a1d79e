"""Amounts of model providers' cost reports, exactly as their text has them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from outlay.facts import Notice
from outlay.sources.record import Record, rounded

#: Places after the point that the ledger keeps of charges.
PLACES = 18
_CODE = re.compile(r"[A-Z]{3}")


@dataclass(slots=True)
class Amounts:
    """Reads amounts, rounds what has more places than the ledger keeps, and counts how many lost digits by it."""

    shortened: int = 0

    def read(self, row: Record, name: str, *, cents: bool = False) -> Decimal:
        """The amount in whole currency units; `cents`: it is written in hundredths of them.

        Raises `BadRow` where it is missing or not an amount.
        """
        amount = row.money(name)
        if amount is None:
            raise row.bad(name, "is missing")
        kept, lost = rounded(amount, PLACES, point_left=2 if cents else 0)
        self.shortened += lost
        return kept

    def notices(self) -> Iterator[Notice]:
        if self.shortened:
            yield Notice(f"{self.shortened:,} amounts have more than {PLACES} decimal places and were rounded to that.")


def currency_code(row: Record, name: str) -> str | None:
    """ISO 4217 in capitals; None where the report names none. Raises `BadRow` where it is no currency code."""
    code = row.text(name)
    if code is None:
        return None
    if not _CODE.fullmatch(code.upper()):
        raise row.bad(name, "is not a currency code")
    return code.upper()

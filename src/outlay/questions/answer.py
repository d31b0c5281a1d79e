"""What every question answers with, in the one shape of `--json` and of the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from outlay.facts.window import Window


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows under named columns. Money is Decimal in `currency`; `unknown` lists what could not be counted in."""

    schema: str
    as_of: datetime
    window: Window
    currency: str
    cost: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    totals: Mapping[str, Any] = field(default_factory=dict)
    unknown: tuple[Mapping[str, Any], ...] = ()
    rejected: int = 0

    def as_json(self) -> dict[str, Any]:
        """Money as strings, times in ISO 8601 with Z."""
        return {
            "schema": self.schema,
            "as_of": plain(self.as_of),
            "window": self.window.as_json(),
            "currency": self.currency,
            "cost": self.cost,
            "rows": [dict(zip(self.columns, map(plain, row), strict=True)) for row in self.rows],
            "totals": {key: plain(value) for key, value in self.totals.items()},
            "unknown": [{key: plain(value) for key, value in entry.items()} for entry in self.unknown],
            "rejected": self.rejected,
        }


def plain(value: Any) -> Any:
    """A value as JSON has it: exact decimals and times as text."""
    if isinstance(value, Decimal):
        text = format(value.normalize(), "f")
        return "0" if text == "-0" else text
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    if isinstance(value, date):
        return value.isoformat()
    return value

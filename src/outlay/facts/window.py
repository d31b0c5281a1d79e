"""The period that an answer speaks of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

#: The FinOps convention: a month is 730 hours (365 days x 24 / 12), as cloud price lists use it.
HOURS_PER_MONTH = 730


@dataclass(frozen=True, slots=True)
class Window:
    """[since, until), naive UTC."""

    since: datetime
    until: datetime

    @property
    def length(self) -> timedelta:
        return self.until - self.since

    @property
    def hours(self) -> float:
        return self.length.total_seconds() / 3600

    def as_json(self) -> dict[str, str]:
        return {"since": self.since.isoformat() + "Z", "until": self.until.isoformat() + "Z"}

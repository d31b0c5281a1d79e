"""Reading one row of an outside format: each value has the type that is asked for, or the row is refused."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation, localcontext
from typing import Any

from outlay.facts import Reject

#: More tokens than any one call can carry (the largest context windows hold some ten million).
MOST_CALL_TOKENS = 10**9
#: More than any provider serves to one customer in one bucket.
MOST_BUCKET_TOKENS = 10**15
#: Amounts beyond a trillion are a broken export, and still fit DECIMAL(38,18).
_MOST_MONEY = Decimal(10**12)
#: DECIMAL(18,12) ends here, and so does what one call can cost.
_MOST_CALL_COST = 999_999
_FIRST_TIME, _LAST_TIME = datetime(2000, 1, 1), datetime(2100, 1, 1)
_RAW_LENGTH = 500


class BadRow(Exception):
    """The row cannot be a fact: `field` is at fault, for `reason`. Caught by the source, which yields a `Reject`."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason

    def reject(self, line: int | None, raw: str = "") -> Reject:
        return Reject(line, self.field, self.reason, raw[:_RAW_LENGTH])


@dataclass(frozen=True, slots=True)
class Record:
    """Named values of a row (JSON object or CSV row). `path` is where it stands in the row, for reject messages.

    Each reader takes alternative names and returns the first that is present and not null or empty, else None.
    Raises `BadRow` where that value is not of the type.
    """

    values: Mapping[str, Any]
    path: str = ""

    def has(self, *names: str) -> bool:
        return self._find(names)[1] is not None

    def text(self, *names: str) -> str | None:
        """Trimmed text; numbers become their digits."""
        name, value = self._find(names)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise self.bad(name, "is not text")
        return str(value).strip()

    def count(self, *names: str, most: int) -> int | None:
        """A whole number from 0 to `most`."""
        name, value = self._find(names)
        if value is None:
            return None
        if type(value) is int and 0 <= value <= most:  # nearly every value; not a bool
            return value
        number = self._number(name, value)
        if number != number.to_integral_value():
            raise self.bad(name, "is not a whole number")
        if number < 0:
            raise self.bad(name, "is negative")
        if number > most:
            raise self.bad(name, f"is larger than {most:,}, which nothing real reaches")
        return int(number)

    def money(self, *names: str) -> Decimal | None:
        """An amount exactly as written."""
        name, value = self._find(names)
        if value is None:
            return None
        amount = self._number(name, value)
        if abs(amount) > _MOST_MONEY:
            raise self.bad(name, "is larger than any real amount of money")
        return amount

    def time(self, *names: str) -> datetime | None:
        """ISO 8601 text (without a zone: UTC) or seconds since 1970, as naive UTC."""
        name, value = self._find(names)
        if value is None:
            return None
        if isinstance(value, int | Decimal) or (isinstance(value, str) and value.strip().isdigit() and len(value) > 8):
            return self._epoch(name, self._number(name, value))
        if not isinstance(value, str):
            raise self.bad(name, "is not a time")
        text = value.strip()
        try:
            moment = datetime.fromisoformat(text.removesuffix(" UTC"))
            moment = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
        except (ValueError, OverflowError):
            raise self.bad(name, "is not a time") from None
        return self._plausible(name, moment)

    def nanoseconds(self, *names: str) -> datetime | None:
        """Nanoseconds since 1970, a number or its digits, as naive UTC to the microsecond."""
        name, value = self._find(names)
        if value is None:
            return None
        return self._epoch(name, self._number(name, value).scaleb(-9))

    def flag(self, *names: str) -> bool | None:
        name, value = self._find(names)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str) and value.strip().lower() in ("true", "false"):
            return value.strip().lower() == "true"
        raise self.bad(name, "is not true or false")

    def record(self, *names: str) -> Record:
        """A nested object, empty where it is absent. JSON in text is read as such."""
        name, value = self._find(names)
        if isinstance(value, str):
            value = self._decoded(name, value)
        if value is None:
            return Record({}, self._place(name))
        if not isinstance(value, dict):
            raise self.bad(name, "is not an object")
        return Record(value, self._place(name))

    def items(self, *names: str) -> list[Any]:
        """A nested list, empty where it is absent. JSON in text is read as such."""
        name, value = self._find(names)
        if isinstance(value, str):
            value = self._decoded(name, value)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.bad(name, "is not a list")
        return value

    def bad(self, name: str, reason: str) -> BadRow:
        """The refusal of this row for its value `name`."""
        return BadRow(self._place(name), reason)

    def raw(self, names: Iterable[str]) -> str:
        """The values of `names` as JSON, for a reject; the caller names only what holds no texts."""
        kept = {name: self.values[name] for name in names if name in self.values}
        return json.dumps(kept, default=str, ensure_ascii=False)[:_RAW_LENGTH]

    def _find(self, names: tuple[str, ...]) -> tuple[str, Any]:
        get = self.values.get
        for name in names:
            value = get(name)
            if value is not None and (type(value) is not str or value.strip()):
                return name, value
        return names[0], None

    def _place(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def _number(self, name: str, value: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise self.bad(name, "is not a number")
        try:
            number = Decimal(value.strip() if isinstance(value, str) else value)
        except InvalidOperation:
            raise self.bad(name, "is not a number") from None
        if not number.is_finite() or abs(number.adjusted()) > 60:
            raise self.bad(name, "is not a usable number")
        return number

    def _epoch(self, name: str, seconds: Decimal) -> datetime:
        if not 0 < seconds < 5 * 10**9:
            raise self.bad(name, "is not a time since 1970")
        whole = int(seconds)
        moment = datetime.fromtimestamp(whole, UTC).replace(tzinfo=None)
        return self._plausible(name, moment.replace(microsecond=int((seconds - whole) * 10**6)))

    def _plausible(self, name: str, moment: datetime) -> datetime:
        if not _FIRST_TIME <= moment < _LAST_TIME:
            raise self.bad(name, "is a time before 2000 or after 2099")
        return moment

    def _decoded(self, name: str, text: str) -> Any:
        try:
            return json.loads(text, parse_float=Decimal, parse_constant=Decimal)
        except (ValueError, RecursionError):
            raise self.bad(name, "is not JSON") from None


def rounded(amount: Decimal, places: int, *, point_left: int = 0) -> tuple[Decimal, bool]:
    """`amount`, its point moved left by `point_left`, with `places` decimals (half-even), and whether digits were lost.

    The ledger keeps charges to 18 places and a call's cost to 12; emitters write up to 30.
    """
    with localcontext() as context:
        context.prec = 80
        exact = amount.scaleb(-point_left)
        short = exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
        return short, short != exact


def call_cost(row: Record, *names: str) -> Decimal | None:
    """The dollars that an emitter states for one call, to the picodollar.

    Raises `BadRow` where they are negative or more than a call can cost.
    """
    cost = row.money(*names)
    if cost is None:
        return None
    name = next(name for name in names if row.has(name))
    if cost < 0:
        raise row.bad(name, "is negative")
    if cost > _MOST_CALL_COST:
        raise row.bad(name, f"is more than {_MOST_CALL_COST:,} dollars for one call")
    return rounded(cost, 12)[0]

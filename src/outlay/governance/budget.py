"""The one Budget type, for everything that spends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from outlay.errors import SettingsError
from outlay.facts.window import Window

#: What a budget may be for, and the dimension of the ledger that holds it. A budget for none of them is the
#: organisation's.
SCOPES: dict[str, str] = {
    "team": "team", "project": "project", "key": "api_key", "user": "user", "agent": "agent",
    "conversation": "conversation", "run": "run", "task": "task", "model": "model", "environment": "environment",
}
#: Months that each period takes; a day and a week are counted in days.
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
PERIODS = ("day", "week", *_MONTHS)
_DAY = timedelta(days=1)
_KEYS = ("name", *SCOPES, "amount", "period", "thresholds")
_EXAMPLE = "For example: {name: search, team: search, amount: 80000, period: month}"


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be spent on `scope` (names of `SCOPES` with their values, patterns with `*`; all must hold) in each
    `period`, in the reporting currency. `thresholds`: shares of it in percent, ascending, at which someone is told."""

    name: str
    scope: tuple[tuple[str, str], ...]
    amount: Decimal
    period: str = "month"
    thresholds: tuple[int, ...] = (50, 80, 100)

    @property
    def where(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The scope as cost questions ask for it."""
        return tuple((SCOPES[name], (value,)) for name, value in self.scope)


def period_at(period: str, moment: datetime) -> Window:
    """The period of the calendar (UTC; weeks begin on Monday) that a moment lies in."""
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "day":
        return Window(day, day + _DAY)
    if period == "week":
        monday = day - day.weekday() * _DAY
        return Window(monday, monday + 7 * _DAY)
    length = _MONTHS[period]
    first = day.replace(month=(day.month - 1) // length * length + 1, day=1)
    after = first.year * 12 + first.month - 1 + length
    return Window(first, first.replace(year=after // 12, month=after % 12 + 1))


def parse_budgets(section: object, where: str) -> tuple[Budget, ...]:
    """The `budgets` section of the settings. Raises `SettingsError` naming the entry and the key at fault."""
    if section is None:
        return ()
    if not isinstance(section, list):
        raise SettingsError("must be a list", where=f"{where}: budgets", hint=_EXAMPLE)
    budgets = tuple(_parse(entry, f"{where}: budgets[{number}]") for number, entry in enumerate(section, start=1))
    names = [budget.name for budget in budgets]
    for number, name in enumerate(names, start=1):
        if name in names[: number - 1]:
            raise SettingsError(f"another budget is called {name!r}, too", where=f"{where}: budgets[{number}].name")
    return budgets


def _parse(entry: Any, where: str) -> Budget:
    if not isinstance(entry, Mapping):
        raise SettingsError("must be a mapping", where=where, hint=_EXAMPLE)
    for key in entry:
        if key not in _KEYS:
            raise SettingsError(f"unknown key {key!r}", where=where, hint=f"One of {', '.join(_KEYS)}.")
    name = entry.get("name")
    if not isinstance(name, str) or not name.strip():
        raise SettingsError("a budget has a name", where=f"{where}.name", hint=_EXAMPLE)
    period = entry.get("period", "month")
    if period not in PERIODS:
        raise SettingsError(f"{period!r} is not one of {', '.join(PERIODS)}", where=f"{where}.period")
    return Budget(name.strip(), tuple(_scope(entry, where)), _amount(entry.get("amount"), f"{where}.amount"), period,
                  _thresholds(entry.get("thresholds", [50, 80, 100]), f"{where}.thresholds"))


def _scope(entry: Mapping[str, Any], where: str) -> Iterator[tuple[str, str]]:
    for name in SCOPES:
        value = entry.get(name)
        if name not in entry:
            continue
        if isinstance(value, (dict, list)) or value is None or not str(value).strip():
            raise SettingsError("must be one name, or a pattern such as 'search-*'", where=f"{where}.{name}")
        yield name, str(value).strip()


def _amount(value: Any, where: str) -> Decimal:
    # YAML reads 0.1 as a float, whose shortest text is what was written.
    try:
        amount = Decimal(str(value)) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else None
    except InvalidOperation:
        amount = None
    if amount is None or not amount.is_finite() or not 0 < amount < 10**15:
        raise SettingsError("must be an amount above zero", where=where, hint=_EXAMPLE)
    return amount


def _thresholds(value: Any, where: str) -> tuple[int, ...]:
    if not isinstance(value, list) or not value or not all(
            isinstance(each, int) and not isinstance(each, bool) and 0 < each <= 1000 for each in value):
        raise SettingsError("must be a list of whole percentages", where=where, hint="For example [50, 80, 100].")
    return tuple(sorted(set(value)))

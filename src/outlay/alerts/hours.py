"""Hours of the week in a time zone: when a route applies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from outlay.errors import SettingsError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_KEYS = ("zone", "days", "from", "to")
_EXAMPLE = 'For example {zone: Europe/Berlin, days: [mon, tue, wed, thu, fri], from: "09:00", to: "18:00"}.'
_WEEK = 8


@dataclass(frozen=True, slots=True)
class Hours:
    """`days`: 0 is Monday. `begin` to `end` of each of them, local time of `zone`; an end that is not after the
    beginning is on the next day."""

    zone: str
    days: frozenset[int]
    begin: time
    end: time

    def hold(self, moment: datetime) -> bool:
        """Whether a moment, naive UTC, lies within."""
        local = self._local(moment)
        return any(begin <= local < end for begin, end in self._spans(local, -1, 1))

    def next(self, moment: datetime) -> datetime:
        """The moment itself where it lies within, else when they begin next; naive UTC."""
        local = self._local(moment)
        begins = [begin for begin, end in self._spans(local, -1, _WEEK) if end > local]
        at = max(min(begins), local)
        return at.replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC).replace(tzinfo=None)

    def _local(self, moment: datetime) -> datetime:
        return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)

    def _spans(self, local: datetime, first: int, last: int) -> list[tuple[datetime, datetime]]:
        spans = []
        for offset in range(first, last + 1):
            day = local.date() + timedelta(days=offset)
            if day.weekday() in self.days:
                until = day if self.end > self.begin else day + timedelta(days=1)
                spans.append((datetime.combine(day, self.begin), datetime.combine(until, self.end)))
        return spans


def parse_hours(entry: Any, where: str) -> Hours:
    """Raises `SettingsError` naming the key at fault."""
    if not isinstance(entry, Mapping):
        raise SettingsError("must be a mapping", where=where, hint=_EXAMPLE)
    for key in entry:
        if key not in _KEYS:
            raise SettingsError(f"unknown key {key!r}", where=where, hint=f"One of {', '.join(_KEYS)}.")
    days = entry.get("days", list(DAYS[:5]))
    if not isinstance(days, list) or not days or any(day not in DAYS for day in days):
        raise SettingsError(f"must be a list of {', '.join(DAYS)}", where=f"{where}.days", hint=_EXAMPLE)
    return Hours(parse_zone(entry.get("zone", "UTC"), f"{where}.zone"), frozenset(map(DAYS.index, days)),
                 parse_time(entry.get("from"), f"{where}.from"), parse_time(entry.get("to"), f"{where}.to"))


def parse_zone(value: Any, where: str) -> str:
    """The name of a time zone. Raises `SettingsError`."""
    try:
        return ZoneInfo(str(value)).key
    except (ValueError, OSError, LookupError) as error:
        raise SettingsError(f"{value!r} is not a time zone", where=where, hint="For example Europe/Berlin.") from error


def parse_time(value: Any, where: str) -> time:
    """A time of the day, `09:00`. Raises `SettingsError`."""
    try:
        return time.fromisoformat(value) if isinstance(value, str) else time.fromisoformat("")
    except ValueError as error:
        # YAML reads 18:00 without quotes as a number.
        raise SettingsError("must be a time of the day in quotes", where=where, hint='For example "09:00".') from error

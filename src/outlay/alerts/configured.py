"""The section `alerts` of the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outlay.errors import SettingsError

if TYPE_CHECKING:
    from outlay.alerts.notifiers.base import Notifier
    from outlay.alerts.routes import Route

_KEYS = ("budget_pages_at", "routes", "notifiers", "weekly")
_WEEKLY = ("day", "time", "zone", "notify")


@dataclass(frozen=True, slots=True)
class Weekly:
    """When the weekly summary is sent, and through which notifiers. `day`: 0 is Monday; `at`: local time of `zone`."""

    day: int
    at: time
    zone: str
    notify: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """`budget_pages_at`: from which share of a budget on, in percent, somebody is paged."""

    budget_pages_at: int = 80
    routes: tuple[Route, ...] = ()
    notifiers: tuple[Notifier, ...] = ()
    weekly: Weekly | None = None


def parse_alerts(section: Any, where: str, base: Path) -> AlertSettings:
    """The section, `where` being the file. Raises `SettingsError` naming the key at fault. Secrets are not read."""
    if section is None:
        return AlertSettings()
    where = f"{where}: alerts"
    if not isinstance(section, Mapping):
        raise SettingsError("must be a mapping", where=where, hint=f"With {', '.join(_KEYS)}.")
    for key in section:
        if key not in _KEYS:
            raise SettingsError(f"unknown key {key!r}", where=where, hint=f"One of {', '.join(_KEYS)}.")
    from outlay.alerts.routes import parse_routes

    pages_at = section.get("budget_pages_at", 80)
    if isinstance(pages_at, bool) or not isinstance(pages_at, int) or not 0 < pages_at <= 1000:
        raise SettingsError("must be a whole percentage", where=f"{where}.budget_pages_at", hint="For example 80.")
    notifiers = _notifiers(section.get("notifiers"), f"{where}.notifiers", base)
    names = [each.name for each in notifiers]
    return AlertSettings(
        pages_at, parse_routes(section.get("routes"), f"{where}.routes", names), notifiers,
        _weekly(section["weekly"], f"{where}.weekly", notifiers) if section.get("weekly") is not None else None)


def _notifiers(section: Any, where: str, base: Path) -> tuple[Notifier, ...]:
    from outlay.alerts.notifiers.registry import NOTIFIERS

    if section is None:
        return ()
    if not isinstance(section, Mapping):
        raise SettingsError("must be a mapping of names", where=where,
                            hint="For example {oncall: {kind: pagerduty, routing_key: {env: PAGERDUTY_KEY}}}.")
    kinds = {kind.code: kind for kind in NOTIFIERS}
    found = []
    for name, entry in section.items():
        place = f"{where}.{name}"
        if not isinstance(name, str) or not name.strip():
            raise SettingsError("a notifier has a name", where=where)
        if not isinstance(entry, Mapping):
            raise SettingsError("must be a mapping", where=place)
        kind = kinds.get(str(entry.get("kind")))
        if kind is None:
            raise SettingsError(f"{entry.get('kind')!r} is not one of {', '.join(kinds)}", where=f"{place}.kind")
        for key in entry:
            if key != "kind" and key not in kind.keys:
                raise SettingsError(f"unknown key {key!r}", where=place, hint=f"One of kind, {', '.join(kind.keys)}.")
        found.append(kind.parse(name.strip(), entry, place, base))
    return tuple(found)


def _weekly(entry: Any, where: str, notifiers: tuple[Notifier, ...]) -> Weekly:
    from outlay.alerts.hours import DAYS, parse_time, parse_zone
    from outlay.alerts.routes import names_of

    if not isinstance(entry, Mapping):
        raise SettingsError("must be a mapping", where=where,
                            hint='For example {day: mon, time: "09:00", zone: Europe/Berlin, notify: [finops]}.')
    for key in entry:
        if key not in _WEEKLY:
            raise SettingsError(f"unknown key {key!r}", where=where, hint=f"One of {', '.join(_WEEKLY)}.")
    day = entry.get("day", "mon")
    if day not in DAYS:
        raise SettingsError(f"{day!r} is not one of {', '.join(DAYS)}", where=f"{where}.day")
    notify = names_of(entry.get("notify"), f"{where}.notify")
    takes = {each.name: each.takes_summaries for each in notifiers}
    for name in notify:
        if not takes.get(name, False):
            why = "takes no summaries" if name in takes else "is no notifier"
            raise SettingsError(f"{name!r} {why}", where=f"{where}.notify")
    return Weekly(DAYS.index(day), parse_time(entry.get("time", "09:00"), f"{where}.time"),
                  parse_zone(entry.get("zone", "UTC"), f"{where}.zone"), notify)

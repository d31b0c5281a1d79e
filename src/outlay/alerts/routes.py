"""Who is told of what, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from outlay.alerts.condition import Condition, Severity
from outlay.alerts.hours import Hours, parse_hours
from outlay.errors import SettingsError

_KEYS = ("name", "team", "severity", "rule", "hours", "outside", "notify")
_EXAMPLE = "For example {team: search, severity: [warn, page], notify: [search-slack]}."


@dataclass(frozen=True, slots=True)
class Route:
    """Alerts of these teams, severities and rules (patterns with `*`; empty: of all) go to these notifiers. `none` is
    the team of what has no team. Outside of `hours` they wait for them, or where `skips` go nowhere."""

    name: str
    teams: tuple[str, ...]
    severities: tuple[Severity, ...]
    rules: tuple[str, ...]
    hours: Hours | None
    skips: bool
    notify: tuple[str, ...]

    def takes(self, condition: Condition) -> bool:
        """Whether it is for this condition, whatever the time."""
        return (_among(condition.team or "none", self.teams) and _among(condition.rule, self.rules)
                and (not self.severities or condition.severity in self.severities))


@dataclass(frozen=True, slots=True)
class Planned:
    """A message to a notifier, not before a moment."""

    route: str
    notifier: str
    not_before: datetime


def planned(routes: Sequence[Route], condition: Condition, now: datetime) -> tuple[Planned, ...]:
    """Where a condition goes: every route that takes it, each notifier once, as early as any route lets it."""
    found: dict[str, Planned] = {}
    for route in routes:
        if not route.takes(condition) or (route.skips and route.hours is not None and not route.hours.hold(now)):
            continue
        at = now if route.hours is None else route.hours.next(now)
        for name in route.notify:
            if name not in found or at < found[name].not_before:
                found[name] = Planned(route.name, name, at)
    return tuple(found.values())


def parse_routes(section: Any, where: str, notifiers: Sequence[str]) -> tuple[Route, ...]:
    """The list of routes. Raises `SettingsError` naming the route and the key at fault."""
    if section is None:
        return ()
    if not isinstance(section, list):
        raise SettingsError("must be a list", where=where, hint=_EXAMPLE)
    routes = tuple(_parse(entry, f"{where}[{number}]", number, notifiers)
                   for number, entry in enumerate(section, start=1))
    names = [route.name for route in routes]
    for number, name in enumerate(names, start=1):
        if name in names[: number - 1]:
            raise SettingsError(f"another route is called {name!r}, too", where=f"{where}[{number}].name")
    return routes


def _parse(entry: Any, where: str, number: int, notifiers: Sequence[str]) -> Route:
    if not isinstance(entry, Mapping):
        raise SettingsError("must be a mapping", where=where, hint=_EXAMPLE)
    for key in entry:
        if key not in _KEYS:
            raise SettingsError(f"unknown key {key!r}", where=where, hint=f"One of {', '.join(_KEYS)}.")
    outside = entry.get("outside", "wait")
    if outside not in ("wait", "skip"):
        raise SettingsError("must be wait or skip", where=f"{where}.outside")
    if "outside" in entry and "hours" not in entry:
        raise SettingsError("says nothing without `hours`", where=f"{where}.outside")
    notify = names_of(entry.get("notify"), f"{where}.notify")
    for name in notify:
        if name not in notifiers:
            raise SettingsError(f"there is no notifier {name!r}", where=f"{where}.notify",
                                hint=f"One of {', '.join(notifiers)}." if notifiers else "Set one under `notifiers`.")
    severities = names_of(entry.get("severity", []), f"{where}.severity", empty=True)
    for each in severities:
        if each not in set(Severity):
            raise SettingsError(f"{each!r} is not one of {', '.join(Severity)}", where=f"{where}.severity")
    rules = names_of(entry.get("rule", []), f"{where}.rule", empty=True)
    check_rules(rules, f"{where}.rule")
    name = entry.get("name", f"route {number}")
    if not isinstance(name, str) or not name.strip():
        raise SettingsError("must be a text", where=f"{where}.name")
    return Route(name.strip(), names_of(entry.get("team", []), f"{where}.team", empty=True),
                 tuple(map(Severity, severities)), rules,
                 parse_hours(entry["hours"], f"{where}.hours") if "hours" in entry else None, outside == "skip", notify)


def names_of(value: Any, where: str, *, empty: bool = False) -> tuple[str, ...]:
    """One name or a list of them. Raises `SettingsError`."""
    items = value if isinstance(value, list) else [value]
    if (not items and not empty) or any(not isinstance(item, str) or not item.strip() for item in items):
        raise SettingsError("must be a name or a list of names", where=where)
    return tuple(item.strip() for item in items)


def check_rules(patterns: Sequence[str], where: str) -> None:
    """Raises `SettingsError` for a pattern that no rule has: a typing error would silently send nothing."""
    from outlay.alerts.rules.registry import RULES

    for pattern in patterns:
        if not any(fnmatchcase(rule.code, pattern) for rule in RULES):
            raise SettingsError(f"there is no rule {pattern!r}", where=where,
                                hint=f"One of {', '.join(rule.code for rule in RULES)}.")


def _among(value: str, patterns: tuple[str, ...]) -> bool:
    return not patterns or any(fnmatchcase(value, pattern) for pattern in patterns)

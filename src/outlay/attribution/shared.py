"""Shared cost: what one team is billed for and several use, split evenly, by proportion or by weights."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from outlay.errors import SettingsError

#: Columns of a cost line that a split may be chosen by.
CHOOSABLE = ("team", "provider", "service", "line", "resource", "account", "region", "project", "environment", "part")
METHODS = ("evenly", "proportion", "weights")


@dataclass(frozen=True, slots=True)
class Split:
    """`when` chooses cost lines (patterns with `*`); `by` says how they are shared out.

    evenly: the same for every team in `among`; proportion: by each team's other cost, over all that the ledger holds
    (of `among`, or of all), so that a share does not jump from day to day; weights: by `weights`.
    Lines are whole cost lines of a day: what is asked of single calls has the calls' own teams.
    """

    name: str
    when: tuple[tuple[str, str], ...]
    by: str
    among: tuple[str, ...] = ()
    weights: tuple[tuple[str, Decimal], ...] = ()


def parse_splits(section: object, where: str) -> tuple[Split, ...]:
    """The `split` section of the settings. Raises `SettingsError` naming the entry and the key at fault."""
    if section is None:
        return ()
    if not isinstance(section, list):
        raise SettingsError("must be a list", where=f"{where}: split")
    return tuple(_parse(entry, f"{where}: split[{number}]") for number, entry in enumerate(section, start=1))


def _parse(entry: Any, where: str) -> Split:
    if not isinstance(entry, dict) or not isinstance(entry.get("when"), dict) or not entry["when"]:
        raise SettingsError("a split has `name`, `when` and `by`", where=where,
                            hint="For example: {name: cluster, when: {resource: 'shared-*'}, by: proportion}")
    for key in entry:
        if key not in ("name", "when", "by", "among", "weights"):
            raise SettingsError(f"unknown key {key!r}", where=where)
    for column in entry["when"]:
        if column not in CHOOSABLE:
            raise SettingsError(f"cannot choose by {column!r}; one of {', '.join(CHOOSABLE)}", where=f"{where}.when")
    by = entry.get("by")
    if by not in METHODS:
        raise SettingsError(f"{by!r} is not one of {', '.join(METHODS)}", where=f"{where}.by")
    among = tuple(str(team) for team in entry.get("among") or ())
    weights = _weights(entry.get("weights") or {}, where)
    if by == "evenly" and not among:
        raise SettingsError("evenly among whom? Name the teams", where=f"{where}.among")
    if by == "weights" and not weights:
        raise SettingsError("needs a weight for each team", where=f"{where}.weights")
    return Split(str(entry.get("name", by)), tuple((str(k), str(v)) for k, v in entry["when"].items()), by, among,
                 weights)


def _weights(section: Any, where: str) -> tuple[tuple[str, Decimal], ...]:
    try:
        weights = tuple((str(team), Decimal(str(weight))) for team, weight in dict(section).items())
    except (InvalidOperation, TypeError, ValueError) as error:
        raise SettingsError("must be a mapping of team to number", where=f"{where}.weights") from error
    if any(not weight.is_finite() or weight <= 0 for _, weight in weights):
        raise SettingsError("weights are positive numbers", where=f"{where}.weights")
    return weights

"""Attribution rules: the first rule that matches wins; what it does not set falls to the fact's own tags.

    attribution:
      tags:
        team: [team, cost_center, column:account]
      rules:
        - name: search keys
          when: {provider: openai, api_key: "search-*"}
          set: {team: search, project: chat}

A condition names a column of the fact (`provider`, `service_name`, `user`, `partition`, ...) or `tags.KEY`; its value
is a pattern with `*` and `?`, compared without regard to case, or a list of which any may match. A rule that names a
column which a kind of fact does not have does not match that kind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from outlay.errors import SettingsError
from outlay.facts import KINDS, columns

DIMENSIONS = ("team", "owner", "project", "environment", "purpose", "stage")

#: Tag keys that speak of a dimension, the first that is present wins; `column:NAME` reads a column of the fact.
DEFAULT_TAGS: dict[str, tuple[str, ...]] = {
    "team": ("team", "Team", "cost_center", "cost-center", "CostCenter", "business_unit", "column:account"),
    "owner": ("owner", "Owner", "created_by", "createdBy", "column:user"),
    "project": ("project", "Project", "application", "app", "repository"),
    "environment": ("environment", "Environment", "env", "deployment.environment", "deployment.environment.name"),
    "purpose": ("purpose", "Purpose"),
    "stage": ("stage",),
}

#: Kinds for which `column:account` is the team that pays (Slurm accounts), and `column:user` the owner. Elsewhere an
#: account is an invoice's account and a user may be an end user of the product.
_COLUMN_FALLBACKS = {"Run"}

_COLUMNS = frozenset(column.name for kind in KINDS for column in columns(kind))


@dataclass(frozen=True, slots=True)
class Rule:
    """`when`: column or `tags.KEY` to patterns, all of which must match; `sets`: dimension to value."""

    when: tuple[tuple[str, tuple[str, ...]], ...]
    sets: tuple[tuple[str, str], ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Attribution:
    """The rules of an installation, in order, and the tag keys that speak of each dimension."""

    rules: tuple[Rule, ...] = ()
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: DEFAULT_TAGS)

    @property
    def fingerprint(self) -> str:
        """Changes when any answer of the rules could change; kept with the rows that carry their results."""
        text = repr((self.rules, sorted(self.tags.items())))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def tag_keys(self, dimension: str, kind: str) -> tuple[str, ...]:
        """Tag keys and columns to look at for a dimension of one kind of fact, in order."""
        keys = self.tags.get(dimension, DEFAULT_TAGS[dimension])
        return tuple(key for key in keys if not key.startswith("column:") or kind in _COLUMN_FALLBACKS)


def parse_attribution(section: object, where: str = "outlay.yaml") -> Attribution:
    """The `attribution` section of the settings. Raises `SettingsError` naming the rule and the key at fault."""
    if section is None:
        return Attribution()
    if not isinstance(section, dict):
        raise SettingsError("attribution must be a mapping of `tags` and `rules`", where=where)
    _only(section, {"tags", "rules"}, f"{where}: attribution")
    tags = dict(DEFAULT_TAGS)
    for dimension, keys in (section.get("tags") or {}).items():
        if dimension not in DIMENSIONS:
            raise SettingsError(f"unknown dimension {dimension!r}; one of {', '.join(DIMENSIONS)}",
                                where=f"{where}: attribution.tags")
        tags[dimension] = _texts(keys, f"{where}: attribution.tags.{dimension}")
    rules = section.get("rules") or []
    if not isinstance(rules, list):
        raise SettingsError("attribution.rules must be a list", where=where)
    return Attribution(
        tuple(_parse_rule(rule, f"{where}: attribution.rules[{index}]") for index, rule in enumerate(rules, start=1)),
        tags,
    )


def _parse_rule(rule: Any, where: str) -> Rule:
    if not isinstance(rule, dict) or not isinstance(rule.get("when"), dict) or not isinstance(rule.get("set"), dict):
        raise SettingsError("a rule has `when` and `set`, both mappings", where=where,
                            hint='For example: {when: {user: "ana*"}, set: {team: search}}')
    _only(rule, {"when", "set", "name"}, where)
    for column in rule["when"]:
        if column not in _COLUMNS and not str(column).startswith("tags."):
            raise SettingsError(f"no kind of fact has a column {column!r}", where=f"{where}.when",
                                hint="Use a column listed in docs/facts.md, or tags.KEY.")
    for dimension in rule["set"]:
        if dimension not in DIMENSIONS:
            raise SettingsError(f"unknown dimension {dimension!r}; one of {', '.join(DIMENSIONS)}",
                                where=f"{where}.set")
    return Rule(
        tuple((str(column), _texts(value, f"{where}.when.{column}")) for column, value in rule["when"].items()),
        tuple((str(dimension), str(value)) for dimension, value in rule["set"].items()),
        str(rule.get("name", "")),
    )


def _texts(value: Any, where: str) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(item, str | int | float | bool) for item in values):
        raise SettingsError("must be a text or a list of texts", where=where)
    return tuple(str(item) for item in values)


def _only(section: dict[Any, Any], allowed: set[str], where: str) -> None:
    for key in section:
        if key not in allowed:
            raise SettingsError(f"unknown key {key!r}; one of {', '.join(sorted(allowed))}", where=where)

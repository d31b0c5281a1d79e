"""From what is known now to what holds now: every rule, then one condition for one cause."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from outlay.accounting.money import dollars
from outlay.alerts.condition import Condition
from outlay.alerts.inputs import Inputs
from outlay.alerts.rules.base import Rule
from outlay.alerts.rules.registry import RULES
from outlay.alerts.rules.source_silent import silent

#: Titles of a group's members that its alert names.
_NAMED = 5
#: Characters of keys and links, and of names.
_LONGEST_KEY, _LONGEST_NAME = 400, 200


def evaluate(inputs: Inputs, now: datetime) -> tuple[Condition, ...]:
    """What holds at `now`, naive UTC, once per cause: the loudest first. Keys differ."""
    known = replace(inputs, now=now)
    unjudged = cannot_judge(known, now)
    found = [condition for rule in RULES if rule.code not in unjudged for condition in rule.conditions(known)]
    covered = {_bounded_key(key) for condition in found for key in condition.covers}
    once = {condition.key: condition for condition in map(_bounded, _grouped(found)) if condition.key not in covered}
    return tuple(sorted(once.values(), key=lambda each: (-each.severity.rank, -(each.amount or Decimal(0)), each.key)))


def cannot_judge(inputs: Inputs, now: datetime) -> frozenset[str]:
    """Codes of rules that can say nothing now: what they look at is not known, or a source that they rest on is silent.
    What they said before stands."""
    quiet = {source.code for source in silent(replace(inputs, now=now))}
    return frozenset(rule.code for rule in RULES if _is_blind(rule, inputs) or quiet & set(rule.rests_on))


def _is_blind(rule: Rule, inputs: Inputs) -> bool:
    return any(getattr(inputs, name) is None for name in rule.needs)


def _grouped(conditions: Iterable[Condition]) -> Iterable[Condition]:
    """Conditions of one rule and group as one, with the group's key, even where it is the only one so far: others of
    its sweep may follow, and are then the same alert."""
    groups: dict[tuple[str, str], list[Condition]] = {}
    for condition in conditions:
        groups.setdefault((condition.rule, condition.group or f"\0{condition.key}"), []).append(condition)
    for (rule, group), members in groups.items():
        if not members[0].group:
            yield members[0]
        elif len(members) == 1:
            yield replace(members[0], key=f"{rule}:{group}")
        else:
            yield _group(f"{rule}:{group}", members)


def _group(key: str, members: list[Condition]) -> Condition:
    """The loudest and dearest member speaks for all; amounts are added where all are known."""
    ranked = sorted(members, key=lambda each: (-each.severity.rank, -(each.amount or Decimal(0)), each.key))
    first, amounts = ranked[0], [each.amount for each in members if each.amount is not None]
    amount = sum(amounts, Decimal(0)) if amounts else None
    unknown = len(members) - len(amounts)
    together = "" if amount is None else f" Together {dollars(amount, first.currency)} so far"
    beside = f", and {unknown} of unknown cost" if together and unknown else ""
    return replace(
        first, key=key, amount=amount, count=len(members), since=min(each.since for each in members),
        title=f"{first.title.rstrip('.')}, and {len(members) - 1} more of {first.group} like it.",
        cause=f"{first.cause}{together}{beside}{'.' if together else ''}",
        owner=first.owner if len({each.owner for each in members}) == 1 else None,
        team=first.team if len({each.team for each in members}) == 1 else None,
        command="\n".join(dict.fromkeys(each.command for each in ranked if each.command)),
        facts=tuple((f"{place}", each.title) for place, each in enumerate(ranked[:_NAMED], start=1)))


def _bounded(condition: Condition) -> Condition:
    """Names of users' data as long as the state keeps them. A key that is cut stays one of its own."""
    return replace(
        condition, key=_bounded_key(condition.key), team=condition.team and condition.team[:_LONGEST_NAME],
        owner=condition.owner and condition.owner[:_LONGEST_NAME],
        covers=tuple(map(_bounded_key, condition.covers)),
        link=condition.link if len(condition.link) <= _LONGEST_KEY else condition.link.partition("?")[0][:_LONGEST_KEY])


def _bounded_key(key: str) -> str:
    if len(key) <= _LONGEST_KEY:
        return key
    return f"{key[:_LONGEST_KEY - 33]}-{hashlib.sha256(key.encode()).hexdigest()[:32]}"

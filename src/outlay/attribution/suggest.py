"""Suggests who owns what nobody tagged, and says on what evidence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

#: A team is suggested where it has at least this share of the tagged cost that looks the same.
ENOUGH = 0.6


@dataclass(frozen=True, slots=True)
class Suggested:
    """A team, and why."""

    team: str
    evidence: str


def by_trait(name: str, trait: Sequence[str], shares: Mapping[str, Decimal]) -> Suggested | None:
    """The team that has most of the tagged cost with the same trait, if it has enough of it."""
    total = sum(shares.values(), Decimal(0))
    if total <= 0:
        return None
    team, cost = max(shares.items(), key=lambda item: (item[1], item[0]))
    share = float(cost / total)
    if share < ENOUGH:
        return None
    return Suggested(team, f"{share:.0%} of tagged cost with {name} {', '.join(trait)} is {team}'s")


def by_trait_index(shares: Sequence[tuple[tuple[str, ...], str, Decimal]]) -> dict[tuple[str, ...], dict[str, Decimal]]:
    """Trait to team to cost."""
    index: dict[tuple[str, ...], dict[str, Decimal]] = defaultdict(dict)
    for trait, team, cost in shares:
        index[trait][team] = index[trait].get(team, Decimal(0)) + cost
    return index

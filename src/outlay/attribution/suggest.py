"""Suggests who owns what nobody tagged, and says on what evidence."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

#: A team is suggested where it has at least this share of the tagged cost that looks the same.
ENOUGH = 0.6
#: Letters that a name must have to be recognised in another one.
_SHORTEST = 3


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


def by_name(what: str, name: str, teams: Mapping[str, str]) -> Suggested | None:
    """The team whose name, or whose project's name, stands as whole words in a name that people gave: `search-dev`.

    `teams`: from such a word or words to the team. The longest counts; nothing is said where two teams remain.
    """
    words = _words(name)
    found = {known: team for known, team in teams.items() if _within(_words(known), words)}
    longest = max((len(_words(known)) for known in found), default=0)
    last = {known: team for known, team in found.items() if len(_words(known)) == longest}
    if len(set(last.values())) != 1:
        return None
    known, team = min(last.items())
    whose = "bears its name" if known == team else f"bears the name of its project {known}"
    return Suggested(team, f"{what} {name} {whose}")


def _words(name: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[a-z0-9]+", name.lower()))


def _within(part: tuple[str, ...], whole: tuple[str, ...]) -> bool:
    """One word of one or two letters says nothing."""
    if not part or len("".join(part)) < _SHORTEST:
        return False
    return any(whole[at:at + len(part)] == part for at in range(len(whole) - len(part) + 1))


def by_trait_index(shares: Sequence[tuple[tuple[str, ...], str, Decimal]]) -> dict[tuple[str, ...], dict[str, Decimal]]:
    """Trait to team to cost."""
    index: dict[tuple[str, ...], dict[str, Decimal]] = defaultdict(dict)
    for trait, team, cost in shares:
        index[trait][team] = index[trait].get(team, Decimal(0)) + cost
    return index

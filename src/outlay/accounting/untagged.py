"""The untagged section: how much nobody owns, and likely owners."""

from __future__ import annotations

from decimal import Decimal

from outlay.accounting.assessment import Suggestion, Untagged
from outlay.attribution.suggest import Suggested, by_trait, by_trait_index
from outlay.facts.window import Window
from outlay.questions.ask import Ask
from outlay.questions.untagged import (
    SHARED_TRAITS,
    UntaggedLine,
    teams_of_owners,
    trait_shares,
    untagged_lines,
)

SHOWN = 10


def untagged_section(ask: Ask, window: Window, spent: Decimal, currency: str) -> Untagged:
    """Spend without a team, and its ten largest lines with the team that the evidence points to."""
    lines = untagged_lines(ask, window, currency)
    cost = sum((line.cost for line in lines), Decimal(0))
    suggestions = tuple(
        Suggestion(line.resource or line.line or "unknown", line.cost,
                   found.team if found else "unknown", found.evidence if found else "nothing tagged looks the same")
        for line, found in suggested_owners(ask, window, currency, lines[:SHOWN]))
    return Untagged(cost, float(cost / spent) if spent else 0.0, suggestions)


def suggested_owners(
    ask: Ask, window: Window, currency: str, lines: tuple[UntaggedLine, ...]
) -> tuple[tuple[UntaggedLine, Suggested | None], ...]:
    """Each line with the suggestion of the most telling trait that points to one team."""
    if not lines:
        return ()
    people = teams_of_owners(ask)
    indexes = [
        (name, trait, by_trait_index([(s.trait, s.team, s.cost) for s in trait_shares(ask, window, currency, trait)]))
        for name, trait in SHARED_TRAITS
    ]
    return tuple((line, _suggest(line, people, indexes)) for line in lines)


def _suggest(
    line: UntaggedLine, people: dict[str, str],
    indexes: list[tuple[str, tuple[str, ...], dict[tuple[str, ...], dict[str, Decimal]]]],
) -> Suggested | None:
    if line.owner in people:
        team = people[line.owner]
        return Suggested(team, f"its owner {line.owner} runs work of {team}")
    for name, trait, index in indexes:
        values = tuple(getattr(line, column) for column in trait)
        if None not in values and (found := by_trait(name, values, index.get(values, {}))) is not None:
            return found
    return None

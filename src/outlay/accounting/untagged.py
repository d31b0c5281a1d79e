"""The untagged section: how much nobody owns, and likely owners."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from outlay.accounting.assessment import Suggestion, Untagged
from outlay.attribution.suggest import Suggested, by_name, by_trait, by_trait_index
from outlay.facts.window import Window
from outlay.questions.ask import Ask
from outlay.questions.untagged import (
    SHARED_TRAITS,
    UntaggedLine,
    account_names,
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
    names = _Names(
        teams={team: team for _, _, index in indexes for shares in index.values() for team in shares},
        projects=_owned(next(index for name, _, index in indexes if name == "project")),
        accounts=account_names(ask, {line.account for line in lines if line.account is not None}))
    return tuple((line, _suggest(line, people, indexes, names)) for line in lines)


@dataclass(frozen=True, slots=True)
class _Names:
    """Names that may stand in other names: of teams, of projects with their team; and what accounts are called."""

    teams: dict[str, str]
    projects: dict[str, str]
    accounts: dict[str, str]


def _owned(projects: dict[tuple[str, ...], dict[str, Decimal]]) -> dict[str, str]:
    """Each project's team, where one has most of it."""
    found = {trait[0]: by_trait("project", trait, shares) for trait, shares in projects.items()}
    return {project: suggested.team for project, suggested in found.items() if suggested is not None}


def _suggest(
    line: UntaggedLine, people: dict[str, str],
    indexes: list[tuple[str, tuple[str, ...], dict[tuple[str, ...], dict[str, Decimal]]]], names: _Names,
) -> Suggested | None:
    """What the same resource or project is paid by; what names say; what the same account is paid by."""
    if line.owner in people:
        team = people[line.owner]
        return Suggested(team, f"its owner {line.owner} runs work of {team}")
    said = _by_names(line, names)
    for name, trait, index in indexes:
        if "account" in trait and said is not None:
            return said
        values = tuple(getattr(line, column) for column in trait)
        if None not in values and (found := by_trait(name, values, index.get(values, {}))) is not None:
            return found
    return said


def _by_names(line: UntaggedLine, names: _Names) -> Suggested | None:
    known = names.projects | names.teams
    account = names.accounts.get(line.account or "", line.account)
    for what, name in (("resource", line.resource), ("account", account)):
        if name and (found := by_name(what, name, known)) is not None:
            return found
    return None

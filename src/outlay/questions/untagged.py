"""Spend without a team, and who is likely to own it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from outlay.facts.window import Window
from outlay.questions.ask import Ask
from outlay.questions.tables import table

#: What a cost line without a team shares with lines that have one, the most telling first: the same resource, the
#: same project, the same account and region, the same account.
SHARED_TRAITS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("resource", ("resource",)),
    ("project", ("project",)),
    ("account and service", ("account", "service")),
    ("account", ("account",)),
)


@dataclass(frozen=True, slots=True)
class UntaggedLine:
    """Cost of one resource or line without a team."""

    resource: str | None
    line: str | None
    project: str | None
    account: str | None
    service: str | None
    owner: str | None
    cost: Decimal


@dataclass(frozen=True, slots=True)
class TraitShare:
    """Of the tagged cost that has this trait, what one team has, and all of it."""

    trait: tuple[str, ...]
    team: str
    cost: Decimal


def untagged_expr(window: Window, currency: str) -> Any:
    """Cost without a team by resource, line, project, account, service and owner."""
    import ibis

    rows = table("cost_day")
    rows = rows.filter(rows.day >= window.since, rows.day < window.until, rows.currency == currency,
                       rows.team.isnull())
    return rows.group_by(["resource", "line", "project", "account", "service", "owner"]).aggregate(
        cost=rows.effective_cost.sum()).order_by(ibis.desc("cost"))


def trait_expr(window: Window, currency: str, trait: tuple[str, ...]) -> Any:
    """Tagged cost by one trait and team."""
    rows = table("cost_day")
    rows = rows.filter(rows.day >= window.since, rows.day < window.until, rows.currency == currency,
                       rows.team.notnull(), *(rows[name].notnull() for name in trait))
    return rows.group_by([*trait, "team"]).aggregate(cost=rows.effective_cost.sum())


def owner_team_expr() -> Any:
    """Runs by owner and team: which team a person works for."""
    rows = table("run")
    rows = rows.filter(rows.owner.notnull(), rows.team.notnull())
    return rows.group_by(["owner", "team"]).aggregate(runs=rows.count())


def untagged_lines(ask: Ask, window: Window, currency: str) -> tuple[UntaggedLine, ...]:
    """Largest first; lines that cost nothing are left out."""
    return tuple(UntaggedLine(*row) for row in ask.rows(untagged_expr(window, currency)) if row[-1])


def trait_shares(ask: Ask, window: Window, currency: str, trait: tuple[str, ...]) -> tuple[TraitShare, ...]:
    """Every (trait, team) with its cost."""
    return tuple(
        TraitShare(tuple(row[:-2]), row[-2], row[-1])
        for row in ask.rows(trait_expr(window, currency, trait)) if row[-1])


def account_names_expr(accounts: Collection[str]) -> Any:
    """Columns account, name: what bills call accounts."""
    rows = table("charge")
    rows = rows.filter(rows.sub_account_id.isin(sorted(accounts)), rows.sub_account_name.notnull())
    return rows.group_by("sub_account_id").aggregate(name=rows.sub_account_name.max())


def account_names(ask: Ask, accounts: Collection[str]) -> dict[str, str]:
    """What accounts are called, for those that a bill names."""
    return dict(ask.rows(account_names_expr(accounts))) if accounts else {}


def teams_of_owners(ask: Ask) -> dict[str, str]:
    """The team that most runs of a person were attributed to."""
    best: dict[str, tuple[int, str]] = {}
    for owner, team, count in ask.rows(owner_team_expr()):
        if count > best.get(owner, (0, ""))[0]:
            best[owner] = (count, team)
    return {owner: team for owner, (_, team) in best.items()}

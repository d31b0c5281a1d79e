"""Budgets that people set, beside those that the settings declare."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, insert, select, update

from outlay.errors import NotFound
from outlay.governance.budget import Budget
from outlay.state.audit import Who, record
from outlay.state.tables import budget as BUDGET

#: Periods are those of the calendar in UTC, and nothing but telling happens at the limit yet.
_ZONE, _AT_LIMIT = "UTC", "alert"


@dataclass(frozen=True, slots=True)
class Kept:
    """A budget as it is kept: who answers for it, why it is there, who set it first and when it changed last."""

    budget: Budget
    owner: str
    note: str
    created_by: str
    created_at: datetime
    changed_at: datetime


def kept_budgets(connection: Connection) -> tuple[Kept, ...]:
    """All that stand, by name."""
    rows = connection.execute(select(BUDGET).where(BUDGET.c.deleted_at.is_(None)).order_by(BUDGET.c.name))
    return tuple(_kept(row) for row in rows.mappings())


def put_budget(connection: Connection, budget: Budget, who: Who, now: datetime, *, owner: str = "", note: str = "") -> (
        Kept | None):
    """Sets a budget, or changes the one of its name; that one as it was, or None."""
    before = _named(connection, budget.name)
    values = {
        "name": budget.name, "scope": json.dumps(dict(budget.scope), ensure_ascii=False), "amount": budget.amount,
        "period": budget.period, "zone": _ZONE, "thresholds": json.dumps(list(budget.thresholds)),
        "at_limit": _AT_LIMIT, "owner": owner or None, "note": note or None, "changed_at": now}
    if before is None:
        connection.execute(insert(BUDGET).values(id=uuid4().hex, created_at=now, created_by=who.name, **values))
    else:
        connection.execute(update(BUDGET).where(BUDGET.c.name == budget.name, BUDGET.c.deleted_at.is_(None))
                           .values(**values))
    record(connection, who, now, "budget.change" if before else "budget.set", budget.name,
           before=None if before is None else _said(before.budget, before.owner, before.note),
           after=_said(budget, owner, note))
    return before


def drop_budget(connection: Connection, name: str, who: Who, now: datetime) -> Kept:
    """Removes a budget; it as it was. Raises `NotFound` where none of that name was set."""
    before = _named(connection, name)
    if before is None:
        raise NotFound(f"nobody has set a budget {name!r}",
                       hint="`outlay budgets list` names them; what outlay.yaml declares is changed there.")
    connection.execute(update(BUDGET).where(BUDGET.c.name == name, BUDGET.c.deleted_at.is_(None))
                       .values(deleted_at=now, changed_at=now))
    record(connection, who, now, "budget.remove", name, before=_said(before.budget, before.owner, before.note))
    return before


def _named(connection: Connection, name: str) -> Kept | None:
    return next((each for each in kept_budgets(connection) if each.budget.name == name), None)


def _kept(row: Mapping[Any, Any]) -> Kept:
    made = Budget(row["name"], tuple(json.loads(row["scope"]).items()), row["amount"], row["period"],
                  tuple(json.loads(row["thresholds"])))
    return Kept(made, row["owner"] or "", row["note"] or "", row["created_by"], row["created_at"], row["changed_at"])


def _said(budget: Budget, owner: str, note: str) -> dict[str, str]:
    said = {**dict(budget.scope), "amount": format(budget.amount, "f"), "period": budget.period,
            "thresholds": ", ".join(map(str, budget.thresholds)), "owner": owner, "note": note}
    return {name: value for name, value in said.items() if value}

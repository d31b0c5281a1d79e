"""The record of every change: who, how, what, from what to what. Nothing is ever taken out of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from outlay.state.tables import audit

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

Said = Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Who:
    """Who acts. `how`: cli, web, api, server."""

    name: str
    how: str


@dataclass(frozen=True, slots=True)
class Change:
    """One entry. `before`, `after`: what was changed, as it was and is; None where it was not there."""

    number: int
    at: datetime
    who: str
    how: str
    action: str
    subject: str
    before: Said
    after: Said


def record(
    connection: Connection, who: Who, at: datetime, action: str, subject: str, *, before: Said = None,
    after: Said = None,
) -> None:
    """Adds an entry, in the transaction of the change itself. Secrets do not belong into `before` and `after`."""
    connection.execute(insert(audit).values(
        at=at, who=who.name, how=who.how, action=action, subject=subject[:400], before=_text(before),
        after=_text(after)))


def changes(connection: Connection, *, limit: int = 100, before: int | None = None) -> tuple[Change, ...]:
    """The latest entries, newest first; `before`: only older ones than this number."""
    query = select(audit).order_by(audit.c.number.desc()).limit(limit)
    if before is not None:
        query = query.where(audit.c.number < before)
    return tuple(Change(row.number, row.at, row.who, row.how, row.action, row.subject, _said(row.before),
                        _said(row.after)) for row in connection.execute(query))


def _text(value: Said) -> str | None:
    return None if value is None else json.dumps(dict(value), ensure_ascii=False, default=str)


def _said(text: str | None) -> Said:
    return None if text is None else json.loads(text)

"""Alerts as they are kept: opened, updated, acknowledged, resolved. All functions run in the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, func, select, update

from outlay.errors import NotFound
from outlay.state.tables import alert as ALERT

OPEN, ACKED, RESOLVED = "open", "acked", "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One row. `severity`: info, warn or page; `state`: open, acked or resolved. Times are naive UTC, `amount` is in
    `currency`. `silenced`: a silence holds it back. `gone_since`: from when on its condition holds no more, while that
    may be a pause. `told_*`: what people were told last; `told_at` None: nothing yet."""

    id: str
    rule: str
    key: str
    severity: str
    team: str | None
    owner: str | None
    title: str
    cause: str
    amount: Decimal | None
    currency: str
    since: datetime
    link: str
    action: str
    command: str
    facts: tuple[tuple[str, str], ...]
    step: int
    count: int
    state: str
    opened_at: datetime
    updated_at: datetime
    silenced: bool = False
    gone_since: datetime | None = None
    acked_at: datetime | None = None
    acked_by: str | None = None
    resolved_at: datetime | None = None
    resolved_why: str = ""
    told_at: datetime | None = None
    told_severity: str | None = None
    told_amount: Decimal | None = None
    told_step: int = 0
    told_count: int = 0


def new_id() -> str:
    """An id that nobody else has."""
    return uuid4().hex


def put_alert(connection: Connection, alert: Alert) -> None:
    """Keeps a new alert. Raises `sqlalchemy.exc.IntegrityError` where one of its key is not resolved."""
    connection.execute(ALERT.insert().values(**_row(alert)))


def change_alert(connection: Connection, alert: Alert) -> None:
    """Keeps an alert as it is now, save for what people do to it: its state, who acknowledged it, when."""
    row = _row(alert)
    for name in ("id", "state", "acked_at", "acked_by", "opened_at", "gone_since", "resolved_at",
                 "resolved_why"):
        row.pop(name)
    connection.execute(update(ALERT).where(ALERT.c.id == alert.id).values(**row))


def fade_alert(connection: Connection, alert_id: str, since: datetime | None) -> None:
    """Its condition holds no more since a moment; None: it holds again."""
    connection.execute(update(ALERT).where(ALERT.c.id == alert_id).values(gone_since=since))


def resolve_alert(connection: Connection, alert_id: str, now: datetime, why: str) -> None:
    """It is over; `why` in a few words."""
    connection.execute(update(ALERT).where(ALERT.c.id == alert_id, ALERT.c.state != RESOLVED).values(
        state=RESOLVED, resolved_at=now, updated_at=now, resolved_why=why))


def ack_alert(connection: Connection, alert_id: str, now: datetime, by: str) -> Alert | None:
    """Somebody looks after it. None where it was acknowledged before. Raises `NotFound` for what is not open."""
    found = alert_of(connection, alert_id)
    if found is None or found.state == RESOLVED:
        raise NotFound(f"there is no open alert {alert_id!r}", hint="See `outlay alerts list`.")
    done = connection.execute(update(ALERT).where(ALERT.c.id == found.id, ALERT.c.state == OPEN).values(
        state=ACKED, acked_at=now, acked_by=by, updated_at=now))
    return alert_of(connection, found.id) if done.rowcount else None


def standing_alerts(connection: Connection) -> tuple[Alert, ...]:
    """Alerts that are open or acknowledged, the oldest first."""
    rows = connection.execute(select(ALERT).where(ALERT.c.state != RESOLVED).order_by(ALERT.c.opened_at, ALERT.c.id))
    return tuple(_alert(row) for row in rows.mappings())


def alerts_since(connection: Connection, since: datetime, limit: int = 500) -> tuple[Alert, ...]:
    """Alerts that stand, and those that were resolved since a moment; the newest first."""
    rows = connection.execute(
        select(ALERT).where((ALERT.c.state != RESOLVED) | (ALERT.c.resolved_at >= since))
        .order_by(ALERT.c.opened_at.desc(), ALERT.c.id).limit(limit))
    return tuple(_alert(row) for row in rows.mappings())


def alert_of(connection: Connection, alert_id: str) -> Alert | None:
    """The alert of an id, or of its beginning where that is the beginning of one alone."""
    rows = connection.execute(select(ALERT).where(ALERT.c.id.startswith(alert_id, autoescape=True)).limit(2))
    found = [_alert(row) for row in rows.mappings()]
    return found[0] if len(found) == 1 and alert_id else None


def resolved_counts(connection: Connection, since: datetime) -> Mapping[str, int]:
    """How many alerts of each key were resolved since a moment."""
    rows = connection.execute(
        select(ALERT.c.key, func.count()).where(ALERT.c.resolved_at >= since).group_by(ALERT.c.key))
    return {row[0]: row[1] for row in rows}


def _row(alert: Alert) -> dict[str, Any]:
    row = {name: getattr(alert, name) for name in Alert.__dataclass_fields__}
    return row | {"facts": json.dumps(alert.facts, ensure_ascii=False)}


def _alert(row: Mapping[Any, Any]) -> Alert:
    values = dict(row)
    facts = json.loads(values.pop("facts"))
    return Alert(**values, facts=tuple((name, value) for name, value in facts))

"""What waits to be sent, was sent, failed or was dropped. All functions run in the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, exists, func, select, update

from outlay.state.tables import delivery as DELIVERY

WAITING, SENT, FAILED, DROPPED = "waiting", "sent", "failed", "dropped"
#: Characters of an error that are kept.
_ERROR = 500
#: Characters of what a receiver calls a message.
_REF = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message to one notifier. `number` orders those of one alert. `state`: waiting (until `next_at` at least; it
    was first due at `due_at`), sent, failed or dropped. `remote_ref`: how the receiver knows it."""

    id: str
    alert: str | None
    number: int
    route: str
    notifier: str
    kind: str
    idempotency_key: str
    body: str
    state: str
    tries: int
    due_at: datetime
    next_at: datetime
    last_error: str
    created_at: datetime
    sent_at: datetime | None = None
    remote_ref: str = ""
    claimed_until: datetime | None = None


def put_deliveries(connection: Connection, deliveries: Sequence[Delivery]) -> int:
    """Keeps new deliveries; those whose idempotency key is there already are left out. Gives how many were new."""
    keys = [each.idempotency_key for each in deliveries]
    known = set(connection.scalars(select(DELIVERY.c.idempotency_key).where(DELIVERY.c.idempotency_key.in_(keys))))
    rows = [_row(each) for each in deliveries if each.idempotency_key not in known]
    if rows:
        connection.execute(DELIVERY.insert(), rows)
    return len(rows)


def is_known(connection: Connection, idempotency_key: str) -> bool:
    """Whether there is a delivery with this key, whatever became of it."""
    return connection.scalar(select(DELIVERY.c.id).where(DELIVERY.c.idempotency_key == idempotency_key)) is not None


def was_told(connection: Connection) -> bool:
    """Whether a message about an alert was ever put, other than those that were dropped."""
    about = DELIVERY.c.alert.is_not(None) & (DELIVERY.c.state != DROPPED) | (DELIVERY.c.kind == "digest")
    return connection.scalar(select(DELIVERY.c.id).where(about).limit(1)) is not None


def claim(connection: Connection, now: datetime, lease: timedelta, limit: int) -> tuple[Delivery, ...]:
    """Takes deliveries that are due, for `lease`: until then no other process takes them, and after it anyone does, as
    the one that took them is then dead. Of one alert and notifier only the first that waits: they go out in order."""
    earlier = DELIVERY.alias()
    blocked = exists(select(earlier.c.id).where(
        earlier.c.alert == DELIVERY.c.alert, earlier.c.notifier == DELIVERY.c.notifier,
        earlier.c.number < DELIVERY.c.number, earlier.c.state == WAITING))
    free = (DELIVERY.c.state == WAITING, DELIVERY.c.next_at <= now,
            DELIVERY.c.claimed_until.is_(None) | (DELIVERY.c.claimed_until <= now))
    due = select(DELIVERY.c.id).where(*free, ~blocked).order_by(DELIVERY.c.next_at, DELIVERY.c.number).limit(limit)
    # The condition stands twice: PostgreSQL looks at it again where another process was faster.
    rows = connection.execute(
        update(DELIVERY).where(DELIVERY.c.id.in_(due), *free)
        .values(tries=DELIVERY.c.tries + 1, claimed_until=now + lease).returning(DELIVERY))
    return tuple(sorted((_delivery(row) for row in rows.mappings()), key=lambda each: (each.created_at, each.number)))


def mark_sent(connection: Connection, delivery_id: str, now: datetime, remote_ref: str) -> None:
    """It arrived."""
    connection.execute(update(DELIVERY).where(DELIVERY.c.id == delivery_id).values(
        state=SENT, sent_at=now, remote_ref=remote_ref[:_REF], last_error="", claimed_until=None))


def mark_later(connection: Connection, delivery_id: str, next_at: datetime, error: str) -> None:
    """It did not arrive, and is tried again."""
    connection.execute(update(DELIVERY).where(DELIVERY.c.id == delivery_id, DELIVERY.c.state == WAITING).values(
        next_at=next_at, last_error=error[:_ERROR], claimed_until=None))


def mark_failed(connection: Connection, delivery_id: str, error: str) -> None:
    """It did not arrive, and is tried no more."""
    connection.execute(update(DELIVERY).where(DELIVERY.c.id == delivery_id, DELIVERY.c.state == WAITING).values(
        state=FAILED, last_error=error[:_ERROR]))


def drop(connection: Connection, delivery_ids: Collection[str], why: str) -> None:
    """They are not sent, for a reason."""
    those = DELIVERY.c.id.in_(tuple(delivery_ids))
    connection.execute(update(DELIVERY).where(those, DELIVERY.c.state == WAITING).values(
        state=DROPPED, last_error=why[:_ERROR]))


def deliveries_of(connection: Connection, alerts: Collection[str]) -> Mapping[str, tuple[Delivery, ...]]:
    """Deliveries by alert, in order."""
    rows = connection.execute(
        select(DELIVERY).where(DELIVERY.c.alert.in_(tuple(alerts))).order_by(DELIVERY.c.number))
    found: dict[str, list[Delivery]] = {}
    for row in rows.mappings():
        found.setdefault(row["alert"], []).append(_delivery(row))
    return {alert: tuple(each) for alert, each in found.items()}


def first_ref(connection: Connection, alert: str, notifier: str) -> str:
    """What the notifier gave for the first message of an alert; empty where none was sent."""
    found = connection.scalars(
        select(DELIVERY.c.remote_ref).where(
            DELIVERY.c.alert == alert, DELIVERY.c.notifier == notifier, DELIVERY.c.state == SENT,
            DELIVERY.c.remote_ref != "").order_by(DELIVERY.c.number).limit(1)).first()
    return found or ""


def state_counts(connection: Connection) -> Mapping[str, int]:
    """How many deliveries there are of each state."""
    rows = connection.execute(select(DELIVERY.c.state, func.count()).group_by(DELIVERY.c.state))
    return {row[0]: row[1] for row in rows}


def _row(delivery: Delivery) -> dict[str, Any]:
    return {name: getattr(delivery, name) for name in Delivery.__dataclass_fields__}


def _delivery(row: Mapping[Any, Any]) -> Delivery:
    return Delivery(**dict(row))

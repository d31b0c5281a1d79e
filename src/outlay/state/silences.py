"""Silences as they are kept: what is not told, until when, why, and who said so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from outlay.errors import NotFound
from outlay.state.tables import silence as SILENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """`matcher`: field of an alert (rule, team, owner, key) and the pattern that it must have; all must hold. It ends
    at `until`, or at `ended_at` if somebody ended it before."""

    id: str
    matcher: tuple[tuple[str, str], ...]
    until: datetime
    reason: str
    by: str
    created_at: datetime
    ended_at: datetime | None = None


def put_silence(connection: Connection, silence: Silence) -> None:
    """Keeps a new silence."""
    connection.execute(SILENCE.insert().values(
        id=silence.id, matcher=json.dumps(dict(silence.matcher), ensure_ascii=False), until=silence.until,
        reason=silence.reason, by=silence.by, created_at=silence.created_at, ended_at=silence.ended_at))


def silences_at(connection: Connection, now: datetime) -> tuple[Silence, ...]:
    """Silences that hold, the oldest first."""
    rows = connection.execute(
        select(SILENCE).where(SILENCE.c.until > now, SILENCE.c.ended_at.is_(None)).order_by(SILENCE.c.created_at))
    return tuple(_silence(row) for row in rows.mappings())


def end_silence(connection: Connection, silence_id: str, now: datetime) -> Silence:
    """Ends one before its time. Raises `NotFound` where none of that id, or beginning of an id, holds."""
    found = [each for each in silences_at(connection, now) if silence_id and each.id.startswith(silence_id)]
    if len(found) != 1:
        raise NotFound(f"there is no silence {silence_id!r} that holds", hint="See `outlay alerts list`.")
    connection.execute(update(SILENCE).where(SILENCE.c.id == found[0].id).values(ended_at=now))
    return found[0]


def _silence(row: Mapping[Any, Any]) -> Silence:
    values = dict(row)
    matcher = json.loads(values.pop("matcher"))
    return Silence(**values, matcher=tuple(matcher.items()))

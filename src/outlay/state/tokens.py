"""Tokens with which programs use the API; of each only a hash is kept."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import insert, select, update

from outlay.errors import NotFound, UsageError
from outlay.state.audit import Who, record
from outlay.state.people import Person, hashed
from outlay.state.tables import api_token, person

if TYPE_CHECKING:
    from sqlalchemy import Select
    from sqlalchemy.engine import Connection, Row

PREFIX = "olt_"
#: What a token may be for: reading the API, changing through it, sending facts.
SCOPES = ("read", "write", "ingest")
_USED_EVERY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token. It may do what its scopes say and its person may do, no more."""

    id: str
    name: str
    person: Person
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Whether it is good at `now`."""
        return (self.revoked_at is None and (self.expires_at is None or self.expires_at > now)
                and self.person.disabled_at is None)


def create(
    connection: Connection, name: str, owner: Person, scopes: Sequence[str], lasts: timedelta | None, *, who: Who,
    now: datetime,
) -> tuple[str, ApiToken]:
    """The secret, which can be seen this once, and the token. Raises `UsageError`."""
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        raise UsageError(f"{unknown[0]!r} is no scope" if unknown else "a token has at least one scope",
                         hint=f"Of {', '.join(SCOPES)}.")
    if not name.strip() or len(name) > 200:
        raise UsageError("a token has a name of at most 200 signs")
    secret = PREFIX + secrets.token_urlsafe(32)
    made = ApiToken(uuid4().hex, name.strip(), owner, tuple(scopes), now, None if lasts is None else now + lasts)
    connection.execute(insert(api_token).values(
        id=made.id, hash=hashed(secret), name=made.name, person=owner.id, role=owner.role,
        scopes=json.dumps(list(scopes)), created_at=now, expires_at=made.expires_at))
    record(connection, who, now, "token.create", made.name,
           after={"person": owner.name, "scopes": list(scopes), "expires_at": made.expires_at})
    return secret, made


def token_of(connection: Connection, secret: str, now: datetime) -> ApiToken | None:
    """The token of a secret; None where there is none or it is not good any more."""
    row = connection.execute(_all().where(api_token.c.hash == hashed(secret))).first()
    if row is None or not (found := _token(row)).holds(now):
        return None
    if found.last_used_at is None or now - found.last_used_at > _USED_EVERY:
        connection.execute(update(api_token).where(api_token.c.id == found.id).values(last_used_at=now))
    return found


def tokens(connection: Connection) -> tuple[ApiToken, ...]:
    """All of them, the newest first."""
    return tuple(_token(row) for row in connection.execute(_all().order_by(api_token.c.created_at.desc())))


def revoke(connection: Connection, name_or_id: str, *, who: Who, now: datetime) -> None:
    """Ends a token. Raises `NotFound`."""
    found = [each for each in tokens(connection) if name_or_id in (each.id, each.name) and each.revoked_at is None]
    if not found:
        raise NotFound(f"there is no token {name_or_id!r}", hint="See `outlay tokens list`.")
    for each in found:
        connection.execute(update(api_token).where(api_token.c.id == each.id).values(revoked_at=now))
        record(connection, who, now, "token.revoke", each.name, before={"person": each.person.name})


def _all() -> Select[Any]:
    return select(
        api_token, person.c.name.label("who"), person.c.role.label("who_role"), person.c.teams.label("who_teams"),
        person.c.disabled_at.label("who_disabled_at")).join(person, person.c.id == api_token.c.person)


def _token(row: Row[Any]) -> ApiToken:
    owner = Person(row.person, row.who, row.who_role, tuple(json.loads(row.who_teams)), None, row.who_disabled_at)
    return ApiToken(row.id, row.name, owner, tuple(json.loads(row.scopes)), row.created_at, row.expires_at,
                    row.revoked_at, row.last_used_at)

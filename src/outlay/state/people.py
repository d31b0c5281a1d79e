"""People and their roles; links to sign in with; sessions."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import delete, insert, select, update

from outlay.errors import NotFound, UsageError
from outlay.state.audit import Who, record
from outlay.state.tables import login_link, person, session

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Row

#: From the least to the most that they may do; `server.roles` says what.
ROLES = ("viewer", "engineer", "lead", "finance", "admin")
LINK_LASTS = timedelta(hours=24)
SESSION_LASTS = timedelta(days=14)
#: A session is written to again only when it was last seen longer ago than this.
_SEEN_EVERY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who may sign in."""

    id: str
    name: str
    role: str
    teams: tuple[str, ...] = ()
    email: str | None = None
    disabled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is signed in. `csrf` goes into its forms."""

    person: Person
    csrf: str
    expires_at: datetime


def hashed(secret: str) -> str:
    """What is kept of a secret of 256 random bits; it needs no salt and no stretching."""
    return hashlib.sha256(secret.encode()).hexdigest()


def people(connection: Connection) -> tuple[Person, ...]:
    """Everyone, by name."""
    return tuple(_person(row) for row in connection.execute(select(person).order_by(person.c.name)))


def named(connection: Connection, name: str) -> Person:
    """Raises `NotFound`."""
    row = connection.execute(select(person).where(person.c.name == name)).first()
    if row is None:
        raise NotFound(f"there is no person {name!r}", hint="See `outlay people list`.")
    return _person(row)


def add(
    connection: Connection, name: str, role: str, teams: Sequence[str], email: str | None, *, who: Who, now: datetime
) -> Person:
    """Raises `UsageError` where the name is taken or the role unknown."""
    _check_role(role)
    name = name.strip()
    if not name or len(name) > 200:
        raise UsageError("a person has a name of at most 200 signs")
    if connection.execute(select(person.c.id).where(person.c.name == name)).first() is not None:
        raise UsageError(f"{name!r} is there already", hint="See `outlay people list`.")
    made = Person(uuid4().hex, name, role, tuple(teams), email)
    connection.execute(insert(person).values(
        id=made.id, name=name, role=role, teams=json.dumps(list(teams)), email=email, created_at=now))
    record(connection, who, now, "person.add", name, after={"role": role, "teams": list(teams), "email": email})
    return made


def change(
    connection: Connection, name: str, *, who: Who, now: datetime, role: str | None = None,
    teams: Sequence[str] | None = None,
) -> Person:
    """Another role or other teams. Raises `NotFound`, `UsageError` where no admin would be left."""
    found = named(connection, name)
    if role is not None:
        _check_role(role)
        if role != "admin":
            _keep_an_admin(connection, found)
    values = {"role": role or found.role, "teams": list(found.teams if teams is None else teams)}
    connection.execute(update(person).where(person.c.id == found.id).values(
        role=values["role"], teams=json.dumps(values["teams"])))
    record(connection, who, now, "person.change", name, before={"role": found.role, "teams": list(found.teams)},
           after=values)
    return named(connection, name)


def disable(connection: Connection, name: str, *, who: Who, now: datetime) -> None:
    """Signs the person out everywhere and lets them in no more. Raises `NotFound`, `UsageError`."""
    found = named(connection, name)
    _keep_an_admin(connection, found)
    connection.execute(update(person).where(person.c.id == found.id).values(disabled_at=now))
    connection.execute(delete(session).where(session.c.person == found.id))
    connection.execute(delete(login_link).where(login_link.c.person == found.id))
    record(connection, who, now, "person.disable", name)


def new_link(connection: Connection, who_for: Person, *, who: Who, now: datetime) -> str:
    """A secret that signs this person in, once, within `LINK_LASTS`."""
    if who_for.disabled_at is not None:
        raise UsageError(f"{who_for.name!r} is disabled")
    secret = secrets.token_urlsafe(32)
    connection.execute(insert(login_link).values(
        hash=hashed(secret), person=who_for.id, created_at=now, expires_at=now + LINK_LASTS))
    record(connection, who, now, "person.link", who_for.name)
    return secret


def invited(connection: Connection, secret: str, now: datetime) -> Person | None:
    """Whom a link would sign in; None where it is unknown, used or too old."""
    row = connection.execute(
        select(person).join(login_link, login_link.c.person == person.c.id).where(
            login_link.c.hash == hashed(secret), login_link.c.used_at.is_(None), login_link.c.expires_at > now,
            person.c.disabled_at.is_(None))).first()
    return None if row is None else _person(row)


def sign_in(connection: Connection, secret: str, now: datetime) -> tuple[str, Session] | None:
    """Uses a link up. The secret of a new session and the session; None where the link is not good."""
    found = invited(connection, secret, now)
    if found is None:
        return None
    used = connection.execute(update(login_link).where(
        login_link.c.hash == hashed(secret), login_link.c.used_at.is_(None)).values(used_at=now))
    if used.rowcount != 1:
        return None
    key, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(24)
    connection.execute(insert(session).values(
        hash=hashed(key), person=found.id, csrf=csrf, created_at=now, seen_at=now, expires_at=now + SESSION_LASTS))
    connection.execute(delete(session).where(session.c.expires_at <= now))
    record(connection, Who(found.name, "web"), now, "session.begin", found.name)
    return key, Session(found, csrf, now + SESSION_LASTS)


def session_of(connection: Connection, key: str, now: datetime) -> Session | None:
    """The session of a cookie; None where it is over."""
    row = connection.execute(
        select(person, session.c.csrf, session.c.expires_at, session.c.seen_at).join(
            session, session.c.person == person.c.id).where(
            session.c.hash == hashed(key), session.c.expires_at > now, person.c.disabled_at.is_(None))).first()
    if row is None:
        return None
    if now - row.seen_at > _SEEN_EVERY:
        connection.execute(update(session).where(session.c.hash == hashed(key)).values(seen_at=now))
    return Session(_person(row), row.csrf, row.expires_at)


def sign_out(connection: Connection, key: str) -> None:
    """Ends a session."""
    connection.execute(delete(session).where(session.c.hash == hashed(key)))


def _person(row: Row[Any]) -> Person:
    return Person(row.id, row.name, row.role, tuple(json.loads(row.teams)), row.email, row.disabled_at)


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise UsageError(f"{role!r} is not a role", hint=f"One of {', '.join(ROLES)}.")


def _keep_an_admin(connection: Connection, leaving: Person) -> None:
    others = [each for each in people(connection)
              if each.role == "admin" and each.disabled_at is None and each.id != leaving.id]
    if leaving.role == "admin" and not others:
        raise UsageError(f"{leaving.name!r} is the only admin", hint="Make someone else admin first.")

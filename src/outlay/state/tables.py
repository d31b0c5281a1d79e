"""The tables of the state. Migrations make them; a test compares what they come to with what stands here.

Times are naive UTC, money is exact text, lists and mappings are JSON text, ids are 32 hexadecimal digits.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import Boolean, Column, DateTime, Index, Integer, MetaData, String, Table, Text
from sqlalchemy import text as sql
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

metadata = MetaData(naming_convention={
    "ix": "ix_%(table_name)s_%(column_0_N_name)s", "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
})


class Exact(TypeDecorator[Decimal]):
    """A Decimal as text: neither database has a number type that keeps every digit alike."""

    impl = String(64)
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        return None if value is None else format(value, "f")

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


def _id() -> Column[str]:
    return Column("id", String(32), primary_key=True)


def _time(name: str, *, needed: bool = False) -> Column[Any]:
    return Column(name, DateTime(), nullable=not needed)


def _text(name: str, size: int = 200, *, needed: bool = False) -> Column[str]:
    return Column(name, String(size), nullable=not needed)


person = Table(
    "person", metadata, _id(), Column("name", String(200), nullable=False, unique=True), _text("email", 320),
    _text("role", 20, needed=True), Column("teams", Text(), nullable=False), _time("created_at", needed=True),
    _time("disabled_at"))

login_link = Table(
    "login_link", metadata, Column("hash", String(64), primary_key=True), _text("person", 32, needed=True),
    _time("created_at", needed=True), _time("expires_at", needed=True), _time("used_at"))

session = Table(
    "session", metadata, Column("hash", String(64), primary_key=True), _text("person", 32, needed=True),
    _text("csrf", 64, needed=True), _time("created_at", needed=True), _time("seen_at", needed=True),
    _time("expires_at", needed=True))

api_token = Table(
    "api_token", metadata, _id(), Column("hash", String(64), nullable=False, unique=True),
    _text("name", needed=True), _text("person", 32, needed=True), _text("role", 20, needed=True),
    Column("scopes", Text(), nullable=False), _text("team"), _time("created_at", needed=True), _time("expires_at"),
    _time("revoked_at"), _time("last_used_at"))

audit = Table(
    "audit", metadata, Column("number", Integer(), primary_key=True, autoincrement=True), _time("at", needed=True),
    _text("who", needed=True), _text("how", 40, needed=True), _text("action", 60, needed=True),
    _text("subject", 400, needed=True), Column("before", Text()), Column("after", Text()), Index(None, "at"))

budget = Table(
    "budget", metadata, _id(), Column("name", String(200), nullable=False), Column("scope", Text(), nullable=False),
    Column("amount", Exact(), nullable=False), _text("currency", 3), _text("period", 20, needed=True),
    _text("zone", 64, needed=True), Column("thresholds", Text(), nullable=False), _text("at_limit", 20, needed=True),
    _text("owner"), Column("note", Text()), _time("created_at", needed=True), _text("created_by", needed=True),
    _time("changed_at", needed=True), _time("deleted_at"), Index(None, "name"))

_STANDS = sql("state <> 'resolved'")

alert = Table(
    "alert", metadata, _id(), _text("rule", 60, needed=True), _text("key", 400, needed=True),
    _text("severity", 10, needed=True), _text("team"), _text("owner"), Column("title", Text(), nullable=False),
    Column("cause", Text(), nullable=False), Column("amount", Exact()), _text("currency", 3, needed=True),
    _time("since", needed=True), _text("link", 400, needed=True), Column("action", Text(), nullable=False),
    Column("command", Text(), nullable=False), Column("facts", Text(), nullable=False),
    Column("step", Integer(), nullable=False), Column("count", Integer(), nullable=False),
    Column("silenced", Boolean(), nullable=False), _text("state", 10, needed=True), _time("opened_at", needed=True),
    _time("updated_at", needed=True), _time("acked_at"), _text("acked_by"), _time("gone_since"), _time("resolved_at"),
    Column("resolved_why", Text(), nullable=False),
    # What people were told last; empty until they are.
    _time("told_at"), _text("told_severity", 10), Column("told_amount", Exact()),
    Column("told_step", Integer(), nullable=False), Column("told_count", Integer(), nullable=False),
    Index("uq_alert_key_standing", "key", unique=True, sqlite_where=_STANDS, postgresql_where=_STANDS),
    Index(None, "state"), Index(None, "resolved_at"))

delivery = Table(
    "delivery", metadata, _id(), _text("alert", 32), Column("number", Integer(), nullable=False),
    _text("route", needed=True), _text("notifier", needed=True), _text("kind", 10, needed=True),
    Column("idempotency_key", String(200), nullable=False, unique=True), Column("body", Text(), nullable=False),
    _text("state", 10, needed=True), Column("tries", Integer(), nullable=False), _time("due_at", needed=True),
    _time("next_at", needed=True), _time("claimed_until"), Column("last_error", Text(), nullable=False),
    _time("created_at", needed=True), _time("sent_at"), _text("remote_ref", 400, needed=True),
    Index(None, "state", "next_at"), Index(None, "alert", "notifier", "number"))

silence = Table(
    "silence", metadata, _id(), Column("matcher", Text(), nullable=False), _time("until", needed=True),
    Column("reason", Text(), nullable=False), _text("by", needed=True), _time("created_at", needed=True),
    _time("ended_at"))

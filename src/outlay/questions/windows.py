"""Which period a question is about: relative to now on a live ledger, to the latest fact on an imported one."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from outlay.errors import UsageError
from outlay.facts.window import Window
from outlay.ledger.schema import KINDS
from outlay.questions.ask import Ask

_RELATIVE = re.compile(r"(\d+)\s*([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
#: A ledger whose latest fact is younger than this is fed live.
LIVE = timedelta(hours=1)
DAY = timedelta(days=1)


def now() -> datetime:
    """The time, naive UTC."""
    return datetime.now(UTC).replace(tzinfo=None)


def latest_fact(ask: Ask) -> datetime | None:
    """The last moment of which anything is known; purchases and plans that lie ahead do not count."""
    moments = []
    for kind in KINDS:
        column = f'"{kind.time}"'
        where = "WHERE charge_category IS NULL OR charge_category = 'Usage'" if kind.table == "charge" else ""
        if kind.table == "run":
            # An end is the first moment that is no longer part of the run.
            column = "greatest(started, ended - INTERVAL 1 MICROSECOND, observed - INTERVAL 1 MICROSECOND)"
        found = ask.con.execute(f"SELECT max({column}) FROM {kind.table} {where}").fetchall()[0][0]
        if found is not None:
            moments.append(found)
    return max(moments) if moments else None


def earliest_fact(ask: Ask) -> datetime | None:
    """The start of the first day that `cost_day` knows of."""
    found: datetime | None = ask.con.execute("SELECT min(day) FROM cost_day").fetchall()[0][0]
    return found


def resolve(ask: Ask, since: str | None, until: str | None, *, default: str = "30d", whole_days: bool = True) -> Window:
    """The window that `--since` and `--until` mean.

    `since` is a length (`30d`, `24h`, `90m`, `4w`), a day or a time; `until` a day or a time, by default now on a live
    ledger and otherwise the end of the day of the latest fact. Raises `UsageError` where they cannot be read.
    """
    latest = latest_fact(ask) or now()
    live = now() - latest < LIVE
    end = _moment(until, "--until") if until else (now() if live else _end_of_day(latest))
    if whole_days:
        end = _end_of_day(end - timedelta(seconds=1))
    length = _RELATIVE.fullmatch((since or default).strip())
    start = (end - timedelta(**{_UNITS[length[2]]: int(length[1])}) if length
             else _moment(since or default, "--since"))
    if whole_days:
        start = start.replace(hour=0, minute=0, second=0, microsecond=0)
    if start >= end:
        raise UsageError(f"the window ends ({end:%Y-%m-%d %H:%M}) before it starts ({start:%Y-%m-%d %H:%M})",
                         where="--since")
    return Window(start, end)


def _end_of_day(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0) + DAY


def _moment(text: str, option: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise UsageError(f"{text!r} is not a period", where=option,
                         hint="Say 30d, 24h, 4w, a day (2026-09-01) or a time (2026-09-01T12:00).") from error
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment

"""What a silence keeps from being told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from outlay.alerts.condition import Condition
from outlay.errors import UsageError
from outlay.state.alerts import new_id
from outlay.state.silences import Silence

#: What a silence can ask of an alert.
FIELDS = ("rule", "team", "owner", "key")
_LONGEST = timedelta(days=366)


def silence_for(condition: Condition, silences: Sequence[Silence]) -> Silence | None:
    """The first silence that holds a condition back."""
    return next((silence for silence in silences if silence.matcher and all(
        fnmatchcase(_field(condition, name), pattern) for name, pattern in silence.matcher)), None)


def _field(condition: Condition, name: str) -> str:
    value = {"rule": condition.rule, "team": condition.team, "owner": condition.owner, "key": condition.key}[name]
    return value or "none"


def made_silence(matcher: Sequence[tuple[str, str]], until: datetime, reason: str, by: str, now: datetime) -> Silence:
    """A silence that says what, until when, and why. Raises `UsageError`."""
    if not matcher:
        raise UsageError("a silence says of what", where="silence", hint=f"Name {', '.join(FIELDS)}.")
    for name, pattern in matcher:
        if name not in FIELDS:
            raise UsageError(f"an alert has no {name!r}", where="silence", hint=f"One of {', '.join(FIELDS)}.")
        if not pattern.strip():
            raise UsageError("is empty", where=f"silence: {name}", hint="A name, or a pattern such as 'search-*'.")
    if not reason.strip():
        raise UsageError("a silence says why", where="silence", hint="Others will ask.")
    if not now < until <= now + _LONGEST:
        raise UsageError("a silence ends later than now and within a year", where="silence")
    return Silence(id=new_id(), matcher=tuple((name, pattern.strip()) for name, pattern in matcher), until=until,
                   reason=reason.strip(), by=by, created_at=now)

"""Carries steps out: the alert and what is told of it, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from outlay.alerts.compose import Voice, acknowledged, over, told
from outlay.alerts.condition import Condition
from outlay.alerts.message import Message
from outlay.alerts.reconcile import Fade, Open, Refresh, Resolve, Step, Tell
from outlay.alerts.routes import Planned, Route, planned
from outlay.alerts.silencing import silence_for
from outlay.state.alerts import (
    OPEN,
    Alert,
    ack_alert,
    change_alert,
    fade_alert,
    new_id,
    put_alert,
    resolve_alert,
)
from outlay.state.audit import Who, record
from outlay.state.outbox import DROPPED, SENT, WAITING, Delivery, deliveries_of, drop, put_deliveries
from outlay.state.silences import Silence, end_silence, put_silence

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: Messages that tell of an alert as a whole: whoever got one gets what follows.
_FIRST = "open"


@dataclass(frozen=True, slots=True)
class Ways:
    """Where messages go, and who speaks in them. `singly`: notifiers that take no summaries."""

    routes: tuple[Route, ...] = ()
    voice: Voice = Voice()
    singly: frozenset[str] = frozenset()


def carry_out(
    connection: Connection, steps: Sequence[Step], silences: Sequence[Silence], ways: Ways, now: datetime, *,
    held: frozenset[str] = frozenset(),
) -> int:
    """Keeps what the steps say. Gives how many deliveries wait because of it. `held`: keys of what is opened without
    being told yet."""
    ids = [step.alert.id for step in steps if isinstance(step, Tell | Resolve)]
    known = deliveries_of(connection, ids) if ids else {}
    waiting = 0
    for step in steps:
        if isinstance(step, Open):
            if step.condition.key in held and silence_for(step.condition, silences) is None:
                put_alert(connection, _fresh(step.condition, now))
            else:
                waiting += _open(connection, step.condition, silences, ways, now)
        elif isinstance(step, Tell):
            waiting += _tell(connection, step, known.get(step.alert.id, ()), ways, now)
        elif isinstance(step, Refresh):
            change_alert(connection, replace(_changed(step.alert, step.condition, now), silenced=step.silenced))
        elif isinstance(step, Fade):
            fade_alert(connection, step.alert.id, step.since)
        else:
            waiting += _resolve(connection, step, known.get(step.alert.id, ()), ways, now)
    return waiting


def acknowledge(connection: Connection, alert_id: str, who: Who, voice: Voice, now: datetime) -> Alert | None:
    """Somebody looks after an alert, and those who were told of it are told that. None where somebody does already.

    Raises `NotFound`.
    """
    alert = ack_alert(connection, alert_id, now, who.name)
    if alert is not None:
        record(connection, who, now, "alert.ack", alert.id, after={"key": alert.key})
        known = deliveries_of(connection, [alert.id]).get(alert.id, ())
        message = acknowledged(alert, now, voice)
        put_deliveries(connection, tuple(numbered(
            alert.id, known, [("ack", Planned(route, name, now), message, "")
                              for name, route in _listeners(known).items()], now)))
    return alert


def _open(
    connection: Connection, condition: Condition, silences: Sequence[Silence], ways: Ways, now: datetime
) -> int:
    silence = silence_for(condition, silences)
    alert = _fresh(condition, now)
    put_alert(connection, replace(alert, silenced=True) if silence is not None else as_told(alert, condition, now))
    message = told("open", alert, condition, now, ways.voice)
    why = f"silenced by {silence.by} ({silence.id[:8]}): {silence.reason}" if silence is not None else ""
    wanted = [("open", each, message, why) for each in planned(ways.routes, condition, now)]
    put = put_deliveries(connection, tuple(numbered(alert.id, (), wanted, now)))
    return put if silence is None else 0


def _tell(connection: Connection, step: Tell, known: Sequence[Delivery], ways: Ways, now: datetime) -> int:
    alert, condition = step.alert, step.condition
    listeners = _listeners(known)
    again = told("update", alert, condition, now, ways.voice, step.why)
    first = told("open", alert, condition, now, ways.voice)
    wanted = [("update", Planned(route, name, _earliest(ways.routes, condition, name, now)), again, "")
              for name, route in listeners.items()]
    wanted += [("open", each, first, "") for each in planned(ways.routes, condition, now)
               if each.notifier not in listeners]
    change_alert(connection, as_told(_changed(alert, condition, now), condition, now))
    return put_deliveries(connection, tuple(numbered(alert.id, known, wanted, now)))


def _resolve(connection: Connection, step: Resolve, known: Sequence[Delivery], ways: Ways, now: datetime) -> int:
    resolve_alert(connection, step.alert.id, now, step.why)
    # What waits for office hours and nobody has seen need not be told any more, nor that it is over.
    held = [each for each in known if each.state == WAITING and each.tries == 0 and each.next_at > now]
    if held:
        drop(connection, [each.id for each in held], "over before it was to be told")
    unseen = {each.id for each in held}
    listeners = _listeners([each for each in known if each.id not in unseen])
    message = over(step.alert, step.why, now, ways.voice)
    wanted = [("resolve", Planned(route, name, now), message, "") for name, route in listeners.items()]
    return put_deliveries(connection, tuple(numbered(step.alert.id, known, wanted, now)))


def _listeners(known: Sequence[Delivery]) -> Mapping[str, str]:
    """Notifiers that were told that an alert opened, or will be, with the route by which; in order."""
    return {each.notifier: each.route for each in known if each.kind == _FIRST and each.state in (WAITING, SENT)}


def _earliest(routes: Sequence[Route], condition: Condition, notifier: str, now: datetime) -> datetime:
    """When a notifier may be told of a condition; at once where its routes do not say, as it knows of the alert."""
    return next((each.not_before for each in planned(routes, condition, now) if each.notifier == notifier), now)


def silence(connection: Connection, made: Silence, who: Who) -> None:
    """Keeps a silence."""
    put_silence(connection, made)
    record(connection, who, made.created_at, "silence.add", made.id, after={
        "matcher": dict(made.matcher), "until": made.until, "reason": made.reason})


def unsilence(connection: Connection, silence_id: str, who: Who, now: datetime) -> Silence:
    """Ends a silence before its time. Raises `NotFound`."""
    ended = end_silence(connection, silence_id, now)
    record(connection, who, now, "silence.end", ended.id, before={"matcher": dict(ended.matcher)})
    return ended


def numbered(
    alert_id: str, known: Sequence[Delivery], wanted: Sequence[tuple[str, Planned, Message, str]], now: datetime
) -> Iterator[Delivery]:
    """Deliveries of one alert, each a kind, where to, a message and why it is not sent (empty: it is)."""
    number = max((each.number for each in known), default=0)
    for kind, where, message, dropped in wanted:
        number += 1
        yield Delivery(
            id=new_id(), alert=alert_id, number=number, route=where.route, notifier=where.notifier, kind=kind,
            idempotency_key=f"{alert_id}-{number}", body=message.as_json(),
            state=DROPPED if dropped else WAITING, tries=0, due_at=where.not_before, next_at=where.not_before,
            last_error=dropped, created_at=now)


def _fresh(condition: Condition, now: datetime) -> Alert:
    return Alert(
        id=new_id(), rule=condition.rule, key=condition.key, severity=condition.severity.value, team=condition.team,
        owner=condition.owner, title=condition.title, cause=condition.cause, amount=condition.amount,
        currency=condition.currency, since=condition.since, link=condition.link, action=condition.action,
        command=condition.command, facts=condition.facts, step=condition.step, count=condition.count, state=OPEN,
        opened_at=now, updated_at=now)


def _changed(alert: Alert, condition: Condition, now: datetime) -> Alert:
    return replace(
        alert, severity=condition.severity.value, team=condition.team, owner=condition.owner, title=condition.title,
        cause=condition.cause, amount=condition.amount, currency=condition.currency, since=condition.since,
        link=condition.link, action=condition.action, command=condition.command, facts=condition.facts,
        step=condition.step, count=condition.count, updated_at=now)


def as_told(alert: Alert, condition: Condition, now: datetime) -> Alert:
    """The alert, of whose condition people were told as it is now."""
    return replace(
        alert, silenced=False, told_at=now, told_severity=condition.severity.value, told_amount=condition.amount,
        told_step=condition.step, told_count=condition.count)

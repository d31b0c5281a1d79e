"""What holds already when Outlay looks for the first time: told in one message, as none of it is news.

A ledger that begins with a month of history has a month of alerts. As long as nobody was ever told of anything, what a
rule says when it is first judged is opened and held; when all rules were judged, or after a while, each notifier gets
one message about all of it. What a rule says later is news, and is told at once.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from outlay.alerts.compose import Voice, told
from outlay.alerts.condition import Condition, Severity
from outlay.alerts.keeping import Ways, as_told, numbered
from outlay.alerts.message import Button, Message
from outlay.alerts.routes import Planned, planned
from outlay.state.alerts import Alert, change_alert, new_id, standing_alerts
from outlay.state.outbox import WAITING, Delivery, put_deliveries

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: Alerts that the message names; the page has all.
_NAMED = 5
_HERE = "told with the others that stood when Outlay first looked"


def held_keys(standing: Sequence[Alert], conditions: Sequence[Condition], judged: Collection[str]) -> frozenset[str]:
    """Keys of what is held: alerts that nobody was told of, and conditions of rules that are judged for the first
    time."""
    known = {each.key for each in standing}
    return frozenset([each.key for each in standing if each.told_at is None and not each.silenced]
                     + [each.key for each in conditions if each.rule not in judged and each.key not in known])


def tell_together(connection: Connection, conditions: Sequence[Condition], ways: Ways, now: datetime) -> int:
    """Tells of all that was held, each notifier once. Gives how many deliveries wait because of it."""
    untold = [each for each in standing_alerts(connection) if each.told_at is None and not each.silenced]
    holds = {each.key: each for each in conditions}
    groups: dict[tuple[str, datetime], list[tuple[Alert, Condition, Planned]]] = {}
    for alert in untold:
        condition = holds.get(alert.key)
        # What has gone meanwhile was never told, and its end is not either.
        change_alert(connection, as_told(alert, condition, now) if condition is not None else replace(
            alert, told_at=now, told_severity=alert.severity, told_amount=alert.amount, told_step=alert.step,
            told_count=alert.count))
        if condition is None:
            continue
        for each in planned(ways.routes, condition, now):
            groups.setdefault((each.notifier, each.not_before), []).append((alert, condition, each))
    return put_deliveries(connection, _deliveries(groups.values(), ways, now))


def _deliveries(
    groups: Collection[list[tuple[Alert, Condition, Planned]]], ways: Ways, now: datetime
) -> tuple[Delivery, ...]:
    made: list[Delivery] = []
    wanted: dict[str, list[tuple[str, Planned, Message, str]]] = {}
    for group in groups:
        where = group[0][2]
        alone = len(group) == 1 or where.notifier in ways.singly
        for alert, condition, each in group:
            message = told("open", alert, condition, now, ways.voice)
            wanted.setdefault(alert.id, []).append(("open", each, message, "" if alone else _HERE))
        if not alone:
            message = together([condition for _, condition, _ in group], now, ways.voice)
            made.append(Delivery(
                id=new_id(), alert=None, number=0, route=where.route, notifier=where.notifier, kind="digest",
                idempotency_key=f"first-{new_id()}", body=message.as_json(), state=WAITING, tries=0,
                due_at=where.not_before, next_at=where.not_before, last_error="", created_at=now))
    for alert_id, each_wanted in wanted.items():
        made += numbered(alert_id, (), each_wanted, now)
    return tuple(made)


def together(conditions: Sequence[Condition], now: datetime, voice: Voice) -> Message:
    """One message about all of them, the loudest and dearest first."""
    ranked = sorted(conditions, key=lambda each: (-each.severity.rank, -(each.amount or 0), each.key))
    urgent = sum(each.severity is Severity.PAGE for each in ranked)
    loud = f", {urgent} of them urgent" if urgent else ""
    more = f"And {len(ranked) - _NAMED} more." if len(ranked) > _NAMED else ""
    return Message(
        kind="summary", at=now, severity=ranked[0].severity, currency=ranked[0].currency,
        headline=f"{len(ranked)} alerts stood when Outlay first looked{loud}.",
        lines=(*(each.title for each in ranked[:_NAMED]), *((more,) if more else ()),
               "They are told together this once; what comes after is told one by one."),
        buttons=(Button("Alerts", f"{voice.public_url}/alerts"),) if voice.public_url else (),
        organisation=voice.organisation, sample=voice.sample, count=len(ranked))

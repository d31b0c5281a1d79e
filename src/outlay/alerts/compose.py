"""The words of a message about an alert."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from outlay.accounting.figures import duration
from outlay.accounting.money import dollars
from outlay.alerts.condition import Condition, Severity
from outlay.alerts.message import Button, Message, joined, since_when, who
from outlay.alerts.reconcile import Why
from outlay.state.alerts import Alert
from outlay.web.links import alert_link

if TYPE_CHECKING:
    from outlay.settings import Settings


@dataclass(frozen=True, slots=True)
class Voice:
    """Who speaks: `public_url` without a slash at its end, empty where messages have no links."""

    public_url: str = ""
    organisation: str = ""
    sample: bool = False


def voice_of(settings: Settings) -> Voice:
    """Who speaks, as the settings say."""
    return Voice(settings.public_url, settings.organisation, settings.sample)


def told(kind: str, alert: Alert, condition: Condition, now: datetime, voice: Voice, why: Why | None = None) -> Message:
    """A message that an alert opened (`open`) or is told again (`update`)."""
    again = (f"Again: {why.value}.",) if why is not None else ()
    action = f"To do: {condition.action}" if condition.action else ""
    return Message(
        kind=kind, headline=condition.title, at=now, severity=condition.severity, rule=condition.rule,
        key=condition.key, alert=alert.id, team=condition.team, owner=condition.owner, amount=condition.amount,
        currency=condition.currency, since=condition.since, command=condition.command, facts=condition.facts,
        lines=joined((*again, condition.cause,
                      f"{since_when(condition.since, condition.amount, condition.currency)} "
                      f"{who(condition.team, condition.owner)}", action)),
        buttons=buttons(alert, condition.link, voice, stands=True), organisation=voice.organisation,
        sample=voice.sample, count=condition.count, step=condition.step, louder=why is Why.LOUDER)


def over(alert: Alert, why: str, now: datetime, voice: Voice) -> Message:
    """A message that an alert is over."""
    cost = f"; {dollars(alert.amount, alert.currency)} in all" if alert.amount is not None else ""
    lasted = duration((now - alert.opened_at).total_seconds() / 3600)
    return _about("resolve", alert, (f"{why[:1].upper()}{why[1:].rstrip('.')}. It was open for {lasted}{cost}.",
                                     who(alert.team, alert.owner)), now, voice)


def acknowledged(alert: Alert, now: datetime, voice: Voice) -> Message:
    """A message that somebody looks after an alert."""
    lines = (f"{alert.acked_by or 'Somebody'} looks after it; it is repeated no more.",)
    return _about("ack", alert, lines, now, voice)


def trial(name: str, now: datetime, voice: Voice) -> Message:
    """A message that says that messages arrive, marked as such."""
    return Message(
        kind="test", headline=f"Outlay can reach you through {name}.", at=now, severity=Severity.INFO,
        lines=("This is a test: nothing is wrong, and nothing is to be done.",),
        buttons=(Button("Open Outlay", voice.public_url),) if voice.public_url else (),
        organisation=voice.organisation, sample=voice.sample)


def buttons(alert: Alert, link: str, voice: Voice, *, stands: bool) -> tuple[Button, ...]:
    """Links to the evidence, and to the page where the alert is acknowledged and silenced."""
    if not voice.public_url:
        return ()
    page = Button("Acknowledge or silence" if stands else "Alert", f"{voice.public_url}{alert_link(alert.id)}")
    return (Button("Evidence", f"{voice.public_url}{link}"), page)


def _about(kind: str, alert: Alert, lines: tuple[str, ...], now: datetime, voice: Voice) -> Message:
    return Message(
        kind=kind, headline=alert.title, at=now, severity=Severity(alert.severity), rule=alert.rule, key=alert.key,
        alert=alert.id, team=alert.team, owner=alert.owner, amount=alert.amount, currency=alert.currency,
        since=alert.since, lines=joined(lines), buttons=buttons(alert, alert.link, voice, stands=False),
        organisation=voice.organisation, sample=voice.sample, count=alert.count, step=alert.step)

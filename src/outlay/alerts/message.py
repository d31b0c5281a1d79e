"""What is told, as a value that every notifier can write in its own way, and that waits in the outbox as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, time
from decimal import Decimal
from typing import Any

from outlay.accounting.figures import day, moment, printable
from outlay.accounting.money import dollars
from outlay.alerts.condition import Severity

#: What a message can be: an alert opens, is told again because it got worse or is reminded of, is acknowledged, is
#: over; a summary; a test.
KINDS = ("open", "update", "ack", "resolve", "summary", "test")


@dataclass(frozen=True, slots=True)
class Button:
    """A link with what it leads to."""

    label: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """`headline` stands alone; `lines` are two or three more; `facts` names and values. `alert`: the alert's id, empty
    for what is about none; `key` its cause. Amounts are text in `currency`. Times are naive UTC; `since` None: it has
    none. `sample`: it is about invented data. `louder`: its severity has grown since it was told last."""

    kind: str
    headline: str
    lines: tuple[str, ...]
    at: datetime
    severity: Severity = Severity.INFO
    rule: str = ""
    key: str = ""
    alert: str = ""
    team: str | None = None
    owner: str | None = None
    amount: Decimal | None = None
    currency: str = "USD"
    since: datetime | None = None
    command: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    buttons: tuple[Button, ...] = ()
    organisation: str = ""
    sample: bool = False
    count: int = 1
    step: int = 0
    louder: bool = False

    def as_json(self) -> str:
        """What waits in the outbox."""
        body = asdict(self)
        body["at"] = self.at.isoformat()
        body["since"] = self.since.isoformat() if self.since else None
        body["amount"] = str(self.amount) if self.amount is not None else None
        return json.dumps(body, ensure_ascii=False)

    @property
    def subject(self) -> str:
        """One line that says what became of it."""
        prefix = {"resolve": "Over: ", "ack": "Acknowledged: ", "test": "Test: "}.get(self.kind, "")
        return f"{'[sample] ' if self.sample else ''}{prefix}{self.headline}"


def message_from(text: str) -> Message:
    """The message that `as_json` wrote."""
    body: dict[str, Any] = json.loads(text)
    return Message(**body | {
        "at": datetime.fromisoformat(body["at"]),
        "since": datetime.fromisoformat(body["since"]) if body["since"] else None,
        "amount": Decimal(body["amount"]) if body["amount"] is not None else None,
        "severity": Severity(body["severity"]),
        "lines": tuple(body["lines"]),
        "facts": tuple((name, value) for name, value in body["facts"]),
        "buttons": tuple(Button(**button) for button in body["buttons"]),
    })


def plain_text(message: Message) -> str:
    """The message for whoever reads text alone; ends without a line break."""
    lines = [message.subject, "", *message.lines]
    if message.command:
        lines += ["", *(f"  {line}" for line in message.command.split("\n"))]
    if message.facts:
        lines += ["", *(f"{name}: {value}" for name, value in message.facts)]
    if message.buttons:
        lines += ["", *(f"{button.label}: {button.url}" for button in message.buttons)]
    return printable("\n".join(lines))


def who(team: str | None, owner: str | None) -> str:
    """`Owner: dana.okafor, team vision.`"""
    if owner is None and team is None:
        return "Owner: unknown."
    return f"Owner: {', '.join(filter(None, (owner, f'team {team}' if team else None)))}."


def since_when(since: datetime, amount: Decimal | None, currency: str) -> str:
    """`Since 4 Aug 2026 03:12 UTC; $4,140 so far.` Of what is known by the day, the day."""
    when = f"{day(since)} {since.year}" if since.time() == time.min else f"{moment(since)} UTC"
    return f"Since {when}{f'; {dollars(amount, currency)} so far' if amount is not None else ''}."


def joined(lines: Sequence[str]) -> tuple[str, ...]:
    """Without empty lines."""
    return tuple(line for line in lines if line)

"""PagerDuty, by its Events API v2."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from outlay.accounting.figures import printable
from outlay.alerts.condition import Severity
from outlay.alerts.message import Message
from outlay.alerts.notifiers.base import Notifier, NotSent, Sending, Sent, shortened, text_of, url_of
from outlay.alerts.notifiers.posting import post
from outlay.alerts.secret import Secret, parse_secret

_SEVERITY = {Severity.PAGE: "critical", Severity.WARN: "warning", Severity.INFO: "info"}
_ACTION = {"resolve": "resolve", "ack": "acknowledge"}
#: Limits of the Events API v2, characters.
SUMMARY, DEDUP_KEY = 1024, 255


@dataclass(frozen=True, slots=True)
class PagerDuty(Notifier):
    """An event of the Events API v2: an alert opens an incident, is acknowledged and resolved with it.

    The `dedup_key` is that of the alert: what is sent twice is one incident, an update adds to it, and the end of the
    alert resolves it. Acknowledging in Outlay acknowledges the incident; the other way round PagerDuty would have to
    call Outlay, which it does not. A test opens an incident of its own, which you resolve.

    **It takes no summaries.**
    """

    code: ClassVar[str] = "pagerduty"
    title: ClassVar[str] = "PagerDuty Events v2"
    keys: ClassVar[Mapping[str, str]] = {
        "routing_key": "integration key of the service, by reference",
        "url": "address of the Events API, where it is not https://events.pagerduty.com/v2/enqueue (EU: "
               "https://events.eu.pagerduty.com/v2/enqueue)",
    }
    takes_summaries: ClassVar[bool] = False

    name: str
    routing_key: Secret
    url: str

    @classmethod
    def parse(cls, name: str, entry: Mapping[str, Any], where: str, base: Path) -> PagerDuty:
        url = text_of(entry, "url", where, "https://events.pagerduty.com/v2/enqueue")
        return cls(name, parse_secret(entry.get("routing_key"), f"{where}.routing_key", base),
                   url_of(url, f"{where}.url"))

    def send(self, message: Message, sending: Sending) -> Sent:
        if message.kind == "summary":
            raise NotSent("PagerDuty takes no summaries", where=self.name, refused=True)
        event = self.event(message, sending)
        answer = post(self.url, json.dumps(event, ensure_ascii=False).encode(),
                      {"Content-Type": "application/json"}, self.name)
        return Sent(event["dedup_key"], answer.body)

    def event(self, message: Message, sending: Sending) -> dict[str, Any]:
        """What is posted."""
        key = f"outlay-{message.alert}" if message.alert else sending.idempotency_key
        event: dict[str, Any] = {
            "routing_key": self.routing_key.reveal(), "event_action": _ACTION.get(message.kind, "trigger"),
            "dedup_key": key[:DEDUP_KEY],
        }
        if event["event_action"] != "trigger":
            return event
        details = {"what": " ".join(message.lines), **dict(message.facts)}
        if message.command:
            details["command"] = message.command
        event |= {
            "client": "Outlay",
            "payload": {
                "summary": shortened(printable(message.subject), SUMMARY),
                "source": message.organisation or "outlay", "severity": _SEVERITY[message.severity],
                "timestamp": f"{message.at.isoformat(timespec='milliseconds')}Z", "class": message.rule or message.kind,
                "component": message.key or message.kind, "group": message.team or "no team",
                "custom_details": {name: printable(value) for name, value in details.items()},
            },
            "links": [{"href": button.url, "text": button.label} for button in message.buttons],
        }
        if message.buttons:
            event["client_url"] = message.buttons[0].url
        return event

"""A signed POST to an address of your own."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from outlay.alerts.message import Message
from outlay.alerts.notifiers.base import Notifier, Sending, Sent, text_of, url_of
from outlay.alerts.notifiers.posting import post
from outlay.alerts.secret import Secret, parse_secret
from outlay.questions.answer import plain

#: Seconds after which a receiver takes a signature for a replay.
REPLAY_S = 300


@dataclass(frozen=True, slots=True)
class Webhook(Notifier):
    """A JSON object, posted to an address of your own and signed, so that the receiver knows who sent it.

    **Headers**: `Idempotency-Key` is the same whenever the same message is sent again: keep those that you handled.
    `Outlay-Timestamp` is when it was sent, in seconds since 1970. `Outlay-Signature` is `v1=` and the HMAC-SHA256,
    in hex, of the timestamp, a full stop and the body, with your secret as key.

    **Check** the signature over the bytes as they came, comparing in constant time, and refuse a timestamp that is
    more than 5 minutes from your clock: it is a replay. `outlay.alerts.notifiers.webhook.verify` does both.

    **Answer** 2xx when you have it. 400, 405, 413, 414, 415 and 422 say that you never want it; after anything else,
    and after 10 seconds, it is sent again, not before `Retry-After` if you say so.
    """

    code: ClassVar[str] = "webhook"
    title: ClassVar[str] = "A signed POST to your own address"
    keys: ClassVar[Mapping[str, str]] = {
        "url": "address that takes the POST", "secret": "key of the signature, by reference"}

    name: str
    url: str
    secret: Secret

    @classmethod
    def parse(cls, name: str, entry: Mapping[str, Any], where: str, base: Path) -> Webhook:
        return cls(name, url_of(text_of(entry, "url", where), f"{where}.url"),
                   parse_secret(entry.get("secret"), f"{where}.secret", base))

    def send(self, message: Message, sending: Sending) -> Sent:
        body = json.dumps(content(message), ensure_ascii=False).encode()
        at = str(int(time.time()))
        answer = post(self.url, body, {
            "Content-Type": "application/json; charset=utf-8", "Idempotency-Key": sending.idempotency_key,
            "Outlay-Timestamp": at, "Outlay-Signature": signature(self.secret.reveal(), at, body),
        }, self.name)
        return Sent(answer=f"{answer.status} {' '.join(answer.body.split())[:200]}".strip())


def content(message: Message) -> dict[str, Any]:
    """The posted object, schema `outlay.alert/1`: money as text, times in ISO 8601 with Z, facts and links in order."""
    return {
        "schema": "outlay.alert/1", "kind": message.kind, "id": message.alert, "key": message.key,
        "rule": message.rule, "severity": message.severity.value, "team": message.team, "owner": message.owner,
        "headline": message.headline, "lines": list(message.lines), "amount": plain(message.amount),
        "currency": message.currency, "since": plain(message.since), "at": plain(message.at), "count": message.count,
        "command": message.command, "facts": [{"name": name, "value": value} for name, value in message.facts],
        "links": [{"label": button.label, "url": button.url} for button in message.buttons],
        "organisation": message.organisation, "sample": message.sample,
    }


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The value of `Outlay-Signature`."""
    return "v1=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def verify(secret: str, timestamp: str, signed: str, body: bytes, *, now: float, within_s: float = REPLAY_S) -> bool:
    """Whether a POST is ours and not a replay. `now`: seconds since 1970."""
    fresh = timestamp.isascii() and timestamp.isdigit() and abs(now - int(timestamp)) <= within_s
    return fresh and hmac.compare_digest(signature(secret, timestamp, body).encode(), signed.encode())

"""Webhooks: what is posted, and whether a receiver can know that it is ours."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.fakes import FakeReceiver
from alerts.made import message
from outlay.alerts.condition import Severity
from outlay.alerts.message import Button, message_from
from outlay.alerts.notifiers.base import NotSent, Sending
from outlay.alerts.notifiers.posting import retry_after
from outlay.alerts.notifiers.webhook import Webhook, signature, verify


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeReceiver]:
    fake = FakeReceiver()
    monkeypatch.setenv("WEBHOOK_KEY", fake.secret)
    with fake.serving():
        yield fake


def notifier(fake: FakeReceiver) -> Webhook:
    return Webhook.parse("own", {"url": f"{fake.url}/alerts", "secret": {"env": "WEBHOOK_KEY"}}, "here", Path())


def test_a_receiver_takes_it_once(receiver: FakeReceiver) -> None:
    for _ in range(2):
        assert notifier(receiver).send(message(), Sending("k-1")).answer == "200 taken"
    (body,) = receiver.accepted
    assert body == {
        "schema": "outlay.alert/1", "kind": "open", "id": "a" * 32, "key": "finding:zombie-run-1", "rule": "idle-now",
        "severity": "warn", "team": "vision", "owner": "dana.okafor", "headline": message().headline,
        "lines": ["Its GPUs stayed below 5%.", "Owner: dana.okafor, team vision."], "amount": "4140",
        "currency": "USD", "since": "2026-09-06T12:00:00Z", "at": "2026-09-15T12:00:00Z", "count": 1,
        "command": "scancel 4711", "facts": [{"name": "Last progress", "value": "6 Sep 12:00"}],
        "links": [{"label": each.label, "url": each.url} for each in message().buttons], "organisation": "Halyard",
        "sample": False}


def test_a_wrong_key_is_noticed(receiver: FakeReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBHOOK_KEY", "other")
    with pytest.raises(NotSent, match="answered 401: bad signature"):
        notifier(receiver).send(message(), Sending("k-1"))


@pytest.mark.parametrize(
    ("change", "holds"),
    [({}, True), ({"body": b"{ }"}, False), ({"secret": "t"}, False), ({"timestamp": "1001"}, False),
     ({"now": 1300.0}, True), ({"now": 1301.0}, False), ({"now": 699.0}, False), ({"timestamp": ""}, False),
     ({"timestamp": "\u00b2"}, False), ({"signed": "v1=\u00e4"}, False), ({"signed": ""}, False)])
def test_who_signed_it_and_when(change: dict[str, object], holds: bool) -> None:
    given_: dict[str, object] = {
        "secret": "s", "timestamp": "1000", "signed": signature("s", "1000", b"{}"), "body": b"{}", "now": 1000.0}
    assert verify(**(given_ | change)) is holds  # type: ignore[arg-type]


def test_the_signature_is_what_the_documentation_says() -> None:
    # printf '1000.{}' | openssl dgst -sha256 -hmac s
    assert signature("s", "1000", b"{}") == "v1=1266ced5789d16ad976ad7b98cd2aa00ac3ba17106a40ee2a50f1df5cf9b85fc"


def test_how_long_a_receiver_asks_to_wait() -> None:
    now = datetime(2026, 9, 15, 12, tzinfo=UTC)
    assert retry_after("120", now) == 120.0
    assert retry_after(format_datetime(now + timedelta(seconds=90)), now) == 90.0
    assert retry_after(format_datetime(now - timedelta(seconds=90)), now) == 0.0
    assert retry_after("soon", now) is None
    assert retry_after(None, now) is None


def test_a_receiver_that_does_not_answer_is_not_waited_for(
    receiver: FakeReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outlay.alerts.notifiers.posting.TIMEOUT_S", 0.2)
    receiver.on_request = lambda request: time.sleep(1)
    with pytest.raises(NotSent, match="cannot be reached \\(ReadTimeout\\)"):
        notifier(receiver).send(message(), Sending("k-1"))


anything = st.text(max_size=50)


@given(anything, anything, st.sampled_from(list(Severity)), st.lists(st.tuples(anything, anything), max_size=3),
       st.decimals(allow_nan=False, allow_infinity=False, places=4) | st.none())
def test_a_message_waits_as_it_is(
    headline: str, team: str, severity: Severity, facts: list[tuple[str, str]], amount: object
) -> None:
    made = message(headline=headline, team=team or None, severity=severity, facts=tuple(facts), amount=amount,
                   buttons=tuple(Button(*fact) for fact in facts), since=None)
    assert message_from(made.as_json()) == made

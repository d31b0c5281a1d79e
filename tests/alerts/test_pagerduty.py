"""PagerDuty, against a fake that checks the documented event."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.fakes import FakePagerDuty
from alerts.made import NOW, message
from outlay.alerts.compose import Voice, trial
from outlay.alerts.condition import Severity
from outlay.alerts.notifiers.base import NotSent, Sending
from outlay.alerts.notifiers.pagerduty import PagerDuty


@pytest.fixture
def pager(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePagerDuty]:
    fake = FakePagerDuty()
    monkeypatch.setenv("PAGERDUTY_KEY", fake.routing_key)
    with fake.serving():
        yield fake


def notifier(fake: FakePagerDuty) -> PagerDuty:
    entry = {"routing_key": {"env": "PAGERDUTY_KEY"}, "url": f"{fake.url}/v2/enqueue"}
    return PagerDuty.parse("oncall", entry, "here", Path())


def test_an_alert_is_one_incident_from_its_beginning_to_its_end(pager: FakePagerDuty) -> None:
    oncall = notifier(pager)
    key = f"outlay-{message().alert}"
    states = []
    for number, kind in enumerate(("open", "open", "update", "ack", "update", "resolve")):
        assert oncall.send(message(kind=kind, severity=Severity.PAGE), Sending(f"k-{number}")).remote_ref == key
        states.append(pager.incidents[key])
    assert states == ["triggered"] * 3 + ["acknowledged"] * 2 + ["resolved"]
    assert list(pager.incidents) == [key]


def test_an_event_says_what_it_is_about(pager: FakePagerDuty) -> None:
    notifier(pager).send(message(severity=Severity.PAGE), Sending("k"))
    (event,) = pager.events
    payload = event["payload"]
    assert (payload["summary"], payload["severity"], payload["source"], payload["class"], payload["group"]) == (
        message().headline, "critical", "Halyard", "idle-now", "vision")
    assert payload["timestamp"] == "2026-09-15T12:00:00.000Z"
    assert payload["custom_details"]["command"] == "scancel 4711"
    assert event["links"][0] == {"href": message().buttons[0].url, "text": "Evidence"}


def test_a_refused_event_is_not_sent_again(pager: FakePagerDuty, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGERDUTY_KEY", "wrong")
    with pytest.raises(NotSent) as told:
        notifier(pager).send(message(), Sending("k"))
    assert told.value.refused
    assert "'routing_key' is invalid" in str(told.value)
    assert "wrong" not in str(told.value)


@pytest.mark.parametrize("status", [429, 500, 503, 301])
def test_what_may_pass_is_tried_again(pager: FakePagerDuty, status: int) -> None:
    pager.answers.append((status, {"Retry-After": "7", "Location": pager.url}, b""))
    with pytest.raises(NotSent) as told:
        notifier(pager).send(message(), Sending("k"))
    assert (told.value.refused, told.value.retry_after_s) == (False, 7.0)
    assert len(pager.requests) == 1


def test_a_test_is_an_incident_of_its_own_and_summaries_are_none(pager: FakePagerDuty) -> None:
    notifier(pager).send(trial("oncall", NOW, Voice()), Sending("test-1"))
    assert pager.incidents == {"test-1": "triggered"}
    assert pager.events[0]["payload"]["summary"].startswith("Test: ")
    with pytest.raises(NotSent, match="no summaries") as told:
        notifier(pager).send(message(kind="summary"), Sending("k"))
    assert told.value.refused


anything = st.text(st.characters(codec="utf-8"), min_size=1, max_size=3000)


@given(anything, anything, anything, anything)
def test_whatever_names_are_the_event_is_valid(headline: str, line: str, team: str, key: str) -> None:
    fake = FakePagerDuty()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PAGERDUTY_KEY", fake.routing_key)
        made = message(headline=headline, lines=(line,), team=team, key=key, command=line)
        event = PagerDuty.parse("oncall", {"routing_key": {"env": "PAGERDUTY_KEY"}}, "", Path()).event(
            made, Sending(key))
    assert fake.errors(event, 1000) == []

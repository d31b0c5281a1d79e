"""Apprise, the real one, posting to a receiver of ours."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from alerts.fakes import Fake
from alerts.made import message
from outlay.alerts.notifiers.apprise import Apprise
from outlay.alerts.notifiers.base import NotSent, Sending
from outlay.errors import SettingsError

# Its modules import some that Python deprecates.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    fake = Fake()
    with fake.serving():
        monkeypatch.setenv("APPRISE_URL", fake.url.replace("http://", "json://"))
        yield fake


@pytest.fixture
def notifier() -> Apprise:
    return Apprise.parse("rest", {"urls": [{"env": "APPRISE_URL"}]}, "here", Path())


def test_it_is_sent_as_text_that_mentions_nobody(receiver: Fake, notifier: Apprise) -> None:
    pytest.importorskip("apprise", reason="needs apprise: the extra `notify` is not installed")
    notifier.send(message(kind="resolve", lines=("Ask @everyone.",)), Sending("k"))
    body = receiver.requests[0].json
    assert body["title"] == f"Over: {message().headline}"
    assert body["type"] == "success"
    assert "Ask @\N{ZERO WIDTH SPACE}everyone." in body["message"]


def test_a_failure_is_one(receiver: Fake, notifier: Apprise) -> None:
    pytest.importorskip("apprise", reason="needs apprise: the extra `notify` is not installed")
    receiver.answers.append((500, {}, b""))
    with pytest.raises(NotSent, match="could not deliver"):
        notifier.send(message(), Sending("k"))


def test_an_address_that_it_does_not_know(notifier: Apprise, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("apprise", reason="needs apprise: the extra `notify` is not installed")
    monkeypatch.setenv("APPRISE_URL", "carrierpigeon://secret")
    with pytest.raises(SettingsError, match="no address that Apprise knows") as told:
        notifier.send(message(), Sending("k"))
    assert "secret" not in str(told.value)


def test_where_it_is_not_installed_it_says_what_to_do(notifier: Apprise, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(SettingsError, match=r"pip install 'outlay\[notify\]'"):
        notifier.send(message(), Sending("k"))

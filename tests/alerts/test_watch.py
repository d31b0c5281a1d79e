"""From facts in the ledger to requests sent, through all of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerts.fakes import FakeReceiver
from alerts.made import Source
from made_ledger import START, made_ledger
from outlay.alerts.compose import voice_of
from outlay.alerts.configured import Weekly
from outlay.alerts.keeping import Ways
from outlay.alerts.outbox import Outbox
from outlay.alerts.watch import Watch
from outlay.alerts.weekly import due
from outlay.facts import Call
from outlay.ledger.store import Store
from outlay.prices.book import load_book
from outlay.questions.ask import Ask
from outlay.questions.windows import now as real_now
from outlay.settings import Settings, parse_settings
from outlay.state.alerts import standing_alerts
from outlay.state.database import State, open_state
from outlay.web.part import View

#: The afternoon of 16 September: half of the month is known.
AT = START + timedelta(days=15, hours=14)
SETTINGS = """
organisation: Halyard
public_url: https://outlay.example.com
budgets:
  - {name: search, team: search, amount: 100}
  - {name: vision, team: vision, amount: 100000}
alerts:
  notifiers: {own: {kind: webhook, url: "http://127.0.0.1:9/", secret: {env: WEBHOOK_KEY}}}
  routes: [{notify: own}]
  weekly: {day: wed, time: "08:00", notify: own}
"""


def calls(since: datetime, count: int, team: str = "search", input_tokens: int = 400_000) -> Iterator[Call]:
    """A dollar each."""
    for number in range(count):
        yield Call(time=since + number * timedelta(minutes=1), provider="openai", model="gpt-4o", status="ok",
                   operation="chat", input_tokens=input_tokens, output_tokens=0, response_id=f"{since}{team}{number}",
                   tags={"team": team, "project": "chat"})


class Place:
    """A ledger, a state and a receiver, with the watch between them."""

    def __init__(self, store: Store, state: State, settings: Settings) -> None:
        self.store, self.state, self.settings = store, state, settings
        self.health: tuple[Source, ...] = ()
        self.woken = 0
        self.watch = Watch(
            self.view, state, Ways(settings.alerts.routes, voice_of(settings)), lambda: self.health, self.wake,
            weekly=settings.alerts.weekly, clock=lambda: AT)

    def view(self) -> View:
        return View(Ask(self.store.con.cursor()).remembering(), self.settings, load_book(), AT)

    def wake(self) -> None:
        self.woken += 1


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeReceiver]:
    fake = FakeReceiver()
    monkeypatch.setenv("WEBHOOK_KEY", fake.secret)
    with fake.serving():
        yield fake


@pytest.fixture
def place(tmp_path: Path, receiver: FakeReceiver) -> Callable[..., Any]:
    @contextmanager
    def made(*facts: Call, **changes: Any) -> Iterator[Place]:
        section = yaml.safe_load(SETTINGS) | changes
        section["alerts"]["notifiers"]["own"]["url"] = receiver.url
        with made_ledger(tmp_path, facts) as store, open_state(tmp_path) as state:
            yield Place(store, state, parse_settings(section, "outlay.yaml", tmp_path))

    return made


def test_a_budget_that_is_passed_is_told_of(place: Callable[..., Any], receiver: FakeReceiver) -> None:
    with place(*calls(START, 30), *calls(AT - timedelta(hours=3), 55)) as here:
        looked = here.watch.look()
        assert (looked.conditions, looked.waiting, here.woken) == (1, 1, 1)
        assert Outbox(here.state, here.settings.alerts.notifiers, lambda: AT).send_due() == 1
        (body,) = receiver.accepted
        assert body["headline"] == "Budget search has spent 85% of its $100."
        assert body["lines"][0].startswith("Most of it: chat, gpt-4o $85.00. At this pace it is gone on ")
        assert body["lines"][2] == "To do: Look at chat, gpt-4o before it is gone."
        assert body["links"][0]["url"] == "https://outlay.example.com/budgets?name=search"
        assert (body["severity"], body["organisation"]) == ("page", "Halyard")
        again = here.watch.look()
        assert (again.steps, again.waiting) == (0, 0)


def test_running_it_sends_within_seconds_of_news(place: Callable[..., Any], receiver: FakeReceiver) -> None:
    with place(*calls(START, 85)) as here:
        outbox = Outbox(here.state, here.settings.alerts.notifiers, real_now)
        watch = Watch(here.view, here.state, Ways(here.settings.alerts.routes), lambda: (), outbox.wake)
        outbox.start()
        watch.start()
        try:
            watch.changed()
            receiver.wait(1)
        finally:
            watch.stop(20)
            outbox.stop(20)
        assert "Budget search" in receiver.accepted[0]["headline"]


def test_detectors_are_asked_and_the_week_is_summed_up_once(
    place: Callable[..., Any], receiver: FakeReceiver
) -> None:
    with place(*calls(START + timedelta(days=1), 10), *calls(START + timedelta(days=10), 20)) as here:
        here.watch.look()
        here.watch.look_closely()
        here.watch.look_closely()
        outbox = Outbox(here.state, here.settings.alerts.notifiers, lambda: AT)
        assert outbox.send_due() == 1
        (body,) = receiver.accepted
        assert (body["kind"], body["amount"]) == ("summary", "20")
        assert body["headline"] == "AI cost $20.00 last week, +$10.00 (+100%) against the week before."
        assert {"name": "Week", "value": "9 Sep to 15 Sep 2026"} in body["facts"]
        assert {"name": "Team search", "value": "$20.00"} in body["facts"]


def test_a_silent_source_is_told_and_over_when_it_speaks(place: Callable[..., Any]) -> None:
    with place(*calls(START, 1)) as here:
        here.health = (Source(state="down", last_ok=AT - timedelta(hours=1), last_error="refused"),)
        assert here.watch.look().steps == 1
        here.health = (replace(here.health[0], state="ok", last_ok=AT),)
        here.watch.look()
        with here.state.begin() as connection:
            (alert,) = standing_alerts(connection)
        assert (alert.rule, alert.gone_since) == ("source-silent", AT)


def test_a_look_that_fails_is_not_the_last(
    place: Callable[..., Any], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outlay.alerts.watch.FIRST_LOOK_S", 0)
    with place(*calls(START, 85)) as here:
        tried: list[int] = []

        def view() -> View:
            tried.append(1)
            if len(tried) < 3:
                raise RuntimeError("the ledger is busy")
            return here.view()

        told = []
        watch = Watch(view, here.state, Ways(here.settings.alerts.routes), lambda: (), lambda: told.append(1))
        watch.start()
        try:
            for _ in range(400):
                watch.changed()
                if told or watch._stopping.wait(0.05):
                    break
        finally:
            watch.stop(20)
        assert told
        assert "alerts could not be looked at" in caplog.text


@pytest.mark.parametrize(
    ("now", "expected"),
    [(datetime(2026, 9, 16, 5, 59), datetime(2026, 9, 9, 6, 0)), (datetime(2026, 9, 16, 6, 0),
                                                                  datetime(2026, 9, 16, 6, 0)),
     (datetime(2026, 9, 15, 12, 0), datetime(2026, 9, 9, 6, 0)),
     # Clocks are put back on 25 October.
     (datetime(2026, 10, 28, 7, 0), datetime(2026, 10, 28, 7, 0))])
def test_when_a_summary_is_due(now: datetime, expected: datetime) -> None:
    from datetime import time

    assert due(Weekly(2, time(8), "Europe/Berlin", ("own",)), now) == expected


def test_json_of_money_is_text(receiver: FakeReceiver, place: Callable[..., Any]) -> None:
    with place(*calls(START, 85)) as here:
        here.watch.look()
        Outbox(here.state, here.settings.alerts.notifiers, lambda: AT).send_due()
    assert json.loads(receiver.requests[0].body)["amount"] == "85"

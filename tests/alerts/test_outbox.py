"""The outbox: at least once, in order, with pauses, and in the end a state that can be seen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from alerts.fakes import FakePagerDuty, FakeReceiver, FakeSlack, Request
from alerts.made import NOW, message
from outlay.alerts.message import Message
from outlay.alerts.notifiers.base import Notifier, NotSent, Sending, Sent
from outlay.alerts.notifiers.pagerduty import PagerDuty
from outlay.alerts.notifiers.slack import Slack
from outlay.alerts.notifiers.webhook import Webhook
from outlay.alerts.outbox import FIRST_PAUSE_S, LONGEST_PAUSE_S, Outbox
from outlay.questions.windows import now as real_now
from outlay.state.alerts import new_id
from outlay.state.database import State, open_state
from outlay.state.outbox import Delivery, claim, deliveries_of, is_known, mark_sent, put_deliveries, state_counts

ALERT = "a" * 32


class FakeNotifier(Notifier):
    """Takes messages, or raises what `faults` has next."""

    code, title, keys, name = "fake", "A fake", {}, "fake"

    def __init__(self, name: str = "fake") -> None:
        self.name = name
        self.sent: list[tuple[str, str, str]] = []
        self.faults: list[Exception] = []

    @classmethod
    def parse(cls, name: str, entry: object, where: str, base: Path) -> FakeNotifier:
        return cls(name)

    def send(self, message: Message, sending: Sending) -> Sent:
        if self.faults:
            raise self.faults.pop(0)
        self.sent.append((message.kind, sending.idempotency_key, sending.thread))
        return Sent(f"ref-{sending.idempotency_key}")


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def state(state_place: Path | str) -> Iterator[State]:
    with open_state(state_place) as state:
        yield state


@pytest.fixture
def clock() -> Clock:
    return Clock()


def waiting(number: int, kind: str = "open", notifier: str = "fake", at: datetime = NOW, alert: str | None = ALERT
            ) -> Delivery:
    return Delivery(
        id=new_id(), alert=alert, number=number, route="all", notifier=notifier, kind=kind,
        idempotency_key=f"{alert}-{notifier}-{number}", body=message(kind=kind).as_json(), state="waiting", tries=0,
        due_at=at, next_at=at, last_error="", created_at=at)


def put(state: State, *deliveries: Delivery) -> int:
    with state.begin() as connection:
        return put_deliveries(connection, deliveries)


def kept(state: State) -> list[Delivery]:
    with state.begin() as connection:
        return list(deliveries_of(connection, [ALERT]).get(ALERT, ()))


def test_messages_of_an_alert_go_out_in_order_and_know_the_first(state: State, clock: Clock) -> None:
    fake = FakeNotifier()
    put(state, waiting(3, "resolve"), waiting(1), waiting(2, "update"))
    assert Outbox(state, (fake,), clock).send_due() == 3
    first = f"{ALERT}-fake-1"
    assert fake.sent == [("open", first, ""), ("update", f"{ALERT}-fake-2", f"ref-{first}"),
                         ("resolve", f"{ALERT}-fake-3", f"ref-{first}")]
    assert [(each.state, each.tries, each.sent_at, each.claimed_until) for each in kept(state)] == [
        ("sent", 1, NOW, None)] * 3


def test_pauses_grow_and_what_follows_waits_too(state: State, clock: Clock) -> None:
    fake = FakeNotifier()
    fake.faults = [NotSent("no", where="fake") for _ in range(10)]
    put(state, waiting(1), waiting(2, "update"))
    outbox = Outbox(state, (fake,), clock, chance=lambda: 0.0)
    pauses = []
    for _ in range(10):
        assert outbox.send_due() == 1
        due = kept(state)[0].next_at
        pauses.append((due - clock.now).total_seconds())
        clock.now = due
    assert pauses == [min(FIRST_PAUSE_S * 2**tries, LONGEST_PAUSE_S) for tries in range(10)]
    assert outbox.send_due() == 2
    assert [kind for kind, _, _ in fake.sent] == ["open", "update"]


def test_chance_shortens_a_pause_by_half_at_most(state: State, clock: Clock) -> None:
    fake = FakeNotifier()
    fake.faults = [NotSent("no", where="fake")]
    put(state, waiting(1))
    Outbox(state, (fake,), clock, chance=lambda: 1.0).send_due()
    assert kept(state)[0].next_at - NOW == timedelta(seconds=FIRST_PAUSE_S / 2)


def test_a_receiver_that_asks_for_more_time_gets_it(state: State, clock: Clock) -> None:
    fake = FakeNotifier()
    fake.faults = [NotSent("slow down", where="fake", retry_after_s=600.0)]
    put(state, waiting(1))
    outbox = Outbox(state, (fake,), clock)
    outbox.send_due()
    assert kept(state)[0].next_at == NOW + timedelta(minutes=10)
    clock.now += timedelta(minutes=9)
    assert outbox.send_due() == 0


@pytest.mark.parametrize(
    ("fault", "later", "state_after", "said"),
    [(NotSent("no such channel", where="fake", refused=True), timedelta(0), "failed", "fake: no such channel"),
     (NotSent("down", where="fake"), timedelta(hours=23), "waiting", "fake: down"),
     (NotSent("down", where="fake"), timedelta(hours=24), "failed", "fake: down; given up after 1 tries"),
     (ZeroDivisionError("secret"), timedelta(0), "waiting", "ZeroDivisionError; see the log")])
def test_what_did_not_arrive_says_why(
    state: State, clock: Clock, fault: Exception, later: timedelta, state_after: str, said: str
) -> None:
    fake = FakeNotifier()
    fake.faults = [fault]
    put(state, waiting(1))
    clock.now += later
    Outbox(state, (fake,), clock).send_due()
    (delivery,) = kept(state)
    assert (delivery.state, delivery.last_error) == (state_after, said)


def test_what_waited_for_office_hours_is_not_given_up_for_it(state: State, clock: Clock) -> None:
    fake = FakeNotifier()
    fake.faults = [NotSent("down", where="fake")]
    put(state, waiting(1, at=NOW + timedelta(days=3)))
    outbox = Outbox(state, (fake,), clock)
    assert outbox.send_due() == 0
    clock.now += timedelta(days=3)
    assert outbox.send_due() == 1
    assert kept(state)[0].state == "waiting"


def test_a_notifier_that_is_gone_is_said(state: State, clock: Clock) -> None:
    put(state, waiting(1, notifier="old"))
    Outbox(state, (), clock).send_due()
    assert kept(state)[0].last_error == "old: the settings name no such notifier any more"


def test_what_was_put_twice_is_sent_once(state: State, clock: Clock) -> None:
    assert put(state, waiting(1, alert=None)) == 1
    assert put(state, waiting(1, alert=None), waiting(2, alert=None)) == 1
    with state.begin() as connection:
        assert is_known(connection, "None-fake-1")
        assert not is_known(connection, "None-fake-3")
    fake = FakeNotifier()
    assert Outbox(state, (fake,), clock).send_due() == 2


def test_two_processes_do_not_both_take_it(state_place: Path | str) -> None:
    alerts = [f"{number:032x}" for number in range(40)]
    taken: list[str] = []
    with open_state(state_place) as state:
        put(state, *(waiting(1, alert=alert) for alert in alerts))

    def take() -> None:
        with open_state(state_place) as own:
            while True:
                with own.begin() as connection:
                    found = claim(connection, NOW, timedelta(minutes=1), 3)
                    for each in found:
                        mark_sent(connection, each.id, NOW, "")
                if not found:
                    return
                taken.extend(each.id for each in found)

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(taken).most_common(1)[0][1] == 1
    assert len(taken) == len(alerts)


def test_a_claim_that_ran_out_is_taken_by_another(state: State) -> None:
    put(state, waiting(1))
    with state.begin() as connection:
        (first,) = claim(connection, NOW, timedelta(minutes=1), 9)
        assert claim(connection, NOW + timedelta(seconds=59), timedelta(minutes=1), 9) == ()
        (second,) = claim(connection, NOW + timedelta(seconds=60), timedelta(minutes=1), 9)
    assert (first.id, second.tries) == (second.id, 2)


def test_it_sends_at_once_when_woken_and_one_that_hangs_does_not_delay_the_others(state: State) -> None:
    slow, hook = FakeReceiver(), FakeReceiver()
    let_go = threading.Event()

    def hang(request: Request) -> None:
        let_go.wait(20)

    slow.on_request = hang
    with pytest.MonkeyPatch.context() as patch, slow.serving(), hook.serving():
        patch.setenv("WEBHOOK_KEY", "shared")
        ways = tuple(Webhook.parse(name, {"url": fake.url, "secret": {"env": "WEBHOOK_KEY"}}, "", Path())
                     for name, fake in (("slow", slow), ("quick", hook)))
        outbox = Outbox(state, ways, real_now)
        outbox.start()
        put(state, waiting(1, notifier="slow", at=real_now()), waiting(2, notifier="quick", at=real_now()))
        outbox.wake()
        hook.wait(1)
        slow.wait(1)
        let_go.set()
        outbox.stop(10)
    assert {(each.notifier, each.state) for each in kept(state)} == {("slow", "sent"), ("quick", "sent")}


def test_killed_between_sending_and_noting_it_is_sent_again_as_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake, killed = FakeReceiver(), []
    monkeypatch.setenv("WEBHOOK_KEY", fake.secret)
    with fake.serving():
        def kill(request: Request) -> None:
            # It has sent, and gets no answer any more.
            if len(killed) < 3:
                os.kill(sender.pid, signal.SIGKILL)
                sender.wait()
                killed.append(sender.pid)

        fake.on_request = kill
        sender: subprocess.Popen[bytes]
        with open_state(tmp_path) as state:
            put(state, waiting(1, notifier="own", at=real_now()), waiting(2, "resolve", "own", real_now()))
        for life in range(4):
            # Leaving the block closes its standard input, at which it stops by itself.
            with subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("killed_outbox.py")), str(tmp_path), fake.url],
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            ) as sender:
                fake.wait(life + 1 if life < 3 else 5)
        assert len(killed) == 3
        keys = [request.headers["idempotency-key"] for request in fake.requests]
        assert keys == [f"{ALERT}-own-1"] * 4 + [f"{ALERT}-own-2"]
        assert [body["kind"] for body in fake.accepted] == ["open", "resolve"]
        with open_state(tmp_path) as state, state.begin() as connection:
            assert state_counts(connection) == {"sent": 2}


def test_an_incident_is_one_however_often_it_is_told(state: State, clock: Clock, monkeypatch: pytest.MonkeyPatch
                                                      ) -> None:
    pager, slack = FakePagerDuty(), FakeSlack()
    monkeypatch.setenv("PAGERDUTY_KEY", pager.routing_key)
    monkeypatch.setenv("SLACK_TOKEN", slack.token)
    pager.answers = [(500, {}, b""), (429, {"Retry-After": "1"}, b"")]
    with pager.serving(), slack.serving():
        ways = (PagerDuty.parse("pager", {"routing_key": {"env": "PAGERDUTY_KEY"}, "url": pager.url}, "", Path()),
                Slack.parse("slack", {"token": {"env": "SLACK_TOKEN"}, "channel": "#a", "api_url": slack.url}, "",
                            Path()))
        put(state, *(waiting(number, kind, name) for name in ("pager", "slack")
                     for number, kind in enumerate(("open", "update", "resolve"), start=1)))
        outbox = Outbox(state, ways, clock)
        for _ in range(3):
            outbox.send_due()
            clock.now += timedelta(minutes=1)
    assert list(pager.incidents.values()) == ["resolved"]
    assert [each.get("thread_ts") for each in slack.messages] == [None] + [slack.messages[0]["ts"]] * 2
    assert {each.state for each in kept(state)} == {"sent"}

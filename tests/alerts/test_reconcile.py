"""From what holds to alerts and messages: whatever happens, one alert stands for a cause, and every one ends."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from alerts.made import CONDITION, NOW, condition
from outlay.alerts.compose import Voice
from outlay.alerts.condition import Condition, Severity
from outlay.alerts.hours import parse_hours
from outlay.alerts.keeping import Ways, acknowledge, carry_out, silence, unsilence
from outlay.alerts.message import Message, message_from
from outlay.alerts.reconcile import REPEAT, reconcile
from outlay.alerts.routes import Route
from outlay.alerts.silencing import made_silence, silence_for
from outlay.errors import NotFound, UsageError
from outlay.state.alerts import Alert, alert_of, alerts_since, resolved_counts, standing_alerts
from outlay.state.audit import Who, changes
from outlay.state.database import State, open_state
from outlay.state.outbox import DROPPED, SENT, WAITING, Delivery, claim, deliveries_of, mark_failed, mark_sent
from outlay.state.silences import silences_at

WHO = Who("ana", "cli")
MINUTE = timedelta(minutes=1)
LONG_AGO = NOW - timedelta(days=9999)
EVERYWHERE = Route("all", (), (), (), None, False, ("slack", "pager"))


class World:
    """A state, a clock, and what holds."""

    def __init__(self, state: State, *routes: Route) -> None:
        self.state, self.ways, self.now = state, Ways(routes or (EVERYWHERE,), Voice("https://o.example")), NOW
        self.unjudged: frozenset[str] = frozenset()

    def look(self, *conditions: Condition, after: timedelta = MINUTE) -> None:
        self.now += after
        with self.state.begin() as connection:
            silences = silences_at(connection, self.now)
            silenced = frozenset(each.key for each in conditions if silence_for(each, silences))
            steps = reconcile(
                standing_alerts(connection), conditions, self.now, unjudged=self.unjudged, silenced=silenced,
                ended=resolved_counts(connection, self.now - timedelta(days=1)))
            carry_out(connection, steps, silences, self.ways, self.now)

    def send(self) -> list[tuple[str, Message]]:
        """Sends what is due: notifier and message, in order."""
        sent = []
        with self.state.begin() as connection:
            while found := claim(connection, self.now, MINUTE, 10):
                for each in found:
                    mark_sent(connection, each.id, self.now, f"ref-{each.idempotency_key}")
                    sent.append((each.notifier, message_from(each.body)))
        return sent

    def kinds(self) -> list[tuple[str, str]]:
        return [(notifier, message.kind) for notifier, message in self.send()]

    def alerts(self) -> tuple[Alert, ...]:
        with self.state.begin() as connection:
            return alerts_since(connection, LONG_AGO)

    def deliveries(self) -> tuple[Delivery, ...]:
        with self.state.begin() as connection:
            found = deliveries_of(connection, [each.id for each in alerts_since(connection, LONG_AGO)])
        return tuple(each for of_one in found.values() for each in of_one)

    def silence(self, **matcher: str) -> str:
        with self.state.begin() as connection:
            made = made_silence(tuple(matcher.items()), self.now + timedelta(hours=8), "known", WHO.name, self.now)
            silence(connection, made, WHO)
        return made.id


@pytest.fixture
def world(state_place: Path | str) -> Iterator[World]:
    with open_state(state_place) as state:
        yield World(state)


def test_an_alert_opens_once_and_ends_once(world: World) -> None:
    world.look(CONDITION)
    world.look(CONDITION)
    assert world.kinds() == [("slack", "open"), ("pager", "open")]
    world.look()
    world.look(after=9 * MINUTE)
    assert world.kinds() == []
    world.look(after=MINUTE)
    assert world.kinds() == [("slack", "resolve"), ("pager", "resolve")]
    (alert,) = world.alerts()
    assert (alert.state, alert.resolved_why, alert.resolved_at) == ("resolved", "it holds no more", world.now)


def test_what_flaps_rings_once(world: World) -> None:
    for _ in range(20):
        world.look(CONDITION)
        world.look(after=5 * MINUTE)
    assert world.kinds() == [("slack", "open"), ("pager", "open")]


def test_what_comes_back_again_and_again_gets_longer_calm(world: World) -> None:
    waited = []
    for _ in range(4):
        world.look(CONDITION)
        world.look()
        gone = world.now
        while not all(each.state == "resolved" for each in world.alerts()):
            world.look()
        waited.append((world.now - gone) / MINUTE)
    assert waited == [10, 20, 40, 80]


@pytest.mark.parametrize(
    ("change", "why"),
    [({"severity": Severity.PAGE}, "its severity has risen"), ({"step": 80}, "it reached the next threshold"),
     ({"amount": Decimal(8280)}, "it has doubled since it was told"), ({"count": 2}, "it has doubled"),
     ({"amount": Decimal(8279)}, ""), ({"title": "Other words."}, ""), ({"amount": None}, "")])
def test_only_what_matters_is_told_again(world: World, change: dict[str, object], why: str) -> None:
    world.look(CONDITION)
    world.send()
    world.look(condition(**change))
    told = world.send()
    assert [(notifier, message.kind) for notifier, message in told] == (
        [("slack", "update"), ("pager", "update")] if why else [])
    assert all(why in message.lines[0] for _, message in told)
    (alert,) = world.alerts()
    assert all(getattr(alert, name) == value for name, value in change.items())
    world.look(condition(**change))
    assert world.send() == []


def test_a_page_is_repeated_until_somebody_acknowledges_it(world: World) -> None:
    page = condition(severity=Severity.PAGE)
    world.look(page)
    world.send()
    world.look(page, after=REPEAT)
    assert world.kinds() == [("slack", "update"), ("pager", "update")]
    (standing,) = world.alerts()
    with world.state.begin() as connection:
        alert = acknowledge(connection, standing.id[:6], WHO, world.ways.voice, world.now)
        assert alert is not None
        assert (alert.state, alert.acked_by) == ("acked", "ana")
        assert acknowledge(connection, alert.id, WHO, world.ways.voice, world.now) is None
        assert [each.action for each in changes(connection)] == ["alert.ack"]
    assert world.kinds() == [("slack", "ack"), ("pager", "ack")]
    world.look(condition(severity=Severity.PAGE, amount=Decimal(99999)), after=2 * REPEAT)
    assert world.kinds() == []
    world.look(condition(severity=Severity.PAGE, step=100))
    assert world.kinds() == [("slack", "update"), ("pager", "update")]


def test_only_what_stands_can_be_acknowledged(world: World) -> None:
    with world.state.begin() as connection, pytest.raises(NotFound, match="no open alert 'abc'"):
        acknowledge(connection, "abc", WHO, Voice(), NOW)


def test_what_was_told_under_another_name_goes_on_there(world: World) -> None:
    world.look(CONDITION)
    world.send()
    world.look(condition(rule="budget-burn", key="other", covers=(CONDITION.key,), title="Both."))
    told = world.send()
    assert {(notifier, message.kind) for notifier, message in told} == {
        (notifier, kind) for notifier in ("slack", "pager") for kind in ("open", "resolve")}
    (over,) = {message.lines[0] for _, message in told if message.kind == "resolve"}
    assert over.startswith("Told as: Both. It was open for 1 min; $4,140 in all.")


def test_what_cannot_be_judged_stands(world: World) -> None:
    world.look(CONDITION)
    world.unjudged = frozenset({"idle-now"})
    world.look(after=timedelta(hours=5))
    world.look(after=timedelta(hours=5))
    assert [each.state for each in world.alerts()] == ["open"]


def test_a_silence_keeps_quiet_and_is_recorded(world: World) -> None:
    made = world.silence(team="vis*", rule="idle-now")
    world.look(CONDITION)
    assert world.send() == []
    assert {(each.state, each.last_error) for each in world.deliveries()} == {
        (DROPPED, f"silenced by ana ({made[:8]}): known")}
    assert world.alerts()[0].silenced
    world.look(condition(key="another", team="search"))
    assert len(world.send()) == 2


def test_what_still_holds_after_a_silence_is_told_then(world: World) -> None:
    made = world.silence(owner="dana.okafor")
    world.look(CONDITION)
    with world.state.begin() as connection:
        unsilence(connection, made[:5], WHO, world.now)
        assert [each.action for each in changes(connection)] == ["silence.end", "silence.add"]
    world.look(CONDITION)
    assert world.kinds() == [("slack", "open"), ("pager", "open")]
    assert not world.alerts()[0].silenced


def test_what_was_never_told_need_not_be_told_to_be_over(world: World) -> None:
    world.silence(key=CONDITION.key)
    world.look(CONDITION)
    world.look()
    world.look(after=timedelta(hours=1))
    assert world.send() == []
    assert world.alerts()[0].state == "resolved"


@pytest.mark.parametrize(
    ("matcher", "until", "reason"),
    [((), NOW + MINUTE, "x"), ((("colour", "red"),), NOW + MINUTE, "x"), ((("team", " "),), NOW + MINUTE, "x"),
     ((("team", "a"),), NOW + MINUTE, " "), ((("team", "a"),), NOW, "x"),
     ((("team", "a"),), NOW + timedelta(days=400), "x")])
def test_a_silence_says_what_until_when_and_why(
    matcher: tuple[tuple[str, str], ...], until: datetime, reason: str
) -> None:
    with pytest.raises(UsageError):
        made_silence(matcher, until, reason, "ana", NOW)


def test_who_is_told_later_is_told_of_all_of_it(tmp_path: Path) -> None:
    pages = Route("pages", (), (Severity.PAGE,), (), None, False, ("pager",))
    warnings = Route("warnings", (), (Severity.WARN,), (), None, False, ("slack",))
    with open_state(tmp_path) as state:
        world = World(state, pages, warnings)
        world.look(CONDITION)
        assert world.kinds() == [("slack", "open")]
        world.look(condition(severity=Severity.PAGE))
        assert world.kinds() == [("slack", "update"), ("pager", "open")]


def test_what_is_over_before_office_hours_is_not_told(tmp_path: Path) -> None:
    hours = parse_hours({"zone": "UTC", "from": "09:00", "to": "17:00"}, "")
    with open_state(tmp_path) as state:
        world = World(state, Route("office", (), (), (), hours, False, ("slack",)))
        world.now = datetime(2026, 9, 15, 20, 0)
        world.look(CONDITION)
        assert world.send() == []
        world.look(condition(key="stays"), after=timedelta(minutes=1))
        world.look(condition(key="stays"), after=timedelta(minutes=30))
        world.now = datetime(2026, 9, 16, 9, 0)
        assert [message.key for _, message in world.send()] == ["stays"]
        assert [each.last_error for each in world.deliveries() if each.state == DROPPED] == [
            "over before it was to be told"]


def test_where_the_first_message_failed_the_next_is_a_first_one(world: World) -> None:
    world.look(CONDITION)
    with world.state.begin() as connection:
        for each in claim(connection, world.now, MINUTE, 10):
            mark_failed(connection, each.id, "no such channel")
    world.look(condition(severity=Severity.PAGE))
    assert world.kinds() == [("slack", "open"), ("pager", "open")]


KEYS = st.sampled_from(["a", "b", "c"])


class Alerts(RuleBasedStateMachine):
    """Conditions come and go, people acknowledge and silence, messages are sent or fail, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.state = open_state(Path(self.folder.name))
        self.world = World(self.state)
        self.holds: dict[str, Condition] = {}
        self.told: list[tuple[str, Message]] = []

    def teardown(self) -> None:
        self.holds.clear()
        self.world.unjudged = frozenset()
        self.world.look()
        self.world.look(after=timedelta(hours=5))
        assert all(each.state == "resolved" for each in self.world.alerts())
        self.told += self.world.send()
        self.every_opening_has_its_end()
        self.state.close()
        self.folder.cleanup()

    @rule(key=KEYS, severity=st.sampled_from(list(Severity)), amount=st.integers(1, 1000), step=st.integers(0, 3))
    def begins(self, key: str, severity: Severity, amount: int, step: int) -> None:
        self.holds[key] = condition(key=key, severity=severity, amount=Decimal(amount), step=step)

    @rule(key=KEYS)
    def ends(self, key: str) -> None:
        self.holds.pop(key, None)

    @rule(key=KEYS, other=KEYS)
    def covers(self, key: str, other: str) -> None:
        if key in self.holds and key != other:
            self.holds.pop(other, None)
            self.holds[key] = replace(self.holds[key], covers=(other,))

    @rule(minutes=st.integers(1, 300))
    def looks(self, minutes: int) -> None:
        self.world.look(*self.holds.values(), after=minutes * MINUTE)

    @rule()
    def sends(self) -> None:
        self.told += self.world.send()

    @rule(blind=st.booleans())
    def cannot_judge(self, blind: bool) -> None:
        self.world.unjudged = frozenset({"idle-now"} if blind else ())

    @precondition(lambda self: any(each.state == "open" for each in self.world.alerts()))
    @rule()
    def acknowledges(self) -> None:
        alert = next(each for each in self.world.alerts() if each.state == "open")
        with self.state.begin() as connection:
            acknowledge(connection, alert.id, WHO, Voice(), self.world.now)

    @rule(key=KEYS)
    def silences(self, key: str) -> None:
        self.world.silence(key=key)

    @invariant()
    def one_alert_stands_for_a_cause(self) -> None:
        standing = [each.key for each in self.world.alerts() if each.state != "resolved"]
        assert len(standing) == len(set(standing))

    @invariant()
    def an_alert_stands_or_has_ended(self) -> None:
        for each in self.world.alerts():
            assert each.state in ("open", "acked", "resolved")
            assert (each.resolved_at is not None) == (each.state == "resolved")

    @invariant()
    def messages_of_an_alert_are_in_order_and_go_out_once(self) -> None:
        seen: dict[tuple[str, str], list[Delivery]] = {}
        deliveries = self.world.deliveries()
        assert len({each.idempotency_key for each in deliveries}) == len(deliveries)
        for each in deliveries:
            seen.setdefault((each.alert or "", each.notifier), []).append(each)
        for of_one in seen.values():
            live = [each.kind for each in of_one if each.state in (SENT, WAITING)]
            assert live[:1] in ([], ["open"])
            assert live.count("open") <= 1
            assert live.count("resolve") <= 1
            assert "resolve" not in live[:-1]
            states = [each.state for each in of_one if each.state in (SENT, WAITING)]
            assert states == sorted(states)  # sent ones first

    def every_opening_has_its_end(self) -> None:
        opened = [(notifier, message.alert) for notifier, message in self.told if message.kind == "open"]
        ended = [(notifier, message.alert) for notifier, message in self.told if message.kind == "resolve"]
        assert sorted(opened) == sorted(ended)
        for notifier, message in self.told:
            if message.kind in ("update", "ack"):
                assert (notifier, message.alert) in opened


Alerts.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestAlerts = Alerts.TestCase


def test_an_id_may_be_shortened_as_long_as_it_is_clear(world: World) -> None:
    world.look(CONDITION)
    (alert,) = world.alerts()
    with world.state.begin() as connection:
        assert alert_of(connection, alert.id[:8]) == alert
        assert alert_of(connection, "") is None
        assert alert_of(connection, "%") is None

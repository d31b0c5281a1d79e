"""What stood before the first start is told once; what comes later is told at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.made import NOW, condition
from outlay.alerts.condition import Condition, Severity
from outlay.alerts.firststart import held_keys, tell_together
from outlay.alerts.keeping import Ways, carry_out
from outlay.alerts.message import message_from
from outlay.alerts.reconcile import Tell as Told
from outlay.alerts.reconcile import Why, reconcile
from outlay.alerts.routes import Route
from outlay.state.alerts import standing_alerts
from outlay.state.database import State, open_state
from outlay.state.outbox import Delivery, claim, was_told

WAYS = Ways((Route("all", (), (), (), None, False, ("slack",)),
             Route("pages", (), (Severity.PAGE,), (), None, False, ("pager",))), singly=frozenset({"pager"}))
HISTORY = (
    *(condition(key=f"old-{number}", rule="idle-now") for number in range(20)),
    condition(key="budget:a", rule="budget-burn", severity=Severity.PAGE, step=80, title="Budget a has spent 80%."))


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with open_state(tmp_path) as opened:
        yield opened


def step(state: State, holds: tuple[Condition, ...], judged: set[str], *, flush: bool) -> None:
    with state.begin() as connection:
        standing = standing_alerts(connection)
        held = held_keys(standing, holds, judged)
        carry_out(connection, reconcile(standing, holds, NOW, held=held), (), WAYS, NOW, held=held)
        if flush:
            tell_together(connection, holds, WAYS, NOW)


def due(state: State) -> tuple[Delivery, ...]:
    with state.begin() as connection:
        return claim(connection, NOW, timedelta(minutes=1), 100)


def test_history_is_one_message_a_notifier_and_each_alert_is_listed(state: State) -> None:
    step(state, HISTORY[-1:], set(), flush=False)
    assert due(state) == ()
    step(state, HISTORY, {"budget-burn"}, flush=True)
    sent = {each.notifier: message_from(each.body) for each in due(state)}
    assert sent["slack"].headline == "21 alerts stood when Outlay first looked, 1 of them urgent."
    assert sent["slack"].lines[0] == "Budget a has spent 80%."
    assert (sent["slack"].kind, sent["pager"].kind) == ("summary", "open"), "an incident is opened by its own event"
    with state.begin() as connection:
        standing = standing_alerts(connection)
        assert len(standing) == 21 and all(each.told_at == NOW for each in standing)
        assert was_told(connection)


def test_a_new_page_is_told_at_once_while_history_is_held(state: State) -> None:
    step(state, HISTORY[:20], set(), flush=False)
    new = condition(key="budget:new", rule="budget-burn", severity=Severity.PAGE)
    step(state, (*HISTORY[:20], new), {"budget-burn", "idle-now"}, flush=False)
    assert sorted((each.notifier, each.kind) for each in due(state)) == [("pager", "open"), ("slack", "open")]


def test_what_gets_worse_while_it_is_held_is_told_at_once(state: State) -> None:
    step(state, HISTORY[-1:], set(), flush=False)
    worse = replace(HISTORY[-1], step=100)
    with state.begin() as connection:
        (found,) = reconcile(standing_alerts(connection), (worse,), NOW, held=frozenset({"budget:a"}))
    assert isinstance(found, Told) and found.why is Why.FURTHER
    step(state, (worse,), {"budget-burn"}, flush=False)
    assert {each.kind for each in due(state)} == {"open"}


def test_a_start_that_is_killed_goes_on_where_it_was(state: State) -> None:
    step(state, HISTORY, set(), flush=False)
    with state.begin() as connection:
        assert not was_told(connection)
    step(state, HISTORY, set(), flush=True)
    assert [each.kind for each in due(state) if each.notifier == "slack"] == ["digest"]


def test_one_alert_is_told_as_itself(state: State) -> None:
    step(state, HISTORY[:1], set(), flush=True)
    assert [each.kind for each in due(state)] == ["open"]

"""`outlay alerts`: what stands, who looks after it, what is silent, whether messages arrive."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from test_commands import run, run_json

from alerts.fakes import FakeReceiver
from alerts.made import CONDITION, NOW
from outlay.alerts.keeping import Ways, carry_out
from outlay.alerts.reconcile import Open
from outlay.alerts.routes import Route
from outlay.state.alerts import standing_alerts
from outlay.state.database import open_state
from outlay.state.outbox import claim, mark_later


@pytest.fixture
def alert(tmp_path: Path) -> str:
    """An alert that is to be told through Slack, where that was tried in vain."""
    (tmp_path / "store").mkdir(exist_ok=True)
    with open_state(tmp_path / "store") as state, state.begin() as connection:
        ways = Ways((Route("all", (), (), (), None, False, ("finops",)),))
        carry_out(connection, [Open(CONDITION)], (), ways, NOW)
        (found,) = standing_alerts(connection)
        (waiting,) = claim(connection, NOW, timedelta(minutes=1), 1)
        mark_later(connection, waiting.id, NOW, "finops: Slack says not_in_channel")
    return found.id


def test_what_stands_is_listed(tmp_path: Path, alert: str) -> None:
    text = run(tmp_path, "alerts", "list")
    assert text.splitlines()[1].split() == [
        alert[:8], "warn", "open", "vision", "$4,140", "09-15", "12:00", *CONDITION.title.split()]
    assert f"? {alert[:8]} to finops, tried 1 times: finops: Slack says not_in_channel" in text
    answer = run_json(tmp_path, "alerts", "list")
    (row,) = answer["rows"]
    assert (answer["schema"], answer["totals"], answer["silences"]) == ("outlay.alerts/1", {"open": 1, "acked": 0}, [])
    assert (row["id"], row["amount"], row["waiting"], row["sent"], row["opened_at"]) == (
        alert, "4140", 1, 0, "2026-09-15T12:00:00Z")


def test_somebody_looks_after_it(tmp_path: Path, alert: str) -> None:
    assert "looks after: Run 4711" in run(tmp_path, "alerts", "ack", alert[:6])
    assert run(tmp_path, "alerts", "ack", alert) == "Somebody looks after it already.\n"
    assert run_json(tmp_path, "alerts", "list")["rows"][0]["state"] == "acked"
    assert "alert.ack" in run(tmp_path, "audit")


def test_it_is_silenced_for_a_while(tmp_path: Path, alert: str) -> None:
    said = run(tmp_path, "alerts", "silence", alert, "--for", "8h", "--reason", "known")
    (silence,) = run_json(tmp_path, "alerts", "list")["silences"]
    assert silence["matcher"] == {"key": CONDITION.key}
    assert said.startswith(f"Silence {silence['id'][:8]} holds until ")
    assert "key finding:zombie-run-1, by " in run(tmp_path, "alerts", "list")
    assert "has ended" in run(tmp_path, "alerts", "unsilence", silence["id"][:8])
    assert run_json(tmp_path, "alerts", "list")["silences"] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("ack", "zzz"), "there is no open alert 'zzz'"), (("unsilence", "zzz"), "there is no silence 'zzz'"),
     (("silence", "--for", "8h", "--reason", "x"), "a silence says of what"),
     (("silence", "--team", "a", "--for", "8 hours", "--reason", "x"), "is not a length of time"),
     (("silence", "zzz", "--for", "8h", "--reason", "x"), "there is no alert 'zzz'"),
     (("test",), "there is no notifier"), (("test", "--route", "x"), "there is no route 'x'")])
def test_what_is_not_there_is_said(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    done = run(tmp_path, "alerts", *arguments, code=2)
    assert words in done


def test_a_test_message_says_what_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeReceiver()
    monkeypatch.setenv("WEBHOOK_KEY", fake.secret)
    with fake.serving():
        (tmp_path / "outlay.yaml").write_text(json.dumps({"alerts": {
            "notifiers": {"own": {"kind": "webhook", "url": fake.url, "secret": {"env": "WEBHOOK_KEY"}},
                          "gone": {"kind": "webhook", "url": "http://127.0.0.1:1", "secret": {"env": "WEBHOOK_KEY"}}},
            "routes": [{"name": "ours", "notify": "own"}]}}))
        assert run(tmp_path, "alerts", "test", "--route", "ours") == "sent  own (webhook): 200 taken\n"
        assert fake.accepted[0]["kind"] == "test"
        done = run(tmp_path, "alerts", "test", "--json", code=1)
        assert [(row["notifier"], row["sent"]) for row in json.loads(done)["rows"]] == [
            ("own", True), ("gone", False)]
        assert run(tmp_path, "alerts", "test", "--notifier", "gone", code=1).startswith("! not sent  gone")


def test_nothing_stands(tmp_path: Path) -> None:
    assert run(tmp_path, "alerts", "list") == "No alert stands.\n"

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from source_reading import DATA, read_text, sample

from outlay.facts import Call
from outlay.sources.codex import Codex

PARENT, FORK, SUBAGENT = (json.loads((DATA / name).read_text().splitlines()[0])["payload"]["id"]
                          for name in ("codex.jsonl", "codex_fork.jsonl", "codex_subagent.jsonl"))
TAGS = {"project": "shop", "repository": "acme/shop", "branch": "main"}


def calls(name: str) -> list[Call]:
    return [call for call in sample(Codex(), name).facts if isinstance(call, Call)]


def without_span(call: Call) -> dict[str, Any]:
    return {name: getattr(call, name) for name in Call.__slots__ if name != "span_id"}


def test_each_response_counts_once() -> None:
    first, second = calls("codex.jsonl")
    common: dict[str, Any] = {
        "provider": "openai", "model": "gpt-5-codex", "operation": "chat", "trace_id": PARENT, "status": "ok",
        "agent": "codex", "conversation": PARENT, "cache_write_tokens": 0, "tags": TAGS}
    assert without_span(first) == without_span(
        Call(**common, time=datetime(2026, 1, 1, 9, 0, 3), input_tokens=8000, output_tokens=200,
             cache_read_tokens=6000, reasoning_tokens=64))
    assert without_span(second) == without_span(
        Call(**common, time=datetime(2026, 1, 1, 9, 0, 9), input_tokens=9000, output_tokens=300,
             cache_read_tokens=8000, reasoning_tokens=0))
    assert first.span_id and second.span_id and first.span_id != second.span_id
    assert [call.span_id for call in calls("codex.jsonl")] == [first.span_id, second.span_id]  # a second reading


def test_the_history_that_a_fork_copies_counts_in_the_first_session_alone() -> None:
    found = sample(Codex(), "codex_fork.jsonl")
    [call] = found.facts
    assert isinstance(call, Call)
    assert (call.trace_id, call.model, call.input_tokens, call.cache_write_tokens, call.output_tokens) == (
        FORK, "gpt-5.6", 9500, 9000, 40)
    assert [notice.message for notice in found.notices] == [
        "2 token counts are copies from the session that this one was forked from, and count there alone."]


def test_subagents_belong_to_the_session_that_started_them() -> None:
    [call] = calls("codex_subagent.jsonl")
    assert (call.trace_id, call.conversation, call.input_tokens) == (SUBAGENT, PARENT, 500)
    assert call.tags == TAGS | {"sidechain": "true"}


@pytest.mark.parametrize(("source", "sidechain"), [
    ("cli", None), ({"subagent": "review"}, "true"), ({"custom": 1}, None), (7, None),
])
def test_where_sessions_come_from(tmp_path: Path, source: object, sidechain: str | None) -> None:
    meta = {**META, "payload": {**META["payload"], "source": source}}  # type: ignore[dict-item]
    text = f"{json.dumps(meta)}\n{json.dumps(counted(tokens(9, 9), tokens(9, 9)))}\n"
    [call] = read_text(Codex(), tmp_path, text).facts
    assert isinstance(call, Call) and call.tags.get("sidechain") == sidechain


def test_nothing_that_was_said_is_kept_nor_credentials() -> None:
    assert "secret" in (DATA / "codex.jsonl").read_text()
    read = str(sample(Codex(), "codex.jsonl"))
    assert "secret" not in read and "token@" not in read


META = {"timestamp": "2026-01-01T00:00:00Z", "type": "session_meta",
        "payload": {"id": "s-1", "cwd": "/w/shop", "originator": "codex_cli_rs", "cli_version": "0.40.0"}}


def counted(total: object, last: object = None, time: object = "2026-01-01T00:01:00Z") -> dict[str, object]:
    return {"timestamp": time, "type": "event_msg", "secret": "a secret",
            "payload": {"type": "token_count", "info": {"total_token_usage": total, "last_token_usage": last}}}


def tokens(sent: object, answered: object, cached: object = 0) -> dict[str, object]:
    return {"input_tokens": sent, "cached_input_tokens": cached, "output_tokens": answered}


def lines(*rows: object) -> str:
    return "\n".join(json.dumps(row) for row in (META, *rows)) + "\n"


def test_old_rollouts_have_totals_alone(tmp_path: Path) -> None:
    text = lines(counted(tokens(100, 10)), counted(tokens(100, 10)), counted(tokens(250, 15)), counted(tokens(40, 4)))
    found = read_text(Codex(), tmp_path, text)
    assert [(c.input_tokens, c.output_tokens) for c in found.facts if isinstance(c, Call)] == [
        (100, 10), (150, 5), (40, 4)]


def test_forks_of_before_turns_had_ids(tmp_path: Path) -> None:
    fork = {**META, "payload": {**META["payload"], "forked_from_id": "s-0"}}  # type: ignore[dict-item]
    rows = [fork, META | {"payload": {"id": "s-0", "cwd": "/w"}},
            {"timestamp": "2026-01-01T00:00:00.050Z", "type": "turn_context", "payload": {"model": "gpt-5"}},
            counted(tokens(100, 10), tokens(100, 10), "2026-01-01T00:00:00.060Z"),
            {"timestamp": "2026-01-01T00:00:30Z", "type": "turn_context", "payload": {"model": "gpt-5"}},
            counted(tokens(170, 13), tokens(70, 3), "2026-01-01T00:00:40Z")]
    found = read_text(Codex(), tmp_path, "\n".join(json.dumps(row) for row in rows))
    assert [c.input_tokens for c in found.facts if isinstance(c, Call)] == [70]


@pytest.mark.parametrize(("row", "field", "reason"), [
    (counted(tokens(1, 1), tokens(-1, 1)), "payload.info.last_token_usage.input_tokens", "is negative"),
    (counted(tokens(1, 1), tokens(10**10, 1)), "payload.info.last_token_usage.input_tokens",
     "is larger than 1,000,000,000, which nothing real reaches"),
    (counted(tokens("x", 1)), "payload.info.total_token_usage.input_tokens", "is not a number"),
    (counted(tokens(5, 1), tokens(5, 1, cached=6)), "payload.info.last_token_usage.cached_input_tokens",
     "is more than all input tokens"),
    (counted(tokens(5, 1), tokens(5, 1), None), "timestamp", "is missing"),
    (counted(5), "payload.info.total_token_usage", "is not an object"),
])
def test_bad_rows_are_refused(tmp_path: Path, row: dict[str, object], field: str, reason: str) -> None:
    found = read_text(Codex(), tmp_path, lines(row, counted(tokens(9, 9), tokens(9, 9))))
    assert len(found.facts) == 1
    assert [(r.line, r.field, r.reason) for r in found.rejects] == [(2, field, reason)]
    assert "secret" not in found.rejects[0].raw


def test_a_session_that_is_still_being_written(tmp_path: Path) -> None:
    found = read_text(Codex(), tmp_path, lines(counted(tokens(9, 9), tokens(9, 9))) + '{"timestamp":"2026')
    assert len(found.facts) == 1
    assert [(r.line, r.reason) for r in found.rejects] == [(3, "is not complete JSON; the file may be incomplete")]

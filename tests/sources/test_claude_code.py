from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from source_reading import DATA, read_text, sample

from outlay.facts import Call
from outlay.sources.claude_code import ClaudeCode
from outlay.sources.inputfile import InputFile
from outlay.sources.working_directory import project_of, repository_of

SESSION = "5b0c7a53-0f3c-4a53-8a0c-2f6a4b1c9d01"


def test_one_response_in_several_rows_counts_once_with_its_last_figures() -> None:
    found = sample(ClaudeCode(), "claude_code.jsonl")
    common: dict[str, Any] = {"operation": "chat", "status": "ok", "agent": "claude-code", "conversation": SESSION}
    shop = {"project": "shop", "repository": "shop", "branch": "main"}
    assert found.facts == [
        Call(**common, time=datetime(2026, 1, 1, 9, 0, 2, 100_000), provider="anthropic", response_id="msg_01A",
             model="claude-sonnet-4-5-20250929", input_tokens=4 + 1500 + 12000, output_tokens=240,
             cache_read_tokens=12000, cache_write_tokens=1500, cache_write_1h_tokens=1000, reasoning_tokens=60,
             service_tier="default", finish_reason="tool_use", tags=shop),
        Call(**common, time=datetime(2026, 1, 1, 9, 1), provider="anthropic", response_id="msg_01B",
             model="claude-sonnet-4-5-20250929", input_tokens=13510, output_tokens=30, cache_read_tokens=13500,
             cache_write_tokens=0, service_tier="default", finish_reason="end_turn",
             tags=shop | {"sidechain": "true", "speed": "fast"}),
        Call(**common, time=datetime(2026, 1, 1, 9, 3), provider="aws.bedrock", response_id="msg_bdrk_01C",
             model="claude-haiku-4-5-20251001", input_tokens=7, output_tokens=3, reported_cost=Decimal("0.0000223"),
             tags=shop),
    ]


def test_nothing_that_was_said_is_kept() -> None:
    assert "secret" in (DATA / "claude_code.jsonl").read_text(encoding="utf-8")
    assert "secret" not in str(sample(ClaudeCode(), "claude_code.jsonl"))


def row(**values: object) -> dict[str, Any]:
    usage = {"input_tokens": 1, "output_tokens": 1}
    message = {"id": "msg_1", "model": "claude-sonnet-4-5", "usage": usage, "content": "a secret answer"}
    return {"type": "assistant", "sessionId": "s", "uuid": "u", "timestamp": "2026-01-01T00:00:00Z",
            "message": message} | values


def usage(**values: object) -> dict[str, Any]:
    return {"message": {"id": "msg_2", "model": "m", "usage": {"input_tokens": 1, "output_tokens": 1} | values}}


@pytest.mark.parametrize(("values", "field", "reason"), [
    ({"timestamp": None}, "timestamp", "is missing"),
    ({"timestamp": "then"}, "timestamp", "is not a time"),
    ({"message": "hello"}, "message", "is not JSON"),
    ({"costUSD": -1}, "costUSD", "is negative"),
    (usage(input_tokens=None), "message.usage.input_tokens", "is missing"),
    (usage(output_tokens=-1), "message.usage.output_tokens", "is negative"),
    (usage(cache_read_input_tokens=10**10), "message.usage.cache_read_input_tokens",
     "is larger than 1,000,000,000, which nothing real reaches"),
    (usage(cache_creation={"ephemeral_1h_input_tokens": 9}, cache_creation_input_tokens=5),
     "message.usage.cache_creation.ephemeral_1h_input_tokens", "is more than all tokens written to the cache"),
])
def test_bad_rows_are_refused(tmp_path: Path, values: dict[str, Any], field: str, reason: str) -> None:
    found = read_text(ClaudeCode(), tmp_path, f"{json.dumps(row())}\n{json.dumps(row(**values))}\n")
    assert len(found.facts) == 1
    [reject] = found.rejects
    assert (reject.line, reject.field, reject.reason) == (2, field, reason)
    assert "secret" not in reject.raw


def test_a_session_that_is_still_being_written(tmp_path: Path) -> None:
    found = read_text(ClaudeCode(), tmp_path, f"{json.dumps(row())}\n{json.dumps(row())[:90]}")
    assert len(found.facts) == 1
    assert [(r.line, r.reason, r.raw) for r in found.rejects] == [
        (2, "is not complete JSON; the file may be incomplete", "")]


@pytest.mark.parametrize("text", [
    '{"display":"fix it","pastedContents":{},"timestamp":1767225600000,"project":"/home/ana","sessionId":"s"}\n',
    '{"permissions":{"allow":["Bash"]},"model":"opus","type":"settings"}', '[{"content":"x","status":"pending"}]',
    '[{"sessionId":"s","messageId":0,"type":"user","message":"hi","timestamp":"2026-01-01T00:00:00Z"}]', "# notes\n",
    '{"version":1,"entries":[{"sessionId":"s","uuid":"u","type":"x"}]}',
], ids=["history", "settings", "todos", "another tool's log", "markdown", "index"])
def test_what_else_lies_there_is_not_recognised(tmp_path: Path, text: str) -> None:
    (tmp_path / "f").write_text(text, encoding="utf-8")
    assert not ClaudeCode().recognises(InputFile(tmp_path / "f", "f"))


@pytest.mark.parametrize(("directory", "project"), [
    ("/home/ana/work/shop", "shop"), ("/home/ana/work/shop/", "shop"), ("C:\\Users\\ana\\shop", "shop"),
    ("/home/ana/shop/.claude/worktrees/fix-1", "shop"), ("/", None), ("", None), (None, None),
])
def test_projects(directory: str | None, project: str | None) -> None:
    assert project_of(directory) == project


@pytest.mark.parametrize(("remote", "repository"), [
    ("git@github.com:acme/shop.git", "acme/shop"), ("https://ana:ghp_token@github.com/acme/shop", "acme/shop"),
    ("https://gitlab.com/group/sub/shop.git", "sub/shop"), ("", None), (None, None), ("nonsense", None),
])
def test_repositories_without_credentials(remote: str | None, repository: str | None) -> None:
    assert repository_of(remote) == repository

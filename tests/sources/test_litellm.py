from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from source_reading import DATA, read_text, sample

from outlay.facts import Call
from outlay.sources.litellm import LiteLLMSpendLogs

ROW = {"request_id": "chatcmpl-1", "call_type": "completion", "spend": 0.5, "prompt_tokens": 10, "completion_tokens": 5,
       "startTime": "2026-01-01T00:00:00Z", "endTime": "2026-01-01T00:00:01Z", "model": "gpt-4o"}

EXPECTED = [
    Call(time=datetime(2026, 1, 1, 10), duration_ms=2500, provider="openai", model="gpt-4o-2024-08-06",
         operation="chat", response_id="chatcmpl-A1", input_tokens=1000, output_tokens=100, cache_read_tokens=640,
         reasoning_tokens=32, status="ok", api_key="search-prod", user="ana", conversation="s-9",
         reported_cost=Decimal("0.012345678901"),
         tags={"team": "Search", "end_user": "customer-7", "env": "prod", "request_tags": "nightly",
               "feature": "rerank"}),
    # Answered from the proxy's own cache: nothing was paid, and the response's id is that of the paid call.
    Call(time=datetime(2026, 1, 1, 10, 5), duration_ms=10, provider="openai", model="gpt-4o-2024-08-06",
         operation="chat", input_tokens=0, output_tokens=0, status="ok", reported_cost=Decimal(0),
         tags={"cache_hit": "true"}),
    # A spend of zero on tokens: LiteLLM knew no price.
    Call(time=datetime(2026, 1, 1, 10, 6), duration_ms=3000, provider="anthropic", model="claude-sonnet-4-5",
         operation="chat", response_id="msg_01", input_tokens=5500, output_tokens=100, cache_read_tokens=5000,
         cache_write_tokens=400, cache_write_1h_tokens=300, status="ok", api_key="\u2026cdef"),
    Call(time=datetime(2026, 1, 1, 10, 7), duration_ms=1000, provider="azure.ai.openai",
         model="text-embedding-3-small", operation="embeddings", input_tokens=0, output_tokens=0,
         status="RateLimitError", reported_cost=Decimal(0)),
]


@pytest.mark.parametrize("name", ["litellm.jsonl", "litellm.csv"])
def test_json_lines_and_csv_say_the_same(name: str) -> None:
    assert sample(LiteLLMSpendLogs(), name).facts == EXPECTED


@pytest.mark.parametrize("wrapped", [False, True])
def test_lists_and_pages_of_the_api(tmp_path: Path, wrapped: bool) -> None:
    rows = [json.loads(line) for line in (DATA / "litellm.jsonl").read_text().splitlines()]
    text = json.dumps({"data": rows, "total": 4} if wrapped else rows, indent=2)
    assert read_text(LiteLLMSpendLogs(), tmp_path, text).facts == EXPECTED


def test_no_text_of_prompts_or_answers_is_kept() -> None:
    assert "secret" in (DATA / "litellm.jsonl").read_text()
    assert "secret" not in str(sample(LiteLLMSpendLogs(), "litellm.jsonl"))


@pytest.mark.parametrize(("values", "field", "reason"), [
    ({"startTime": None}, "startTime", "is missing"),
    ({"startTime": "noon"}, "startTime", "is not a time"),
    ({"endTime": "2025-12-31T23:59:59Z"}, "endTime", "is before startTime"),
    ({"prompt_tokens": -10}, "prompt_tokens", "is negative"),
    ({"completion_tokens": 10**12}, "completion_tokens", "is larger than 1,000,000,000, which nothing real reaches"),
    ({"spend": "free"}, "spend", "is not a number"),
    ({"spend": -1}, "spend", "is negative"),
    ({"metadata": "{not json"}, "metadata", "is not JSON"),
    ({"metadata": [1]}, "metadata", "is not an object"),
    ({"metadata": {"usage_object": {"cache_read_input_tokens": "x"}}},
     "metadata.usage_object.cache_read_input_tokens", "is not a number"),
])
def test_bad_rows_are_refused(tmp_path: Path, values: dict[str, object], field: str, reason: str) -> None:
    bad = ROW | {"messages": "a secret question", "metadata": {}} | values
    found = read_text(LiteLLMSpendLogs(), tmp_path, "\n".join(json.dumps(row) for row in (ROW, bad, ROW)))
    assert len(found.facts) == 2
    [reject] = found.rejects
    assert (reject.line, reject.field, reject.reason) == (2, field, reason)
    assert "secret" not in reject.raw and "chatcmpl-1" in reject.raw


def test_a_list_that_breaks_off_keeps_what_came_before(tmp_path: Path) -> None:
    text = json.dumps([ROW, ROW | {"request_id": "chatcmpl-2"}], indent=1)
    found = read_text(LiteLLMSpendLogs(), tmp_path, text[:-40])
    assert len(found.facts) == 1
    assert found.rejects[0].reason == "is not complete JSON; the file may be incomplete"


def test_ids_that_litellm_made_up_are_not_the_providers(tmp_path: Path) -> None:
    [call] = read_text(LiteLLMSpendLogs(), tmp_path, json.dumps(ROW | {"request_id": "0b1c-uuid"})).facts
    assert isinstance(call, Call) and call.response_id is None

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
from source_reading import read_text, sample

from outlay.errors import FileError
from outlay.facts import Usage
from outlay.sources.openai_usage import OpenAIUsage

DAY, NEXT = datetime(2026, 1, 1), datetime(2026, 1, 2)


def page(*results: object, start: object = 1767225600, end: object = 1767312000) -> str:
    bucket = {"object": "bucket", "start_time": start, "end_time": end, "results": list(results)}
    return json.dumps({"object": "page", "data": [bucket], "has_more": False})


def result(**values: object) -> dict[str, object]:
    base = {"object": "organization.usage.completions.result", "input_tokens": 10, "output_tokens": 2,
            "num_model_requests": 1, "model": "gpt-4o"}
    return base | values


def test_api_pages_as_json_lines() -> None:
    found = sample(OpenAIUsage(), "openai_usage.jsonl")
    assert found.facts == [
        Usage(start=DAY, end=NEXT, provider="openai", model="gpt-4o-2024-08-06", operation="chat", requests=60,
              input_tokens=120_000, output_tokens=8_000, cache_read_tokens=100_000, input_audio_tokens=0,
              output_audio_tokens=0, service_tier="default", api_key="key_01", tags={"project": "proj_search"}),
        Usage(start=DAY, end=NEXT, provider="openai", model="gpt-4o-mini-2024-07-18", operation="chat", requests=10,
              input_tokens=500_000, output_tokens=20_000, cache_read_tokens=0, service_tier="batch",
              tags={"project": "proj_labels"}),
        Usage(start=DAY, end=NEXT, provider="openai", model="text-embedding-3-small", operation="embeddings",
              requests=30, input_tokens=9_000, tags={"project": "proj_search"}),
    ]
    assert [notice.message for notice in found.notices] == [
        "Counted neither in tokens nor requests, so left out: vector stores. The costs have their money."]


def test_console_csv_and_its_rows_of_nothing() -> None:
    found = sample(OpenAIUsage(), "openai_usage.csv")
    assert found.facts == [
        Usage(start=DAY, end=NEXT, provider="openai", model="gpt-4o-2024-08-06", operation="chat", requests=60,
              input_tokens=120_000, output_tokens=8_000, cache_read_tokens=100_000, input_audio_tokens=0,
              output_audio_tokens=0, service_tier="priority", api_key="search-prod", user="ana@example.com",
              tags={"project": "Search", "project_id": "proj_search", "user_id": "user-1", "api_key_id": "key_01"})]
    assert not found.notices


@pytest.mark.parametrize("text", [
    f"[{page(result())},\n{page(result(model='o3'))}]",
    f"{json.dumps(json.loads(page(result())), indent=2)}\n{json.dumps(json.loads(page(result(model='o3'))), indent=2)}",
    f"{page(result())}\n\n{page(result(model='o3'))}\n",
    json.dumps(json.loads(page(result(), result(model="o3")))["data"]),
], ids=["list of pages", "documents one behind another", "json lines", "list of buckets"])
def test_every_way_of_putting_pages_into_a_file(tmp_path: Path, text: str) -> None:
    found = read_text(OpenAIUsage(), tmp_path, text)
    assert not found.rejects
    assert [usage.model for usage in found.facts] == ["gpt-4o", "o3"]


@pytest.mark.parametrize(("values", "field", "reason"), [
    ({"input_tokens": -1}, "input_tokens", "is negative"),
    ({"input_tokens": 10**16}, "input_tokens", "is larger than 1,000,000,000,000,000, which nothing real reaches"),
    ({"input_tokens": "many"}, "input_tokens", "is not a number"),
    ({"input_tokens": True}, "input_tokens", "is not a number"),
    ({"output_tokens": 1.5}, "output_tokens", "is not a whole number"),
    ({"output_tokens": float("nan")}, "output_tokens", "is not a usable number"),
    ({"input_cached_tokens": 11}, "input_cached_tokens", "is more than all input tokens"),
    ({"model": ["gpt-4o"]}, "model", "is not text"),
    ({"batch": "perhaps"}, "batch", "is not true or false"),
])
def test_a_bad_result_is_refused_and_the_others_stay(
    tmp_path: Path, values: dict[str, object], field: str, reason: str
) -> None:
    found = read_text(OpenAIUsage(), tmp_path, page(result(), result(**values)))
    assert len(found.facts) == 1
    [reject] = found.rejects
    assert (reject.line, reject.field, reject.reason) == (1, f"data[0].results[1].{field}", reason)
    assert "organization.usage" in reject.raw


@pytest.mark.parametrize(("start", "end", "field", "reason"), [
    (None, 1767312000, "start_time", "is missing"),
    (1767312000, 1767225600, "end_time", "is not after start_time"),
    ("soon", 1767312000, "start_time", "is not a time"),
    (99999999999, None, "start_time", "is not a time since 1970"),
    (86400, None, "start_time", "is a time before 2000 or after 2099"),
])
def test_a_bucket_without_a_sound_period_is_refused(
    tmp_path: Path, start: object, end: object, field: str, reason: str
) -> None:
    found = read_text(OpenAIUsage(), tmp_path, f"{page(result())}\n{page(result(), start=start, end=end)}\n")
    assert len(found.facts) == 1
    assert [(r.line, r.field, r.reason) for r in found.rejects] == [(2, f"data[0].{field}", reason)]


def test_what_is_no_object_is_refused_where_it_stands(tmp_path: Path) -> None:
    text = '{"data":[7,{"start_time":1767225600,"results":[null]},{"start_time":1767225600,"results":5}]}'
    found = read_text(OpenAIUsage(), tmp_path, text)
    assert [(r.field, r.reason) for r in found.rejects] == [
        ("data[0]", "is not an object"), ("data[1].results[0]", "is not an object"),
        ("data[2].results", "is not a list")]


def test_json_lines_that_break_off(tmp_path: Path) -> None:
    found = read_text(OpenAIUsage(), tmp_path, f"{page(result())}\nnot json\n{page(result())}\n{page(result())[:80]}")
    assert len(found.facts) == 2
    assert [r.line for r in found.rejects] == [2, 4]
    assert found.rejects[0].reason.startswith("is not valid JSON")
    assert found.rejects[1].reason == "is not complete JSON; the file may be incomplete"


def test_a_document_that_breaks_off_is_refused_as_a_whole(tmp_path: Path) -> None:
    text = json.dumps(json.loads(page(result())), indent=1)
    with pytest.raises(FileError, match="is not valid JSON"):
        read_text(OpenAIUsage(), tmp_path, text[: len(text) // 2])


def test_pages_that_are_still_to_come_are_said(tmp_path: Path) -> None:
    found = read_text(OpenAIUsage(), tmp_path, page(result()).replace('"has_more": false', '"has_more": true'))
    assert "more pages follow" in found.notices[0].message


def test_csv_rows_that_are_bad(tmp_path: Path) -> None:
    header = "start_time,end_time,project_id,num_model_requests,input_tokens,output_tokens\n"
    rows = "1767225600,1767312000,p,1,10,2\n1767225600,1767312000,p,1,-5,2\n1767225600,1767312000,p\n"
    found = read_text(OpenAIUsage(), tmp_path, header + rows)
    assert len(found.facts) == 1
    assert [(r.line, r.field) for r in found.rejects] == [(3, "input_tokens"), (4, "")]
    assert "has 3 fields, the header has 6" in found.rejects[1].reason

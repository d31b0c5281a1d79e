"""Every source of model usage knows its own files, and no other's, and bears any content."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from source_reading import DATA

from outlay.errors import FileError
from outlay.sources.anthropic_costs import AnthropicCosts
from outlay.sources.anthropic_usage import AnthropicUsage
from outlay.sources.base import RowSource
from outlay.sources.claude_code import ClaudeCode
from outlay.sources.codex import Codex
from outlay.sources.inputfile import HEAD_BYTES, InputFile
from outlay.sources.litellm import LiteLLMSpendLogs
from outlay.sources.openai_costs import OpenAICosts
from outlay.sources.openai_usage import OpenAIUsage
from outlay.sources.otlp import OpenTelemetryTraces

SOURCES: tuple[RowSource, ...] = (
    OpenAIUsage(), OpenAICosts(), AnthropicUsage(), AnthropicCosts(), LiteLLMSpendLogs(), OpenTelemetryTraces(),
    ClaudeCode(), Codex(),
)
SAMPLES = {
    "openai_usage.jsonl": "openai-usage", "openai_usage.csv": "openai-usage", "openai_costs.json": "openai-costs",
    "openai_costs.csv": "openai-costs", "anthropic_usage.json": "anthropic-usage",
    "anthropic_usage.csv": "anthropic-usage", "anthropic_costs.json": "anthropic-costs",
    "anthropic_costs.csv": "anthropic-costs", "litellm.jsonl": "litellm", "litellm.csv": "litellm",
    "otlp.jsonl": "otlp", "otlp_dialects.json": "otlp", "claude_code.jsonl": "claude-code", "codex.jsonl": "codex",
    "codex_fork.jsonl": "codex", "codex_subagent.jsonl": "codex",
}


def recognised(path: Path) -> list[str]:
    return [source.code for source in SOURCES if source.recognises(InputFile(path, "the name says nothing"))]


@pytest.mark.parametrize(("name", "code"), SAMPLES.items())
def test_each_sample_is_known_to_its_source_alone(name: str, code: str) -> None:
    assert recognised(DATA / name) == [code]


@pytest.mark.parametrize(("name", "code"), [item for item in SAMPLES.items() if ".json" in item[0]])
def test_json_in_another_layout_is_the_same_format(tmp_path: Path, name: str, code: str) -> None:
    text = (DATA / name).read_text(encoding="utf-8")
    try:
        rows = [json.loads(text)]
    except ValueError:
        if not name.endswith("l"):
            pytest.skip("documents one behind another have no lines to lay out anew")
        rows = [json.loads(line) for line in text.split("\n") if line.strip()]
    path = tmp_path / "in"
    path.write_text(json.dumps(rows, indent=2), encoding="utf-8")
    assert recognised(path) == [code]
    path.write_text(json.dumps(rows[0]), encoding="utf-8")
    assert recognised(path) == [code]


@pytest.mark.parametrize(("name", "code"), SAMPLES.items())
def test_files_that_say_so_late_are_bounded_by_the_head(tmp_path: Path, name: str, code: str) -> None:
    path = tmp_path / "in"
    path.write_text(" \n" * HEAD_BYTES + (DATA / name).read_text(encoding="utf-8"), encoding="utf-8")
    assert recognised(path) == []


def test_a_conversation_about_these_formats_is_none_of_them(tmp_path: Path) -> None:
    talk = "\n".join((DATA / name).read_text(encoding="utf-8") for name in SAMPLES)
    row = {"type": "user", "sessionId": "s", "uuid": "u", "message": {"content": talk},
           "toolUseResult": {"data": [{"start_time": 1, "results": []}], "resourceSpans": [], "request_id": "x"}}
    path = tmp_path / "in"
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    assert recognised(path) == ["claude-code"]


@pytest.mark.parametrize("content", [
    b"", b"\n\n", b"{", b"[", b"[[[[[", b"{}", b"[]", b"null", b'"data"', b"a,b\n1,2\n", b"\xff\xfe{\x00}\x00",
    b"\x00" * 5000, b"PAR1rest", b'{"data":' * 20_000, b'{"data": [{"start_time": "', b"\xef\xbb\xbf{}",
    b'{"resourceLogs":[]}', b'{"type":"message","timestamp":"x","payload":{}}', b"Zeit;Team\n1;2\n",
])
def test_anything_else_is_nobodys(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "in"
    path.write_bytes(content)
    assert recognised(path) == []


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.one_of(
    st.binary(max_size=300),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
            st.sampled_from([
                "data", "results", "start_time", "starting_at", "amount", "type", "sessionId", "uuid", "payload",
                "timestamp", "cwd", "originator", "request_id", "call_type", "spend", "startTime", "resourceSpans",
                "scopeSpans", "spans", "attributes", "message", "usage", "info", "uncached_input_tokens",
                "input_tokens", "metadata",
            ]), inner, max_size=4),
        max_leaves=12,
    ).map(lambda value: json.dumps(value).encode()),
))
def test_no_content_breaks_recognition_or_reading(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "in"
    path.write_bytes(content)
    file = InputFile(path, "in")
    if file.is_gzip:
        return
    for source in SOURCES:
        source.recognises(file)
        if not file.text.strip():
            continue
        try:
            list(source.read(InputFile(path, "in")))
        except FileError as error:
            assert error.where == "in"

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from source_reading import DATA, read_text, sample

from outlay.facts import Call
from outlay.sources.model_provider import model_provider
from outlay.sources.otlp import OpenTelemetryTraces

TRACE = "0af7651916cd43dd8448eb211c80319c"
START = datetime(2026, 1, 1)


def value(plain: object) -> dict[str, object]:
    kinds: dict[type, str] = {bool: "boolValue", int: "intValue", float: "doubleValue", str: "stringValue"}
    return {kinds[type(plain)]: plain}


def batch(facts: dict[str, object], /, **span: object) -> str:
    listed = [{"key": key, "value": value(plain)} for key, plain in facts.items()]
    base: dict[str, object] = {"traceId": TRACE, "spanId": "00f067aa0ba902b7", "name": "chat",
                               "startTimeUnixNano": "1767225600000000000", "endTimeUnixNano": "1767225601250000000",
                               "attributes": listed}
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [base | span]}]}]})


def one(tmp_path: Path, attributes: dict[str, object], **span: object) -> Call:
    found = read_text(OpenTelemetryTraces(), tmp_path, batch({"gen_ai.request.model": "gpt-4o"} | attributes, **span))
    assert not found.rejects
    [call] = found.facts
    assert isinstance(call, Call)
    return call


def test_current_and_older_conventions() -> None:
    found = sample(OpenTelemetryTraces(), "otlp.jsonl")
    where: dict[str, Any] = {"trace_id": TRACE, "run_id": "r-17"}
    tags = {"service": "helpdesk", "environment": "production", "team": "support"}
    assert found.facts == [
        Call(**where, time=START, duration_ms=4000, operation="invoke_agent", span_id="00f067aa0ba902b1", status="ok",
             agent="helper", conversation="conv-5", tags=tags),
        Call(**where, time=datetime(2026, 1, 1, 0, 0, 0, 10_000), duration_ms=1500, provider="openai",
             model="gpt-4o-2024-08-06", operation="chat", response_id="chatcmpl-1", span_id="00f067aa0ba902b2",
             parent_span_id="00f067aa0ba902b1", input_tokens=1200, output_tokens=80, cache_read_tokens=1024,
             reasoning_tokens=16, system_tokens=800, max_tokens=256, service_tier="default", status="ok",
             finish_reason="tool_calls", user="ana", agent="helper", task="triage", prompt="triage",
             prompt_version="3", conversation="conv-5", tags=tags | {"project": "desk"}),
        Call(**where, time=datetime(2026, 1, 1, 0, 0, 1, 600_000), duration_ms=200, operation="execute_tool",
             span_id="00f067aa0ba902b3", parent_span_id="00f067aa0ba902b1", status="TimeoutError", tool="lookup",
             tags=tags),
        # The emitter copied Anthropic's own count: more was cached than was sent, so it is added.
        Call(time=datetime(2026, 1, 1, 0, 0, 5), duration_ms=700, provider="anthropic", model="claude-sonnet-4-5",
             operation="chat", trace_id=TRACE, span_id="00f067aa0ba902b5", input_tokens=3512, output_tokens=9,
             cache_read_tokens=3000, cache_write_tokens=500, status="error",
             tags={"service": "older", "environment": "staging"}),
    ]
    assert [notice.message for notice in found.notices] == [
        "1 spans are not about models, tools or agents and were left out."]


def test_openinference_and_openllmetry_in_snake_case() -> None:
    found = sample(OpenTelemetryTraces(), "otlp_dialects.json")
    llm, agent, workflow, tool, completion = found.facts
    assert llm == Call(
        time=START, duration_ms=900, provider="azure.ai.openai", model="gpt-4o-mini", operation="chat", trace_id=TRACE,
        span_id="00f067aa0ba902c1", parent_span_id="00f067aa0ba902c2", input_tokens=300, output_tokens=20,
        cache_read_tokens=128, reasoning_tokens=4, max_tokens=64, status="ok", conversation="s-1",
        reported_cost=Decimal("0.000123"), tags={"project": "search"})
    assert isinstance(agent, Call) and (agent.operation, agent.agent) == ("invoke_agent", "finder")
    assert isinstance(workflow, Call) and (workflow.operation, workflow.tool) == ("invoke_workflow", None)
    assert isinstance(tool, Call) and (tool.operation, tool.tool, tool.model) == ("execute_tool", "rank", None)
    assert completion == Call(
        time=datetime(2026, 1, 1, 0, 0, 0, 200_000), duration_ms=300, provider="openai",
        model="gpt-3.5-turbo-instruct", operation="text_completion", trace_id=TRACE, span_id="00f067aa0ba902c5",
        parent_span_id="00f067aa0ba902c3", input_tokens=40, output_tokens=2, status="ok", finish_reason="length",
        user="u-9", tags={"service": "flows", "team": "search"})


@pytest.mark.parametrize("name", ["otlp.jsonl", "otlp_dialects.json"])
def test_no_text_of_prompts_or_answers_is_kept(name: str) -> None:
    assert "secret" in (DATA / name).read_text()
    assert "secret" not in str(sample(OpenTelemetryTraces(), name))


@pytest.mark.parametrize(("attributes", "span", "field", "reason"), [
    ({"gen_ai.usage.input_tokens": -1}, {}, "gen_ai.usage.input_tokens", "is negative"),
    ({"gen_ai.usage.output_tokens": 10**10}, {}, "gen_ai.usage.output_tokens",
     "is larger than 1,000,000,000, which nothing real reaches"),
    ({"llm.usage.prompt_tokens": "lots"}, {}, "llm.usage.prompt_tokens", "is not a number"),
    ({"gen_ai.usage.cost": -0.5}, {}, "gen_ai.usage.cost", "is negative"),
    ({"gen_ai.usage.cost": 5e6}, {}, "gen_ai.usage.cost", "is more than 999,999 dollars for one call"),
    ({}, {"startTimeUnixNano": None}, "resourceSpans[0].scopeSpans[0].spans[0].startTimeUnixNano", "is missing"),
    ({}, {"startTimeUnixNano": "0"}, "resourceSpans[0].scopeSpans[0].spans[0].startTimeUnixNano",
     "is not a time since 1970"),
    ({}, {"endTimeUnixNano": "1767225500000000000"}, "resourceSpans[0].scopeSpans[0].spans[0].endTimeUnixNano",
     "is before startTimeUnixNano"),
    ({}, {"traceId": "xyz"}, "resourceSpans[0].scopeSpans[0].spans[0].traceId", "is not an id of 16 bytes"),
    ({}, {"attributes": 5}, "resourceSpans[0].scopeSpans[0].spans[0].attributes", "is not a list"),
])
def test_bad_spans_are_refused(
    tmp_path: Path, attributes: dict[str, object], span: dict[str, object], field: str, reason: str
) -> None:
    model: dict[str, object] = {"gen_ai.request.model": "gpt-4o", "gen_ai.input.messages": "a secret question"}
    text = f"{batch(model)}\n{batch(model | attributes, **span)}\n{batch(model, spanId='00f067aa0ba902b8')}"
    found = read_text(OpenTelemetryTraces(), tmp_path, text)
    assert len(found.facts) == 2
    [reject] = found.rejects
    assert (reject.line, reject.field, reject.reason) == (2, field, reason)
    assert "secret" not in reject.raw


@pytest.mark.parametrize("text", [
    '{"resourceSpans": 5}', '{"resourceSpans": [5]}', '{"resourceSpans": [{"scopeSpans": [{"spans": [null]}]}]}',
    '{"resourceSpans": [{"resource": 3}]}',
])
def test_what_is_not_nested_as_otlp_is_refused(tmp_path: Path, text: str) -> None:
    found = read_text(OpenTelemetryTraces(), tmp_path, text)
    assert not found.facts
    assert len(found.rejects) == 1


def test_a_file_copied_while_it_was_written(tmp_path: Path) -> None:
    whole = batch({"gen_ai.request.model": "gpt-4o"})
    found = read_text(OpenTelemetryTraces(), tmp_path, f"{whole}\n{whole[:100]}")
    assert len(found.facts) == 1
    assert [(r.line, r.reason) for r in found.rejects] == [(2, "is not complete JSON; the file may be incomplete")]


def test_ids_in_base64_are_the_same_ids(tmp_path: Path) -> None:
    call = one(tmp_path, {}, traceId="CvdlGRbNQ92ESOshHIAxnA==", spanId="APBnqgupArc=", parentSpanId="0" * 16)
    assert (call.trace_id, call.span_id, call.parent_span_id) == (TRACE, "00f067aa0ba902b7", None)


def test_a_span_that_has_not_ended(tmp_path: Path) -> None:
    assert one(tmp_path, {}, endTimeUnixNano="0").duration_ms is None


def test_finish_reasons_in_every_form(tmp_path: Path) -> None:
    assert one(tmp_path, {"gen_ai.response.finish_reasons": '["stop"]'}).finish_reason == "stop"
    assert one(tmp_path, {"gen_ai.response.finish_reasons": "stop"}).finish_reason == "stop"
    assert one(tmp_path, {"gen_ai.response.finish_reasons": "[broken"}).finish_reason is None


def test_tags_stay_few_and_short(tmp_path: Path) -> None:
    call = one(tmp_path, {
        "outlay.team": "search", "team": "other", "outlay.cost_centre": 17, "outlay.urgent": True,
        "owner": "x" * 300, "http.url": "http://example.com", "customer.id": "c-1", "purpose": "two\nlines"})
    assert call.tags == {"team": "search", "cost_centre": "17", "urgent": "true", "customer": "c-1"}


def test_parameters_that_are_no_json_do_not_cost_the_call(tmp_path: Path) -> None:
    assert one(tmp_path, {"llm.invocation_parameters": "{'max_tokens': 5}"}).max_tokens is None


@pytest.mark.parametrize(("name", "model", "provider"), [
    ("OpenAI", "gpt-4o", "openai"), ("AWS", "anthropic.claude", "aws.bedrock"),
    ("az.ai.openai", "x", "azure.ai.openai"), ("Langchain", "claude-sonnet-4-5", "anthropic"),
    (None, "o3-mini", "openai"), (None, "gemini-2.5-pro", "gcp.gemini"), (None, "llama-3", None), (None, None, None),
    ("custom-host", "llama-3", "custom-host"),
])
def test_providers(name: str | None, model: str | None, provider: str | None) -> None:
    assert model_provider(name, model) == provider

"""OpenTelemetry spans of model calls and agents."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, ClassVar

from outlay.facts import Call, Fact, Notice, Reject
from outlay.sources import otlp_names as names
from outlay.sources.base import RowSource
from outlay.sources.inputfile import InputFile
from outlay.sources.json_values import json_values
from outlay.sources.model_provider import model_provider
from outlay.sources.record import MOST_CALL_TOKENS, BadRow, Record, call_cost
from outlay.sources.service_tiers import service_tier
from outlay.sources.token_counts import Input, translated_input, translated_output

#: Longer values are no labels but texts.
_TAG_LENGTH = 200
_HEX = re.compile(r"[0-9a-f]+")


class OpenTelemetryTraces(RowSource):
    """Spans of model calls, tools and agents, as an OpenTelemetry collector writes them to a file.

    **Get it** by adding the file exporter to the traces pipeline of the collector that your applications send to:

        exporters:
          file/outlay: {path: /var/log/otel/traces.jsonl, rotation: {max_megabytes: 500}}

    It understands OpenTelemetry's GenAI conventions, current and older, OpenInference and OpenLLMetry. Your own
    attributes help: `outlay.team`, `outlay.task`, `outlay.prompt`, `outlay.prompt_version`, `outlay.run_id`,
    `outlay.system_tokens` and others with this prefix, on spans or as resource attributes.

    **It gives** a call for each model call (chat, embeddings, ...) with its tokens, and calls without tokens for tools,
    agents and workflows, so that the cost of an agent run shows as the tree that it is. `service.name`,
    `deployment.environment.name` and attributes such as `team` and `project` become tags. Prompts, answers and tool
    arguments are never read.

    **It cannot know** calls that are not instrumented, or that sampling dropped. Where two libraries instrument the
    same call one within the other and do not both give the response's id, it counts twice: instrument it once.
    """

    code: ClassVar[str] = "otlp"
    title: ClassVar[str] = "OpenTelemetry GenAI spans (OTLP JSON from a collector's file exporter)"
    facts: ClassVar[tuple[type[Fact], ...]] = (Call,)
    by_line: ClassVar[bool] = True
    authority: ClassVar[str] = "sdk_span"

    def recognises(self, file: InputFile) -> bool:
        return not {"resourceSpans", "resource_spans"}.isdisjoint(file.json_paths)

    def read(self, file: InputFile) -> Iterator[Fact | Reject | Notice]:
        others = 0
        for value in json_values(file):
            if isinstance(value, Reject):
                yield value
                continue
            line, batch = value
            try:
                for span, resource in spans(batch):
                    made = call_or_reject(line, span, resource)
                    if made is None:
                        others += 1
                    else:
                        yield made
            except BadRow as bad:
                yield bad.reject(line)
        if others:
            yield Notice(f"{others:,} spans are not about models, tools or agents and were left out.")


@dataclass(frozen=True, slots=True)
class Span(Record):
    """A span whose attributes are known already."""

    attributes: Mapping[str, Any] | None = None


def spans(batch: Any) -> Iterator[tuple[Record, dict[str, Any]]]:
    """Every span of a batch, and the attributes of its resource. Raises `BadRow` where the nesting is not OTLP's."""
    for resource_spans in _children(batch, "", "resourceSpans", "resource_spans"):
        resource = attributes(resource_spans.record("resource"))
        for scope in _children(
            resource_spans.values, resource_spans.path, "scopeSpans", "scope_spans", "instrumentationLibrarySpans"
        ):
            for span in _children(scope.values, scope.path, "spans"):
                yield span, resource


def _children(parent: Any, path: str, *keys: str) -> Iterator[Record]:
    record = Record(parent if isinstance(parent, dict) else {}, path)
    for place, child in enumerate(record.items(*keys)):
        where = f"{path}.{keys[0]}[{place}]".lstrip(".")
        if not isinstance(child, dict):
            raise BadRow(where, "is not an object")
        yield Record(child, where)


def attributes(holder: Record) -> dict[str, Any]:
    """The attributes of a span or resource: text, whole numbers (as text or not), Decimal, booleans, lists of them."""
    found: dict[str, Any] = {}
    for entry in holder.items("attributes"):
        if isinstance(entry, dict) and isinstance(key := entry.get("key"), str):
            found[key] = _plain(entry.get("value"))
    return found


def _plain(value: Any) -> Any:
    """An AnyValue without its wrapping; None for what is nested further (no attribute that is read is)."""
    if not isinstance(value, dict) or len(value) != 1:
        return None
    [(kind, inner)] = value.items()
    if kind in ("arrayValue", "array_value"):
        entries = inner.get("values") if isinstance(inner, dict) else None
        return [_plain(entry) for entry in entries] if isinstance(entries, list) else None
    return inner if isinstance(inner, str | int | Decimal | bool) else None


def call_or_reject(line: int | None, span: Record, resource: dict[str, Any]) -> Call | Reject | None:
    """The call of a span, or why it is none; None where the span is not about a model, tool or agent."""
    try:
        known = span.attributes if isinstance(span, Span) else None
        facts = Record({**resource, **(attributes(span) if known is None else known)})
        operation = _operation(facts)
        return None if operation is None else _call(span, facts, operation)
    except BadRow as bad:
        # Names and ids only: attributes may hold texts.
        return bad.reject(line, span.raw(("name", "traceId", "trace_id", "spanId", "span_id")))


def _operation(span: Record) -> str | None:
    for attribute, operations in names.OPERATIONS.items():
        kind = (span.text(attribute) or "").lower()
        if kind in operations:
            return operations[kind]
        if kind and attribute in ("gen_ai.operation.name", "llm.request.type") and kind != "unknown":
            return kind
    return "chat" if span.has(*names.MODEL, *names.INPUT, *names.OUTPUT) else None


def _call(span: Record, facts: Record, operation: str) -> Call:
    start, duration = _timing(span)
    counted = operation not in names.WITHOUT_TOKENS
    tokens = _input(facts) if counted else Input(None)
    reasoning = _count(facts, names.REASONING) if counted else None
    output = translated_output(_count(facts, names.OUTPUT), reasoning) if counted else None
    model = facts.text(*names.MODEL)
    return Call(
        time=start,
        duration_ms=duration,
        provider=model_provider(facts.text(*names.PROVIDER), model),
        model=model,
        operation=operation,
        response_id=facts.text(*names.RESPONSE_ID) if counted else None,
        trace_id=_identity(span, 16, "traceId", "trace_id"),
        span_id=_identity(span, 8, "spanId", "span_id"),
        parent_span_id=_identity(span, 8, "parentSpanId", "parent_span_id"),
        input_tokens=tokens.total,
        output_tokens=output,
        cache_read_tokens=tokens.cache_read,
        cache_write_tokens=tokens.cache_write,
        cache_write_1h_tokens=tokens.cache_write_1h,
        reasoning_tokens=reasoning,
        input_audio_tokens=_count(facts, names.INPUT_AUDIO) if counted else None,
        output_audio_tokens=_count(facts, names.OUTPUT_AUDIO) if counted else None,
        system_tokens=_count(facts, names.SYSTEM_TOKENS),
        max_tokens=_max_tokens(facts),
        tokens_estimated=facts.flag(*names.ESTIMATED),
        service_tier=service_tier(facts.text(*names.SERVICE_TIER)),
        status=_status(span, facts),
        finish_reason=_finish_reason(facts),
        account=facts.text(*names.ACCOUNT),
        region=facts.text(*names.REGION),
        api_key=facts.text(*names.API_KEY),
        user=facts.text(*names.USER),
        agent=facts.text(*names.AGENT) or _entity(facts, "agent"),
        task=facts.text(*names.TASK),
        prompt=facts.text(*names.PROMPT),
        prompt_version=facts.text(*names.PROMPT_VERSION),
        prefix_hash=facts.text(*names.PREFIX_HASH),
        conversation=facts.text(*names.CONVERSATION),
        tool=facts.text(*names.TOOL) or _entity(facts, "tool"),
        run_id=facts.text(*names.RUN_ID),
        reported_cost=call_cost(facts, *names.COST) if counted else None,
        tags=_tags(facts),
    )


def _timing(span: Record) -> tuple[datetime, int | None]:
    start = span.nanoseconds("startTimeUnixNano", "start_time_unix_nano")
    if start is None:
        raise span.bad("startTimeUnixNano", "is missing")
    if (span.text("endTimeUnixNano", "end_time_unix_nano") or "0") == "0":
        return start, None  # the span was written before it ended
    end = span.nanoseconds("endTimeUnixNano", "end_time_unix_nano")
    if end is None or end < start:
        raise span.bad("endTimeUnixNano", "is before startTimeUnixNano")
    return start, round((end - start) / timedelta(milliseconds=1))


def _count(facts: Record, alternatives: tuple[str, ...]) -> int | None:
    return facts.count(*alternatives, most=MOST_CALL_TOKENS)


def _input(facts: Record) -> Input:
    return translated_input(
        _count(facts, names.INPUT),
        cache_read=_count(facts, names.CACHE_READ),
        cache_write=_count(facts, names.CACHE_WRITE),
        cache_write_1h=_count(facts, names.CACHE_WRITE_1H),
    )


def _max_tokens(facts: Record) -> int | None:
    stated = _count(facts, names.MAX_TOKENS)
    if stated is not None:
        return stated
    try:
        parameters = facts.record("llm.invocation_parameters")
        return parameters.count("max_tokens", "max_completion_tokens", "max_output_tokens", most=MOST_CALL_TOKENS)
    except BadRow:
        return None  # free text of the emitter; a call is not refused for it


def _finish_reason(facts: Record) -> str | None:
    name = next((name for name in names.FINISH if facts.has(name)), names.FINISH[0])
    value = facts.values.get(name)
    if isinstance(value, str) and value.startswith("["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    if isinstance(value, list):
        value = value[0] if value else None
    return value if isinstance(value, str) and len(value) <= _TAG_LENGTH else None


def _status(span: Record, facts: Record) -> str:
    error = facts.text("error.type")
    failed = span.record("status").text("code") in ("2", "STATUS_CODE_ERROR")
    return error or ("error" if failed else "ok")


def _entity(facts: Record, kind: str) -> str | None:
    return facts.text("traceloop.entity.name") if facts.text("traceloop.span.kind") == kind else None


def _identity(span: Record, size: int, *keys: str) -> str | None:
    """A trace or span id in hexadecimal; some writers put it in base 64. All zeros means that there is none."""
    text = span.text(*keys)
    if text is None:
        return None
    identity = text.lower()
    if len(identity) != 2 * size or not _HEX.fullmatch(identity):
        try:
            identity = base64.b64decode(text, validate=True).hex()
        except (binascii.Error, ValueError):
            identity = ""
    if len(identity) != 2 * size:
        raise span.bad(keys[0], f"is not an id of {size} bytes")
    return identity if identity.strip("0") else None


def _tags(facts: Record) -> dict[str, str]:
    tags: dict[str, str] = {}
    for name, value in facts.values.items():
        key = _tag_key(name)
        if key and (key not in tags or name.startswith("outlay.")) and (label := _label(value)):
            tags[key] = label
    return tags


@lru_cache(maxsize=4096)
def _tag_key(name: str) -> str | None:
    if name in names.TAGS:
        return names.TAGS[name]
    if name.startswith("outlay."):
        return None if name in names.OUTLAY_COLUMNS else name.removeprefix("outlay.")
    for prefix in names.TAG_PREFIXES:
        name = name.removeprefix(prefix)
    return name if name in names.TAG_KEYS else None


def _label(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | Decimal):
        return None
    text = str(value).strip()
    return text if 0 < len(text) <= _TAG_LENGTH and "\n" not in text else None

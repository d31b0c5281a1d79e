"""Requests of OTLP as a test makes them."""

from __future__ import annotations

import time
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


def chat_spans(count: int, name: str = "r", **more: Any) -> ExportTraceServiceRequest:
    """`count` model calls, with ids that begin with `name`."""
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    now = time.time_ns()
    for number in range(count):
        span = scope.spans.add()
        ident = f"{name}{number}".encode()
        span.trace_id, span.span_id = ident.rjust(16, b"t")[-16:], ident.rjust(8, b"s")[-8:]
        span.name, span.start_time_unix_nano, span.end_time_unix_nano = "chat", now - 10**9, now
        values: dict[str, Any] = {
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.response.model": "gpt-4o",
            "gen_ai.response.id": f"{name}{number}", "gen_ai.usage.input_tokens": 1000,
            "gen_ai.usage.output_tokens": 100, "team": "search", **more}
        for key, value in values.items():
            entry = span.attributes.add()
            entry.key = key
            if isinstance(value, int):
                entry.value.int_value = value
            else:
                entry.value.string_value = value
    return request

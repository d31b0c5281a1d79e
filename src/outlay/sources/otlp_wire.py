"""OTLP as it comes over HTTP: requests in protobuf or JSON become calls and samples. Texts of prompts stay here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from outlay.errors import OutlayError
from outlay.facts import Call, Reject, Run, Sample
from outlay.sources import otlp
from outlay.sources.otlp_metrics import Point, samples
from outlay.sources.record import BadRow, Record

if TYPE_CHECKING:
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

#: Beginnings of attribute names of which a span about a model, tool or agent has at least one.
_SIGNS = ("gen_ai.", "llm.", "openinference.", "traceloop.", "embedding.")


class Undecodable(OutlayError):
    """The body is not what its content type says."""

    code = "undecodable"


@dataclass(frozen=True, slots=True)
class Received:
    """What a request holds. `others`: spans or data points that are about something else, and are left out."""

    facts: tuple[Call | Sample | Run, ...]
    rejects: tuple[Reject, ...]
    others: int


def traces(body: bytes, *, as_json: bool) -> Received:
    """The calls of an `ExportTraceServiceRequest`. Raises `Undecodable`."""
    facts: list[Call | Sample | Run] = []
    rejects: list[Reject] = []
    others = 0
    try:
        for span, resource in _json_spans(body) if as_json else _protobuf_spans(body):
            made = None if span is None else otlp.call_or_reject(None, span, resource)
            if made is None:
                others += 1
            elif isinstance(made, Reject):
                rejects.append(made)
            else:
                facts.append(made)
    except BadRow as bad:
        raise Undecodable(f"{bad.field} {bad.reason}") from bad
    return Received(tuple(facts), tuple(rejects), others)


def metrics(body: bytes, *, as_json: bool) -> Received:
    """The GPU readings of an `ExportMetricsServiceRequest`. Raises `Undecodable`."""
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

    request = ExportMetricsServiceRequest()
    if as_json:
        from google.protobuf import json_format

        try:
            json_format.ParseDict(_without_exemplars(_loaded(body)), request, ignore_unknown_fields=True)
        except json_format.ParseError as error:
            raise Undecodable(f"is not OTLP: {str(error)[:200]}") from error
    else:
        _parse(request, body)
    found, rejects, others = samples(_points(request))
    return Received(tuple(found), tuple(rejects), others)


def _parse(request: Any, body: bytes) -> None:
    from google.protobuf.message import DecodeError

    try:
        request.ParseFromString(body)
    except DecodeError as error:
        raise Undecodable("is not OTLP in protobuf") from error


def _loaded(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise Undecodable("is not JSON") from error
    if not isinstance(value, dict):
        raise Undecodable("is not an object")
    return value


def _json_spans(body: bytes) -> Iterator[tuple[Record | None, dict[str, Any]]]:
    yield from otlp.spans(_loaded(body))


def _protobuf_spans(body: bytes) -> Iterator[tuple[Record | None, dict[str, Any]]]:
    """Spans that are about a model, tool or agent; None for the others."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest()
    _parse(request, body)
    for resource_spans in request.resource_spans:
        resource = _attributes(resource_spans.resource.attributes)
        for scope in resource_spans.scope_spans:
            for span in scope.spans:
                if not any(entry.key.startswith(_SIGNS) for entry in span.attributes):
                    yield None, resource
                    continue
                yield otlp.Span({
                    "name": span.name, "traceId": span.trace_id.hex(), "spanId": span.span_id.hex(),
                    "parentSpanId": span.parent_span_id.hex() or None,
                    "startTimeUnixNano": span.start_time_unix_nano or None,
                    "endTimeUnixNano": span.end_time_unix_nano, "status": {"code": str(span.status.code)},
                }, attributes=_attributes(span.attributes)), resource


def _attributes(entries: Iterable[KeyValue]) -> dict[str, Any]:
    return {entry.key: _plain(entry.value) for entry in entries}


def _plain(value: AnyValue) -> Any:
    """As `otlp.attributes` gives it: text, whole numbers, Decimal, booleans, lists of them; None for what is nested."""
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return value.string_value
    if kind == "int_value":
        return value.int_value
    if kind == "bool_value":
        return value.bool_value
    if kind == "double_value":
        return Decimal(repr(value.double_value))
    if kind == "array_value":
        return [_plain(entry) for entry in value.array_value.values]
    return None


def _without_exemplars(value: Any) -> Any:
    """Exemplars hold ids in another spelling than protobuf's own JSON, and nothing that is read."""
    if isinstance(value, dict):
        return {key: _without_exemplars(each) for key, each in value.items() if key != "exemplars"}
    if isinstance(value, list):
        return [_without_exemplars(each) for each in value]
    return float(value) if isinstance(value, Decimal) else value


def _points(request: ExportMetricsServiceRequest) -> Iterator[Point | None]:
    """Every data point of a gauge or sum; None for those of other shapes."""
    for resource_metrics in request.resource_metrics:
        resource = _attributes(resource_metrics.resource.attributes)
        for scope in resource_metrics.scope_metrics:
            for metric in scope.metrics:
                shape = metric.WhichOneof("data")
                if shape not in ("gauge", "sum"):
                    yield from (None for _ in getattr(metric, shape).data_points) if shape else ()
                    continue
                for point in getattr(metric, shape).data_points:
                    number = point.as_double if point.WhichOneof("value") == "as_double" else float(point.as_int)
                    yield Point(metric.name, number, point.start_time_unix_nano, point.time_unix_nano,
                                {**resource, **_attributes(point.attributes)})

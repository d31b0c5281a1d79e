"""OTLP over HTTP: `/v1/traces` and `/v1/metrics`. What is acknowledged is durable.

Answers follow the OTLP specification: 200 with a partial success where some of it was refused, 400 for what cannot be
read, 503 with Retry-After where it is to be sent again later.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from outlay.errors import StoreError
from outlay.ledger.spool import Parcel
from outlay.sources import otlp_wire
from outlay.sources.otlp_wire import Received, Undecodable

if TYPE_CHECKING:
    from outlay.ledger.spool import Spool

#: A request larger than this, as it comes or unpacked, is refused.
MOST_BYTES = 16 << 20
_PROTOBUF, _JSON = "application/x-protobuf", "application/json"
#: When a sender that could not be served should come again, seconds.
_RETRY_S = "5"


class _TooLarge(Exception):
    """More than `MOST_BYTES`."""


def otlp_routes(spool: Spool) -> list[Route]:
    """The routes; whoever reaches them may send."""
    return [
        Route("/v1/traces", _receiver(spool, otlp_wire.traces, "traces"), methods=["POST"]),
        Route("/v1/metrics", _receiver(spool, otlp_wire.metrics, "metrics"), methods=["POST"]),
    ]


def _receiver(
    spool: Spool, read: Callable[..., Received], signal: str
) -> Callable[[Request], Awaitable[Response]]:
    async def receive(request: Request) -> Response:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in (_PROTOBUF, _JSON):
            return Response(f"Send {_PROTOBUF} or {_JSON}.\n", 415, media_type="text/plain")
        as_json = kind == _JSON
        try:
            body = await _body(request)
            received = read(body, as_json=as_json)
        except _TooLarge:
            return _failed(413, f"more than {MOST_BYTES >> 20} MiB in one request", as_json)
        except (Undecodable, zlib.error) as error:
            return _failed(400, str(error) if isinstance(error, Undecodable) else "cannot be decompressed", as_json)
        except ClientDisconnect:
            return Response(status_code=400)
        if received.facts or received.rejects:
            parcel = Parcel("otlp", "sdk_span", received.facts, received.rejects)
            try:
                await asyncio.wrap_future(spool.accept(parcel))
            except StoreError as error:
                answer = _failed(503, str(error), as_json)
                answer.headers["Retry-After"] = _RETRY_S
                return answer
        return _accepted(signal, received, as_json)

    return receive


async def _body(request: Request) -> bytes:
    """The body, unpacked. Raises `_TooLarge` before more than that is held."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip", "deflate"):
        raise Undecodable(f"content encoding {encoding!r} is not known")
    unpack = zlib.decompressobj(wbits=47) if encoding in ("gzip", "deflate") else None
    body = bytearray()
    async for part in request.stream():
        if unpack is None:
            body += part
        else:
            body += unpack.decompress(part, MOST_BYTES + 1 - len(body))
            if unpack.unconsumed_tail:
                raise _TooLarge
        if len(body) > MOST_BYTES:
            raise _TooLarge
    if unpack is not None and not unpack.eof:
        raise Undecodable("the compressed body is cut off")
    return bytes(body)


def _accepted(signal: str, received: Received, as_json: bool) -> Response:
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

    answer: Any = ExportTraceServiceResponse() if signal == "traces" else ExportMetricsServiceResponse()
    if received.rejects:
        first = received.rejects[0]
        partial = answer.partial_success
        if signal == "traces":
            partial.rejected_spans = len(received.rejects)
        else:
            partial.rejected_data_points = len(received.rejects)
        partial.error_message = f"{first.field} {first.reason}"
    return _message(200, answer, as_json)


def _failed(status: int, message: str, as_json: bool) -> Response:
    from google.rpc.status_pb2 import Status

    return _message(status, Status(message=message), as_json)


def _message(status: int, message: Any, as_json: bool) -> Response:
    if not as_json:
        return Response(message.SerializeToString(), status, media_type=_PROTOBUF)
    from google.protobuf import json_format

    return Response(json_format.MessageToJson(message, indent=None), status, media_type=_JSON)

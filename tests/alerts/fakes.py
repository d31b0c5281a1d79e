"""Fakes of the services that messages are sent to: they check what the services document, and remember what came."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Request:
    """What came: path, headers by lower-case name, body."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Fake:
    """A server on loopback. `answers`: what to say to the next requests instead (status, headers, body)."""

    requests: list[Request] = field(default_factory=list)
    answers: list[tuple[int, Mapping[str, str], bytes]] = field(default_factory=list)
    url: str = ""
    #: Called with each request before it is answered.
    on_request: Callable[[Request], None] = lambda request: None

    def answer(self, request: Request) -> tuple[int, Mapping[str, str], bytes]:
        return 200, {}, b"ok"

    @contextmanager
    def serving(self) -> Iterator[Fake]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                request = Request(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                fake.requests.append(request)
                fake.on_request(request)
                status, headers, said = fake.answers.pop(0) if fake.answers else fake.answer(request)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(said)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # a sender that was killed is part of the test

        server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def wait(self, count: int, within_s: float = 20.0) -> None:
        """Until so many requests came."""
        until = time.monotonic() + within_s
        while len(self.requests) < count:
            assert time.monotonic() < until, f"{len(self.requests)} of {count} requests came"
            time.sleep(0.01)


@dataclass
class FakeSlack(Fake):
    """Slack's chat.postMessage and incoming webhooks: token, channel, and the documented limits of blocks."""

    token: str = "xoxb-fake"
    messages: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, request: Request) -> tuple[int, Mapping[str, str], bytes]:
        body = request.json
        fault = self.fault(body)
        if request.path.startswith("/services/"):
            return (400, {}, b"invalid_blocks") if fault else (200, {}, b"ok")
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return self._said(ok=False, error="invalid_auth")
        if not str(body.get("channel", "")).startswith(("#", "C")):
            return self._said(ok=False, error="channel_not_found")
        threads = {message["ts"] for message in self.messages}
        if fault or ("thread_ts" in body and body["thread_ts"] not in threads):
            return self._said(ok=False, error=fault or "thread_not_found")
        ts = f"17000000{len(self.messages):02d}.000100"
        self.messages.append(body | {"ts": ts})
        return self._said(ok=True, ts=ts, channel="C024BE91L", message={"blocks": body.get("blocks")})

    @staticmethod
    def fault(body: Mapping[str, Any]) -> str:
        """The error that Slack would name, by its reference of Block Kit."""
        blocks = body.get("blocks", [])
        if not body.get("text") and not blocks:
            return "no_text"
        if len(blocks) > 50:
            return "invalid_blocks"
        for block in blocks:
            if block["type"] == "section" and not 1 <= len(block["text"]["text"]) <= 3000:
                return "invalid_blocks"
            if block["type"] == "header" and len(block["text"]["text"]) > 150:
                return "invalid_blocks"
            if block["type"] == "actions" and not 1 <= len(block["elements"]) <= 25:
                return "invalid_blocks"
            for element in block.get("elements", []):
                if element["type"] == "button" and (
                        len(element["text"]["text"]) > 75 or len(element.get("url", "")) > 3000):
                    return "invalid_blocks"
        return ""

    @staticmethod
    def _said(**answer: Any) -> tuple[int, Mapping[str, str], bytes]:
        return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()


@dataclass
class FakePagerDuty(Fake):
    """Events API v2: the documented fields, their limits, and incidents by dedup key."""

    routing_key: str = "R" * 32
    incidents: dict[str, str] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, request: Request) -> tuple[int, Mapping[str, str], bytes]:
        event = request.json
        errors = self.errors(event, len(request.body))
        if errors:
            return 400, {}, json.dumps({
                "status": "invalid event", "message": "Event object is invalid", "errors": errors}).encode()
        self.events.append(event)
        state = {"trigger": "triggered", "acknowledge": "acknowledged", "resolve": "resolved"}[event["event_action"]]
        key = event["dedup_key"]
        if not (state == "triggered" and self.incidents.get(key) == "acknowledged"):
            self.incidents[key] = state
        return 202, {}, json.dumps({
            "status": "success", "message": "Event processed", "dedup_key": event["dedup_key"]}).encode()

    def errors(self, event: Mapping[str, Any], size: int) -> list[str]:
        found = []
        if event.get("routing_key") != self.routing_key:
            found.append("'routing_key' is invalid")
        if event.get("event_action") not in ("trigger", "acknowledge", "resolve"):
            found.append("'event_action' is invalid")
        if not 0 < len(event.get("dedup_key", "")) <= 255:
            found.append("'dedup_key' is missing or longer than 255 characters")
        known = {"routing_key", "event_action", "dedup_key", "payload", "images", "links", "client", "client_url"}
        found += [f"'{name}' is not known" for name in event if name not in known]
        if size > 512 * 1024:
            found.append("event exceeds 512 KB")
        if event.get("event_action") == "trigger":
            payload = event.get("payload", {})
            if not 0 < len(payload.get("summary", "")) <= 1024:
                found.append("'payload.summary' is missing or longer than 1024 characters")
            if payload.get("severity") not in ("critical", "error", "warning", "info"):
                found.append("'payload.severity' is invalid")
            if not payload.get("source"):
                found.append("'payload.source' is missing")
            if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d{4})", payload.get("timestamp", "")):
                found.append("'payload.timestamp' is no time")
            found += [f"link without {name}" for link in event.get("links", []) for name in ("href",)
                      if name not in link]
        return found


@dataclass
class FakeReceiver(Fake):
    """A receiver of signed webhooks that does what the documentation asks of one."""

    secret: str = "shared"
    accepted: list[dict[str, Any]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    def answer(self, request: Request) -> tuple[int, Mapping[str, str], bytes]:
        from outlay.alerts.notifiers.webhook import verify

        headers = request.headers
        if not verify(self.secret, headers.get("outlay-timestamp", ""), headers.get("outlay-signature", ""),
                      request.body, now=time.time()):
            return 401, {}, b"bad signature"
        if headers["idempotency-key"] not in self.keys:
            self.keys.add(headers["idempotency-key"])
            self.accepted.append(request.json)
        return 200, {}, b"taken"

"""The gate before every route: who comes, whether they may, and what their browser may load.

A visitor is a person with a session (a cookie), a program with a token, or, where the server was started without
sign-in and is bound to this machine alone, whoever is on it.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from datetime import datetime
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

from outlay.errors import OutlayError, UsageError
from outlay.server.roles import ACTIONS, BY_SCOPE, BY_TEAM, MAY, OF_TEAMS
from outlay.state import people, tokens

if TYPE_CHECKING:
    from outlay.state.database import State

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "outlay_session"
#: Bodies of forms and of the API; what sends facts has limits of its own.
MOST_BODY = 1 << 20
_INGEST = ("/v1/traces", "/v1/metrics", "/v1/logs")
#: Reached by anyone.
_OPEN = ("/sign-in", "/static/", "/healthz")
_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
#: Hosts that only this machine reaches.
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_HEADERS = (
    (b"content-security-policy", b"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
     b"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"), (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)


class Forbidden(OutlayError):
    """The visitor may not do this."""

    code = "forbidden"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks. `may`: names of `roles.ACTIONS`; `csrf` stands in the forms of a signed-in browser."""

    name: str
    role: str
    teams: tuple[str, ...] = ()
    may: frozenset[str] = frozenset()
    csrf: str = ""

    def require(self, action: str) -> None:
        """Raises `Forbidden` where this visitor may not."""
        if action not in self.may:
            raise Forbidden(f"{self.name} ({self.role}) may not {ACTIONS[action].removesuffix(' *')}",
                            hint="Ask an admin; `outlay people list` says who that is.")

    def is_bound(self, action: str) -> bool:
        """Whether this visitor may do it for their own teams alone."""
        return self.role in OF_TEAMS and action in BY_TEAM

    def require_for(self, action: str, team: str | None) -> None:
        """Raises `Forbidden` where this visitor may not do it to what belongs to `team`. What belongs to none can be
        acknowledged by whoever may acknowledge."""
        self.require(action)
        if self.is_bound(action) and team not in self.teams and not (team is None and action == "ack"):
            own = f"their own teams ({', '.join(self.teams)})" if self.teams else "their own teams, and is in none"
            of = f"team {team}" if team else "no team"
            raise Forbidden(f"{self.name} ({self.role}) may {ACTIONS[action].removesuffix(' *')} for {own}; "
                            f"this is of {of}",
                            hint="Someone of that team, finance or an admin may.")


#: Where the server asks nobody to sign in: it can be reached from this machine alone.
LOCAL = Visitor("local", "admin", (), MAY["admin"])


def check_bind(host: str, signs_in: bool) -> None:
    """Raises `UsageError` for a server that others could reach without signing in."""
    if not signs_in and host not in LOOPBACK:
        raise UsageError(f"{host} can be reached by others, and nobody would have to sign in", where="--host",
                         hint="Leave --no-sign-in out, or listen on 127.0.0.1.")


class Gate:
    """The ASGI middleware. `state` None: nobody has to sign in. `hosts`: names by which this server may be called, so
    that a page elsewhere cannot reach it under a name of its own; `secure`: cookies travel over https alone."""

    def __init__(
        self, app: App, state: State | None, clock: Callable[[], datetime], hosts: frozenset[str], secure: bool,
        open_ingest: bool,
    ) -> None:
        self._app = app
        self._state = state
        self._clock = clock
        self._hosts = hosts
        self._secure = secure
        self._open_ingest = open_ingest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["outlay.secure"] = self._secure
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        send = _with_headers(send)
        path, method = scope["path"], scope["method"]
        if not self._is_named(headers.get("host", "")):
            await _refuse(send, 421, "host", "this server is not called that", "Open it by its own address, or set "
                          "public_url.", scope, headers)
            return
        if self._open_ingest and path.startswith(_INGEST):
            await self._app(scope, receive, send)
            return
        visitor = await self._visitor(headers)
        if path.startswith(_INGEST) and visitor is not None:
            if "ingest" in visitor.may:
                await self._app(scope, receive, send)
            else:
                await _refuse(send, 403, "forbidden", "this token may not send facts",
                              "Make one with `outlay tokens create NAME --scope ingest`.", scope, headers)
            return
        if visitor is None and not path.startswith(_OPEN):
            await _unknown(send, scope, headers)
            return
        if visitor is not None and "view" not in visitor.may:
            await _refuse(send, 403, "forbidden", "this token may only send facts", "", scope, headers)
            return
        scope["outlay.visitor"] = visitor
        if method in _UNSAFE:
            try:
                body = await _whole(receive)
            except UsageError as error:
                await _refuse(send, 413, "too_large", error.message, error.hint, scope, headers)
                return
            if visitor is not None and visitor.csrf and not _is_own(visitor.csrf, headers, body):
                await _refuse(send, 403, "csrf", "the form does not come from this session",
                              "Load the page again and repeat.", scope, headers)
                return
            receive = _again(body)
        await self._app(scope, receive, send)

    def _is_named(self, host: str) -> bool:
        name = urlsplit(f"//{host}").hostname or ""
        return "*" in self._hosts or name in self._hosts

    async def _visitor(self, headers: dict[str, str]) -> Visitor | None:
        if self._state is None:
            return LOCAL
        kind, _, secret = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and secret.strip():
            return await _in_thread(self._by_token, secret.strip())
        key = _cookie(headers.get("cookie", ""))
        return await _in_thread(self._by_session, key) if key else None

    def _by_token(self, secret: str) -> Visitor | None:
        assert self._state is not None
        with self._state.begin() as connection:
            found = tokens.token_of(connection, secret, self._clock())
        if found is None:
            return None
        scoped = frozenset[str]().union(*(BY_SCOPE[scope] for scope in found.scopes))
        return Visitor(found.person.name, found.person.role, found.person.teams, MAY[found.person.role] & scoped)

    def _by_session(self, key: str) -> Visitor | None:
        assert self._state is not None
        with self._state.begin() as connection:
            found = people.session_of(connection, key, self._clock())
        if found is None:
            return None
        return Visitor(found.person.name, found.person.role, found.person.teams, MAY[found.person.role], found.csrf)


async def _in_thread(act: Callable[[str], Visitor | None], value: str) -> Visitor | None:
    import asyncio

    return await asyncio.to_thread(act, value)


def _cookie(text: str) -> str:
    try:
        found = SimpleCookie(text).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _is_own(csrf: str, headers: dict[str, str], body: bytes) -> bool:
    """Whether a request carries the session's token: in a header, as scripts send it, or in its form."""
    given = headers.get("x-csrf-token", "")
    if not given and headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        given = parse_qs(body.decode("utf-8", "replace")).get("csrf", [""])[0]
    return hmac.compare_digest(given.encode(), csrf.encode())


async def _whole(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MOST_BODY:
            raise UsageError(f"more than {MOST_BODY >> 20} MiB were sent")
        if message["type"] != "http.request" or not message.get("more_body"):
            return bytes(body)


def _again(body: bytes) -> Receive:
    given = False

    async def receive() -> MutableMapping[str, Any]:
        nonlocal given
        if given:
            return {"type": "http.disconnect"}
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _with_headers(send: Send) -> Send:
    async def sent(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *_HEADERS]
        await send(message)

    return sent


async def _unknown(send: Send, scope: Scope, headers: dict[str, str]) -> None:
    if _wants_page(scope, headers):
        target = scope["path"] + (f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else "")
        await send({"type": "http.response.start", "status": 303,
                    "headers": [(b"location", f"/sign-in?next={quote(target)}".encode())]})
        await send({"type": "http.response.body", "body": b""})
        return
    await _refuse(send, 401, "unauthorised", "nobody is signed in", "Send a token: Authorization: Bearer olt_... "
                  "(`outlay tokens create`).", scope, headers)


def _wants_page(scope: Scope, headers: dict[str, str]) -> bool:
    path = scope["path"]
    return (scope["method"] in ("GET", "HEAD") and not path.startswith(("/api/", "/v1/", "/live/", "/metrics"))
            and "text/html" in headers.get("accept", "text/html"))


async def _refuse(
    send: Send, status: int, code: str, message: str, hint: str, scope: Scope, headers: dict[str, str]
) -> None:
    body = json.dumps({"error": {"code": code, "message": message, "where": scope["path"], "hint": hint}}).encode()
    await send({"type": "http.response.start", "status": status, "headers": [
        (b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()),
        *([(b"www-authenticate", b"Bearer")] if status == 401 else [])]})
    await send({"type": "http.response.body", "body": body})



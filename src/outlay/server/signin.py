"""Signing in with a link, and out again."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from outlay.server.access import COOKIE
from outlay.state import people

if TYPE_CHECKING:
    from outlay.settings import Settings
    from outlay.state.database import State

#: Tries to sign in that one address has within a minute.
TRIES_A_MINUTE = 10
#: Addresses whose tries are remembered.
_MOST_ADDRESSES = 10_000


class Tries:
    """Counts tries by address within the last minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[str, deque[float]] = {}

    def allowed(self, address: str) -> bool:
        """Counts a try; whether it may be made."""
        now = self._clock()
        if len(self._seen) >= _MOST_ADDRESSES and address not in self._seen:
            self._seen = {each: tries for each, tries in self._seen.items() if tries and now - tries[-1] < 60}
        tries = self._seen.setdefault(address, deque(maxlen=TRIES_A_MINUTE + 1))
        while tries and now - tries[0] >= 60:
            tries.popleft()
        tries.append(now)
        return len(tries) <= TRIES_A_MINUTE


def sign_in_routes(state: State, settings: Settings, clock: Callable[[], datetime]) -> list[Route]:
    """`/sign-in` shows whom a link is for and signs them in when they say so; `/sign-out` ends the session."""
    tries = Tries()

    async def sign_in(request: Request) -> Response:
        if request.method == "GET":
            secret = request.query_params.get("token", "")
            person = await asyncio.to_thread(_invited, state, secret, clock()) if secret else None
            return _page(settings, person.name if person else "", secret, _local(request.query_params.get("next", "")),
                         "" if person or not secret else "This link has been used or is too old.")
        address = request.client.host if request.client else ""
        if not tries.allowed(address):
            return HTMLResponse("Too many tries; wait a minute.\n", 429, {"Retry-After": "60"}, "text/plain")
        form = await request.form()
        found = await asyncio.to_thread(_signed_in, state, str(form.get("token", "")), clock())
        if found is None:
            return _page(settings, "", "", "/", "This link has been used or is too old.", 403)
        answer = RedirectResponse(_local(str(form.get("next", ""))), 303)
        answer.set_cookie(COOKIE, found, max_age=int(people.SESSION_LASTS.total_seconds()), httponly=True,
                          samesite="lax", secure=request.scope.get("outlay.secure", False), path="/")
        return answer

    async def sign_out(request: Request) -> Response:
        key = request.cookies.get(COOKIE, "")
        await asyncio.to_thread(_signed_out, state, key)
        answer = RedirectResponse("/sign-in", 303)
        answer.delete_cookie(COOKIE, path="/")
        return answer

    return [Route("/sign-in", sign_in, methods=["GET", "POST"]), Route("/sign-out", sign_out, methods=["POST"])]


def _invited(state: State, secret: str, now: datetime) -> people.Person | None:
    with state.begin() as connection:
        return people.invited(connection, secret, now)


def _signed_in(state: State, secret: str, now: datetime) -> str | None:
    with state.begin() as connection:
        found = people.sign_in(connection, secret, now)
    return found[0] if found else None


def _signed_out(state: State, key: str) -> None:
    with state.begin() as connection:
        people.sign_out(connection, key)


def _local(target: str) -> str:
    """A path on this server; anything else is the first page."""
    parts = urlsplit(target)
    plain = target.startswith("/") and not target.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return target if plain else "/"


def _page(settings: Settings, name: str, secret: str, target: str, problem: str, status: int = 200) -> Response:
    from outlay.web.templating import environment

    template = environment(settings.currency).get_template("live/sign_in.html.j2")
    return HTMLResponse(template.render(name=name, token=secret, next=target, problem=problem, settings=settings),
                        status, {"Cache-Control": "no-store"})

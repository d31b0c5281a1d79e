"""What people do about alerts on the page: look after one, silence some, end a silence. Plain forms."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from glob import escape
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from outlay.alerts.compose import voice_of
from outlay.alerts.keeping import acknowledge, silence, unsilence
from outlay.alerts.silencing import FIELDS, made_silence
from outlay.errors import NotFound, OutlayError, UsageError
from outlay.questions.windows import now
from outlay.server.access import Forbidden, Visitor
from outlay.server.pages import shown_page
from outlay.server.rendering import Form
from outlay.state.alerts import alert_of
from outlay.state.audit import Who
from outlay.state.silences import silences_at
from outlay.web.pages.alerts import ALERTS, LENGTHS

if TYPE_CHECKING:
    from outlay.server.app import Serving
    from outlay.state.database import State

_LONGEST = 2000
_GLOB = frozenset("*?[")
Act = Callable[["Serving", "State", Visitor, Mapping[str, str]], None]


def alert_routes(serving: Serving, state: State, wake: Callable[[], None]) -> list[Route]:
    """Routes of the forms; each leads back to the page as it was. `wake`: something waits to be sent."""

    def route(name: str, act: Act) -> Route:
        async def answer(request: Request) -> Response:
            form = {key: str(value)[:_LONGEST] for key, value in (await request.form()).items()}
            try:
                await asyncio.to_thread(act, serving, state, serving.visitor(request), form)
            except OutlayError as error:
                typed = tuple((key, value) for key, value in form.items() if key != "csrf")
                said = f"{error.message[:1].upper()}{error.message[1:].rstrip('.')}. {error.hint}".strip()
                status = 403 if isinstance(error, Forbidden) else 400
                return await shown_page(serving, ALERTS, request, Form(problem=said, typed=typed), status)
            wake()
            serving.ticks.acted()
            query = ALERTS.query(dict(request.query_params))
            return RedirectResponse(f"/alerts{'?' + urlencode(query) if query else ''}", 303)

        return Route(f"/alerts/{name}", answer, methods=["POST"])

    return [route("ack", _ack), route("silence", _silence), route("unsilence", _unsilence)]


def _ack(serving: Serving, state: State, visitor: Visitor, form: Mapping[str, str]) -> None:
    visitor.require("ack")
    with state.begin() as connection:
        alert = alert_of(connection, form.get("alert", ""))
        visitor.require_for("ack", alert.team if alert is not None else None)
        acknowledge(connection, form.get("alert", ""), Who(visitor.name, "web"),
                    voice_of(serving.owner.ledger.settings), now())


def _silence(serving: Serving, state: State, visitor: Visitor, form: Mapping[str, str]) -> None:
    visitor.require("silence")
    length = form.get("for", "")
    if length not in LENGTHS:
        raise UsageError("say until when", hint=f"One of {', '.join(LENGTHS)}.")
    at = now()
    with state.begin() as connection:
        if form.get("alert"):
            alert = alert_of(connection, form["alert"])
            if alert is None:
                raise NotFound("there is no such alert")
            visitor.require_for("silence", alert.team)
            asked = [("key", escape(alert.key)), *([("team", escape(alert.team))] if alert.team else [])]
        else:
            asked = [(name, form[name].strip()) for name in FIELDS if form.get(name, "").strip()]
            visitor.require_for("silence", _team(dict(asked)))
        made = made_silence(asked, at + timedelta(hours=LENGTHS[length]), form.get("reason", ""), visitor.name, at)
        silence(connection, made, Who(visitor.name, "web"))


def _unsilence(serving: Serving, state: State, visitor: Visitor, form: Mapping[str, str]) -> None:
    visitor.require("silence")
    at, wanted = now(), form.get("silence", "")
    with state.begin() as connection:
        found = next((each for each in silences_at(connection, at) if each.id == wanted), None)
        if found is not None:
            visitor.require_for("silence", _team(dict(found.matcher)))
        unsilence(connection, wanted, Who(visitor.name, "web"), at)


def _team(matcher: Mapping[str, str]) -> str | None:
    """The one team that a silence is about; None where it is about several, or may be."""
    team = matcher.get("team", "")
    plain = team.replace("[*]", "*").replace("[?]", "?").replace("[[]", "[")
    return plain if plain and (escape(plain) == team or not _GLOB & set(team)) else None

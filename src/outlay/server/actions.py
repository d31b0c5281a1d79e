"""What people do on pages: plain forms, which work without scripts. The gate has seen to it that they are theirs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from outlay.errors import NotFound, OutlayError, UsageError
from outlay.ledger.decisions import STATES, decide, decisions
from outlay.server.access import Visitor
from outlay.server.pages import shown_page
from outlay.server.rendering import Form
from outlay.state.audit import Who, record
from outlay.web.pages.findings import FINDINGS

if TYPE_CHECKING:
    from outlay.server.app import Serving
    from outlay.state.database import State

_LONGEST = 2000


def action_routes(serving: Serving, state: State) -> list[Route]:
    """Routes that change something. Each leads back to its page; what is wrong is said there."""

    async def decided(request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        try:
            await asyncio.to_thread(_decide, serving, state, serving.visitor(request), form)
        except OutlayError as error:
            back = Form(form.get("reason", ""), f"{error.message} {error.hint}".strip())
            return await shown_page(serving, FINDINGS, request, back, 400)
        return RedirectResponse("/findings", 303)

    return [Route("/findings/decide", decided, methods=["POST"])]


def _decide(serving: Serving, state: State, visitor: Visitor, form: Mapping[str, str]) -> None:
    visitor.require("decide")
    wanted = [(name, form[name]) for name in STATES if form.get(name)]
    if len(wanted) != 1:
        raise UsageError("Press the button beside a finding.")
    [(name, finding_id)] = wanted
    reason, days = form.get("reason", "").strip(), form.get("days", "")
    if name == "ignored" and not reason:
        raise UsageError("An ignored finding needs a reason.", hint="Write it, then press Ignore again.")
    if len(reason) > _LONGEST or (days and not (days.isdigit() and 0 < int(days) <= 3650)):
        raise UsageError("The reason is too long, or the days are no number.")
    known = serving.owner.view()
    judged = known.outside.get("assessment")
    found = {each.finding.id: each.finding.team for each in judged.findings} if judged else {}
    if finding_id not in found.keys() | decisions(known.ask.con).keys():
        raise NotFound("There is no such finding any more.")
    visitor.require_for("decide", found.get(finding_id))
    now = serving.owner.clock()
    until = now + timedelta(days=int(days)) if days and name == "ignored" else None
    serving.owner.writer.act(lambda ledger: decide(
        ledger.store, finding_id, name, reason, until, by=visitor.name)).result()
    with state.begin() as connection:
        record(connection, Who(visitor.name, "web"), now, f"finding.{name}", finding_id, after={"reason": reason})

"""What people do about budgets on the page: set one, change it, remove it. Plain forms."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from outlay.errors import OutlayError
from outlay.governance.budget import SCOPES, Budget
from outlay.governance.inforce import asked_budget
from outlay.questions.windows import now
from outlay.server.access import Forbidden, Visitor
from outlay.server.pages import shown_page
from outlay.server.rendering import Form
from outlay.state.audit import Who
from outlay.state.budgets import drop_budget, kept_budgets, put_budget
from outlay.web.links import budget_link
from outlay.web.pages.budgets import BUDGETS

if TYPE_CHECKING:
    from outlay.server.app import Serving
    from outlay.server.budgeting import Budgeting
    from outlay.state.database import State

_LONGEST = 400
Act = Callable[[Visitor, Mapping[str, str]], str]


def budget_routes(serving: Serving, state: State, budgeting: Budgeting) -> list[Route]:
    """Routes of the forms; what is wrong is said on the page, beside what was typed."""

    def put(visitor: Visitor, form: Mapping[str, str]) -> str:
        visitor.require("budgets")
        scope = {key: form[key].strip() for key in SCOPES if form.get(key, "").strip()}
        made = asked_budget(serving.owner.ledger.settings, form.get("name", ""), scope, form.get("amount", ""),
                            form.get("period", ""), form.get("thresholds", ""))
        visitor.require_for("budgets", team_of(made))
        with state.begin() as connection:
            for each in kept_budgets(connection):
                if each.budget.name == made.name:
                    visitor.require_for("budgets", team_of(each.budget))
            put_budget(connection, made, Who(visitor.name, "web"), now(), owner=form.get("owner", "").strip(),
                       note=form.get("note", "").strip())
        return budget_link(made.name)

    def remove(visitor: Visitor, form: Mapping[str, str]) -> str:
        visitor.require("budgets")
        with state.begin() as connection:
            gone = drop_budget(connection, form.get("name", ""), Who(visitor.name, "web"), now())
            visitor.require_for("budgets", team_of(gone.budget))  # raising takes the removal back
        return "/budgets"

    def route(name: str, act: Act) -> Route:
        async def answer(request: Request) -> Response:
            form = {key: str(value)[:_LONGEST] for key, value in (await request.form()).items()}
            try:
                back = await asyncio.to_thread(act, serving.visitor(request), form)
            except OutlayError as error:
                typed = tuple((key, value) for key, value in form.items() if key != "csrf")
                where = error.where.rpartition(".")[2]
                said = f"{where.capitalize()}: {error.message.rstrip('.')}. {error.hint}".strip(" :")
                status = 403 if isinstance(error, Forbidden) else 400
                return await shown_page(serving, BUDGETS, request, Form(problem=said, typed=typed), status)
            budgeting.changed()
            serving.ticks.acted()
            return RedirectResponse(back, 303)

        return Route(f"/budgets/{name}", answer, methods=["POST"])

    return [route("set", put), route("remove", remove)]


def team_of(budget: Budget) -> str | None:
    """The one team that a budget is for; None where it is for several, or may be."""
    team = dict(budget.scope).get("team", "")
    return team if team and "*" not in team else None

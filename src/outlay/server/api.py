"""The JSON API, below `/api/v1`: the same questions and the same acts as the command line and the pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import FastAPI, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from outlay import __version__
from outlay.errors import NotFound, OutlayError, UsageError
from outlay.ledger.decisions import decide, decisions
from outlay.questions.answer import plain
from outlay.questions.importlist import import_list
from outlay.server.access import Forbidden

if TYPE_CHECKING:
    from outlay.collectors.runner import Health
    from outlay.server.app import Serving

#: What an error of ours is in HTTP.
_STATUS: tuple[tuple[type[OutlayError], int], ...] = ((NotFound, 404), (UsageError, 400), (Forbidden, 403))
_LONGEST = 200
Word = Annotated[str, Query(max_length=_LONGEST)]


class Rows(BaseModel):
    """Every answer: flat rows, exact sums, what is in no sum. Money is text, exact; times are UTC."""

    model_config = ConfigDict(extra="allow")

    schema_: str = Field(alias="schema", description="name and version of the shape of `rows`")
    as_of: str | None = Field(None, description="when this was asked")
    window: dict[str, Any] | None = Field(None, description="[since, until)")
    currency: str | None = Field(None, description="ISO 4217, of every amount that names no other")
    cost: str | None = Field(None, description="effective, billed, list or contracted")
    rows: list[dict[str, Any]]
    totals: dict[str, Any] = Field(default_factory=dict)
    unknown: list[dict[str, Any]] = Field(default_factory=list, description="what is in none of the sums, and why")
    rejected: int = Field(0, description="rows that all imports refused")


class Problem(BaseModel):
    """What went wrong, and the way out."""

    code: str
    message: str
    where: str
    hint: str


class Failed(BaseModel):
    """Every error."""

    error: Problem


class Decision(BaseModel):
    """What is decided about a finding."""

    model_config = ConfigDict(extra="forbid")

    state: Literal["open", "accepted", "ignored"]
    reason: str = Field("", max_length=2000, description="why; an ignored finding needs one")
    days: int | None = Field(None, ge=1, le=3650, description="how long it is ignored; by default for good")


_ERRORS: dict[int | str, dict[str, Any]] = {
    code: {"model": Failed, "description": text} for code, text in (
        (400, "What was asked for cannot be"), (401, "Nobody is signed in"), (403, "The role or token may not"),
        (404, "There is no such thing"), (422, "A parameter is not of its type"), (503, "The ledger cannot be used"))}


def api(serving: Serving, health: Callable[[], tuple[Health, ...]]) -> FastAPI:
    """The application that is mounted at `/api/v1`; its OpenAPI document is `/api/v1/openapi.json`."""
    app = FastAPI(
        title="Outlay", version=__version__, docs_url=None, redoc_url=None, responses=_ERRORS,
        description="What AI costs, what of it buys nothing, and what ends it.", servers=[{"url": "/api/v1"}])
    app.add_exception_handler(OutlayError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    _questions(app, serving)
    _acts(app, serving)

    @app.get("/sources", summary="How every source is", response_model=Rows)
    def sources() -> dict[str, Any]:
        now = serving.owner.clock()
        rows = [source_json(each, now) for each in health()]
        return {"schema": "outlay.sources/1", "as_of": plain(now), "rows": rows}

    return app


def _questions(app: FastAPI, serving: Serving) -> None:
    reader = serving.owner.reader

    @app.get("/costs", summary="Cost by any dimensions, over time", response_model=Rows)
    def costs(
        by: Annotated[str, Query(max_length=_LONGEST, description="dimensions: team,model")] = "",
        where: Annotated[list[str], Query(max_length=50, description="team=search,vision")] = [],  # noqa: B006
        since: Word | None = None, until: Word | None = None,
        every: Literal["5m", "hour", "day", "week", "month"] | None = None,
        cost: Literal["effective", "billed", "list", "contracted"] = "effective",
    ) -> dict[str, Any]:
        names = [name.strip() for name in by.split(",") if name.strip()]
        return reader().costs(names, where=where, since=since, until=until, every=every, cost=cost).json()

    @app.get("/assessment", summary="What AI cost, who caused it, what was waste, what to do", response_model=Rows)
    def assessment(since: Word | None = None, until: Word | None = None) -> dict[str, Any]:
        from outlay.accounting.assessment_json import assessment_json

        return assessment_json(reader().assess(since=since, until=until))

    @app.get("/budgets", summary="Budgets with what is spent of them", response_model=Rows)
    def budgets() -> dict[str, Any]:
        kept = serving.owner.view().outside["kept_budgets"]()
        return reader().budgets([each.budget for each in kept]).as_json()

    @app.get("/imports", summary="What was imported and received", response_model=Rows)
    def imports() -> dict[str, Any]:
        return import_list(reader().store.con)

    @app.get("/decisions", summary="What was decided about findings", response_model=Rows)
    def decided() -> dict[str, Any]:
        rows = [{"finding": each.finding_id, "state": each.state, "reason": each.reason, "until": plain(each.until),
                 "decided_at": plain(each.decided_at), "decided_by": each.decided_by}
                for each in decisions(reader().store.con).values()]
        return {"schema": "outlay.decisions/1", "rows": rows}


def _acts(app: FastAPI, serving: Serving) -> None:
    @app.post("/findings/{finding_id}/decision", summary="Accept, ignore or reopen a finding", response_model=Rows)
    def decision(
        request: Request, finding_id: Annotated[str, Path(max_length=_LONGEST)], wanted: Decision
    ) -> dict[str, Any]:
        visitor = serving.visitor(request)
        visitor.require("decide")
        if wanted.state == "ignored" and not wanted.reason.strip():
            raise UsageError("an ignored finding needs a reason", where="reason")
        reading = serving.owner.reader()
        found = {each.finding.id: each.finding.team for each in reading.assess().findings}
        if finding_id not in found.keys() | decisions(reading.store.con).keys():
            raise NotFound(f"there is no finding {finding_id!r}", hint="GET /api/v1/assessment lists them.")
        visitor.require_for("decide", found.get(finding_id))
        until = serving.owner.clock() + timedelta(days=wanted.days) if wanted.days else None
        made = serving.owner.writer.act(lambda ledger: decide(
            ledger.store, finding_id, wanted.state, wanted.reason.strip(), until, by=visitor.name)).result()
        return {"schema": "outlay.decisions/1", "rows": [
            {"finding": made.finding_id, "state": made.state, "reason": made.reason, "until": plain(made.until),
             "decided_at": plain(made.decided_at), "decided_by": made.decided_by}]}


def source_json(health: Health, now: datetime) -> dict[str, Any]:
    """How a source is, as JSON has it."""
    return {
        "name": health.name, "kind": health.code, "title": health.title, "state": health.state,
        "since": plain(health.since), "last_ok": plain(health.last_ok), "known_until": plain(health.until),
        "lag_s": health.lag_s(now), "rows": health.rows, "rejected": health.rejected,
        "last_error": health.last_error, "next_at": plain(health.next_at), "problems": list(health.problems)}


async def _ours(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, OutlayError)
    status = next((code for kind, code in _STATUS if isinstance(error, kind)), 503)
    return JSONResponse(error.as_json(), status)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return JSONResponse(_problem("invalid", str(first["msg"]), where), 422)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return JSONResponse(_problem("not_found" if error.status_code == 404 else "refused", str(error.detail),
                                 request.url.path), error.status_code, dict(error.headers or {}))


def _problem(code: str, message: str, where: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "where": where, "hint": "/api/v1/openapi.json says what there "
                                                                               "is."}}

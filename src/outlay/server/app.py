"""The application: pages, streams, files of others, and what further features mount."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from outlay.server.access import LOCAL, Visitor
from outlay.server.pages import page_routes
from outlay.server.rendering import render_part
from outlay.server.ticks import Ticks
from outlay.web.pages.registry import PAGES

if TYPE_CHECKING:
    from outlay.server.owner import Owner
    from outlay.web.part import Page

_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}


@dataclass(slots=True, eq=False)
class Serving:
    """What all routes share."""

    owner: Owner
    ticks: Ticks
    pages: tuple[Page, ...]
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self) -> None:
        """Ends the streams, so that the server can stop."""
        self.stopping.set()
        self.ticks.let_go()

    def visitor(self, request: Request) -> Visitor:
        """Who asks; the gate has found out."""
        visitor: Visitor = request.scope.get("outlay.visitor") or LOCAL
        return visitor


def serving(owner: Owner) -> Serving:
    """What serves `owner`'s ledger."""
    ticks = Ticks(owner.view, render_part, owner.clock)
    owner.watch(ticks.changed)
    return Serving(owner, ticks, PAGES)


def application(shared: Serving, more: list[BaseRoute] | None = None) -> Starlette:
    """The ASGI application; `more`: routes of further features, which win."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        shared.stopping.set()
        await shared.ticks.close()

    routes: list[BaseRoute] = [
        *(more or []), Route("/static/{name}", _static), *page_routes(shared),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def _static_files() -> dict[str, bytes]:
    web = files("outlay.web")
    found: dict[str, bytes] = {}
    for folder in (web, web.joinpath("vendor"), web.joinpath("scripts")):
        for file in folder.iterdir():
            if file.name.rpartition(".")[2] in _TYPES:
                found[file.name] = file.read_bytes()
    return found


_STATIC: dict[str, bytes] = {}


async def _static(request: Request) -> Response:
    if not _STATIC:
        _STATIC.update(_static_files())
    name: Any = request.path_params["name"]
    body = _STATIC.get(name)
    if body is None:
        return Response("There is no such file.\n", 404, media_type="text/plain")
    return Response(body, media_type=_TYPES[name.rpartition(".")[2]], headers={"Cache-Control": "max-age=3600"})

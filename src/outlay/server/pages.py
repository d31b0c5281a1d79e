"""Pages, and the streams that keep them current."""

from __future__ import annotations

import asyncio
import csv
import io
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route

from outlay.server.rendering import Form, partial, render_page

if TYPE_CHECKING:
    from outlay.server.app import Serving
    from outlay.web.part import Page, Part

Answer = Callable[[Request], Awaitable[Response]]

#: A page is sent with what is known after this long; the rest comes over its stream.
FIRST_S = 0.6
#: A stream says that it lives, so that what lies between does not cut it.
BEAT_S = 15.0
#: A stream ends after this, and the browser opens the next one: whoever is no longer signed in then stays out.
STREAM_S = 600.0


def page_routes(serving: Serving) -> list[Route]:
    """Two routes a page: itself, and its stream below `/live`."""
    routes = []
    for page in serving.pages:
        routes.append(Route(page.path, _page(serving, page), name=page.code))
        routes.append(Route(f"/live{page.path}", _stream(serving, page), name=f"{page.code}-live"))
        routes += [Route(f"/csv/{part.code}", _sheet(serving, page, part), name=f"{part.code}-csv")
                   for part in page.parts if part.csv is not None]
    return routes


def _given(request: Request) -> dict[str, str]:
    """The URL's query; of a name that is there more than once, a value a line."""
    return {name: "\n".join(request.query_params.getlist(name)) for name in request.query_params}


def _sheet(serving: Serving, page: Page, part: Part) -> Answer:
    async def answer(request: Request) -> Response:
        query = page.query(_given(request))
        sheet = await asyncio.to_thread(lambda: part.csv(part.ask(serving.owner.view(), query)))  # type: ignore[misc]
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(sheet.columns)
        writer.writerows([_cell(cell) for cell in row] for row in sheet.rows)
        return Response(text.getvalue(), media_type="text/csv; charset=utf-8",
                        headers={"Content-Disposition": f'attachment; filename="{part.code}.csv"'})

    return answer


def _cell(value: object) -> object:
    """A cell whose text a spreadsheet would run as a formula is quoted."""
    return f"'{value}" if isinstance(value, str) and value[:1] in tuple("=+-@\t\r") else value


def _page(serving: Serving, page: Page) -> Answer:
    async def answer(request: Request) -> Response:
        return await shown_page(serving, page, request)

    return answer


async def shown_page(
    serving: Serving, page: Page, request: Request, form: Form = Form(), status: int = 200  # noqa: B008 - it is frozen
) -> Response:
    """The page as it is now, within `FIRST_S` of a second; parts that take longer come over its stream."""
    query = page.query(_given(request))
    async with serving.ticks.watching(page.parts, query) as watch:
        shown = dict(zip(
            (part.code for part in page.parts),
            await asyncio.gather(*(watch.first(part, FIRST_S) for part in page.parts)), strict=True))
    visitor = serving.visitor(request)
    html = await asyncio.to_thread(
        render_page, page, serving.pages, shown, query, serving.owner.ledger.settings, person=visitor,
        csrf=visitor.csrf, form=form)
    return HTMLResponse(html, status)


def _stream(serving: Serving, page: Page) -> Answer:
    async def answer(request: Request) -> Response:
        query = page.query(_given(request))

        async def messages() -> AsyncIterator[str]:
            seen: dict[str, int] = {}
            until = time.monotonic() + STREAM_S
            async with serving.ticks.watching(page.parts, query) as watch:
                watch.news.set()
                while time.monotonic() < until and not serving.stopping.is_set():
                    fresh = await watch.next(seen, BEAT_S)
                    if not fresh:
                        yield ": beat\n\n"
                    for shown in fresh:
                        lines = "".join(f"data: {line}\n" for line in partial(shown).splitlines())
                        yield f"{lines}\n"

        return StreamingResponse(messages(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    return answer

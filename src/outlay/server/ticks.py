"""Questions asked once a tick for all who look.

A page names its parts; each part with a query is one *region*. While anyone watches a region it is asked again when
the ledger has changed, at most every `Part.every_s`, in a thread; it is rendered once and the text is shared.
Questions that were slow the last time wait for each other in a lane of their own and do not delay the quick ones.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from outlay.errors import OutlayError

if TYPE_CHECKING:
    from outlay.web.part import Part, Query, View

#: A question that took longer than this is asked in the slow lane the next time.
SLOW_S = 0.25
#: What nobody watches is kept for those who come back, and then forgotten.
KEPT_S = 60.0
#: Regions that are kept at most; the oldest that nobody watches go first.
MOST_REGIONS = 400
#: Figures that depend on the clock alone move on although nothing new came in.
AT_LEAST_EVERY_S = 15.0
#: A question that failed is asked again after this, however seldom it is asked otherwise.
FAILED_AGAIN_S = 5.0

_log = logging.getLogger("outlay.ticks")
RegionKey = tuple[str, "Query"]


@dataclass(frozen=True, slots=True)
class Shown:
    """A part as it was rendered last. `version` grows when the text changes; `error` says why it is older than it
    should be; `seconds`: what asking and rendering took."""

    code: str
    html: str
    version: int
    as_of: datetime
    seconds: float
    error: str = ""


@dataclass(slots=True, eq=False)
class _Region:
    part: Part
    query: Query
    shown: Shown | None = None
    task: asyncio.Task[None] | None = None
    watchers: set[asyncio.Event] = field(default_factory=set)
    #: Set while `shown` is what would be answered now.
    current: asyncio.Event = field(default_factory=asyncio.Event)
    #: Someone has come, or the ledger has changed.
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    left_at: float = 0.0
    asked_at: float = -math.inf
    generation: int = -1


class Ticks:
    """All regions that someone looks at. Lives in one event loop; `changed` may be called from any thread."""

    def __init__(
        self, view: Callable[[], View], render: Callable[[Part, Any, View, Query], str], clock: Callable[[], datetime]
    ) -> None:
        """`view` is called in the thread that asks, `render` too."""
        self._view = view
        self._render = render
        self._clock = clock
        self._regions: dict[RegionKey, _Region] = {}
        self._quick = ThreadPoolExecutor(2, thread_name_prefix="ask-quick")
        self._slow = ThreadPoolExecutor(1, thread_name_prefix="ask-slow")
        self._generation = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self.asked = 0
        self.asked_s = 0.0

    def changed(self) -> None:
        """The ledger has changed: what is watched is asked again."""
        self._generation += 1
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake)

    def acted(self) -> None:
        """Somebody has changed something by a page, and looks at it next: no part keeps what it showed before."""
        for region in self._regions.values():
            region.asked_at = -math.inf
        self.changed()

    def _wake(self) -> None:
        for region in self._regions.values():
            region.wake.set()

    @property
    def regions(self) -> int:
        """How many are kept."""
        return len(self._regions)

    async def shown(self, part: Part, query: Query, wait_s: float) -> Shown | None:
        """The part as it is now; asked first where it is not known or out of date. Where that takes longer than
        `wait_s`: as it was before, or None."""
        async with self.watching([part], query) as watch:
            return await watch.first(part, wait_s)

    @asynccontextmanager
    async def watching(self, parts: Iterable[Part], query: Query) -> AsyncIterator[Watch]:
        """Keeps the parts asked for as long as the context lasts."""
        self._loop = asyncio.get_running_loop()
        news = asyncio.Event()
        regions = [self._region(part, query) for part in parts]
        for region in regions:
            if self._due_in(region) <= 0:
                region.current.clear()
            region.watchers.add(news)
            region.wake.set()
            if region.task is None or region.task.done():
                region.task = asyncio.create_task(self._keep_asking(region))
        try:
            yield Watch(tuple(regions), news)
        finally:
            for region in regions:
                region.watchers.discard(news)
                region.left_at = time.monotonic()

    def _region(self, part: Part, query: Query) -> _Region:
        key = (part.code, query)
        if key not in self._regions:
            if len(self._regions) >= MOST_REGIONS:
                idle = [(r.left_at, k) for k, r in self._regions.items() if not r.watchers]
                for _, old in sorted(idle)[: len(idle) // 2 + 1]:
                    self._regions.pop(old)
            self._regions[key] = _Region(part, query)
        return self._regions[key]

    def _due_in(self, region: _Region) -> float:
        """Seconds until the region is to be asked again. Whoever comes later than that does not get what was known
        before; a slow question rests as long as it takes."""
        every = AT_LEAST_EVERY_S if region.generation == self._generation else region.part.every_s
        if region.shown is not None and region.shown.error:
            every = min(every, FAILED_AGAIN_S)
        took = region.shown.seconds if region.shown is not None else 0.0
        return region.asked_at + max(every, 2 * took) - time.monotonic()

    async def _keep_asking(self, region: _Region) -> None:
        while True:
            region.wake.clear()
            wait_s = self._due_in(region) if region.watchers else region.left_at + KEPT_S - time.monotonic()
            if wait_s > 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(region.wake.wait(), wait_s)
            elif region.watchers:
                await self._ask(region)
            else:
                break
        self._regions.pop((region.part.code, region.query), None)

    async def _ask(self, region: _Region) -> None:
        slow = region.shown is not None and region.shown.seconds > SLOW_S
        lane = self._slow if slow else self._quick
        last = region.shown
        began = region.asked_at = time.monotonic()
        region.generation = self._generation
        try:
            html, seconds = await asyncio.get_running_loop().run_in_executor(lane, self._asked, region)
            error = ""
        except OutlayError as failed:
            html, seconds, error = (last.html if last else ""), time.monotonic() - began, str(failed)
        except Exception as failed:  # noqa: BLE001 - one broken question must not end the others; it is said and logged
            _log.exception("part %s", region.part.code)
            html, seconds = (last.html if last else ""), time.monotonic() - began
            error = f"cannot be asked just now ({type(failed).__name__}); the server's log says why"
        same = last is not None and last.html == html and last.error == error
        version = last.version if last is not None and same else (last.version + 1 if last else 1)
        region.shown = Shown(region.part.code, html, version, self._clock(), seconds, error)
        self.asked += 1
        self.asked_s += seconds
        region.current.set()
        if not same:
            for news in region.watchers:
                news.set()

    def _asked(self, region: _Region) -> tuple[str, float]:
        began = time.monotonic()
        view = self._view()
        html = self._render(region.part, region.part.ask(view, region.query), view, region.query)
        return html, time.monotonic() - began

    def let_go(self) -> None:
        """Wakes everyone who watches, so that they can end."""
        for region in self._regions.values():
            for news in region.watchers:
                news.set()

    async def close(self) -> None:
        """Asks nothing any more."""
        tasks = [region.task for region in self._regions.values() if region.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for lane in (self._quick, self._slow):
            lane.shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class Watch:
    """What one connection watches."""

    regions: tuple[_Region, ...]
    news: asyncio.Event

    async def first(self, part: Part, wait_s: float) -> Shown | None:
        """The part as soon as it is current; after `wait_s` as it was before, or None."""
        region = next(region for region in self.regions if region.part is part)
        with suppress(TimeoutError):
            await asyncio.wait_for(region.current.wait(), wait_s)
        return region.shown

    async def next(self, seen: dict[str, int], wait_s: float) -> list[Shown]:
        """Parts whose version differs from the one in `seen`, which is brought up to date; none after `wait_s`."""
        try:
            await asyncio.wait_for(self.news.wait(), wait_s)
        except TimeoutError:
            return []
        self.news.clear()
        fresh = [region.shown for region in self.regions
                 if region.shown is not None and seen.get(region.shown.code) != region.shown.version]
        seen.update({shown.code: shown.version for shown in fresh})
        return fresh

"""A question is asked once a tick for all who look, and whoever comes back is not shown what is out of date."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from outlay.errors import OutlayError
from outlay.server import ticks as module
from outlay.server.ticks import Ticks
from outlay.web.part import Part, Query

NOON = datetime(2026, 11, 1, 12)


class Counted:
    """A question whose answer counts how often it was asked; `fails` makes it fail, `slow_s` slow."""

    def __init__(self) -> None:
        self.asked = 0
        self.threads: set[str] = set()
        self.fails: Exception | None = None
        self.slow_s = 0.0

    def __call__(self, view: Any, query: Query) -> str:
        self.asked += 1
        self.threads.add(threading.current_thread().name)
        time.sleep(self.slow_s)
        if self.fails is not None:
            raise self.fails
        return f"answer {self.asked} {dict(query)}"


def made() -> Ticks:
    def view() -> Any:
        return SimpleNamespace(now=NOON)

    def render(part: Part, answer: Any, view: Any, query: Query) -> str:
        return f"<p>{answer}</p>"

    return Ticks(view, render, lambda: NOON)


def run(story: Callable[[Ticks], Awaitable[None]]) -> None:
    async def told() -> None:
        ticks = made()
        try:
            await asyncio.wait_for(story(ticks), 20)
        finally:
            await ticks.close()

    asyncio.run(told())


def test_many_who_look_cost_one_question() -> None:
    question = Counted()
    part = Part("p", "p.html", question, every_s=0.1)

    async def story(ticks: Ticks) -> None:
        shown = await asyncio.gather(*(ticks.shown(part, (), 5) for _ in range(50)))
        assert {each.html for each in shown if each} == {"<p>answer 1 {}</p>"}
        await ticks.shown(part, (("team", "a"),), 5)

    run(story)
    assert question.asked == 2


def test_who_comes_back_after_a_change_sees_it() -> None:
    question = Counted()
    part = Part("p", "p.html", question, every_s=0.05)

    async def story(ticks: Ticks) -> None:
        first = await ticks.shown(part, (), 5)
        again = await ticks.shown(part, (), 5)
        assert first is not None
        assert again == first
        ticks.changed()
        await asyncio.sleep(0.1)
        changed = await ticks.shown(part, (), 5)
        assert changed is not None
        assert changed.version == first.version + 1

    run(story)
    assert question.asked == 2


def test_figures_that_depend_on_the_clock_are_not_shown_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_LEAST_EVERY_S", 0.1)
    question = Counted()
    part = Part("p", "p.html", question, every_s=0.05)

    async def story(ticks: Ticks) -> None:
        await ticks.shown(part, (), 5)
        await asyncio.sleep(0.2)
        await ticks.shown(part, (), 5)

    run(story)
    assert question.asked == 2


def test_a_slow_answer_leaves_the_one_before() -> None:
    question = Counted()
    part = Part("p", "p.html", question, every_s=0.05)

    async def story(ticks: Ticks) -> None:
        first = await ticks.shown(part, (), 5)
        question.slow_s = 0.6
        ticks.changed()
        await asyncio.sleep(0.1)
        assert await ticks.shown(part, (), 0.1) == first
        fresh = await ticks.shown(part, (), 5)
        assert fresh is not None
        assert fresh.html == "<p>answer 2 {}</p>"

    run(story)


def test_a_slow_question_does_not_delay_a_quick_one() -> None:
    slow, quick = Counted(), Counted()
    slow.slow_s = 0.4
    slow_part, quick_part = Part("s", "s.html", slow, every_s=0.05), Part("q", "q.html", quick, every_s=0.05)

    async def story(ticks: Ticks) -> None:
        async with ticks.watching([slow_part, quick_part], ()):
            for _ in range(30):
                ticks.changed()
                await asyncio.sleep(0.05)

    run(story)
    assert quick.asked > 2 * slow.asked
    assert {name.rpartition("_")[0] for name in slow.threads} == {"ask-quick", "ask-slow"}
    assert {name.rpartition("_")[0] for name in quick.threads} == {"ask-quick"}


def test_a_stream_gets_what_changed_and_why_not() -> None:
    question = Counted()
    part = Part("p", "p.html", question, every_s=0.05)

    async def story(ticks: Ticks) -> None:
        seen: dict[str, int] = {}
        async with ticks.watching([part], ()) as watch:
            assert [each.html for each in await watch.next(seen, 5)] == ["<p>answer 1 {}</p>"]
            ticks.changed()
            assert [each.html for each in await watch.next(seen, 5)] == ["<p>answer 2 {}</p>"]
            question.fails = OutlayError("the disk is full")
            ticks.changed()
            (failed,) = await watch.next(seen, 5)
            assert (failed.html, failed.error) == ("<p>answer 2 {}</p>", "the disk is full")
            question.fails = ZeroDivisionError()
            ticks.changed()
            (failed,) = await watch.next(seen, 5)
            assert "ZeroDivisionError" in failed.error
            question.fails = None
            ticks.changed()
            (well,) = await watch.next(seen, 5)
            assert well.error == ""
            assert await watch.next(seen, 0.1) == []

    run(story)


def test_what_nobody_watches_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT_S", 0.1)
    question = Counted()
    part = Part("p", "p.html", question, every_s=0.01)

    async def story(ticks: Ticks) -> None:
        await ticks.shown(part, (), 5)
        asked = question.asked
        for _ in range(10):
            ticks.changed()
            await asyncio.sleep(0.05)
        assert question.asked == asked
        assert await ticks.shown(part, (), 5) is not None
        assert question.asked == asked + 1

    run(story)


def test_regions_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_REGIONS", 10)
    part = Part("p", "p.html", Counted(), every_s=0.05)

    async def story(ticks: Ticks) -> None:
        for number in range(30):
            await ticks.shown(part, (("page", str(number)),), 5)
            assert ticks.regions <= 10

    run(story)


def test_what_failed_at_first_is_said_and_asked_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    from outlay.server.rendering import partial

    monkeypatch.setattr(module, "FAILED_AGAIN_S", 0.05)
    question = Counted()
    question.fails = OutlayError("the ledger is <busy>")
    part = Part("p", "p.html", question, every_s=60)

    async def story(ticks: Ticks) -> None:
        async with ticks.watching([part], ()) as watch:
            failed = await watch.first(part, 5)
            assert failed is not None
            assert '<p class="sub">the ledger is &lt;busy&gt;' in partial(failed)
            question.fails = None
            seen = {"p": failed.version}
            watch.news.clear()
            assert "answer" in (await watch.next(seen, 5))[0].html

    run(story)

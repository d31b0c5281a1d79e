"""The runner: goes on from the cursor, backs off, and one broken source does not end the others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime

from outlay.collectors.base import Batch, Collector, SourceDown
from outlay.collectors.runner import Health, Runner
from outlay.collectors.settings import Entry
from outlay.facts import Call

NOW = datetime(2026, 9, 1)


class Scripted(Collector):
    """Gives what a test says, round by round."""

    code = "scripted"
    title = "A collector of a test"

    def __init__(self, name: str, rounds: list[Callable[[str | None], Iterator[Batch]]], every_s: float = 0.01) -> None:
        self.name, self.every_s, self._rounds = name, every_s, rounds
        self.asked: list[str | None] = []

    @classmethod
    def from_settings(cls, entry: Entry) -> Scripted:
        raise NotImplementedError

    def collect(self, cursor: str | None, now: datetime) -> Iterator[Batch]:
        self.asked.append(cursor)
        place = min(len(self.asked), len(self._rounds)) - 1
        yield from self._rounds[place](cursor)


def gives(*batches: Batch) -> Callable[[str | None], Iterator[Batch]]:
    return lambda cursor: iter(batches)


def fails(error: Exception) -> Callable[[str | None], Iterator[Batch]]:
    def act(cursor: str | None) -> Iterator[Batch]:
        raise error
        yield

    return act


class Kept:
    """Keeps batches as the ledger would."""

    def __init__(self) -> None:
        self.batches: list[tuple[str, Batch]] = []
        self.cursors: dict[str, str] = {}

    def put(self, collector: Collector, batch: Batch) -> None:
        self.batches.append((collector.name, batch))
        if batch.cursor is not None:
            self.cursors[collector.name] = batch.cursor


def run(kept: Kept, *collectors: Scripted, until: Callable[[], bool]) -> dict[str, Health]:
    runner = Runner(collectors, kept.put, kept.cursors.get, lambda: NOW, backoff_s=(0.01, 0.05))
    runner.start()
    try:
        end = time.monotonic() + 20
        while not until() and time.monotonic() < end:
            time.sleep(0.01)
        assert until()
    finally:
        runner.stop(5)
    return {health.name: health for health in runner.health()}


def call() -> Call:
    return Call(time=NOW, model="m")


def test_each_round_goes_on_from_the_cursor() -> None:
    source = Scripted("a", [gives(Batch((call(),), "1"), Batch((call(),), "2", until=NOW)), gives(Batch(cursor="3"))])
    kept = Kept()
    health = run(kept, source, until=lambda: len(source.asked) > 2)
    assert source.asked[:3] == [None, "2", "3"]
    assert (health["a"].state, health["a"].rows, health["a"].until) == ("ok", 2, NOW)


def test_a_source_that_is_down_is_asked_again_with_the_same_cursor() -> None:
    source = Scripted("a", [gives(Batch(cursor="1")), fails(SourceDown("is down")), fails(SourceDown("is down")),
                            gives(Batch(cursor="2"))])
    run(Kept(), source, until=lambda: len(source.asked) > 4)
    assert source.asked[:5] == [None, "1", "1", "1", "2"]


def test_what_came_before_a_failure_is_kept() -> None:
    def half(cursor: str | None) -> Iterator[Batch]:
        yield Batch((call(),), "half")
        raise SourceDown("breaks off")

    source, kept = Scripted("a", [half]), Kept()
    health = run(kept, source, until=lambda: len(source.asked) > 1)
    assert source.asked[1] == "half"
    assert (health["a"].state, "breaks off" in health["a"].last_error) == ("down", True)


def test_a_broken_collector_is_said_and_does_not_end_the_others() -> None:
    broken, fine = Scripted("broken", [fails(ZeroDivisionError("one by none"))]), Scripted("fine", [gives(Batch())])
    health = run(Kept(), broken, fine, until=lambda: len(fine.asked) > 3 and len(broken.asked) > 1)
    assert health["broken"].state == "failed"
    assert health["broken"].last_error == "ZeroDivisionError: one by none"
    assert health["fine"].state == "ok"


def test_it_stops_while_a_source_waits() -> None:
    source = Scripted("a", [gives(Batch())], every_s=3600)
    runner = Runner([source], Kept().put, lambda name: None, lambda: NOW)
    runner.start()
    while not source.asked:
        time.sleep(0.01)
    runner.stop(5)
    assert not [thread for thread in threading.enumerate() if thread.name == "collector a"]

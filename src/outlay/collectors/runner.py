"""Asks collectors again and again, each in a thread of its own, and knows how each of them is."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from outlay.collectors.base import Collector, SourceDown
from outlay.errors import OutlayError

if TYPE_CHECKING:
    from outlay.collectors.base import Batch

#: How long a source that failed is left alone: doubled from the first to the second, seconds.
BACKOFF_S = (1.0, 300.0)

_log = logging.getLogger("outlay.collectors")


@dataclass(frozen=True, slots=True)
class Health:
    """How a source is. `state`: starting, ok, down (it cannot be reached), failed (the fault is ours). `since`: from
    when on; `until`: up to when its facts are known; `rows`, `rejected`: since the start. Times are naive UTC."""

    name: str
    code: str
    title: str
    state: str
    since: datetime
    last_ok: datetime | None = None
    until: datetime | None = None
    rows: int = 0
    rejected: int = 0
    last_error: str = ""
    next_at: datetime | None = None
    problems: tuple[str, ...] = ()

    def lag_s(self, now: datetime) -> float | None:
        """How old the newest of its facts is, seconds; None where it has given none."""
        return None if self.until is None else max(0.0, (now - self.until).total_seconds())


class Runner:
    """Runs collectors until it is stopped. `put` keeps a batch with its cursor and returns once both are durable;
    `cursor_of` gives the cursor that was kept last under a name."""

    def __init__(
        self, collectors: Iterable[Collector], put: Callable[[Collector, Batch], None],
        cursor_of: Callable[[str], str | None], clock: Callable[[], datetime],
        backoff_s: tuple[float, float] = BACKOFF_S,
    ) -> None:
        self._put = put
        self._cursor_of = cursor_of
        self._clock = clock
        self._backoff_s = backoff_s
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._health = {each.name: Health(each.name, each.code, each.title, "starting", clock())
                        for each in collectors}
        self._threads = [threading.Thread(target=self._run, args=(each,), name=f"collector {each.name}", daemon=True)
                         for each in collectors]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, wait_s: float) -> None:
        """Asks nothing any more; what is being kept is kept."""
        self._stopping.set()
        until = time.monotonic() + wait_s
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def health(self) -> tuple[Health, ...]:
        """How each source is, in the order of the settings."""
        with self._lock:
            return tuple(self._health.values())

    def _run(self, collector: Collector) -> None:
        failures = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            if self._round(collector):
                failures = 0
                pause = collector.every_s - (time.monotonic() - began)
            else:
                failures += 1
                first, most = self._backoff_s
                # Some chance, so that those that failed together do not come back together.
                pause = min(most, first * 2 ** min(failures - 1, 30)) * random.uniform(0.8, 1.2)
            self._note(collector, next_at=self._clock() + timedelta(seconds=max(0.0, pause)))
            self._stopping.wait(max(0.0, pause))

    def _round(self, collector: Collector) -> bool:
        """One round; whether it came through. What was kept before it failed stays."""
        try:
            for batch in collector.collect(self._cursor_of(collector.name), self._clock()):
                self._put(collector, batch)
                health = self._health[collector.name]
                self._note(collector, rows=health.rows + batch.rows,
                           rejected=health.rejected + len(batch.rejects), until=batch.until or health.until)
                if self._stopping.is_set():
                    return True
        except SourceDown as error:
            self._fail(collector, "down", str(error))
            return False
        except OutlayError as error:
            self._fail(collector, "failed", str(error))
            return False
        except Exception as error:  # noqa: BLE001 - one broken collector must not end the others; it is said and logged
            _log.exception("collector %s", collector.name)
            self._fail(collector, "failed", f"{type(error).__name__}: {error}")
            return False
        now = self._clock()
        health = self._health[collector.name]
        self._note(collector, state="ok", since=health.since if health.state == "ok" else now, last_ok=now,
                   last_error="", problems=collector.problems())
        return True

    def _fail(self, collector: Collector, state: str, error: str) -> None:
        health = self._health[collector.name]
        if error != health.last_error:
            _log.warning("collector %s is %s: %s", collector.name, state, error)
        self._note(collector, state=state, since=health.since if health.state == state else self._clock(),
                   last_error=error)

    def _note(self, collector: Collector, **changes: object) -> None:
        with self._lock:
            self._health[collector.name] = replace(self._health[collector.name], **changes)  # type: ignore[arg-type]

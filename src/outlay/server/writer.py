"""The one thread that writes the ledger: what is received, what is imported, what is decided, one after the other."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from outlay.errors import OutlayError
from outlay.ledger.derive import make_current

if TYPE_CHECKING:
    from outlay.api import Ledger

T = TypeVar("T")
#: How long what arrived may wait to be in the daily tables, seconds, by topic of `ledger.dirty`.
EVERY_S = {"cost": 2.0, "gpu": 10.0}

#: How long a question waits for the daily tables behind a long import, seconds.
_PATIENCE_S = 3.0

_log = logging.getLogger("outlay.writer")


@dataclass(frozen=True, slots=True)
class _Job:
    act: Callable[[Ledger], Any]
    done: Future[Any]


class Writer:
    """Acts on the ledger, one act after the other, and keeps its daily tables current behind them."""

    def __init__(self, ledger: Ledger, changed: Callable[[], None]) -> None:
        """`changed` is called in the writer's thread after each act that came through."""
        self._ledger = ledger
        self._changed = changed
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._made = dict.fromkeys(EVERY_S, 0.0)
        self._behind = True
        #: Whoever writes the ledger holds it.
        self.alone = threading.RLock()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def act(self, act: Callable[[Ledger], T]) -> Future[T]:
        """Queues an act; it has the store to itself. The future has its answer or its error once it is committed."""
        done: Future[T] = Future()
        self._jobs.put(_Job(act, done))
        return done

    def refresh(self) -> None:
        """Returns once the daily tables hold everything that was committed before; where a long import keeps the
        ledger busy, with the tables as they are. Not for the writer's own thread."""
        with suppress(TimeoutError):
            self.act(lambda ledger: ledger.ask()).result(_PATIENCE_S)

    def stirred(self) -> None:
        """Someone else has written."""
        self._behind = True
        self._jobs.put(_Job(lambda ledger: None, Future()))

    def stop(self, wait_s: float) -> bool:
        """Does what is queued, then ends. Returns whether that took less than `wait_s`."""
        self._jobs.put(None)
        self._thread.join(wait_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=self._pause())
            except Empty:
                self._bring_up_to_date()
                continue
            if job is None:
                return
            self._do(job)
            self._bring_up_to_date()

    def _do(self, job: _Job) -> None:
        if not job.done.set_running_or_notify_cancel():
            return
        try:
            with self.alone:
                answer = job.act(self._ledger)
        except BaseException as error:  # noqa: BLE001 - whoever asked for the act gets what became of it
            job.done.set_exception(error)
            return
        self._behind = True
        job.done.set_result(answer)
        self._changed()

    def _pause(self) -> float:
        if not self._behind:
            return 60.0
        return max(0.05, min(self._made[topic] + every for topic, every in EVERY_S.items()) - time.monotonic())

    def _bring_up_to_date(self) -> None:
        """Makes the daily tables again that are due; a failure is logged and tried again with the next act."""
        now = time.monotonic()
        due = tuple(topic for topic, every in EVERY_S.items() if now - self._made[topic] >= every)
        if not self._behind or not due:
            return
        try:
            made = self._make(due)
        except OutlayError as error:
            _log.error("the daily tables cannot be made: %s", error)
            made = False
        ended = time.monotonic()
        for topic in due:
            # What takes long is done less often, so that half of the time is left for what arrives.
            self._made[topic] = ended + max(0.0, (ended - now) - EVERY_S[topic])
        self._behind = set(due) != set(EVERY_S)
        if made:
            self._changed()

    def _make(self, topics: tuple[str, ...]) -> bool:
        from outlay.ledger.failures import in_users_terms

        settings, ledger = self._ledger.settings, self._ledger
        with self.alone, in_users_terms(ledger.store.path):
            return make_current(
                ledger.store, attribution=settings.attribution, book=ledger.book, currency=settings.currency,
                rates=settings.rates, splits=settings.split, topics=topics)

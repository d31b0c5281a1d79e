"""Keeps the assessment of the last thirty days at hand: findings take seconds, pages must not wait for them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from outlay.errors import OutlayError
from outlay.facts.window import Window

if TYPE_CHECKING:
    from outlay.accounting.assessment import Assessment
    from outlay.web.part import View

#: The period that is judged.
LENGTH = timedelta(days=30)
#: Between two assessments lies at least this long, seconds, and this many times what the last one took.
EVERY_S = 60.0
_TIMES = 20.0

_log = logging.getLogger("outlay.assessing")


class Assessing:
    """Assesses in a thread of its own, whenever the ledger has changed and the last assessment is old enough.

    `view` gives what questions of the thread may look at; `told` is called after each new assessment, in its thread.
    """

    def __init__(self, view: Callable[[], View], told: Callable[[], None] = lambda: None) -> None:
        self._view = view
        self._told = told
        self._changed = threading.Event()
        self._changed.set()
        self._stopping = threading.Event()
        self._latest: Assessment | None = None
        self._thread = threading.Thread(target=self._run, name="assessing", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, wait_s: float = 1.0) -> None:
        """Begins no other assessment."""
        self._stopping.set()
        self._changed.set()
        self._thread.join(wait_s)

    def changed(self) -> None:
        """The ledger has changed."""
        self._changed.set()

    def latest(self) -> Assessment | None:
        """The last assessment; None before the first."""
        return self._latest

    def _run(self) -> None:
        while True:
            self._changed.wait()
            if self._stopping.is_set():
                return
            self._changed.clear()
            began = time.monotonic()
            try:
                self._latest = assessed(self._view())
            except OutlayError as error:
                _log.error("the ledger cannot be assessed: %s", error)
            except Exception:  # noqa: BLE001 - a broken detector must not end the dashboard; it is logged, and tried again
                _log.exception("the ledger cannot be assessed")
            else:
                self._told()
            self._stopping.wait(max(EVERY_S, _TIMES * (time.monotonic() - began)))


def assessed(view: View) -> Assessment:
    """The assessment of the last thirty days, today included, or of those up to the end of what the ledger knows."""
    from outlay.accounting.assess import assess
    from outlay.questions.windows import latest_fact

    latest = latest_fact(view.ask)
    until = _tonight(view.now if latest is None or view.now - latest < timedelta(days=1) else latest)
    rejected = int(view.ask.con.execute("SELECT coalesce(sum(rejected), 0) FROM imports").fetchall()[0][0])
    return assess(view.ask, Window(until - LENGTH, until), view.settings, view.book, rejected)


def _tonight(moment: datetime) -> datetime:
    """Money is known by whole days."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)

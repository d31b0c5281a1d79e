"""Looks again and again at what rules look at, and keeps alerts accordingly.

Two threads: budgets and sources are looked at whenever facts have arrived, every few seconds; detectors and hourly
series, which read more, in their own time. So a slow detector does not keep a budget from being told of.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from outlay.alerts.evaluate import cannot_judge, evaluate
from outlay.alerts.firststart import held_keys, tell_together
from outlay.alerts.gather import (
    LOOKS,
    ask_burns,
    ask_drivers,
    ask_findings,
    ask_runs,
    ask_unusual,
    capped_runs,
    driver_key,
    with_drivers,
)
from outlay.alerts.inputs import Driver, Inputs, SourceHealth
from outlay.alerts.keeping import Ways, carry_out
from outlay.alerts.reconcile import reconcile
from outlay.alerts.rules.registry import RULES
from outlay.alerts.silencing import silence_for
from outlay.alerts.weekly import put_weekly
from outlay.facts.finding import Finding
from outlay.questions.windows import now
from outlay.state.alerts import resolved_counts, standing_alerts
from outlay.state.outbox import was_told
from outlay.state.silences import silences_at

if TYPE_CHECKING:
    from outlay.alerts.configured import Weekly
    from outlay.state.database import State
    from outlay.web.part import View

#: Seconds between two looks, at least; and what share of the time looking may take.
QUICK_S, SLOW_S = 2.0, 60.0
_QUICK_SHARE, _SLOW_SHARE = 0.1, 0.2
#: Without news it is looked again after this: periods begin, sources fall silent.
ANYHOW_S = 15.0
#: At its first start it waits so long for all rules to be judged, seconds, before it tells of what stood already.
FIRST_LOOK_S = 60.0
#: However long looking takes, budgets are looked at again after this: a threshold is told within ten seconds.
LONGEST_REST_S = 3.0
#: How long ago the end of an alert still counts for calm.
_RECENTLY = timedelta(days=1)
#: An hour is looked at some minutes after its end: calls are told of when they are over.
_SETTLED = timedelta(minutes=3)

_log = logging.getLogger("outlay.alerts")


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look did: conditions that hold, steps taken, messages that wait because of it."""

    conditions: int
    steps: int
    waiting: int


class Watch:
    """Keeps alerts from `start` to `stop`."""

    def __init__(
        self, view: Callable[[], View], state: State, ways: Ways, health: Callable[[], tuple[SourceHealth, ...]],
        wake: Callable[[], None], *, page_at: int = 80, weekly: Weekly | None = None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        """`view` gives a fresh view in the thread that calls it; `wake` is called when messages wait. `page_at`: from
        which share of a budget on, in percent, somebody is paged; `weekly`: when a summary is sent. `clock` is that of
        people and of the outbox: on a sample ledger the time of the facts, which the view has, is another one."""
        self._view, self._state, self._ways, self._health, self._wake = view, state, ways, health, wake
        self._inputs = Inputs(page_at=page_at)
        self._weekly = weekly
        self._clock = clock
        self._drivers: dict[tuple[str, datetime, int], tuple[Driver, ...]] = {}
        self._found: dict[str, tuple[Finding, ...]] = {}
        self._hour: datetime | None = None
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        # At the first start of all: rules that were judged, and until when it is waited for the others.
        self._first = False
        self._judged: frozenset[str] = frozenset()
        self._patience = 0.0
        self._looked_closely = False

    def changed(self) -> None:
        """Facts have arrived. May be called from any thread, and often."""
        self._news.set()

    def start(self) -> None:
        """Begins to look."""
        with self._state.begin() as connection:
            self._first = not was_told(connection)
        self._patience = time.monotonic() + FIRST_LOOK_S
        self._threads = [
            threading.Thread(target=self._again, args=(self.look, QUICK_S, _QUICK_SHARE, self._news),
                             name="alerts", daemon=True),
            threading.Thread(target=self._again, args=(self.look_closely, SLOW_S, _SLOW_SHARE, None),
                             name="alerts-closely", daemon=True)]
        for thread in self._threads:
            thread.start()

    def stop(self, within_s: float = 5.0) -> None:
        """Looks no more; a look that has begun may end."""
        self._stopping.set()
        self._news.set()
        until = time.monotonic() + within_s
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def look(self) -> Looked:
        """Looks at budgets and sources, and keeps the alerts that follow from all that is known."""
        view = self._view()
        burns = ask_burns(view)
        for burn in burns.burns:
            key = driver_key(burn)
            if burn.passed and key not in self._drivers:
                self._drivers[key] = ask_drivers(view, burn)
        runs = ask_runs(view, (), capped_runs(burns))
        with self._lock:
            known = self._inputs
            self._inputs = replace(
                known, currency=view.settings.currency, burns=burns, health=self._health(),
                drivers=with_drivers(self._drivers, burns), runs={**known.runs, **runs})
        return self.keep(view.now)

    def look_closely(self) -> Looked:
        """Looks at what detectors find, once an hour at hours out of the ordinary, and once a week at all of it."""
        view = self._view()
        for code in LOOKS:
            self._found[code] = ask_findings(view, (code,))
            if len(self._found) == len(LOOKS):
                # What was found is told of before the next detector begins.
                self._know_findings(view)
                self.keep(view.now)
        hour = (view.now - _SETTLED).replace(minute=0, second=0, microsecond=0)
        if hour != self._hour:
            unusual = ask_unusual(replace(view, now=hour))
            with self._lock:
                self._inputs = replace(self._inputs, unusual=unusual)
            self._hour = hour
        if self._weekly is not None and put_weekly(self._state, view, self._weekly, self._ways.voice, self._clock()):
            self._wake()
        self._looked_closely = True
        return self.keep(view.now)

    def _know_findings(self, view: View) -> None:
        found = tuple(each for code in LOOKS for each in self._found[code])
        runs = ask_runs(view, found)
        with self._lock:
            self._inputs = replace(self._inputs, currency=view.settings.currency, findings=found,
                                   runs={**self._inputs.runs, **runs})

    def keep(self, known_at: datetime) -> Looked:
        """Evaluates what is known, `known_at` being the time of the facts, and keeps what follows in one transaction.
        """
        with self._lock:
            inputs, at = self._inputs, self._clock()
            conditions, unjudged = evaluate(inputs, known_at), cannot_judge(inputs, known_at)
            whole = self._looked_closely and inputs.burns is not None
            with self._state.begin() as connection:
                standing = standing_alerts(connection)
                if not conditions and not standing:
                    self._has_judged(unjudged, whole)
                    return Looked(0, 0, 0)
                held = held_keys(standing, conditions, self._judged) if self._first else frozenset()
                silences = silences_at(connection, at)
                silenced = frozenset(each.key for each in conditions if silence_for(each, silences) is not None)
                steps = reconcile(
                    standing, conditions, at, unjudged=unjudged, silenced=silenced, held=held,
                    ended=resolved_counts(connection, at - _RECENTLY) if standing else None)
                waiting = carry_out(connection, steps, silences, self._ways, at, held=held)
                if self._first and (whole or time.monotonic() >= self._patience):
                    waiting += tell_together(connection, conditions, self._ways, at)
            self._has_judged(unjudged, whole)
        if waiting:
            self._wake()
        return Looked(len(conditions), len(steps), waiting)

    def _has_judged(self, unjudged: frozenset[str], whole: bool) -> None:
        """What these rules say from now on is news."""
        self._judged |= {rule.code for rule in RULES} - unjudged
        self._first = self._first and not whole

    def _again(self, look: Callable[[], Looked], least_s: float, share: float, news: threading.Event | None) -> None:
        while not self._stopping.is_set():
            began = time.monotonic()
            if news is not None:
                news.clear()
            try:
                look()
            except Exception:  # noqa: BLE001 - a look that fails is logged, and what was known stays until the next
                _log.exception("alerts could not be looked at")
            took = time.monotonic() - began
            rest = took * (1 / share - 1)
            self._stopping.wait(max(least_s - took, rest if news is None else min(rest, LONGEST_REST_S)))
            if news is not None and not self._stopping.is_set():
                news.wait(ANYHOW_S)

"""Budgets in force while the server runs: what people set holds within a second, here and on other hosts."""

from __future__ import annotations

import logging
import threading
import time

from outlay.errors import OutlayError
from outlay.governance.inforce import in_force
from outlay.settings import Settings
from outlay.state.budgets import Kept, kept_budgets
from outlay.state.database import State

#: The state is asked again after this; another host or a command may have changed it.
_KNOWN_S = 1.0

_log = logging.getLogger("outlay.budgets")


class Budgeting:
    """Gives the settings with all budgets; from any thread. While the state cannot be read, what was known holds."""

    def __init__(self, settings: Settings, state: State) -> None:
        self._declared = settings
        self._state = state
        self._lock = threading.Lock()
        self._asked_at = float("-inf")
        self._kept: tuple[Kept, ...] = ()
        self._settings = settings

    def settings(self) -> Settings:
        self._know()
        return self._settings

    def kept(self) -> tuple[Kept, ...]:
        """Those that people set."""
        self._know()
        return self._kept

    def changed(self) -> None:
        """What is known is out of date."""
        self._asked_at = float("-inf")

    def _know(self) -> None:
        with self._lock:
            if time.monotonic() - self._asked_at < _KNOWN_S:
                return
            self._asked_at = time.monotonic()
            try:
                with self._state.begin() as connection:
                    found = kept_budgets(connection)
            except OutlayError as error:
                _log.warning("budgets cannot be read, those known before hold: %s", error)
                return
            if found != self._kept:
                self._kept = found
                self._settings = in_force(self._declared, [each.budget for each in found])

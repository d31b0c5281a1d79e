"""Sends what waits: at least once, again with growing pauses, and in the end says that it failed.

A delivery is claimed for a while before it is sent. A process that is killed between sending and noting it leaves a
claim that runs out, and the message goes out again with the same idempotency key.
"""

from __future__ import annotations

import logging
import queue
import random
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from outlay.alerts.message import message_from
from outlay.alerts.notifiers.base import Notifier, NotSent, Sending, Sent
from outlay.errors import OutlayError
from outlay.state.database import State
from outlay.state.outbox import Delivery, claim, first_ref, mark_failed, mark_later, mark_sent

#: For how long a claim holds: longer than a notifier may take with all its requests.
LEASE = timedelta(minutes=2)
#: After this long since it was due a message is given up: what is a day old is no news.
GIVE_UP = timedelta(hours=24)
#: Pauses between tries: 5 s, doubled each time, at most a quarter of an hour; each shortened by up to a half by chance.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 5.0, 900.0
#: Messages that are sent at the same time: a mail server that does not answer must not keep a page from going out.
SENDERS = 6
#: How often it is looked whether another process left something to send, seconds.
LOOK_EVERY_S = 2.0

_log = logging.getLogger("outlay.alerts")


class Outbox:
    """Sends deliveries in threads of its own, from `start` to `stop`."""

    def __init__(
        self, state: State, notifiers: Sequence[Notifier], clock: Callable[[], datetime], *,
        lease: timedelta = LEASE, give_up: timedelta = GIVE_UP, chance: Callable[[], float] = random.random,
    ) -> None:
        """`clock` gives naive UTC, `chance` a number from 0 to 1."""
        self._state = state
        self._notifiers = {notifier.name: notifier for notifier in notifiers}
        self._clock = clock
        self._lease = lease
        self._give_up = give_up
        self._chance = chance
        self._work: queue.SimpleQueue[Delivery | None] = queue.SimpleQueue()
        self._free = threading.Semaphore(SENDERS)
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def wake(self) -> None:
        """Something new waits: it is sent at once."""
        self._woken.set()

    def start(self) -> None:
        """Begins to send."""
        self._threads = [threading.Thread(target=self._hand_out, name="outbox", daemon=True)]
        self._threads += [threading.Thread(target=self._take, name=f"outbox-{number}", daemon=True)
                          for number in range(SENDERS)]
        for thread in self._threads:
            thread.start()

    def stop(self, within_s: float = 5.0) -> None:
        """Takes nothing new, and gives what is being sent some time; what does not make it is sent again later."""
        self._stopping.set()
        self._woken.set()
        for _ in range(SENDERS):
            self._work.put(None)
        until = time.monotonic() + within_s
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def send_due(self) -> int:
        """Sends what is due in this thread, one after the other. Gives how many messages were tried."""
        tried = 0
        while (found := self._claimed()) is not None:
            self._send(found)
            tried += 1
        return tried

    def _hand_out(self) -> None:
        while not self._stopping.is_set():
            if not self._free.acquire(timeout=LOOK_EVERY_S):
                continue
            self._woken.clear()
            found = self._claimed()
            if found is not None:
                self._work.put(found)
                continue
            self._free.release()
            self._woken.wait(LOOK_EVERY_S)

    def _take(self) -> None:
        while (delivery := self._work.get()) is not None:
            if not self._stopping.is_set():
                self._send(delivery)
            self._free.release()
            # What follows it for the same alert may go out now.
            self._woken.set()

    def _claimed(self) -> Delivery | None:
        try:
            with self._state.begin() as connection:
                return next(iter(claim(connection, self._clock(), self._lease, 1)), None)
        except Exception:  # noqa: BLE001 - a state that cannot be asked just now must not end the sending for good
            _log.exception("the outbox could not be read")
            return None

    def _send(self, delivery: Delivery) -> None:
        try:
            sent = self._attempt(delivery)
            with self._state.begin() as connection:
                mark_sent(connection, delivery.id, self._clock(), sent.remote_ref)
        except Exception as error:  # noqa: BLE001 - one message must not keep the others from going out
            if not isinstance(error, OutlayError):
                _log.exception("delivery %s by %s", delivery.id, delivery.notifier)
            self._note(delivery, error)

    def _attempt(self, delivery: Delivery) -> Sent:
        notifier = self._notifiers.get(delivery.notifier)
        if notifier is None:
            raise NotSent("the settings name no such notifier any more", where=delivery.notifier)
        thread = ""
        if delivery.alert is not None and delivery.kind != "open":
            with self._state.begin() as connection:
                thread = first_ref(connection, delivery.alert, delivery.notifier)
        return notifier.send(message_from(delivery.body), Sending(delivery.idempotency_key, thread))

    def _note(self, delivery: Delivery, error: Exception) -> None:
        now = self._clock()
        said = str(error).split("\n")[0] if isinstance(error, OutlayError) else f"{type(error).__name__}; see the log"
        refused = isinstance(error, NotSent) and error.refused
        pause = self._pause(delivery.tries, error)
        try:
            with self._state.begin() as connection:
                if refused:
                    mark_failed(connection, delivery.id, said)
                elif now + pause - delivery.due_at > self._give_up:
                    mark_failed(connection, delivery.id, f"{said}; given up after {delivery.tries} tries")
                else:
                    mark_later(connection, delivery.id, now + pause, said)
        except Exception:  # noqa: BLE001 - then its claim runs out, and it is tried again
            _log.exception("delivery %s could not be noted", delivery.id)

    def _pause(self, tries: int, error: Exception) -> timedelta:
        """Until the next try: what the receiver asks for, at least."""
        growing = min(FIRST_PAUSE_S * 2 ** min(tries - 1, 20), LONGEST_PAUSE_S) * (1 - self._chance() / 2)
        asked = error.retry_after_s if isinstance(error, NotSent) and error.retry_after_s is not None else 0.0
        return timedelta(seconds=max(growing, asked))

"""Everything that works while the server runs, put together once: what receives, asks, judges, tells and shows."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from outlay import __version__
from outlay.alerts.compose import voice_of
from outlay.alerts.keeping import Ways
from outlay.alerts.listing import Listing, listed
from outlay.alerts.outbox import Outbox
from outlay.alerts.watch import Watch
from outlay.collectors.registry import collectors
from outlay.collectors.runner import Health, Runner
from outlay.governance.burns import burns
from outlay.questions.answer import plain
from outlay.questions.windows import now
from outlay.server.actions import action_routes
from outlay.server.alert_actions import alert_routes
from outlay.server.api import api, source_json
from outlay.server.app import application, serving
from outlay.server.assessing import Assessing
from outlay.server.budget_actions import budget_routes
from outlay.server.budgeting import Budgeting
from outlay.server.drain import Drain, resume
from outlay.server.metrics import Meters, exposition
from outlay.server.otlp import otlp_routes
from outlay.server.owner import Owner
from outlay.state.alerts import Alert, alerts_since, standing_alerts

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from outlay.api import Ledger
    from outlay.ledger.spool import Spool
    from outlay.state.database import State

#: How long what is being written has to end, seconds.
GRACE_S = 8.0


class Works:
    """The parts of a server, by the way that facts take: received, kept, asked, judged, told of."""

    def __init__(self, ledger: Ledger, state: State, spool: Spool) -> None:
        settings = ledger.settings
        asked = collectors(settings.collectors, settings.sources, ledger.store.scratch)
        self._spool = spool
        self._state = state
        self.owner = Owner(ledger)
        self.budgeting = Budgeting(settings, state)
        self.owner.govern(self.budgeting.settings)
        self.owner.warm()
        self.runner = Runner(asked, self.owner.put, self.owner.cursor_of, self.owner.clock)
        self.drain = Drain(spool, self.owner.writer, self.owner.clock, resume(ledger))
        self.shared = serving(self.owner)
        self.assessing = Assessing(self.owner.view, self.shared.ticks.changed)
        self.outbox = Outbox(state, settings.alerts.notifiers, now)
        singly = frozenset(each.name for each in settings.alerts.notifiers if not each.takes_summaries)
        self.watch = Watch(
            self.owner.view, state, Ways(settings.alerts.routes, voice_of(settings), singly), self.health,
            self.outbox.wake, page_at=settings.alerts.budget_pages_at, weekly=settings.alerts.weekly)
        self.owner.watch(self.assessing.changed)
        self.owner.watch(self.watch.changed)
        self.owner.know(lambda: {
            "health": self.health(), "assessment": self.assessing.latest(), "alerts": self._alerts,
            "alert_listing": self._listing, "kept_budgets": self.budgeting.kept})

    def _alerts(self, since: datetime) -> tuple[Alert, ...]:
        with self._state.begin() as connection:
            return alerts_since(connection, since)

    def _listing(self, lately: timedelta) -> Listing:
        """Alerts by the clock of people, which on a sample ledger is not that of the facts."""
        at = now()
        with self._state.begin() as connection:
            return listed(connection, at, since=at - lately, currency=self.owner.ledger.settings.currency)

    def health(self) -> tuple[Health, ...]:
        """How every source is."""
        return (*self.drain.health(), *self.runner.health())

    def application(self, more: list[BaseRoute]) -> Starlette:
        """What answers requests; `more` routes win."""
        return application(self.shared, [
            *more, *otlp_routes(self._spool), Mount("/api/v1", api(self.shared, self.health)),
            Route("/metrics", self._metrics), *action_routes(self.shared, self._state),
            *alert_routes(self.shared, self._state, self.outbox.wake),
            *budget_routes(self.shared, self._state, self.budgeting)])

    async def _metrics(self, request: Request) -> Response:
        text = await asyncio.to_thread(lambda: exposition(self._meters()))
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    def _meters(self) -> Meters:
        owner, ticks, known = self.owner, self.shared.ticks, self.assessing.latest()
        view = owner.view()
        counted = view.settings.budgets and burns(view.ask, view.settings, view.now, as_of=view.now)
        with self._state.begin() as connection:
            alerts = Counter(alert.severity for alert in standing_alerts(connection))
        return Meters(
            view.now, __version__, view.settings.currency, counted or None,
            float(known.wasted / known.spent) if known and known.spent else None,
            tuple((each.finding.code, float(each.month)) for each in known.findings if each.state != "ignored")
            if known else None,
            self.health(), self.drain.waiting_bytes, ticks.asked, ticks.asked_s,
            {severity: alerts[severity] for severity in ("info", "warn", "page")})

    def start(self, address: str) -> None:
        """Begins everything; the writer first, because the others wait for it."""
        began = now()
        self.owner.start(lambda: self._status(address, began))
        for part in (self.drain, self.runner, self.assessing, self.outbox, self.watch):
            part.start()

    def stop(self) -> None:
        """Ends everything, the writer last; what is received and not kept by then waits in the spool."""
        self.watch.stop(1)
        self.assessing.stop()
        self.runner.stop(2)
        self.drain.stop(3)
        self.outbox.stop(2)
        self.owner.stop(GRACE_S)

    def _status(self, address: str, began: datetime) -> dict[str, Any]:
        """What `outlay status` says."""
        ticks = self.shared.ticks
        return {
            "url": address, "process": os.getpid(), "version": __version__, "since": plain(began),
            "waiting_bytes": self.drain.waiting_bytes, "spool_full": self._spool.waiting.full, "asked": ticks.asked,
            "asked_s": round(ticks.asked_s, 3),
            "sources": [source_json(each, self.owner.clock()) for each in self.health()]}

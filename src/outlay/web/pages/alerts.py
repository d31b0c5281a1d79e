"""Alerts: what people were told of, who looks after it, what ends it, and what is not told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from outlay.alerts.condition import Severity
from outlay.state.alerts import ACKED, OPEN, RESOLVED, Alert
from outlay.web.part import Page, Part, Query, Sheet, View

if TYPE_CHECKING:
    from outlay.alerts.listing import Listing
    from outlay.state.outbox import Delivery
    from outlay.state.silences import Silence

#: How long ago the end of an alert is shown.
LATELY = timedelta(days=7)
#: How far back one alert is found by its id: links in messages are followed late.
_KEPT = timedelta(days=400)
STATES = (OPEN, ACKED, RESOLVED)
#: For how long a silence can be asked for, in hours.
LENGTHS = {"1 hour": 1, "8 hours": 8, "1 day": 24, "3 days": 72, "7 days": 168, "30 days": 720, "90 days": 2160}


@dataclass(frozen=True, slots=True)
class Alerts:
    """Alerts of one state that fit the filters, the most urgent first. `counts` by state, of all that fit; `standing`,
    `urgent`: of all. `now` is the clock of people. `one`: the alert that is asked for by its id, `asked`, with what was
    sent of it."""

    now: datetime
    state: str
    shown: tuple[Alert, ...]
    counts: tuple[tuple[str, int], ...]
    standing: int
    urgent: int
    teams: tuple[str, ...]
    rules: tuple[str, ...]
    silences: tuple[Silence, ...]
    asked: str = ""
    one: Alert | None = None
    deliveries: tuple[Delivery, ...] = ()
    failed: tuple[tuple[str, int], ...] = ()

    def unsent(self, alert_id: str) -> int:
        """Messages of an alert that could not be sent."""
        return dict(self.failed).get(alert_id, 0)


def alerts(view: View, query: Query) -> Alerts:
    """What the state holds of alerts."""
    given, read = dict(query), view.outside.get("alert_listing")
    state = given.get("state", OPEN)
    state = state if state in STATES else OPEN
    if read is None:
        return Alerts(view.now, state, (), (), 0, 0, (), (), ())
    found: Listing = read(_KEPT if given.get("id") else LATELY)
    every = [each for each in found.alerts if each.state != RESOLVED
             or (each.resolved_at or found.as_of) >= found.as_of - LATELY]
    fits = [each for each in every if _fits(each, given)]
    shown = sorted((each for each in fits if each.state == state), key=lambda each: (
        -Severity(each.severity).rank, -(each.amount or 0)))
    asked = given.get("id", "")
    named = [each for each in found.alerts if asked and each.id.startswith(asked)]
    one = named[0] if len(named) == 1 else None
    standing = [each for each in every if each.state != RESOLVED]
    return Alerts(
        found.as_of, state, tuple(shown), tuple((name, sum(each.state == name for each in fits)) for name in STATES),
        len(standing), sum(each.severity == Severity.PAGE for each in standing),
        tuple(sorted({each.team or "none" for each in every})), tuple(sorted({each.rule for each in every})),
        found.silences, asked, one, found.deliveries.get(one.id, ()) if one is not None else (),
        tuple((alert, bad) for alert, sent in found.deliveries.items()
              if (bad := sum(each.state == "failed" for each in sent))))


def _fits(alert: Alert, given: dict[str, str]) -> bool:
    return all(given.get(name, value) == value for name, value in (
        ("team", alert.team or "none"), ("severity", alert.severity), ("rule", alert.rule)))


def sheet(part: Alerts) -> Sheet:
    names = ("id", "rule", "severity", "state", "team", "owner", "title", "cause", "amount", "currency", "opened_at",
             "acked_by", "resolved_at")
    return Sheet(names, tuple(tuple(getattr(each, name) for name in names) for each in part.shown))


def sent_sheet(part: Alerts) -> Sheet:
    names = ("created_at", "kind", "route", "notifier", "state", "tries", "sent_at", "next_at", "last_error")
    return Sheet(names, tuple(tuple(getattr(each, name) for name in names) for each in part.deliveries))


ALERTS = Page("/alerts", "alerts", "Alerts", "live/alerts.html.j2", (
    Part("alerts-one", "live/alerts_one.html.j2", alerts, every_s=2, csv=sent_sheet),
    Part("alerts-list", "live/alerts_list.html.j2", alerts, every_s=2, csv=sheet),
    Part("alerts-silences", "live/alerts_silences.html.j2", alerts, every_s=2),
), {"state": "open, acked or resolved", "team": "a team; none: without one", "severity": "info, warn or page",
    "rule": "a rule", "id": "one alert"}, key="a")

"""Alerts: what people were told of, who looks after it, and what ends it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from outlay.state.alerts import RESOLVED, Alert
from outlay.web.part import Page, Part, Query, Sheet, View

#: How long ago the end of an alert is shown.
LATELY = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Alerts:
    """Alerts that stand, the most urgent first, and those that ended lately. `now` is the server's clock."""

    now: datetime
    standing: tuple[Alert, ...]
    ended: tuple[Alert, ...]


def alerts(view: View, query: Query) -> Alerts:
    """What the state holds of alerts."""
    read = view.outside.get("alerts")
    found: tuple[Alert, ...] = read(view.now - LATELY) if read is not None else ()
    urgent = {"page": 0, "warn": 1, "info": 2}
    standing = [each for each in found if each.state != RESOLVED]
    standing.sort(key=lambda each: (urgent.get(each.severity, 3), -(each.amount or 0)))
    return Alerts(view.now, tuple(standing), tuple(each for each in found if each.state == RESOLVED))


def sheet(part: Alerts) -> Sheet:
    names = ("id", "rule", "severity", "state", "team", "owner", "title", "cause", "amount", "currency", "opened_at",
             "acked_by", "resolved_at")
    return Sheet(names, tuple(tuple(getattr(each, name) for name in names) for each in (*part.standing, *part.ended)))


ALERTS = Page("/alerts", "alerts", "Alerts", "live/alerts.html.j2", (
    Part("alerts-list", "live/alerts_list.html.j2", alerts, every_s=2, csv=sheet),
), key="a")

"""Alerts, what could not be sent of them, and silences, as a list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from outlay.alerts.condition import Severity
from outlay.facts.window import Window
from outlay.questions.answer import Answer, plain
from outlay.state.alerts import ACKED, OPEN, Alert, alerts_since
from outlay.state.outbox import FAILED, SENT, WAITING, Delivery, deliveries_of
from outlay.state.silences import Silence, silences_at

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

#: Columns of a row that are fields of an alert.
_FIELDS = ("id", "rule", "key", "severity", "state", "team", "owner", "title", "cause", "amount", "currency", "since",
           "link", "action", "command", "count", "silenced", "opened_at", "updated_at", "acked_at", "acked_by",
           "resolved_at", "resolved_why")
_COLUMNS = (*_FIELDS, WAITING, SENT, FAILED)


@dataclass(frozen=True, slots=True)
class Listing:
    """Alerts, the loudest first and of these the newest, with their deliveries by id; silences that hold."""

    as_of: datetime
    currency: str
    alerts: tuple[Alert, ...]
    deliveries: Mapping[str, tuple[Delivery, ...]]
    silences: tuple[Silence, ...]

    def as_json(self) -> dict[str, Any]:
        """As every `--json` answers, a row an alert, `waiting`, `sent` and `failed` counting its messages; and the
        silences."""
        rows = tuple((*(getattr(each, name) for name in _FIELDS), *(
            sum(sent.state == state for sent in self.deliveries.get(each.id, ())) for state in (WAITING, SENT, FAILED)))
            for each in self.alerts)
        since = min((each.opened_at for each in self.alerts), default=self.as_of)
        totals = {state: sum(each.state == state for each in self.alerts) for state in (OPEN, ACKED)}
        answer = Answer("outlay.alerts/1", self.as_of, Window(since, self.as_of), self.currency, "effective", _COLUMNS,
                        rows, totals)
        return answer.as_json() | {"silences": [
            {"id": each.id, "matcher": dict(each.matcher), "until": plain(each.until), "reason": each.reason,
             "by": each.by, "created_at": plain(each.created_at)} for each in self.silences]}


def listed(connection: Connection, now: datetime, *, since: datetime, currency: str) -> Listing:
    """Alerts that stand, or ended after `since`."""
    alerts = tuple(sorted(alerts_since(connection, since), key=lambda each: -Severity(each.severity).rank))
    return Listing(now, currency, alerts, deliveries_of(connection, [each.id for each in alerts]),
                   silences_at(connection, now))

"""Conditions, messages and inputs that tests of alerts share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from outlay.alerts.condition import Condition, Severity
from outlay.alerts.message import Button, Message
from outlay.facts.finding import Claim, Confidence, Finding
from outlay.facts.window import Window
from outlay.governance.budget import Budget, period_at
from outlay.governance.burn import Burn, burn
from outlay.governance.burns import Burns

NOW = datetime(2026, 9, 15, 12, 0)
DAY = timedelta(days=1)

CONDITION = Condition(
    rule="idle-now", key="finding:zombie-run-1", severity=Severity.WARN, team="vision", owner="dana.okafor",
    title="Run 4711 (abl-moe) held 4 GPUs for 9 days after its last progress.", cause="Its GPUs stayed below 5%.",
    amount=Decimal("4140"), currency="USD", since=NOW - 9 * DAY, link="/findings?id=zombie-run-1",
    action="End it; it can be resumed from its last checkpoint.", command="scancel 4711",
    facts=(("Last progress", "6 Sep 12:00"),))

MESSAGE = Message(
    kind="open", headline=CONDITION.title, lines=("Its GPUs stayed below 5%.", "Owner: dana.okafor, team vision."),
    at=NOW, severity=Severity.WARN, rule="idle-now", key=CONDITION.key, alert="a" * 32, team="vision",
    owner="dana.okafor", amount=Decimal("4140"), currency="USD", since=NOW - 9 * DAY, command="scancel 4711",
    facts=(("Last progress", "6 Sep 12:00"),),
    buttons=(Button("Evidence", "https://outlay.example.com/findings?id=1"),
             Button("Acknowledge or silence", "https://outlay.example.com/alerts?id=1")),
    organisation="Halyard")


def condition(**changes: Any) -> Condition:
    return replace(CONDITION, **changes)


def message(**changes: Any) -> Message:
    return replace(MESSAGE, **changes)


def made_burn(spent: str, amount: str = "100", *, name: str = "search", at: datetime = NOW,
              scope: tuple[tuple[str, str], ...] = (("team", "search"),)) -> Burn:
    """Half of it on the first day of the month, half yesterday."""
    period = period_at("month", at)
    half = Decimal(spent) / 2
    yesterday = at.replace(hour=0, minute=0) - DAY
    return burn(Budget(name, scope, Decimal(amount)), period, Window(period.since, at),
                [(period.since, half), (yesterday, half)])


def made_burns(*found: Burn, at: datetime = NOW) -> Burns:
    return Burns(at, at, "USD", found, (), 0)


def finding(code: str = "zombie-run", subject: str = "run slurm/north 4711", so_far: str = "4140", **changes: Any
            ) -> Finding:
    since = NOW - 9 * DAY
    made = Finding(
        code=code, capability="F2", subject=subject, title=CONDITION.title, owner="dana.okafor", team="vision",
        evidence=(("Last progress", "6 Sep 12:00"), ("How it shows", "its GPUs stayed below 5%")),
        period=Window(NOW - 30 * DAY, NOW),
        claims=(Claim(f"run:{subject}", Decimal(so_far), Decimal(8700), Decimal(so_far), Decimal(8700),
                      span=Window(since, NOW)),),
        confidence=Confidence.HIGH, action="End it.", command="scancel 4711")
    return replace(made, **changes)


@dataclass(frozen=True)
class Source:
    """Health of a source, as the runner of collectors gives it."""

    name: str = "prometheus/north"
    code: str = "prometheus"
    state: str = "ok"
    since: datetime = NOW - DAY
    last_ok: datetime | None = NOW
    until: datetime | None = NOW
    last_error: str = ""


def keys(conditions: Sequence[Condition]) -> list[str]:
    return [each.key for each in conditions]

"""What holds now against the alerts that stand: what opens, is told again, changes quietly, or is over.

Pure: alerts and conditions in, steps out. An alert is over only after its condition was gone for a while, and for
longer where it came back before, so that what flaps does not ring again and again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum

from outlay.alerts.condition import Condition, Severity
from outlay.alerts.rules.registry import rule_named
from outlay.state.alerts import ACKED, Alert

#: A page that nobody acknowledges is told again after this.
REPEAT = timedelta(hours=4)
#: What changes quietly, such as an amount, is written this often.
QUIETLY = timedelta(seconds=10)
#: The calm doubles with each end of the same cause within a day, up to this.
_LONGEST_CALM = timedelta(hours=4)
#: By what an amount or a count must have grown to be news.
_GROWN = 2


class Why(Enum):
    """Why an alert is told again."""

    LOUDER = "its severity has risen"
    FURTHER = "it reached the next threshold"
    GREW = "it has doubled since it was told"
    STILL = "it still holds, and nobody has acknowledged it"
    HEARD = "its silence has ended"


@dataclass(frozen=True, slots=True)
class Open:
    """A new alert."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class Tell:
    """An alert that is told again."""

    alert: Alert
    condition: Condition
    why: Why


@dataclass(frozen=True, slots=True)
class Refresh:
    """An alert whose figures moved, or that is silenced or no more, which is no news."""

    alert: Alert
    condition: Condition
    silenced: bool


@dataclass(frozen=True, slots=True)
class Resolve:
    """An alert that is over."""

    alert: Alert
    why: str


@dataclass(frozen=True, slots=True)
class Fade:
    """An alert whose condition holds no more since a moment; None: it holds again."""

    alert: Alert
    since: datetime | None


Step = Open | Tell | Refresh | Fade | Resolve


def reconcile(
    standing: Sequence[Alert], conditions: Sequence[Condition], now: datetime, *,
    unjudged: frozenset[str] = frozenset(), silenced: frozenset[str] = frozenset(),
    held: frozenset[str] = frozenset(), ended: Mapping[str, int] | None = None,
) -> tuple[Step, ...]:
    """The steps from `standing` (at most one a key) to what holds.

    `unjudged`: codes of rules that could say nothing, whose alerts stay as they are. `silenced`: keys of conditions
    that are not told now. `held`: keys of alerts that are to be told with others; one that gets worse meanwhile is
    told at once. `ended`: how many alerts of a key ended within a day.
    """
    holds = {condition.key: condition for condition in conditions}
    covered = {key: condition for condition in conditions for key in condition.covers}
    known = {alert.key for alert in standing}
    steps: list[Step] = []
    for alert in standing:
        condition = holds.get(alert.key)
        if condition is not None:
            steps += [Fade(alert, None)] if alert.gone_since is not None else []
            step = _again(alert, condition, now, alert.key in silenced, alert.key in held)
            steps += [step] if step is not None else []
        elif alert.key in covered:
            steps.append(Resolve(alert, f"told as: {covered[alert.key].title}"))
        elif alert.rule not in unjudged:
            step = _gone(alert, now, (ended or {}).get(alert.key, 0))
            steps += [step] if step is not None else []
    steps += [Open(condition) for condition in conditions if condition.key not in known]
    return tuple(steps)


def _gone(alert: Alert, now: datetime, ended: int) -> Step | None:
    wait = calm(alert, ended)
    if alert.gone_since is None and wait:
        return Fade(alert, now)
    if now - (alert.gone_since or now) >= wait:
        return Resolve(alert, "it holds no more")
    return None


def calm(alert: Alert, ended: int) -> timedelta:
    """For how long its condition must be gone for the alert to be over."""
    rule = rule_named(alert.rule)
    minutes: int = (rule.calm_minutes if rule is not None else 0) * 2 ** min(ended, 8)
    return min(timedelta(minutes=minutes), _LONGEST_CALM)


def _again(alert: Alert, condition: Condition, now: datetime, silenced: bool, held: bool) -> Step | None:
    why = None if silenced else _worse(alert, condition) if held else news(alert, condition, now)
    if why is not None:
        return Tell(alert, condition, why)
    same = all(getattr(alert, name) == getattr(condition, name) for name in _SHOWN)
    if alert.silenced is silenced and (same or now - alert.updated_at < QUIETLY):
        return None
    return Refresh(alert, condition, silenced)


def _worse(alert: Alert, condition: Condition) -> Why | None:
    if condition.severity.rank > Severity(alert.severity).rank:
        return Why.LOUDER
    return Why.FURTHER if condition.step > alert.step else None


#: What an alert shows of its condition.
_SHOWN = ("severity", "team", "owner", "title", "cause", "amount", "currency", "since", "link", "action", "command",
          "facts", "step", "count")


def news(alert: Alert, condition: Condition, now: datetime) -> Why | None:
    """Why people should be told again of an alert that stands; None: they need not be."""
    if alert.told_at is None or alert.told_severity is None:
        return Why.HEARD
    if condition.severity.rank > Severity(alert.told_severity).rank:
        return Why.LOUDER
    if condition.step > alert.told_step:
        return Why.FURTHER
    if alert.state == ACKED:
        return None
    if condition.count >= alert.told_count * _GROWN:
        return Why.GREW
    if _doubled(alert.told_amount, condition.amount):
        return Why.GREW
    if condition.severity is Severity.PAGE and now - alert.told_at >= REPEAT:
        return Why.STILL
    return None


def _doubled(told: Decimal | None, amount: Decimal | None) -> bool:
    """What was unknown and becomes known is no growth; what was nothing has no double."""
    return told is not None and amount is not None and told > 0 and amount >= told * _GROWN

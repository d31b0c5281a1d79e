"""Why a day was dear: more of something, or more for each, and of what."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from outlay.accounting.money import dollars
from outlay.questions.callslices import CallSlice
from outlay.questions.daily_spend import CallPart, ChargePart

#: A cause is named where it explains at least this much of the rise, as a share of its logarithm.
_MOST = 0.5
#: Resources that a claim is spread over; the rest of a rise goes to the largest of them.
_RESOURCES = 20


@dataclass(frozen=True, slots=True)
class Cause:
    """`words`: what was more than usual, for a sentence. `shares`, `resources`: who has which part (0..1) of the
    rise; a resource comes with what it cost in the window."""

    words: str
    owner: str | None
    evidence: tuple[tuple[str, str], ...]
    shares: tuple[tuple[CallSlice, Decimal], ...] = ()
    resources: tuple[tuple[tuple[str | None, Decimal], Decimal], ...] = ()


def call_cause(parts: Sequence[CallPart], days: int, usual_days: int) -> Cause:
    """The cause of a rise in model calls; each part sums `days` dear days and `usual_days` usual ones."""
    rises = [max(part.cost / days - part.usual_cost / usual_days, Decimal(0)) for part in parts]
    top = max(zip(rises, range(len(parts)), strict=True))[1]
    part, shares = parts[top], _shares(rises)
    calls_of = part.calls_of
    model = calls_of.model_key or "unknown model"
    task = f", task {calls_of.task}" if calls_of.task else ""
    where = f"{model}{task}"
    evidence: list[tuple[str, str]] = [("Where", f"{where}: {float(shares[top]):.0%} of the rise")]
    cost = _times(part.cost, part.usual_cost, days, usual_days)
    tokens = _times(part.tokens, part.usual_tokens, days, usual_days)
    calls = None if part.calls is None else _times(part.calls, part.usual_calls, days, usual_days)
    if calls is not None:
        evidence.append(("Calls a day", f"{(part.calls or 0) / days:,.0f}, usually "
                                        f"{(part.usual_calls or 0) / usual_days:,.0f}"))
    evidence.append(("Tokens a day", f"{part.tokens / days:,.0f}, usually {part.usual_tokens / usual_days:,.0f}"))
    return Cause(_call_words(where, cost, calls, tokens), part.owner, tuple(evidence), tuple(
        (each.calls_of, share) for each, share in zip(parts, shares, strict=True) if share))


def _call_words(where: str, cost: float | None, calls: float | None, tokens: float | None) -> str:
    if cost is None:
        return f"calls of {where} that are not made on usual days"
    if calls is not None and _explains(calls, cost):
        return f"{calls:.1f} times the usual calls of {where}"
    if tokens is not None and _explains(tokens, cost):
        return (f"{tokens / calls:.1f} times the usual tokens a call of {where}" if calls
                else f"{tokens:.1f} times the usual tokens of {where}")
    return f"{cost / tokens:.1f} times the usual price of a token of {where}" if tokens else f"dearer calls of {where}"


def charge_cause(line: str, parts: Sequence[ChargePart], days: int, usual_days: int) -> Cause:
    """The cause of a rise of a line of a bill, which also names what has no resource."""
    ranked = sorted(parts, key=lambda part: part.usual_cost / usual_days - part.cost / days)[:_RESOURCES]
    if not ranked:
        return Cause(f"charges for {line} that usual days do not have", None, ())
    rises = [max(part.cost / days - part.usual_cost / usual_days, Decimal(0)) for part in ranked]
    part, shares = ranked[0], _shares(rises)
    name = part.resource or line
    evidence = (
        ("Where", f"{name}: {dollars(part.cost / days)} a day, usually {dollars(part.usual_cost / usual_days)}"),)
    cost = _times(part.cost, part.usual_cost, days, usual_days)
    quantity = _times(part.quantity or 0, part.usual_quantity or 0, days, usual_days)
    resources = tuple(
        ((each.resource, each.window_cost), share) for each, share in zip(ranked, shares, strict=True) if share)
    if cost is None:
        words = f"charges for {name} that usual days do not have"
    elif quantity is not None and _explains(quantity, cost):
        words = f"{quantity:.1f} times the usual quantity of {name}"
    elif quantity:
        words = f"{cost / quantity:.1f} times the usual unit price of {name}"
    else:
        words = f"{cost:.1f} times the usual charges for {name}"
    return Cause(words, part.owner, evidence, resources=resources)


def _shares(rises: Sequence[Decimal]) -> list[Decimal]:
    """Parts of 1 in proportion; all of it to the first where nothing rose, and what rounding leaves to the largest."""
    total = sum(rises, Decimal(0))
    if not total:
        return [Decimal(1), *(Decimal(0) for _ in rises[1:])]
    shares = [rise / total for rise in rises]
    shares[max(range(len(shares)), key=lambda n: shares[n])] += 1 - sum(shares, Decimal(0))
    return shares


def _times(now: Decimal | int, usual: Decimal | int | None, days: int, usual_days: int) -> float | None:
    """How many times a usual day's amount; None where usual days have none."""
    return float(now) / days / (float(usual) / usual_days) if usual else None


def _explains(times: float, whole: float) -> bool:
    """Whether a factor explains most of the rise that `whole` is."""
    return whole > 1 and times > 1 and math.log(times) >= _MOST * math.log(whole)

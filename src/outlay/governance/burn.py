"""How far a budget is spent, and where it will end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum

from outlay.facts.window import Window
from outlay.governance.budget import Budget

_SECOND = timedelta(seconds=1)
#: The share of a period after which its pace says something about its end.
_TELLING = 0.1
#: From this share of a budget on, one that will not last is told of (PRODUCT.md's S3: "predictive at 70%").
_PREDICTED_FROM = Decimal("0.7")


class BudgetState(Enum):
    """The worst that holds."""

    OVER = "over"
    WILL_PASS = "will pass"
    ALERT = "alert"
    WITHIN = "within"


@dataclass(frozen=True, slots=True)
class Burn:
    """One period of a budget. `days`: what each day of it cost, oldest first; `known`: the part of it that the
    ledger knows of."""

    budget: Budget
    period: Window
    known: Window
    days: tuple[tuple[datetime, Decimal], ...]

    @property
    def spent(self) -> Decimal:
        return sum((cost for _, cost in self.days), Decimal(0))

    @property
    def left(self) -> Decimal:
        """Negative where more was spent than there was."""
        return self.budget.amount - self.spent

    @property
    def share(self) -> float:
        """Of the amount, 0.8 at 80%."""
        return float(self.spent / self.budget.amount)

    @property
    def predicted(self) -> Decimal | None:
        """What the period will have cost at the pace of what is known of it, rounded to cents; None while it is too
        early to tell."""
        if self.known.length / self.period.length < _TELLING:
            return None
        pace = self.spent / Decimal(self.known.length // _SECOND)
        ahead = Decimal((self.period.until - self.known.until) // _SECOND)
        return (self.spent + pace * ahead).quantize(Decimal("0.01"))

    @property
    def passed(self) -> tuple[tuple[int, datetime], ...]:
        """Thresholds in percent that were reached, each with the day on which it was. A credit does not unpass one."""
        found = []
        waiting = list(self.budget.thresholds)
        total = Decimal(0)
        for day, cost in self.days:
            total += cost
            while waiting and total * 100 >= self.budget.amount * waiting[0]:
                found.append((waiting.pop(0), day))
        return tuple(found)

    @property
    def state(self) -> BudgetState:
        if self.spent > self.budget.amount:
            return BudgetState.OVER
        if (self.predicted is not None and self.predicted > self.budget.amount
                and self.spent >= self.budget.amount * _PREDICTED_FROM):
            return BudgetState.WILL_PASS
        return BudgetState.ALERT if self.passed else BudgetState.WITHIN


def burn(budget: Budget, period: Window, known: Window, costs: Sequence[tuple[datetime, Decimal]]) -> Burn:
    """The burn of a period from the cost of its days, in any order. `known`: of what time the ledger knows; it
    meets the period."""
    part = Window(max(known.since, period.since), min(known.until, period.until))
    return Burn(budget, period, part, tuple(sorted(costs)))

"""Every budget against what the ledger knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from outlay.facts.window import Window
from outlay.governance.budget import Budget, period_at
from outlay.governance.burn import Burn, burn
from outlay.ledger.dollars import dollar_rates
from outlay.questions.answer import Answer
from outlay.questions.ask import Ask
from outlay.questions.costs import CostQuery, costs
from outlay.questions.windows import earliest_fact
from outlay.settings import Settings

_INSTANT = timedelta(microseconds=1)
_COLUMNS = ("budget", "scope", "period", "since", "until", "amount", "spent", "left", "share", "predicted", "state")


@dataclass(frozen=True, slots=True)
class Burns:
    """The burn of every budget, in the order of the settings. `unknown`: what is in none of the sums, by budget."""

    as_of: datetime
    known_until: datetime
    currency: str
    burns: tuple[Burn, ...]
    unknown: tuple[Mapping[str, Any], ...]
    rejected: int

    def as_json(self) -> dict[str, Any]:
        """As every `--json` answers; a row a budget."""
        since = min((each.period.since for each in self.burns), default=self.known_until)
        rows = tuple((
            each.budget.name, scope_text(each.budget), each.budget.period, each.period.since, each.period.until,
            each.budget.amount, each.spent, each.left, each.share, each.predicted, each.state.value,
        ) for each in self.burns)
        return Answer("outlay.budgets/1", self.as_of, Window(since, self.known_until), self.currency, "effective",
                      _COLUMNS, rows, {}, self.unknown, self.rejected).as_json()


def burns(ask: Ask, settings: Settings, known_until: datetime, *, as_of: datetime, rejected: int = 0) -> Burns:
    """Asks for the cost of each budget's scope, by day, in the period that ends at or after `known_until`."""
    rates = dollar_rates(settings.rates)
    known = Window(min(earliest_fact(ask) or known_until, known_until - _INSTANT), known_until)
    found, unknown = [], []
    for budget in settings.budgets:
        period = period_at(budget.period, known_until - _INSTANT)
        # Whole days: within a day only calls can be told apart.
        query = CostQuery((), Window(period.since, min(period.until, _end_of_day(known_until))), budget.where, "day",
                          currency=settings.currency, dollar_rates=rates)
        answer = costs(ask, query, as_of=as_of)
        found.append(burn(budget, period, known, [(row[0], row[1]) for row in answer.rows]))
        unknown += [{"budget": budget.name, **entry} for entry in answer.unknown]
    return Burns(as_of, known_until, settings.currency, tuple(found), tuple(unknown), rejected)


def _end_of_day(moment: datetime) -> datetime:
    return period_at("day", moment - _INSTANT).until


def scope_text(budget: Budget) -> str:
    """The scope as a person would write it: `team search, environment production`."""
    return ", ".join(f"{name} {value}" for name, value in budget.scope) or "organisation"

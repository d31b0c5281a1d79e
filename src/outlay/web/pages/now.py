"""Now: what is being spent, against what was meant to be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from outlay.facts.window import Window
from outlay.ledger.dollars import dollar_rates
from outlay.questions.costs import CostQuery, costs
from outlay.web.part import Page, Part, Query, View


@dataclass(frozen=True, slots=True)
class Figures:
    """The key figures. Money in the reporting currency."""

    month_to_date: Decimal
    today: Decimal


def figures(view: View, query: Query) -> Figures:
    """Asks for the key figures."""
    today = view.now.replace(hour=0, minute=0, second=0, microsecond=0)
    window = Window(today.replace(day=1), today + timedelta(days=1))
    answer = costs(view.ask, CostQuery((), window, every="day", currency=view.settings.currency,
                                       dollar_rates=dollar_rates(view.settings.rates)), as_of=view.now)
    return Figures(answer.totals["cost"], sum((row[1] for row in answer.rows if row[0] == today), Decimal(0)))


NOW = Page("/", "now", "Now", "live/now.html.j2", (Part("now-figures", "live/now_figures.html.j2", figures),), key="n")

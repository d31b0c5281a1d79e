"""Bills of models in other currencies than the US dollar, in which calls are metered."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from outlay.facts.window import Window
from outlay.questions.ask import Ask
from outlay.questions.tables import table


def foreign_bills_expr(window: Window) -> Any:
    """Columns provider, currency, cost: effective cost of bill rows that name a model."""
    rows = table("charge")
    rows = rows.filter(rows.charge_period_start >= window.since, rows.charge_period_start < window.until,
                       rows.model_key.notnull(), rows.billing_currency.notnull(), rows.billing_currency != "USD")
    return rows.group_by(provider=rows.provider.re_replace(r"\..*$", ""), currency=rows.billing_currency).aggregate(
        cost=rows.effective_cost.sum())


def metered_providers_expr(name: str, time: str, window: Window) -> Any:
    """Providers of `call_day` or `usage` in the window."""
    rows = table(name)
    rows = rows.filter(rows[time] >= window.since, rows[time] < window.until, rows.provider.notnull())
    return rows.select(provider=rows.provider.re_replace(r"\..*$", "")).distinct()


def foreign_model_bills(ask: Ask, window: Window) -> tuple[tuple[str, Decimal], ...]:
    """By currency: what is billed for models whose provider's calls or usage are metered, and cannot be matched."""
    bills = list(ask.rows(foreign_bills_expr(window)))
    if not bills:
        return ()
    metered = {provider for name, time in (("call_day", "day"), ("usage", "start"))
               for (provider,) in ask.rows(metered_providers_expr(name, time, window))}
    found: dict[str, Decimal] = {}
    for provider, currency, cost in bills:
        if provider in metered and cost:
            found[currency] = found.get(currency, Decimal(0)) + cost
    return tuple(sorted(found.items()))

"""Budgets that reached one of their thresholds."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

from outlay.accounting.figures import day, percent
from outlay.accounting.money import dollars
from outlay.alerts.condition import Condition, Severity
from outlay.alerts.inputs import Driver, Inputs
from outlay.alerts.rules.base import Rule
from outlay.governance.burn import BudgetState, Burn
from outlay.governance.burns import scope_text
from outlay.web import links


class BudgetBurn(Rule):
    """A budget reached one of its thresholds: 50, 80 and 100% unless it names others.

    **It holds** from the moment on at which what is spent in the period reaches the threshold, until the period ends.
    It is one alert a budget and period: 80% after 50% is an update of the same alert, with its severity.

    **How loud**: from 80% on it pages (`alerts: {budget_pages_at: 100}` changes that), below it is info.

    **It names** the amount, what most of it went to, and when the money is gone at the pace of the period.

    **It leaves alone** budgets of single runs, whose cap `run-cap` watches.

    **End it** by stopping or moving what it names, or by giving the budget more.
    """

    code = "budget-burn"
    title = "A budget reached a threshold"
    needs = ("burns",)

    def conditions(self, inputs: Inputs) -> Iterable[Condition]:
        assert inputs.burns is not None
        currency = inputs.burns.currency
        for burn in inputs.burns.burns:
            if is_cap(burn) or not burn.passed:
                continue
            reached, since = burn.passed[-1]
            name, amount = burn.budget.name, dollars(burn.budget.amount, currency)
            over = burn.spent > burn.budget.amount
            title = (f"Budget {name} is over: {dollars(burn.spent, currency)} of {amount} ({percent(burn.share)})."
                     if over else f"Budget {name} has spent {percent(burn.share)} of its {amount}.")
            drivers = inputs.drivers.get(name, ())
            yield Condition(
                rule=self.code, key=budget_key("budget", burn), team=scoped_team(burn), owner=None, currency=currency,
                severity=Severity.PAGE if reached >= inputs.page_at else Severity.INFO, title=title,
                cause=" ".join(filter(None, (_went_to(burn, drivers, currency), pace(burn, currency)))),
                amount=burn.spent, since=since, link=budget_link(burn), step=reached,
                action=_action(burn, drivers, over), command=_command(burn), facts=budget_facts(burn, currency),
                covers=(budget_key("predicted", burn),) if reached >= inputs.page_at or over else ())


def is_cap(burn: Burn) -> bool:
    """Whether it is the budget of a run: its cap."""
    return any(name == "run" for name, _ in burn.budget.scope)


def budget_key(what: str, burn: Burn) -> str:
    """One a budget and period."""
    return f"{what}:{burn.budget.name}:{burn.period.since:%Y-%m-%d}"


def budget_link(burn: Burn) -> str:
    """The page of a budget."""
    return links.budget_link(burn.budget.name)


def scoped_team(burn: Burn) -> str | None:
    """The team that a budget is for; None where its scope names none, or a pattern."""
    team = dict(burn.budget.scope).get("team")
    return None if team is None or "*" in team else team


def pace(burn: Burn, currency: str) -> str:
    """Where the period ends at its pace, as a sentence; empty while it is too early to tell."""
    if burn.predicted is None or burn.state is BudgetState.OVER:
        return ""
    if burn.predicted <= burn.budget.amount:
        return f"At this pace the {burn.budget.period} ends at {dollars(burn.predicted, currency)}."
    spent, known = burn.spent, burn.known.length
    gone = burn.known.until + known * float(burn.left / spent) if spent > 0 else burn.period.until
    return (f"At this pace it is gone on {day(gone)}, and the {burn.budget.period} ends at "
            f"{dollars(burn.predicted, currency)}.")


def budget_facts(burn: Burn, currency: str) -> tuple[tuple[str, str], ...]:
    """What the page of the budget says in short."""
    last = burn.period.until - timedelta(microseconds=1)
    return (
        ("Budget", f"{burn.budget.name}, {scope_text(burn.budget)}"),
        ("Spent", f"{dollars(burn.spent, currency)} of {dollars(burn.budget.amount, currency)}"),
        ("Left", dollars(max(burn.left, Decimal(0)), currency)),
        ("Period", f"{day(burn.period.since)} to {day(last)}"),
    )


def _went_to(burn: Burn, drivers: tuple[Driver, ...], currency: str) -> str:
    if not drivers:
        return ""
    named = "; ".join(f"{each.name} {dollars(each.cost, currency)}" for each in drivers)
    most = sum((each.cost for each in drivers), Decimal(0)) * 2 >= burn.spent
    return f"{'Most of it' if most else 'Its largest parts'}: {named}."


def _action(burn: Burn, drivers: tuple[Driver, ...], over: bool) -> str:
    """Names what spends it only where that is enough of it to matter."""
    what = drivers[0].name if drivers and drivers[0].cost * 4 >= burn.spent else "what spends it"
    return f"Stop or move {what}, or give the budget more." if over else f"Look at {what} before it is gone."


def _command(burn: Burn) -> str:
    import shlex

    return f"outlay budgets show {shlex.quote(burn.budget.name)}"

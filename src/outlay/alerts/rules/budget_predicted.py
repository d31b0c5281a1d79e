"""Budgets that will not last."""

from __future__ import annotations

from collections.abc import Iterable

from outlay.accounting.figures import percent
from outlay.accounting.money import dollars
from outlay.alerts.condition import Condition, Severity
from outlay.alerts.inputs import Inputs
from outlay.alerts.rules.base import Rule
from outlay.alerts.rules.budget_burn import budget_facts, budget_key, budget_link, is_cap, pace, scoped_team
from outlay.governance.burn import BudgetState


class BudgetPredicted(Rule):
    """A budget will be passed before its period ends.

    **It holds** while at least 70% of the budget is spent, a tenth of the period is known, and the pace of the period
    so far leads beyond the amount.

    **How loud**: warn. Where `budget-burn` pages for the same budget, that one alert says both.

    **It leaves alone** budgets below 70%, however steep: of these the Budgets page tells.

    **End it** by stopping or moving what spends it, or by giving the budget more, while there is time.
    """

    code = "budget-predicted"
    title = "A budget will not last"
    needs = ("burns",)
    calm_minutes = 60

    def conditions(self, inputs: Inputs) -> Iterable[Condition]:
        assert inputs.burns is not None
        currency = inputs.burns.currency
        for burn in inputs.burns.burns:
            if is_cap(burn) or burn.state is not BudgetState.WILL_PASS or burn.predicted is None:
                continue
            drivers = inputs.drivers.get(burn.budget.name, ())
            cause = f" {drivers[0].name} is {dollars(drivers[0].cost, currency)} of it." if drivers else ""
            yield Condition(
                rule=self.code, key=budget_key("predicted", burn), severity=Severity.WARN, team=scoped_team(burn),
                owner=None,
                title=f"Budget {burn.budget.name} will pass its {dollars(burn.budget.amount, currency)}: "
                      f"{percent(burn.share)} is spent, and the {burn.budget.period} ends at "
                      f"{dollars(burn.predicted, currency)}.",
                cause=pace(burn, currency) + cause, amount=burn.spent, currency=currency, since=burn.known.until,
                link=budget_link(burn), action="Slow down what spends it, or give the budget more.",
                facts=budget_facts(burn, currency))

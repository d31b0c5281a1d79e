"""Runs that come near their cap, or passed it."""

from __future__ import annotations

from collections.abc import Iterable

from outlay.accounting.figures import percent
from outlay.accounting.money import dollars
from outlay.alerts.condition import Condition, Severity
from outlay.alerts.inputs import Inputs
from outlay.alerts.rules.base import Rule
from outlay.alerts.rules.budget_burn import budget_facts, budget_key, budget_link, is_cap, pace, scoped_team
from outlay.detectors.endcommand import stop_run
from outlay.web.links import run_link

_NEAR, _OVER = 80, 100


class RunCap(Rule):
    """A run spent 80% of its cap, or passed it. The cap of a run is a budget whose scope names the run.

    **It holds** from 80% on, or from the lowest higher threshold of that budget, until the run has ended or the
    period of its cap is over.

    **How loud**: warn from 80% on, page from 100% on.

    **It leaves alone** runs without a cap, and runs that have ended.

    **End it** with the command that it names, or by giving the run more.
    """

    code = "run-cap"
    title = "A run comes near its cap, or passed it"
    needs = ("burns",)

    def conditions(self, inputs: Inputs) -> Iterable[Condition]:
        assert inputs.burns is not None
        currency = inputs.burns.currency
        for burn in inputs.burns.burns:
            reached = max((percent for percent, _ in burn.passed if percent >= _NEAR), default=0)
            if not is_cap(burn) or not reached:
                continue
            run_id = dict(burn.budget.scope)["run"]
            run = inputs.runs.get(run_id)
            if run is not None and run.ended:
                continue
            named = f" ({run.name})" if run is not None and run.name not in (None, run_id) else ""
            name = f"Run {run_id}{named}"
            spent, cap = dollars(burn.spent, currency), dollars(burn.budget.amount, currency)
            over = burn.spent > burn.budget.amount
            command = stop_run(run.scheduler, run.run_id, run.name, run.kind) if run is not None else ""
            yield Condition(
                rule=self.code, key=budget_key("cap", burn), step=reached,
                severity=Severity.PAGE if reached >= _OVER else Severity.WARN,
                team=run.team if run is not None else scoped_team(burn), owner=run.owner if run is not None else None,
                title=f"{name} is over its cap: {spent} of {cap}." if over
                else f"{name} has spent {spent} of its cap of {cap} ({percent(burn.share)}).",
                cause=pace(burn, currency), amount=burn.spent, currency=currency,
                since=max(when for percent, when in burn.passed if percent == reached),
                link=run_link(run_id, run.scheduler) if run is not None else budget_link(burn),
                action="End it, or give it more.", command=command,
                facts=budget_facts(burn, currency))

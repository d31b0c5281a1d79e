"""Every rule. A new one is one file, its test and one line here."""

from __future__ import annotations

from outlay.alerts.rules.anomaly import Anomaly
from outlay.alerts.rules.base import Rule
from outlay.alerts.rules.budget_burn import BudgetBurn
from outlay.alerts.rules.budget_predicted import BudgetPredicted
from outlay.alerts.rules.endpoint_without_traffic import EndpointWithoutTraffic
from outlay.alerts.rules.idle_now import IdleNow
from outlay.alerts.rules.run_cap import RunCap
from outlay.alerts.rules.runaway_agent import RunawayAgentNow
from outlay.alerts.rules.source_silent import SourceSilent
from outlay.alerts.rules.spike import Spike

#: In the order in which alerts of equal severity are listed.
RULES: tuple[Rule, ...] = (
    BudgetBurn(), BudgetPredicted(), RunCap(), RunawayAgentNow(), Spike(), Anomaly(), IdleNow(),
    EndpointWithoutTraffic(), SourceSilent(),
)


def rule_named(code: str) -> Rule | None:
    """The rule of this code."""
    return next((rule for rule in RULES if rule.code == code), None)

"""The seven quick-win questions, answered with figures."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from outlay.accounting.assessment import Counted, Gpu, QuickQuestion
from outlay.accounting.money import dollars
from outlay.facts.window import Window
from outlay.questions.answer import Answer
from outlay.questions.ask import Ask
from outlay.questions.capped import capped_calls
from outlay.questions.experiments import experiments_a_week
from outlay.questions.windows import LIVE, latest_fact, now

UTILISATION_GOAL = 0.6
EXPERIMENTS_GOAL = 20
UNCAPPED_GOAL = 0.05


def questions(
    ask: Ask, window: Window, gpu: Gpu | None, stages: Answer, findings: Iterable[Counted]
) -> tuple[QuickQuestion, ...]:
    """In the order of the playbook. `good` is None where no source says anything."""
    found = [counted for counted in findings if counted.state != "ignored"]
    return (
        _utilisation(gpu),
        _inference(stages),
        _experiments(ask, window),
        _live(ask),
        _by_finding(ask, found, "frontier-model", "Frontier models on classification?", stages.currency),
        _by_finding(ask, found, "system-prompt", "System prompts over 500 tokens?", stages.currency),
        _uncapped(ask, window),
    )


def _utilisation(gpu: Gpu | None) -> QuickQuestion:
    asked = "GPU utilisation over 60%?"
    if gpu is None or gpu.utilisation is None:
        return QuickQuestion(asked, "unknown", "no GPU readings are imported", None)
    good = gpu.utilisation > UTILISATION_GOAL
    return QuickQuestion(asked, "yes" if good else "no", f"{gpu.utilisation:.0%} of allocated GPU-hours did work", good)


def _inference(stages: Answer) -> QuickQuestion:
    asked = "Inference above training?"
    cost = {row[0]: row[1] for row in stages.rows}
    inference, training = cost.get("inference", Decimal(0)), cost.get("training", Decimal(0))
    if not inference and not training:
        return QuickQuestion(asked, "unknown", "no cost is attributed to a stage", None)
    above = inference > training
    currency = stages.currency
    figure = f"{dollars(inference, currency)} inference, {dollars(training, currency)} training"
    return QuickQuestion(asked, "yes" if above else "no", figure, not above)


def _experiments(ask: Ask, window: Window) -> QuickQuestion:
    asked = "More than 20 experiments a week?"
    if not ask.has("run"):
        return QuickQuestion(asked, "unknown", "no runs are imported", None)
    busiest = max(experiments_a_week(ask, window), key=lambda week: week.experiments, default=None)
    if busiest is None:
        return QuickQuestion(asked, "no", "no experiment started", True)
    many = busiest.experiments > EXPERIMENTS_GOAL
    figure = f"{busiest.experiments} by {busiest.team or 'no team'} in the week of {busiest.week:%d %b}"
    return QuickQuestion(asked, "yes" if many else "no", figure, not many)


def _live(ask: Ask) -> QuickQuestion:
    asked = "Does anyone see live figures?"
    latest = latest_fact(ask)
    if latest is None:
        return QuickQuestion(asked, "no", "nothing is imported", False)
    lag = now() - latest
    if lag < LIVE:
        return QuickQuestion(asked, "yes", f"the latest fact is {int(lag.total_seconds() // 60)} minutes old", True)
    hours = int(lag.total_seconds() // 3600)
    age = f"{hours // 24} days" if hours >= 48 else f"{hours} hours"
    return QuickQuestion(asked, "no", f"the latest fact is {age} old", False)


def _by_finding(ask: Ask, found: list[Counted], code: str, asked: str, currency: str) -> QuickQuestion:
    if not ask.has("call") and not ask.has("usage"):
        return QuickQuestion(asked, "unknown", "no model calls are imported", None)
    mine = [counted for counted in found if counted.finding.code == code]
    if not mine:
        return QuickQuestion(asked, "no", "none was found", True)
    month = sum((counted.finding.month for counted in mine), Decimal(0))
    count = f"{len(mine)} tasks" if len(mine) > 1 else mine[0].finding.subject
    return QuickQuestion(asked, "yes", f"{count}; {dollars(month, currency)} a month", False)


def _uncapped(ask: Ask, window: Window) -> QuickQuestion:
    asked = "Outputs without max_tokens?"
    capped = capped_calls(ask, window)
    if capped is None:
        return QuickQuestion(asked, "unknown", "no call says what cap it had", None)
    share = 1 - capped.capped / capped.calls
    good = share <= UNCAPPED_GOAL
    return QuickQuestion(asked, "no" if good else "yes", f"{share:.0%} of {capped.calls:,} calls had none", good)

"""F15: answers without a limit that grow."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from outlay.accounting.figures import exact, period, quantity, signed_percent
from outlay.accounting.money import dollars
from outlay.detectors.base import Context, Detector
from outlay.detectors.callmoney import CallMoney
from outlay.facts.finding import Confidence, Finding
from outlay.questions.outputlengths import OutputCreep, OutputWeeks, capped_calls, output_creep, output_weeks


class UnboundedOutput(Detector):
    """Outputs without max_tokens that creep upwards.

    **It finds** prompts whose calls set no `max_tokens` and whose answers grow: the 95th percentile of output tokens of
    their last 7 days lies a fifth or more above that of their first 7 days.

    **It costs** because output tokens are the dearest ones, and what nobody limits, nobody notices growing.

    **The dollars** are the output tokens above the first week's 95th percentile, in all calls after that week, x the
    output price: what a limit set at that length would have kept. A month: so far x 730 / active hours.

    **It leaves alone** calls with a limit, prompts that are younger than two weeks or rarely called, answers whose mean
    did not grow (a few long ones are chance), and creep too small to be worth a limit.

    **End it** by setting `max_tokens` for the prompt, and saying in the prompt how long an answer should be.
    """

    code = "unbounded-output"
    title = "Outputs without max_tokens that grow"
    capability = "F15"
    needs = ("call",)
    missing = "Import single model calls with their output tokens: a gateway's log, LiteLLM's spend log or traces."

    def find(self, context: Context) -> Iterator[Finding]:
        limit = context.thresholds
        money = CallMoney(context, limit["settled_days"])
        weeks = output_weeks(context.ask, context.window, int(limit["min_calls"]))
        candidates = {each.prompt: each for each in weeks if _grows(each, limit["growing_days"], limit["mean_growth"])}
        if not candidates:
            return
        stated = capped_calls(context.ask, context.window) > 0
        for creep in output_creep(context.ask, context.window, tuple(candidates.values())):
            if creep.p95_late >= limit["p95_growth"] * creep.p95_early:
                finding = _finding(context, money, candidates[creep.prompt], creep, stated)
                if finding is not None and finding.so_far >= Decimal(limit["min_so_far"]):
                    yield finding


def _grows(weeks: OutputWeeks, days: float, growth: float) -> bool:
    if weeks.early is None or weeks.late is None or (weeks.last - weeks.first).days + 1 < days:
        return False
    return weeks.late >= growth * weeks.early


def _finding(
    context: Context, money: CallMoney, weeks: OutputWeeks, creep: OutputCreep, stated: bool
) -> Finding | None:
    prompt, calls = weeks.prompt, weeks.prompt.calls
    price = money.price(calls, "output")
    if price is None:
        return None
    cost = price * creep.excess * money.paid_share(calls, creep.tokens)
    assumption = "Answers that are as long as 95% of those of the first week are long enough."
    if not stated:
        assumption += " No call in the ledger states max_tokens; whether one was set is not known."
    return Finding(
        code=UnboundedOutput.code, capability=UnboundedOutput.capability, subject=prompt.words,
        title=f"{prompt.name} sets no max_tokens, and its long answers grew from {exact(creep.p95_early)} to "
              f"{exact(creep.p95_late)} tokens.",
        owner=money.owner(calls), team=calls.team,
        evidence=(
            ("Calls without max_tokens", exact(weeks.calls)),
            ("P95 of output tokens, first 7 days", exact(creep.p95_early)),
            ("P95 of output tokens, last 7 days", exact(creep.p95_late)),
            ("Growth", signed_percent(creep.p95_late / creep.p95_early - 1)),
            ("Tokens above the first week's P95", f"{quantity(creep.excess)} in {exact(creep.longer)} calls"),
            ("Output price", f"{dollars(price * 1_000_000)} / M tokens"),
            ("Period", period(context.window)),
        ),
        period=context.window,
        claims=(money.claim(calls, cost, weeks.first, weeks.last),),
        confidence=Confidence.MEDIUM if stated else Confidence.LOW,
        assumption=assumption,
        action=f"Set max_tokens to {exact(creep.p95_early)} for this prompt, and ask for the length in its text.",
        change=f"max_tokens={creep.p95_early} in the requests of {prompt.whose}",
    )

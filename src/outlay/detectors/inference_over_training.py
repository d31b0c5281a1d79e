"""F12: inference that costs more than training, and is not optimised."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from outlay.accounting.figures import percent, period
from outlay.accounting.money import dollars
from outlay.detectors.base import Context, Detector
from outlay.detectors.endcommand import costs_shown
from outlay.facts.finding import Confidence, Finding
from outlay.prices.tiers import ModelTier
from outlay.questions.inference_mix import TokenSpend, serving_spend, stage_spend, token_spend


@dataclass(frozen=True, slots=True)
class _Mix:
    """Dollars of a team's inference by how it is bought; a dollar stands under the first that applies."""

    total: Decimal
    deferred: Decimal
    cached: Decimal
    small: Decimal
    quantised: Decimal

    @property
    def optimised(self) -> float:
        """Share of 1."""
        cheap = self.deferred + self.cached + self.small + self.quantised
        return float(min(cheap / self.total, Decimal(1)))


class InferenceOverTraining(Detector):
    """Inference above training spend, without optimisation.

    **It finds** teams that train, and spend more on inference (calls, reported usage, endpoints, batch runs) than on
    training, while most of that inference is bought the dear way: not in batch runs, batch calls or at flex prices,
    with hardly any input read from a cache, not from a small model, not from an endpoint that serves a quantised
    model.

    **It costs** because inference is 80 to 90% of what a model costs in its life: from the month on in which it
    passes training, a percent saved per call is worth more than one saved per run.

    **The dollars**: none are claimed, since what each measure saves is the business of `uncached-prefix`,
    `frontier-model` and the like. Inference, training, and the share of each measure are the evidence.

    **It leaves alone** teams without training, for which the comparison says nothing; small amounts; and teams half
    of whose inference is optimised already. Whether an endpoint's model is quantised is known only where its name,
    note or a label (`precision`, `dtype`, `quantization`) says so.

    **End it** with the measure that fits most of the calls: batches for what nobody waits for, caching for long
    beginnings, a smaller or quantised model for simple tasks.
    """

    code = "inference-over-training"
    title = "Inference above training, not optimised"
    capability = "F12"
    needs = ("cost_day",)
    missing = "Import model calls or usage, and runs with a bill of their machines."

    def find(self, context: Context) -> Iterator[Finding]:
        limit = context.thresholds
        ask, window = context.ask, context.window
        over = {
            team: spend for team, spend in stage_spend(ask, window).items()
            if spend.get("training", Decimal(0)) >= Decimal(limit["min_training"])
            and spend.get("inference", Decimal(0)) >= Decimal(limit["min_inference"])
            and spend["inference"] > spend["training"] * Decimal(limit["times_training"])}
        if not over:
            return
        tokens = token_spend(ask, window, over)
        served = serving_spend(ask, window, over)
        for team, spend in sorted(over.items(), key=lambda each: -each[1]["inference"]):
            mix = _mix(context, spend["inference"], tokens.get(team, ()), served.get((team, "batch"), Decimal(0)),
                       served.get((team, "quantised"), Decimal(0)))
            if mix.optimised < limit["optimised_share"]:
                yield _finding(context, team, spend["training"], mix, tokens.get(team, ()))


def _mix(
    context: Context, total: Decimal, parts: Sequence[TokenSpend], in_batches: Decimal, quantised: Decimal
) -> _Mix:
    deferred, cached, small = in_batches, Decimal(0), Decimal(0)
    for part in parts:
        rest = part.cost - part.deferred
        deferred += part.deferred
        if part.input_tokens and part.cache_read_tokens >= context.thresholds["cached_share"] * part.input_tokens:
            cached += rest
        elif _is_small(context, part):
            small += rest
    return _Mix(total, deferred, cached, small, quantised)


def _is_small(context: Context, part: TokenSpend) -> bool:
    tier = None if part.model_key is None else context.book.tier(part.provider, part.model_key)
    return tier is not None and tier.tier is ModelTier.SMALL


def _finding(
    context: Context, team: str, training: Decimal, mix: _Mix, parts: Sequence[TokenSpend]
) -> Finding:
    called = sum((part.cost for part in parts), Decimal(0))
    times = float(mix.total / training)
    shares = (("In batches or flex", mix.deferred), ("With a cached beginning", mix.cached),
              ("From a small model", mix.small), ("From a quantised endpoint", mix.quantised))
    dearest = max(parts, key=lambda part: part.cost, default=None)
    largest = () if dearest is None else (("Largest part", _words(dearest)),)
    return Finding(
        code=InferenceOverTraining.code, capability=InferenceOverTraining.capability,
        subject=f"inference of team {team}",
        title=f"Team {team} spent {dollars(mix.total)} on inference, {times:.1f} times its training; "
              f"{percent(mix.optimised)} of it is optimised.",
        owner=None, team=team,
        evidence=(
            ("Inference", dollars(mix.total)), ("Of it model calls", dollars(called)), ("Training", dollars(training)),
            *((name, percent(float(amount / mix.total))) for name, amount in shares), *largest,
            ("Period", period(context.window)),
        ),
        period=context.window,
        claims=(),
        confidence=Confidence.HIGH,
        action=_action(called, mix),
        command=costs_shown("task,model", context.window, team=team, stage="inference"),
    )


def _words(part: TokenSpend) -> str:
    task = f", task {part.task}" if part.task else ""
    return f"{part.model_key or 'unknown model'}{task}, {dollars(part.cost)}"


def _action(called: Decimal, mix: _Mix) -> str:
    if called * 2 >= mix.total:
        return "Send what nobody waits for in batches, cache what begins alike, and give simple tasks a smaller model."
    return "Serve a quantised or smaller model on these endpoints, and fill them with batches when they are idle."

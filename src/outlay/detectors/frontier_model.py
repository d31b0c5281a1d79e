"""F13: a frontier model where a small one would do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

from outlay.accounting.figures import exact, percent, period
from outlay.accounting.money import dollars
from outlay.detectors.base import Context, Detector
from outlay.detectors.callmoney import CallMoney
from outlay.facts.finding import Confidence, Finding
from outlay.prices.tiers import ModelTier
from outlay.questions.tasks import AnswerProfile, answer_profiles

#: Words in the names of tasks and prompts whose answer is chosen or copied, not written.
_CHOICE = re.compile(
    r"classif|categori|extract|rout(e|er|ing)\b|triage|tagging|\btags?\b|label|intent|sentiment|moderat|detect|"
    r"language.?id|yes.?no|spam|dedup", re.IGNORECASE)
#: Grading needs a model at least as good as what it grades, however short its verdict.
_JUDGES = re.compile(r"judge|grad(e|er|ing)\b|\bevals?\b|evaluat|review|verif", re.IGNORECASE)


class FrontierModel(Detector):
    """A frontier model on a task that does not need one.

    **It finds** prompts that call a frontier model (by the price book's tiers) only to choose or copy something:
    practically all answers are a word or two, or the task or prompt is named as classification, extraction, routing,
    tagging and the like and its answers are short and much of a length. None of them reasons.

    **It costs** because a frontier model is ten to twenty times as dear as the small model of the same provider, which
    gives the same answer on such tasks.

    **The dollars** are what was metered, minus the same tokens at the price of the next cheaper model of the same
    provider, as the price book names it; discounts of batch and other tiers are carried over. A month: so far x 730 /
    active hours.

    **It leaves alone** calls with reasoning tokens, answers that vary in length, unnamed steps of agents (a short step
    may rest on much thought), judges and graders (they must be as good as what they judge), models that are not
    frontier, and savings too small to be worth a test.

    **End it** by trying the cheaper model on some hundred of the task's own inputs, and switching if the answers agree.
    """

    code = "frontier-model"
    title = "Frontier models on tasks that do not need one"
    capability = "F13"
    needs = ("call",)
    missing = "Import single model calls with a task or prompt name: a gateway's log, LiteLLM's spend log or traces."

    def find(self, context: Context) -> Iterator[Finding]:
        limit = context.thresholds
        money = CallMoney(context, limit["settled_days"])
        cheaper = {}
        for calls in money.slices:
            tier = context.book.tier(calls.provider, calls.model_key) if calls.model_key else None
            if tier is not None and tier.tier is ModelTier.FRONTIER and tier.cheaper is not None:
                cheaper[calls.provider, calls.model_key] = tier.cheaper
        profiles = answer_profiles(
            context.ask, context.window, sorted({model for _, model in cheaper if model}),
            tiny=int(limit["tiny_output_tokens"]), short=int(limit["short_output_tokens"]), share=limit["share"],
            min_calls=int(limit["min_calls"]))
        for profile in profiles:
            other = cheaper.get((profile.prompt.calls.provider, profile.prompt.calls.model_key))
            if other is not None and _only_chooses(profile, limit):
                finding = _finding(context, money, profile, other)
                if finding is not None and finding.so_far >= Decimal(limit["min_so_far"]):
                    yield finding


def _only_chooses(profile: AnswerProfile, limit: Mapping[str, float]) -> bool:
    names = " ".join(filter(None, (profile.prompt.calls.task, profile.prompt.prompt)))
    if profile.reasoning_tokens or _JUDGES.search(names):
        return False
    if _CHOICE.search(names):
        alike = profile.deviation <= max(limit["max_variation"] * profile.mean_output, limit["tiny_output_tokens"])
        return profile.short_share >= limit["share"] and alike
    return profile.tiny_share >= limit["share"] and profile.agent_share <= 1 - limit["share"]


def _finding(context: Context, money: CallMoney, profile: AnswerProfile, cheaper: str) -> Finding | None:
    prompt, calls, tokens = profile.prompt, profile.prompt.calls, profile.tokens
    own = money.reprice(calls.provider, calls.model_key, tokens)
    other = money.reprice(calls.provider, cheaper, tokens)
    if not own or other is None or other >= own:
        return None
    saving = tokens.cost - other * money.paid_share(calls, tokens)
    return Finding(
        code=FrontierModel.code, capability=FrontierModel.capability, subject=prompt.words,
        title=f"{prompt.name} had {exact(tokens.calls)} answers of {profile.mean_output:.0f} tokens on average from "
              f"{calls.model_key}.",
        owner=money.owner(calls), team=calls.team,
        evidence=(
            ("Calls", exact(tokens.calls)),
            ("Output tokens a call", f"{profile.mean_output:.1f} on average, at most {exact(profile.longest)}"),
            ("Answers that are short", percent(max(profile.tiny_share, profile.short_share))),
            ("Reasoning tokens", exact(profile.reasoning_tokens)),
            ("Metered", dollars(tokens.cost)),
            (f"The same tokens with {cheaper}", dollars(tokens.cost - saving)),
            ("Period", period(context.window)),
        ),
        period=context.window,
        claims=(money.claim(calls, saving, profile.first, profile.last),),
        confidence=Confidence.MEDIUM,
        assumption=f"{cheaper} answers this task as well; nobody compared them yet.",
        action=f"Compare {cheaper} with {calls.model_key} on some hundred inputs, and switch if they agree.",
        change=f"model={cheaper} in the requests of {prompt.whose}",
    )

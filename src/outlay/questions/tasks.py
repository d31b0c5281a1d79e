"""What the answers of each task look like: whether a model has to write, or only to choose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from outlay.facts.window import Window
from outlay.questions.ask import Ask
from outlay.questions.callslices import (
    PROMPT_KEYS,
    PromptSlice,
    Tokens,
    answered,
    one_in_sixteen,
    prompt_of,
    token_sums,
    tokens_of,
    told_apart,
    total,
)

#: How far the share of short answers in a sample of a dozen calls may lie below that of all calls.
_SAMPLING = 0.2


@dataclass(frozen=True, slots=True)
class AnswerProfile:
    """The answers of one prompt. `tiny_share` and `short_share`: calls (0..1) whose output is at most that long;
    `deviation`: standard deviation of output tokens; `agent_share`: calls (0..1) that an agent made."""

    prompt: PromptSlice
    tokens: Tokens
    tiny_share: float
    short_share: float
    deviation: float
    longest: int
    reasoning_tokens: int
    agent_share: float
    first: datetime
    last: datetime

    @property
    def mean_output(self) -> float:
        return self.tokens.output / self.tokens.calls


def terse_prompts_expr(window: Window, models: Sequence[str], *, short: int, share: float, min_calls: int) -> Any:
    """Columns PROMPT_KEYS: of a sample of the models' calls, prompts nearly `share` of whose answers are short."""
    calls = answered(window)
    calls = one_in_sixteen(calls.filter(calls.model_key.isin(models)))
    found = calls.group_by(*PROMPT_KEYS).aggregate(
        calls=calls.count(), short=total(calls.output_tokens <= short))
    likely = found.short.cast("float64") >= found.calls.cast("float64") * (share - _SAMPLING)
    return found.filter(found.calls >= max(1, min_calls // 48), likely).select(*PROMPT_KEYS)


def answer_profiles_expr(
    window: Window, prompts: Sequence[PromptSlice], *, tiny: int, short: int, min_calls: int
) -> Any:
    """Columns place (which of the prompts), those of `token_sums`, tiny, short, squares, longest, reasoning, agents,
    first, last."""
    calls = told_apart(answered(window), PROMPT_KEYS, (each.cells for each in prompts))
    length = calls.output_tokens.cast("float64")
    found = calls.group_by("place").aggregate(
        **token_sums(calls, calls.count()),
        tiny=total(calls.output_tokens <= tiny),
        short=total(calls.output_tokens <= short),
        squares=(length * length).sum(), longest=calls.output_tokens.max(),
        reasoning=total(calls.reasoning_tokens), agents=calls.agent.count(),
        first=calls.time.min(), last=calls.time.max(),
    )
    return found.filter(found.n_calls >= min_calls)


def answer_profiles(
    ask: Ask, window: Window, models: Sequence[str], *, tiny: int, short: int, share: float, min_calls: int
) -> tuple[AnswerProfile, ...]:
    """Prompts of the models with at least `min_calls` calls, of which at least `share` (0..1) have an output of at most
    `short` tokens; `tiny` and `short` in output tokens."""
    if not models:
        return ()
    terse = terse_prompts_expr(window, models, short=short, share=share, min_calls=min_calls)
    prompts = [prompt_of(row) for row in ask.rows(terse)]
    if not prompts:
        return ()
    rows = ask.rows(answer_profiles_expr(window, prompts, tiny=tiny, short=short, min_calls=min_calls))
    profiles = (_profile(prompts[place], figures) for place, *figures in rows)
    return tuple(each for each in profiles if each.short_share >= share)


def _profile(prompt: PromptSlice, figures: Sequence[Any]) -> AnswerProfile:
    tokens = tokens_of(tuple(figures[:6]))
    tiny, short, squares, longest, reasoning, agents, first, last = figures[6:]
    mean = tokens.output / tokens.calls
    variance = max(0.0, squares / tokens.calls - mean * mean)
    return AnswerProfile(
        prompt, tokens, tiny / tokens.calls, short / tokens.calls, variance**0.5, longest, reasoning,
        agents / tokens.calls, first, last)

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
    prompt_of,
    token_sums,
    tokens_of,
    total,
)


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


def answer_profiles_expr(window: Window, models: Sequence[str], *, tiny: int, short: int, min_calls: int) -> Any:
    """Columns PROMPT_KEYS, those of `token_sums`, tiny, short, squares, longest, reasoning, agents, first, last."""
    calls = answered(window)
    calls = calls.filter(calls.model_key.isin(models))
    length = calls.output_tokens.cast("float64")
    found = calls.group_by(*PROMPT_KEYS).aggregate(
        **token_sums(calls, calls.count()),
        tiny=total(calls.output_tokens <= tiny),
        short=total(calls.output_tokens <= short),
        squares=(length * length).sum(), longest=calls.output_tokens.max(),
        reasoning=total(calls.reasoning_tokens), agents=calls.agent.count(),
        first=calls.time.min(), last=calls.time.max(),
    )
    return found.filter(found.n_calls >= min_calls)


def answer_profiles(
    ask: Ask, window: Window, models: Sequence[str], *, tiny: int, short: int, min_calls: int
) -> tuple[AnswerProfile, ...]:
    """Every prompt of the models with at least `min_calls` calls; `tiny` and `short` in output tokens."""
    if not models:
        return ()
    expression = answer_profiles_expr(window, models, tiny=tiny, short=short, min_calls=min_calls)
    return tuple(_profile(row) for row in ask.rows(expression))


def _profile(row: tuple[Any, ...]) -> AnswerProfile:
    keys = len(PROMPT_KEYS)
    tokens = tokens_of(row[keys : keys + 6])
    tiny, short, squares, longest, reasoning, agents, first, last = row[keys + 6 :]
    mean = tokens.output / tokens.calls
    variance = max(0.0, squares / tokens.calls - mean * mean)
    return AnswerProfile(
        prompt_of(row[:keys]), tokens, tiny / tokens.calls, short / tokens.calls, variance**0.5, longest, reasoning,
        agents / tokens.calls, first, last)

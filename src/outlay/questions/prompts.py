"""What the system part of prompts weighs, call by call and in buckets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from outlay.facts.window import Window
from outlay.questions.ask import Ask
from outlay.questions.callslices import (
    PROMPT_KEYS,
    PromptSlice,
    Tokens,
    in_window,
    prompt_of,
    token_sums,
    tokens_of,
    total,
)
from outlay.questions.tables import table


@dataclass(frozen=True, slots=True)
class SystemPrompt:
    """Calls whose system prompt has more than the allowed tokens. `excess`: the tokens above it, summed over the calls;
    `cached_excess`: of them, read from the provider's cache. `tokens` are those of the whole calls."""

    prompt: PromptSlice
    tokens: Tokens
    system_tokens: int
    excess: int
    cached_excess: int
    first: datetime
    last: datetime

    @property
    def mean(self) -> float:
        """Tokens of the system prompt, a call."""
        return self.system_tokens / self.tokens.calls


def system_prompts_expr(window: Window, allowed: int) -> Any:
    """Columns PROMPT_KEYS, those of `token_sums`, system, excess, cached, first, last."""
    weighed = _calls_weighed(window, allowed).union(_buckets_weighed(window, allowed))
    return weighed.group_by(*PROMPT_KEYS).aggregate(
        **{name: total(weighed[name]) for name in ("n_calls", "n_input", "n_output", "n_read", "n_write")},
        paid=weighed.paid.sum(), **{name: total(weighed[name]) for name in ("system", "excess", "cached")},
        first=weighed["first"].min(), last=weighed["last"].max())


def _calls_weighed(window: Window, allowed: int) -> Any:
    calls = in_window(table("call"), window)
    calls = calls.filter(calls.system_tokens > allowed)
    return _weighed(calls, calls.count(), _excess(calls, allowed), calls.time, calls.time)


def _buckets_weighed(window: Window, allowed: int) -> Any:
    """In a bucket only the mean is known: calls are taken as alike, the cached tokens as the beginning of each."""
    buckets = in_window(table("usage"), window, "start")
    buckets = buckets.filter(buckets.system_tokens > buckets.requests * allowed)
    end = buckets.end.fill_null(buckets.start)
    return _weighed(buckets, total(buckets.requests), _excess(buckets, buckets.requests * allowed), buckets.start, end)


def _excess(rows: Any, allowed: Any) -> tuple[Any, Any]:
    """System tokens above the allowed ones; of these, what was read from the cache, which holds the beginning."""
    import ibis

    cached = ibis.greatest(ibis.least(rows.cache_read_tokens.fill_null(0), rows.system_tokens) - allowed, 0)
    return rows.system_tokens - allowed, cached


def _weighed(rows: Any, calls: Any, excess: tuple[Any, Any], start: Any, end: Any) -> Any:
    found = rows.group_by(*PROMPT_KEYS).aggregate(
        **token_sums(rows, calls), system=total(rows.system_tokens), excess=total(excess[0]), cached=total(excess[1]),
        first=start.min(), last=end.max())
    # Sums of calls and of buckets differ in their width.
    return found.mutate(paid=found.paid.cast("decimal(38,12)"))


def system_prompts(ask: Ask, window: Window, allowed: int) -> tuple[SystemPrompt, ...]:
    """Prompts whose system part has more than `allowed` tokens, from single calls and from buckets that count it."""
    keys = len(PROMPT_KEYS)
    return tuple(
        SystemPrompt(prompt_of(row[:keys]), tokens_of(row[keys : keys + 6]), *row[keys + 6 :])
        for row in ask.rows(system_prompts_expr(window, allowed)))

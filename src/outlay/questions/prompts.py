"""What prompts weigh: their system part, call by call and in buckets, and how long their answers are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from outlay.facts.window import Window
from outlay.questions.ask import Ask
from outlay.questions.callslices import (
    PROMPT_KEYS,
    PromptSlice,
    Tokens,
    answered,
    in_window,
    prompt_of,
    token_sums,
    tokens_of,
    total,
)
from outlay.questions.tables import table

WEEK = timedelta(days=7)


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


@dataclass(frozen=True, slots=True)
class OutputWeeks:
    """Calls of one prompt without max_tokens. `early` and `late`: mean output tokens of its first and its last 7 days,
    None where a week has fewer calls than asked for; `capped`: calls of the same prompt that set max_tokens."""

    prompt: PromptSlice
    tokens: Tokens
    capped: int
    first: datetime
    last: datetime
    early: float | None
    late: float | None


def output_days_expr(window: Window) -> Any:
    """Columns PROMPT_KEYS, day, capped (calls with max_tokens), and those of `token_sums` over the calls without."""
    calls = answered(window)
    calls = calls.mutate(day=calls.time.truncate("D"), free=calls.max_tokens.isnull())
    return calls.group_by(*PROMPT_KEYS, "day").aggregate(
        capped=calls.max_tokens.count(),
        n_calls=total(calls.free),
        **{name: total(calls[column], calls.free) for name, column in (
            ("n_input", "input_tokens"), ("n_output", "output_tokens"), ("n_read", "cache_read_tokens"),
            ("n_write", "cache_write_tokens"))},
        paid=calls.cost.sum(where=calls.free))


def output_weeks(ask: Ask, window: Window, min_calls: int) -> tuple[OutputWeeks, ...]:
    """Every prompt; a week with fewer than `min_calls` calls without max_tokens has no mean."""
    days: dict[PromptSlice, list[tuple[Any, ...]]] = defaultdict(list)
    keys = len(PROMPT_KEYS)
    for row in ask.rows(output_days_expr(window)):
        days[prompt_of(row[:keys])].append(row[keys:])
    return tuple(_weeks(prompt, sorted(rows), min_calls) for prompt, rows in days.items())


def _weeks(prompt: PromptSlice, days: Sequence[tuple[Any, ...]], min_calls: int) -> OutputWeeks:
    parts = [tokens_of(day[2:]) for day in days]
    whole = Tokens(*(sum(getattr(part, name) for part in parts) for name in Tokens.__slots__))
    used = [(day[0], part) for day, part in zip(days, parts, strict=True) if part.calls]
    first, last = (used[0][0], used[-1][0]) if used else (days[0][0], days[-1][0])
    return OutputWeeks(
        prompt, whole, sum(day[1] for day in days), first, last,
        _mean([part for day, part in used if day < first + WEEK], min_calls),
        _mean([part for day, part in used if day > last - WEEK], min_calls))


def _mean(parts: Sequence[Tokens], min_calls: int) -> float | None:
    calls = sum(part.calls for part in parts)
    return sum(part.output for part in parts) / calls if calls >= min_calls else None


@dataclass(frozen=True, slots=True)
class OutputCreep:
    """95th percentile of output tokens in a prompt's first and last 7 days, and the tokens above the first one in all
    calls after the first 7 days. Calls with max_tokens are left out."""

    prompt: PromptSlice
    p95_early: int
    p95_late: int
    excess: int
    longer_calls: int


def output_lengths_expr(window: Window, prompts: Sequence[OutputWeeks]) -> Any:
    """Columns PROMPT_KEYS, early, late (whether in the prompt's first, last 7 days), output_tokens, calls.

    How long the answers were, and how often. Some prompts that were not asked for are among them.
    """
    calls = answered(window)
    calls = calls.filter(
        calls.max_tokens.isnull(),
        calls.model_key.fill_null("").isin({each.prompt.calls.model_key or "" for each in prompts}),
        calls.project.fill_null("").isin({each.prompt.calls.project or "" for each in prompts}),
        calls.prompt.fill_null("").isin({each.prompt.prompt or "" for each in prompts}))
    # Whole days since the epoch: both engines count with them alike.
    calls = calls.mutate(day=calls.time.epoch_seconds() // 86400)
    lengths = calls.group_by(*PROMPT_KEYS, "day", "output_tokens").aggregate(calls=calls.count())
    of_prompt = [lengths[name] for name in PROMPT_KEYS]
    lengths = lengths.mutate(
        early=lengths.day < lengths.day.min().over(group_by=of_prompt) + WEEK.days,
        late=lengths.day > lengths.day.max().over(group_by=of_prompt) - WEEK.days)
    return lengths.group_by(*PROMPT_KEYS, "early", "late", "output_tokens").aggregate(calls=total(lengths.calls))


def output_creep(ask: Ask, window: Window, prompts: Sequence[OutputWeeks]) -> tuple[OutputCreep, ...]:
    """How the answers of the given prompts grew. Only lengths and their numbers are fetched."""
    if not prompts:
        return ()
    asked = {each.prompt for each in prompts}
    lengths: dict[PromptSlice, list[tuple[bool, bool, int, int]]] = defaultdict(list)
    for *keys, early, late, length, calls in ask.rows(output_lengths_expr(window, prompts)):
        if (prompt := prompt_of(tuple(keys))) in asked:
            lengths[prompt].append((early, late, length, calls))
    return tuple(_creep(prompt, rows) for prompt, rows in lengths.items())


def _creep(prompt: PromptSlice, rows: Sequence[tuple[bool, bool, int, int]]) -> OutputCreep:
    usual = percentile([(length, calls) for early, _, length, calls in rows if early], 0.95)
    above = [(length - usual, calls) for early, _, length, calls in rows if not early and length > usual]
    return OutputCreep(
        prompt, usual, percentile([(length, calls) for _, late, length, calls in rows if late], 0.95),
        sum(more * calls for more, calls in above), sum(calls for _, calls in above))


def percentile(lengths: Sequence[tuple[int, int]], share: float) -> int:
    """The smallest value that at least `share` of the calls do not exceed; `lengths`: (value, calls), in any order."""
    wanted = share * sum(calls for _, calls in lengths)
    seen = 0
    for value, calls in sorted(lengths):
        seen += calls
        if seen >= wanted:
            return value
    return 0

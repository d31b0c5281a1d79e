"""How long the answers of prompts are that set no max_tokens, and how they grow."""

from __future__ import annotations

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
    prompt_of,
    token_sums,
    tokens_of,
    told_apart,
    total,
)

WEEK, DAY = timedelta(days=7), timedelta(days=1)
_PERCENTILE = 95


@dataclass(frozen=True, slots=True)
class OutputWeeks:
    """Calls of one prompt without max_tokens. `first`, `last`: the days of its first and last call; `early`, `late`:
    mean output tokens of its first and its last 7 days, None where a week has fewer calls than asked for."""

    prompt: PromptSlice
    calls: int
    output_tokens: int
    first: datetime
    last: datetime
    early: float | None
    late: float | None


def output_weeks_expr(window: Window) -> Any:
    """Columns PROMPT_KEYS, calls, output, first, last, early_calls, early_output, late_calls, late_output, over the
    calls without max_tokens."""
    calls = answered(window)
    calls = calls.filter(calls.max_tokens.isnull())
    days = calls.group_by(*PROMPT_KEYS, day=calls.time.truncate("D")).aggregate(
        calls=calls.count(), output=total(calls.output_tokens))
    days = days.group_by(*PROMPT_KEYS).mutate(first=days.day.min(), last=days.day.max())
    early, late = days.day < days["first"] + WEEK, days.day > days["last"] - WEEK
    return days.group_by(*PROMPT_KEYS).aggregate(
        calls=total(days.calls), output=total(days.output), first=days.day.min(), last=days.day.max(),
        early_calls=total(days.calls, early), early_output=total(days.output, early),
        late_calls=total(days.calls, late), late_output=total(days.output, late))


def output_weeks(ask: Ask, window: Window, min_calls: int) -> tuple[OutputWeeks, ...]:
    """Every prompt with calls without max_tokens; a week needs `min_calls` of them to have a mean."""
    keys = len(PROMPT_KEYS)
    return tuple(
        OutputWeeks(prompt_of(row[:keys]), *row[keys : keys + 4], *(
            output / calls if calls >= min_calls else None
            for calls, output in (row[keys + 4 : keys + 6], row[keys + 6 :])))
        for row in ask.rows(output_weeks_expr(window)))


def capped_calls_expr(window: Window) -> Any:
    """Column calls: how many set max_tokens. None at all: their source may not know."""
    calls = answered(window)
    return calls.aggregate(calls=calls.max_tokens.count())


def capped_calls(ask: Ask, window: Window) -> int:
    """Calls of the window that are known to set max_tokens."""
    return next((calls for (calls,) in ask.rows(capped_calls_expr(window))), 0)


@dataclass(frozen=True, slots=True)
class OutputCreep:
    """95th percentile of output tokens in a prompt's first and last 7 days, and the tokens above the first one in the
    calls after the first 7 days, `longer` of them. Calls with max_tokens are left out."""

    prompt: PromptSlice
    p95_early: int
    p95_late: int
    excess: int
    longer: int
    tokens: Tokens


def output_creep_expr(window: Window, prompts: Sequence[OutputWeeks]) -> Any:
    """Columns place (which of the prompts), p95_early, p95_late, excess, longer, those of `token_sums`."""
    calls = answered(window)
    calls = calls.filter(calls.max_tokens.isnull())
    calls = told_apart(
        calls, PROMPT_KEYS, ((*each.prompt.cells, each.first + WEEK, each.last + DAY - WEEK) for each in prompts),
        "early_until", "late_from")
    early, late = calls.time < calls.early_until, calls.time >= calls.late_from
    # As many rows as there are lengths; percentiles of these are exact on every engine.
    lengths = calls.group_by("place", "output_tokens").aggregate(
        **token_sums(calls, calls.count()), early=calls.count(where=early), late=calls.count(where=late))
    for week in ("early", "late"):
        lengths = _with_p95(lengths, week)
    after = lengths.n_calls - lengths.early
    above = lengths.output_tokens > lengths.p95_early
    return lengths.group_by("place").aggregate(
        p95_early=lengths.p95_early.max(), p95_late=lengths.p95_late.max(),
        excess=total((lengths.output_tokens - lengths.p95_early) * after, above), longer=total(after, above),
        **{name: total(lengths[name]) for name in ("n_calls", "n_input", "n_output", "n_read", "n_write")},
        paid=lengths.paid.sum())


def _with_p95(lengths: Any, week: str) -> Any:
    """Adds `p95_<week>` of the calls in that week (a column that counts them) to every length of a prompt.

    As statistics define it: between the two calls next to the place where 95% lie below, in proportion, cut to a token.
    """
    import ibis

    counted = lengths[week]
    up_to = counted.sum().over(ibis.cumulative_window(group_by=lengths.place, order_by=lengths.output_tokens))
    # In hundredths of a call: whole numbers are the same on every engine.
    rank = (counted.sum().over(group_by=lengths.place) - 1) * _PERCENTILE
    low, high = (
        ibis.ifelse((counted > 0) & (up_to > rank // 100 + further), lengths.output_tokens, None) for further in (0, 1))
    lengths = lengths.mutate(low=low, high=high, between=rank % 100)
    low, high = (lengths[name].min().over(group_by=lengths.place) for name in ("low", "high"))
    p95 = low + (high.fill_null(low) - low) * lengths.between // 100
    return lengths.mutate(**{f"p95_{week}": p95}).drop("low", "high", "between")


def output_creep(ask: Ask, window: Window, prompts: Sequence[OutputWeeks]) -> tuple[OutputCreep, ...]:
    """How the answers of the given prompts grew."""
    return tuple(
        OutputCreep(prompts[place].prompt, early, late, excess, longer, tokens_of(tuple(sums)))
        for place, early, late, excess, longer, *sums in ask.rows(output_creep_expr(window, prompts)))

"""Conversations and how their input grows from turn to turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from outlay.facts.window import Window
from outlay.questions.ask import Ask
from outlay.questions.callslices import SLICE_KEYS, CallSlice, Tokens, answered, token_sums, tokens_of, total
from outlay.questions.growth import correlation, moments

#: A conversation grows in a straight line when its mean input lies this near (as a share of the growth) to the middle
#: between its first and its last. Input that levels off, because only a window is sent, lies far above the middle.
_STRAIGHT = 0.2
#: And its input must rise with time: where the context is cut back once in the middle, the correlation is a half.
_STEADY = 0.6


@dataclass(frozen=True, slots=True)
class TalkUse:
    """Calls of a slice that name their conversation."""

    calls: CallSlice
    tokens: Tokens
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class ResentHistory:
    """Conversations of a slice with more turns than a rolling window holds. `growing`: of them, those that resend
    everything; the figures that follow are of these. `resent_tokens`: beyond the opening and the last turns, of
    `input_tokens` in all. A conversation that changes its team, project or task counts for one of them."""

    calls: CallSlice
    conversations: int
    growing: int
    turns: float
    first_input: float
    last_input: float
    input_tokens: int
    resent_tokens: int


def talk_use_expr(window: Window, min_calls: int) -> Any:
    """Columns SLICE_KEYS, those of `token_sums`, first, last."""
    calls = answered(window)
    calls = calls.filter(calls.conversation.notnull())
    found = calls.group_by(*SLICE_KEYS).aggregate(
        **token_sums(calls, calls.count()), first=calls.time.min(), last=calls.time.max())
    return found.filter(found.n_calls >= min_calls)


def talk_use(ask: Ask, window: Window, min_calls: int) -> tuple[TalkUse, ...]:
    """Slices with at least `min_calls` calls that belong to a conversation."""
    keys, rows = len(SLICE_KEYS), ask.rows(talk_use_expr(window, min_calls))
    return tuple(TalkUse(CallSlice(*row[:keys]), tokens_of(row[keys:-2]), *row[-2:]) for row in rows)


def resent_history_expr(window: Window, slices: Sequence[CallSlice], *, keep: int, growth: float) -> Any:
    """Columns SLICE_KEYS, talks, growing, turns, opening, latest, input, resent.

    One row a conversation first. The n-th call needs the opening and the last `keep` turns; the earlier ones, whose
    tokens are input(n - keep) - input(1), are resent. Summed over n that is all input but that of the last `keep`
    calls, less the opening as often; as the growth is straight, those follow from the last one and the step.
    """
    talks = _talks(window, slices, keep)
    first, last, turns = (talks[name].cast("float64") for name in ("opening", "latest", "calls"))
    step = (last - first) / (turns - 1)
    mean = talks.input.cast("float64") / turns
    straight = (mean - (first + last) / 2).abs() <= (last - first) * _STRAIGHT
    talks = talks.mutate(
        grows=(last >= first * growth) & straight & (correlation(talks) >= _STEADY) & (talks.read == 0),
        resent=talks.input.cast("float64") - (last * keep - step * (keep * (keep - 1) / 2)) - (turns - keep) * first)
    counted = talks.grows
    return talks.group_by(*SLICE_KEYS).aggregate(
        talks=talks.count(), growing=total(counted),
        **{name: talks[column].cast("float64").mean(where=counted) for name, column in (
            ("turns", "calls"), ("opening", "opening"), ("latest", "latest"))},
        input=total(talks.input, counted), resent=talks.resent.sum(where=counted))


def _talks(window: Window, slices: Sequence[CallSlice], keep: int) -> Any:
    """Conversations of more than `keep` calls; some of other slices are among them."""
    calls = answered(window)
    named = {"model_key": {each.model_key for each in slices}, "project": {each.project for each in slices}}
    calls = calls.filter(calls.conversation.notnull(), *(
        calls[column].fill_null("").isin(sorted(name or "" for name in names)) for column, names in named.items()))
    # Two keys instead of six: conversations are many, and each further key of text costs as much as all the sums.
    keys = ("conversation", "model_key")
    talks = calls.group_by(*keys).aggregate(
        **{name: calls[name].arbitrary() for name in SLICE_KEYS if name not in keys},
        calls=calls.count(), input=total(calls.input_tokens), read=total(calls.cache_read_tokens),
        opening=calls.input_tokens.argmin(calls.time), latest=calls.input_tokens.argmax(calls.time),
        **moments(calls, window))
    return talks.filter(talks.calls > keep)


def resent_history(
    ask: Ask, window: Window, slices: Sequence[CallSlice], *, keep: int, growth: float
) -> tuple[ResentHistory, ...]:
    """How the long conversations of the given slices grow; `keep`: turns that a call needs, `growth`: last input as a
    multiple of the first from which on it counts. Slices without a growing conversation are left out."""
    if not slices:
        return ()
    asked = set(slices)
    found = []
    for row in ask.rows(resent_history_expr(window, slices, keep=keep, growth=growth)):
        calls = CallSlice(*row[: len(SLICE_KEYS)])
        talks, growing, turns, opening, latest, sent, resent = row[len(SLICE_KEYS) :]
        if growing and calls in asked:
            found.append(ResentHistory(calls, talks, growing, turns, opening, latest, sent, round(resent)))
    return tuple(found)

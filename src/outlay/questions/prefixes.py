"""Beginnings that many calls share, and how often the provider's cache could have served them."""

from __future__ import annotations

from collections import defaultdict
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
    told_apart,
    total,
)

PREFIX_KEYS = (*PROMPT_KEYS, "prefix_hash", "system_tokens")
#: Service tiers whose calls wait for hours: their prefixes do not meet in a cache that lasts minutes.
_LATER = ("batch", "flex")


@dataclass(frozen=True, slots=True)
class PrefixUse:
    """Calls of one prompt whose system prompt is long enough for a cache, and how many of them missed it."""

    prompt: PromptSlice
    tokens: Tokens
    uncached_calls: int


@dataclass(frozen=True, slots=True)
class SharedPrefix:
    """Uncached calls of one prompt that begin alike. `prefix_hash` None: known only by the equal length of its system
    prompt. `hits`: calls that came less than the cache's lifetime after another one; the rest would have to write."""

    prompt: PromptSlice
    prefix_hash: str | None
    prefix_tokens: int
    calls: int
    hits: int
    first: datetime
    last: datetime


def _long_prefixes(window: Window, least: int) -> Any:
    calls = answered(window)
    later = calls.service_tier.isin(_LATER).fill_null(False)
    return calls.filter(calls.system_tokens >= least, ~later)


def prefix_use_expr(window: Window, *, least: int, min_calls: int) -> Any:
    """Columns PROMPT_KEYS, those of `token_sums`, uncached."""
    calls = _long_prefixes(window, least)
    found = calls.group_by(*PROMPT_KEYS).aggregate(
        **token_sums(calls, calls.count()), uncached=total(_missed(calls)))
    return found.filter(found.n_calls >= min_calls)


def _missed(calls: Any) -> Any:
    return (calls.cache_read_tokens.fill_null(0) == 0) & (calls.cache_write_tokens.fill_null(0) == 0)


def prefix_use(ask: Ask, window: Window, *, least: int, min_calls: int) -> tuple[PrefixUse, ...]:
    """Prompts with at least `min_calls` calls whose system prompt has at least `least` tokens."""
    keys = len(PROMPT_KEYS)
    return tuple(
        PrefixUse(prompt_of(row[:keys]), tokens_of(row[keys : keys + 6]), row[-1])
        for row in ask.rows(prefix_use_expr(window, least=least, min_calls=min_calls)))


def prefixes_expr(window: Window, prompts: Sequence[PrefixUse], *, least: int, min_calls: int) -> Any:
    """Columns place (which of the prompts), prefix_hash, system_tokens, calls, first, last."""
    calls = _long_prefixes(window, least)
    calls = told_apart(calls.filter(_missed(calls)), PROMPT_KEYS, (each.prompt.cells for each in prompts))
    found = calls.group_by("place", "prefix_hash", "system_tokens").aggregate(
        calls=calls.count(), first=calls.time.min(), last=calls.time.max())
    return found.filter(found.calls >= min_calls)


def prefix_misses_expr(window: Window, prefixes: Sequence[tuple[Any, ...]], *, least: int, lifetime_s: int) -> Any:
    """Columns place, misses: of each prefix (its values of PREFIX_KEYS) the calls that no other one came before in
    time."""
    calls = _long_prefixes(window, least)
    calls = told_apart(calls.filter(_missed(calls)), PREFIX_KEYS, prefixes)
    # Within a stretch as long as the lifetime every call but the first finds the prefix; between two stretches the
    # gap from the last call of one to the first of the next decides.
    calls = calls.select("place", second=calls.time.epoch_seconds())
    calls = calls.mutate(stretch=calls.second // lifetime_s)
    busy = calls.group_by("place", "stretch").aggregate(opened=calls.second.min(), closed=calls.second.max())
    before = busy.closed.lag().over(group_by=busy.place, order_by=busy.stretch)
    # Some engines give the first row of a partition 0 instead of NULL: both are far in the past.
    busy = busy.mutate(missed=busy.opened - before.fill_null(0) >= lifetime_s)
    return busy.group_by("place").aggregate(misses=total(busy.missed))


def shared_prefixes(
    ask: Ask, window: Window, prompts: Sequence[PrefixUse], *, least: int, min_calls: int, lifetime_s: int
) -> tuple[SharedPrefix, ...]:
    """The prefixes that at least `min_calls` uncached calls of the given prompts share; `lifetime_s` of the cache.

    Where a prefix's tokens vary (a hash that covers less than the system prompt), the shortest counts for all calls.
    """
    if not prompts:
        return ()
    known = sorted(ask.rows(prefixes_expr(window, prompts, least=least, min_calls=min_calls)), key=repr)
    if not known:
        return ()
    keys = tuple((*prompts[place].prompt.cells, prefix_hash, length) for place, prefix_hash, length, *_ in known)
    misses = dict(ask.rows(prefix_misses_expr(window, keys, least=least, lifetime_s=lifetime_s)))
    found: dict[tuple[PromptSlice, str | None, int | None], list[SharedPrefix]] = defaultdict(list)
    for number, (place, prefix_hash, length, calls, first, last) in enumerate(known):
        prompt = prompts[place].prompt
        one = SharedPrefix(prompt, prefix_hash, length, calls, calls - misses[number], first, last)
        found[prompt, prefix_hash, None if prefix_hash else length].append(one)
    return tuple(_together(parts) for parts in found.values())


def _together(parts: Sequence[SharedPrefix]) -> SharedPrefix:
    one = parts[0]
    return SharedPrefix(
        one.prompt, one.prefix_hash, min(part.prefix_tokens for part in parts), sum(part.calls for part in parts),
        sum(part.hits for part in parts), min(part.first for part in parts), max(part.last for part in parts))

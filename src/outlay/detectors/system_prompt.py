"""F14: system prompts that are longer than instructions need to be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from outlay.accounting.figures import exact, percent, period, quantity
from outlay.accounting.money import dollars
from outlay.detectors.base import Context, Detector
from outlay.detectors.callmoney import CallMoney
from outlay.detectors.thresholds import thresholds
from outlay.detectors.uncached_prefix import UncachedPrefix, uncached_prefixes
from outlay.facts.finding import Confidence, Finding
from outlay.questions.callslices import PromptSlice
from outlay.questions.prompts import SystemPrompt, system_prompts


class LongSystemPrompt(Detector):
    """A system prompt of more than 500 tokens.

    **It finds** prompts whose system part has more than the allowed tokens, in single calls and in buckets of calls
    that count it (`system_tokens`).

    **It costs** because these tokens are sent, and paid, with every call: 300 tokens too many on half a million calls a
    day are 150 million tokens a day.

    **The dollars** are (system tokens - 500) of every call x the input price, and x the price of cached tokens where
    they were read from the provider's cache, or would be once `uncached-prefix` is acted upon: no dollar is claimed
    twice. In a bucket only the mean length is known, and cached tokens are taken as the beginning of each call. A
    month: so far x 730 / active hours.

    **It leaves alone** prompts nearly all of whose excess is read from the cache, since a tenth of the price is
    what is left of it (agents with many tools work so), and excesses too small to be worth the work.

    **End it** by cutting what is said twice, moving examples into retrieval, and caching what has to stay.
    `outlay prompts audit DIR` shows what a prompt's text spends its tokens on.
    """

    code = "system-prompt"
    title = "System prompts over 500 tokens"
    capability = "F14"
    needs = ("cost_day",)
    missing = "Import calls or usage buckets that count the tokens of the system prompt (system_tokens)."

    def find(self, context: Context) -> Iterator[Finding]:
        limit = context.thresholds
        money = CallMoney(context, limit["settled_days"])
        allowed = int(limit["system_tokens"])
        weighed = [
            found for found in system_prompts(context.ask, context.window, allowed)
            if found.cached_excess < limit["cached_share"] * found.excess]
        cacheable = _cacheable(context, allowed, weighed)
        for found in weighed:
            finding = _finding(context, money, found, cacheable.get(found.prompt, 0))
            if finding is not None and finding.so_far >= Decimal(limit["min_so_far"]):
                yield finding


def _cacheable(context: Context, allowed: int, weighed: Sequence[SystemPrompt]) -> dict[PromptSlice, int]:
    """Excess tokens that are fresh now and would be read from the cache if `uncached-prefix` were acted upon."""
    tokens: dict[PromptSlice, int] = {}
    limit = thresholds(UncachedPrefix.code, {})
    if all(found.mean < limit["prefix_tokens"] for found in weighed):
        return tokens
    for _, prefix in uncached_prefixes(context, limit):
        more = max(0, prefix.prefix_tokens - allowed) * prefix.hits
        tokens[prefix.prompt] = tokens.get(prefix.prompt, 0) + more
    return tokens


def _finding(context: Context, money: CallMoney, found: SystemPrompt, cacheable: int) -> Finding | None:
    prompt, calls, allowed = found.prompt, found.prompt.calls, int(context.thresholds["system_tokens"])
    fresh, cached = money.price(calls, "input"), money.price(calls, "cache_read")
    if fresh is None:
        return None
    cheap = min(found.excess, found.cached_excess + cacheable)
    cost = fresh * (found.excess - cheap) + (fresh if cached is None else min(cached, fresh)) * cheap
    cost *= money.paid_share(calls, found.tokens)
    return Finding(
        code=LongSystemPrompt.code, capability=LongSystemPrompt.capability, subject=prompt.words,
        title=f"{prompt.name} sent a system prompt of {found.mean:,.0f} tokens {quantity(found.tokens.calls)} times.",
        owner=money.owner(calls), team=calls.team,
        evidence=(
            ("System prompt", f"{found.mean:,.0f} tokens, {found.mean - allowed:,.0f} above {allowed}"),
            ("Calls", exact(found.tokens.calls)),
            ("Tokens above", quantity(found.excess)),
            ("Of these read from the cache", percent(found.cached_excess / found.excess)),
            *((("Of these cacheable, see uncached-prefix", percent(cacheable / found.excess)),) if cacheable else ()),
            ("Input price", f"{dollars(fresh * 1_000_000)} / M tokens"),
            ("Period", period(context.window)),
        ),
        period=context.window,
        claims=(money.claim(calls, cost, found.first, found.last),),
        confidence=Confidence.MEDIUM,
        assumption=f"{allowed} tokens are enough for these instructions.",
        action=f"Cut the system prompt to {allowed} tokens: say each rule once, retrieve examples when needed; "
               "`outlay prompts audit` shows what the text spends its tokens on.",
        change=f"at most {allowed} tokens in the system prompt of {prompt.whose}",
    )

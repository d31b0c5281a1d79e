"""F16: the same beginning, paid in full with every call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from outlay.accounting.figures import exact, percent, period
from outlay.accounting.money import dollars
from outlay.detectors.base import Context, Detector
from outlay.detectors.callmoney import CallMoney
from outlay.facts.finding import Confidence, Finding
from outlay.questions.prefixes import PrefixUse, SharedPrefix, prefix_use, shared_prefixes

#: How each provider is asked to cache; the others cache by themselves what begins alike.
_SETTINGS = {
    "anthropic": '"cache_control": {"type": "ephemeral"} on the last block that is always the same',
    "aws.bedrock": '"cachePoint": {"type": "default"} after the last block that is always the same',
}
_BY_ITSELF = 'nothing that varies before what is always the same, and "prompt_cache_key": "%s"'


class UncachedPrefix(Detector):
    """A cacheable prefix that is not cached.

    **It finds** prompts most of whose calls begin with the same 1,024 or more tokens (the same `prefix_hash`, or, where
    no hash is known, a system prompt of the same length) and neither read from nor write to the provider's cache.

    **It costs** because a cached token costs a tenth to a half of a fresh one.

    **The dollars** are prefix tokens x (input price - cache price) of every call that came less than five minutes after
    another one with the same prefix, minus what writing costs more than input for the others. The prefix is counted by
    its `system_tokens`. A month: so far x 730 / active hours.

    **It leaves alone** prefixes that are cached, below the size that providers cache, or used too rarely to be found
    again; batch and flex calls, which run hours apart; and calls that do not count their system tokens.

    **End it** by putting what is always the same first and turning on the provider's prompt caching.
    """

    code = "uncached-prefix"
    title = "Cacheable prefixes that are not cached"
    capability = "F16"
    needs = ("call",)
    missing = "Import single model calls with system_tokens and prefix_hash: a gateway's log or traces."

    def find(self, context: Context) -> Iterator[Finding]:
        limit = context.thresholds
        money = CallMoney(context, limit["settled_days"])
        for use, prefix in uncached_prefixes(context, limit):
            finding = _finding(context, money, use, prefix)
            if finding is not None and finding.so_far >= Decimal(limit["min_so_far"]):
                yield finding


def uncached_prefixes(context: Context, limit: Mapping[str, float]) -> Iterator[tuple[PrefixUse, SharedPrefix]]:
    """Prompts that share an uncached prefix on most calls; `limit`: the thresholds of this detector."""
    least, calls = int(limit["prefix_tokens"]), int(limit["min_calls"])
    used = prefix_use(context.ask, context.window, least=least, min_calls=calls)
    missed = {each.prompt: each for each in used if each.uncached_calls >= limit["share"] * each.tokens.calls}
    prefixes = shared_prefixes(
        context.ask, context.window, tuple(missed.values()), least=least, min_calls=calls,
        lifetime_s=int(limit["lifetime_s"]))
    for prefix in prefixes:
        use = missed[prefix.prompt]
        if prefix.calls >= limit["share"] * use.tokens.calls:
            yield use, prefix


def _finding(context: Context, money: CallMoney, use: PrefixUse, prefix: SharedPrefix) -> Finding | None:
    prompt, calls = prefix.prompt, prefix.prompt.calls
    fresh, read, write = (money.price(calls, kind) for kind in ("input", "cache_read", "cache_write"))
    if fresh is None or read is None or read >= fresh:
        return None
    premium = Decimal(0) if write is None else max(write - fresh, Decimal(0))
    saving = prefix.prefix_tokens * ((fresh - read) * prefix.hits - premium * (prefix.calls - prefix.hits))
    saving *= money.paid_share(calls, use.tokens)
    what = f"prefix {prefix.prefix_hash}" if prefix.prefix_hash else f"prefix of {prefix.prefix_tokens} tokens"
    key = prompt.prompt or calls.project or calls.task or "shared"
    setting = _SETTINGS.get(calls.provider or "", _BY_ITSELF % key)
    return Finding(
        code=UncachedPrefix.code, capability=UncachedPrefix.capability, subject=f"{what}, {prompt.words}",
        title=f"{prompt.name} sent the same {exact(prefix.prefix_tokens)} tokens {exact(prefix.calls)} times uncached.",
        owner=money.owner(calls), team=calls.team,
        evidence=(
            ("Shared prefix", f"{exact(prefix.prefix_tokens)} tokens"),
            ("Calls that begin with it", f"{exact(prefix.calls)}, {percent(prefix.calls / use.tokens.calls)} of all"),
            ("Less than 5 minutes after another", exact(prefix.hits)),
            ("Tokens read from the cache", exact(use.tokens.cache_read)),
            ("Input price", f"{dollars(fresh * 1_000_000)} / M tokens, cached {dollars(read * 1_000_000)}"),
            ("Period", period(context.window)),
        ),
        period=context.window,
        claims=(money.claim(calls, saving, prefix.first, prefix.last),),
        confidence=Confidence.HIGH if prefix.prefix_hash else Confidence.MEDIUM,
        assumption="" if prefix.prefix_hash else "System prompts of one prompt with the same length are the same text.",
        action="Put what is always the same first, and turn on prompt caching for it.",
        change=f"{setting}, in the requests of {prompt.whose}",
    )

"""The price book: public prices that come with Outlay, and the user's own file, which wins."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from outlay.errors import UsageError
from outlay.prices import effective, quotes, tiers
from outlay.prices.own import KINDS, OwnPrices, read_own_prices
from outlay.prices.tiers import Tier

_Key = tuple[str | None, str, str | None]


@dataclass(frozen=True, slots=True)
class PriceBook:
    """Everything that is known about prices. Cheap to make: public prices are read when they are first asked for.

    Providers are ids of `facts.providers`, moments are naive UTC, money is US dollars. None always means unknown.
    """

    own: OwnPrices = field(default_factory=OwnPrices)
    _known: dict[_Key, effective.Schedule | None] = field(default_factory=dict, repr=False, compare=False)

    def schedule(self, provider: str | None, model: str, service_tier: str | None = None) -> effective.Schedule | None:
        """All prices of a model over time; None where neither the public list nor the user's file knows it."""
        key = (provider, model, service_tier)
        if key not in self._known:
            self._known[key] = effective.schedule(self.own, *key)
        return self._known[key]

    def tier(self, provider: str | None, model: str) -> Tier | None:
        """Frontier, mid or small, and the cheaper model of the same maker that this provider sells."""
        return tiers.tier_of(provider, model)

    def token_price(
        self, provider: str | None, model: str, kind: str, on: date | datetime | None = None
    ) -> Decimal | None:
        """US dollars a token (not a million) of `kind`: input, output, cache_read, cache_write, cache_write_1h,
        input_audio, output_audio or reasoning; what is really paid, in the lowest context tier. `on`: None is now."""
        if kind not in KINDS:
            raise UsageError(f"{kind!r} is not a kind of token", hint=f"One of: {', '.join(KINDS)}.")
        found = self.schedule(provider, model)
        return None if found is None else quotes.price_per_token(found, kind, quotes.moment(on))

    def reprice(
        self,
        provider: str | None,
        model: str,
        *,
        input_tokens: int,
        output_tokens: int,
        cache_read_tokens: int = 0,
        cache_write_tokens: int = 0,
        cache_write_1h_tokens: int = 0,
        requests: int = 1,
        on: date | datetime | None = None,
        service_tier: str | None = None,
    ) -> Decimal | None:
        """What these tokens would cost with this model, exact to 12 decimals, after the user's own prices.

        `input_tokens` includes cached ones; with more than one request the counts are sums over all of them.
        """
        found = self.schedule(provider, model, service_tier)
        if found is None:
            return None
        counts = {
            "input_tokens": input_tokens, "output_tokens": output_tokens, "cache_read_tokens": cache_read_tokens,
            "cache_write_tokens": cache_write_tokens, "cache_write_1h_tokens": cache_write_1h_tokens,
        }  # fmt: skip
        return quotes.cost_of(found, counts, requests, quotes.moment(on))


def load_book(path: Path | None = None) -> PriceBook:
    """The public prices, and the user's file where one is named; SettingsError where that file is wrong."""
    return PriceBook() if path is None else PriceBook(read_own_prices(path))

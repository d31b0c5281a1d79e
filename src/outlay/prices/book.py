"""The price book: public prices that come with Outlay, and the user's own file, which wins."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from outlay.errors import UsageError
from outlay.prices import effective, library, quotes, resources, shown, tiers
from outlay.prices.own import KINDS, MARKETS, OwnPrices, read_own_prices
from outlay.prices.resources import InstancePrice, ResourcePrice
from outlay.prices.shown import PriceCheck, PriceRow
from outlay.prices.tiers import Tier

_Key = tuple[str | None, str, str | None]


@dataclass(frozen=True, slots=True)
class PriceBook:
    """Everything that is known about prices. Cheap to make: public prices are read when they are first asked for.

    Providers are ids of `facts.providers`, moments are naive UTC, money is US dollars. None always means unknown.
    """

    own: OwnPrices = field(default_factory=OwnPrices)
    _known: dict[_Key, effective.Schedule | None] = field(default_factory=dict, init=False, repr=False, compare=False)

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
        _known(kind, tuple(KINDS), "kind of token")
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

    def gpu_hour(
        self,
        gpu_type: str,
        *,
        provider: str | None = None,
        region: str | None = None,
        market: str = "on_demand",
        on: date | datetime | None = None,
    ) -> ResourcePrice | None:
        """An hour of one GPU with the machine around it. `gpu_type` is a name as DCGM, Slurm or a person writes it
        (`NVIDIA H100 80GB HBM3`, `a100_80gb`, `H100`). Without a provider: the median over providers, labelled so;
        without a region, or in one that is not listed: the median of those that are. A slice of a GPU (MIG) is None."""
        _known(market, MARKETS, "market")
        return resources.gpu_hour(self.own, gpu_type, provider, region, market, quotes.moment(on).date())

    def instance(
        self,
        instance_type: str,
        *,
        provider: str | None = None,
        region: str | None = None,
        market: str = "on_demand",
        on: date | datetime | None = None,
    ) -> InstancePrice | None:
        """An hour of a whole GPU machine (`p5.48xlarge`, `Standard_ND96isr_H100_v5`), and what is in it."""
        _known(market, MARKETS, "market")
        return resources.instance(self.own, instance_type, provider, region, market, quotes.moment(on).date())

    def storage(
        self, kind: str, provider: str | None = None, *, region: str | None = None, on: date | datetime | None = None
    ) -> ResourcePrice | None:
        """A GB-month of `kind`: object, object_infrequent, object_archive, block, block_hdd, snapshot, file, vector."""
        _known(kind, resources.STORAGE_KINDS, "kind of storage")
        return resources.flat(self.own, "storage", kind, provider, region, quotes.moment(on).date())

    def egress(
        self, kind: str, provider: str | None = None, *, region: str | None = None, on: date | datetime | None = None
    ) -> ResourcePrice | None:
        """A GB that leaves: `internet` or `cross_region`; the first tier that is paid for."""
        _known(kind, resources.EGRESS_KINDS, "kind of egress")
        return resources.flat(self.own, "egress", kind, provider, region, quotes.moment(on).date())

    def show(
        self, name: str, *, provider: str | None = None, on: date | datetime | None = None
    ) -> list[PriceRow]:
        """What is charged for a model, GPU, machine or kind of storage, from `on` (None: now) onwards; [] if unknown.

        A model is shown as `provider` sells it, else as everyone does whose list has that name, its maker first.
        """
        sellers: list[str | None] = [provider] if provider is not None else [*library.sellers(name)]
        if not sellers or self.own.tokens:
            sellers.append(None)
        found: dict[object, tuple[str | None, str | None, effective.Schedule]] = {}
        for seller in sellers:
            for tier in shown.TIERS:
                schedule = self.schedule(seller, name, tier)
                if schedule is not None:
                    plain = seller or (schedule.provider if schedule.listed else None)
                    found.setdefault((plain, schedule), (plain, tier, schedule))
        return shown.show(self.own, list(found.values()), name, quotes.moment(on))

    def check(self, today: date) -> PriceCheck:
        """What is stale: figures whose source was last seen more than 90 days before `today`."""
        return shown.check(today)


def _known(value: str, choices: tuple[str, ...], what: str) -> None:
    if value not in choices:
        raise UsageError(f"{value!r} is not a {what}", hint=f"One of: {', '.join(choices)}.")


def load_book(path: Path | None = None) -> PriceBook:
    """The public prices, and the user's file where one is named; SettingsError where that file is wrong."""
    return PriceBook() if path is None else PriceBook(read_own_prices(path))

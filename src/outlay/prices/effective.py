"""What is really paid for tokens: public prices, less the user's discounts, overridden by the user's own prices."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from outlay.prices import library
from outlay.prices.own import KINDS, Discount, OwnPrices, OwnTokenPrice
from outlay.prices.rate import COUNTS, EXACT, Guard, Step, ladder
from outlay.prices.spans import Span, constant_spans

if TYPE_CHECKING:
    from genai_prices.types import ModelPrice, TieredPrices

_PER_THOUSAND = Decimal(1000)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The prices of one (provider, model, service tier) over all time.

    `provider` is the price list's id of who sells it. `listed` is at public prices, empty for a model that the price
    book does not know. `paid` is after the user's own prices and discounts; None: nothing of the user's matches, what
    is paid is the public price.
    """

    model_key: str
    provider: str | None
    listed: tuple[tuple[Span, tuple[Step, ...]], ...]
    paid: tuple[tuple[Span, tuple[Step, ...]], ...] | None


def schedule(own: OwnPrices, provider: str | None, model: str, service_tier: str | None) -> Schedule | None:
    """None: neither the price book nor the user's file knows the model."""
    found = library.find(provider, model)
    public = [] if found is None else library.schedule(found, service_tier)
    listed = tuple((span, ladder(prices)) for span, prices in public)
    models, providers = _names(provider, model, found)
    entries = [entry for entry in own.tokens if entry.applies(models, providers, service_tier)]
    cuts = [cut for cut in own.discounts if cut.applies("tokens", providers, models)] if found is not None else []
    if found is None and not entries:
        return None
    paid = _paid(public, entries, cuts) if entries or cuts else None
    if found is None:
        return Schedule(model, provider, listed, paid)
    return Schedule(found.info.id, found.provider.id, listed, paid)


def _names(
    provider: str | None, model: str, found: library.PublicModel | None
) -> tuple[frozenset[str], frozenset[str]]:
    models, providers = {model.strip().lower()}, {provider.strip().lower()} if provider else set()
    if found is not None:
        models.add(found.info.id.lower())
        providers.add(found.provider.id)
    return frozenset(models), frozenset(providers)


def _paid(
    public: list[tuple[Span, ModelPrice]], entries: list[OwnTokenPrice], cuts: list[Discount]
) -> tuple[tuple[Span, tuple[Step, ...]], ...]:
    dates = {edge for span, _ in public for edge in (span.since, span.until) if edge is not None}
    times = {edge for span, _ in public for edge in (span.after_us, span.before_us)}
    for validity in (*(entry.validity for entry in entries), *(cut.validity for cut in cuts)):
        dates |= validity.edges
    pieces = constant_spans(dates, times, lambda moment: _prices_at(moment, public, entries, cuts))
    return tuple((span, _steps(prices, complete=bool(public))) for span, prices in pieces)


def _prices_at(
    moment: datetime, public: list[tuple[Span, ModelPrice]], entries: list[OwnTokenPrice], cuts: list[Discount]
) -> ModelPrice:
    from genai_prices.types import ModelPrice

    prices: dict[str, Decimal | TieredPrices] = {}
    cut = next((cut for cut in cuts if cut.validity.holds(moment)), None)
    for span, listed in public:
        if span.holds(moment):
            prices = {key: _less(price, cut) for key, price in listed.__dict__.items() if price is not None}
    entry = next((entry for entry in entries if entry.validity.holds(moment)), None)
    if entry is not None:
        prices.update({KINDS[kind]: price for kind, price in entry.per_million.items()})
        if entry.per_request is not None:
            prices["requests_kcount"] = EXACT.multiply(entry.per_request, _PER_THOUSAND)
    return ModelPrice(**prices)


def _less(price: Decimal | TieredPrices, cut: Discount | None) -> Decimal | TieredPrices:
    from genai_prices.types import Tier, TieredPrices

    if cut is None:
        return price
    if isinstance(price, Decimal):
        return EXACT.multiply(price, cut.factor)
    tiers = [Tier(tier.start, EXACT.multiply(tier.price, cut.factor)) for tier in price.tiers]
    return TieredPrices(EXACT.multiply(price.base, cut.factor), tiers)


def _steps(prices: ModelPrice, *, complete: bool) -> tuple[Step, ...]:
    """A model that only the user prices is unknown where a call has tokens of a kind that the user left out."""
    steps = ladder(prices)
    if complete:
        return steps
    missing = [
        tuple(-int(name == count) for name in COUNTS)
        for count, key in (("input_tokens", "input_mtok"), ("output_tokens", "output_mtok"))
        if getattr(prices, key) is None
    ]
    known = any(value is not None for value in prices.__dict__.values())
    return tuple(
        replace(
            step,
            rate=replace(
                step.rate,
                guard=Guard((*step.rate.guard.parts, *missing), step.rate.guard.apart),
                known=step.rate.known and known,
            ),
        )
        for step in steps
    )

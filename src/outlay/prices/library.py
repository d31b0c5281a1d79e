"""Public token prices, from the data that the genai-prices package carries (no network)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from functools import lru_cache
from typing import TYPE_CHECKING

from outlay.prices.spans import Span, constant_spans

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, Provider

#: Our provider ids that genai-prices would not find, or would take for another, to its own.
_PROVIDERS: dict[str, str] = {
    "aws.bedrock": "aws", "gcp.vertex_ai": "google", "gcp.gemini": "google", "gcp": "google",
    "azure.ai.openai": "azure", "azure.ai.inference": "azure", "mistral_ai": "mistral", "x_ai": "x-ai",
}
#: What each service tier is in the price data; a key or value that the data does not use changes nothing.
_CONTEXTS: dict[str, dict[str, str]] = {
    "batch": {"processing": "batch", "service_tier": "batch"},
    "fast": {"service_tier": "fast", "speed": "fast"},
    "standard": {"service_tier": "default"},
}


@dataclass(frozen=True, slots=True)
class PublicModel:
    """One model of the public price list, as one provider sells it."""

    provider: Provider
    info: ModelInfo

    @property
    def own(self) -> bool:
        """False where the provider has no price of its own and another's stands in (Claude on Vertex AI)."""
        return any(self.info is model for model in self.provider.models)


def price_context(service_tier: str | None) -> Mapping[str, str] | None:
    """The `price_context` that genai-prices takes for a service tier of `facts.Call`."""
    if not service_tier:
        return None
    tier = service_tier.strip().lower()
    return _CONTEXTS.get(tier, {"service_tier": tier})


@lru_cache(maxsize=100_000)
def find(provider: str | None, model: str | None) -> PublicModel | None:
    """The model that a name means, by genai-prices' own matching; None where it knows none.

    `provider` is an id of `facts.providers`; without one the model's name decides. A name such as `openai/gpt-4o` that
    is not known as it stands is read as provider and model, unless `provider` says another.
    """
    if not model or not model.strip():
        return None
    asked = _PROVIDERS.get(provider, provider) if provider else None
    found = _look_up(asked, model)
    if found is None and asked is not None and "models/" in model:  # Google's resource names end in models/<model>
        found = _look_up(asked, model.rsplit("models/", 1)[1])
    if found is None and "/" in model:
        found = _look_up("litellm", model)
        if found is not None and asked is not None and found.provider.id != asked:
            return None
    return found


def _look_up(provider_id: str | None, model: str) -> PublicModel | None:
    from genai_prices.data_snapshot import get_snapshot

    try:
        return PublicModel(*get_snapshot().find_provider_model(model, None, provider_id, None))
    except LookupError:
        return None


def schedule(model: PublicModel, service_tier: str | None) -> list[tuple[Span, ModelPrice]]:
    """The prices of a model over all time, in pieces in which they are constant."""
    dates, times = _edges(model.info)
    context = price_context(service_tier) if model.own else None
    return constant_spans(dates, times, lambda moment: model.info.get_prices(moment, context))


def _edges(info: ModelInfo) -> tuple[set[datetime], set[int]]:
    """The midnights and the times of day at which the model's price may change."""
    from genai_prices.types import StartDateConstraint

    conditional = [] if not isinstance(info.prices, list) else info.prices
    dates: set[datetime] = set()
    times: set[int] = set()
    for item in (*conditional, *(info.price_variants or ())):
        limit = item.constraint
        if limit is None:
            continue
        if isinstance(limit, StartDateConstraint):
            dates.add(datetime.combine(limit.start_date, time()))
        else:
            times.update((_microseconds(limit.start_time), _microseconds(limit.end_time)))
    return dates, times


def _microseconds(clock: time) -> int:
    moment = datetime.combine(datetime(1970, 1, 2), clock)
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC)
    return ((moment.hour * 60 + moment.minute) * 60 + moment.second) * 1_000_000 + moment.microsecond


def size() -> int:
    """How many models the public list knows."""
    from genai_prices.data_snapshot import get_snapshot

    return sum(len(provider.models) for provider in get_snapshot().providers)


def sellers(model: str) -> list[str]:
    """The providers of the public list that sell a model under this name, the one that the name alone means first."""
    from genai_prices.data_snapshot import get_snapshot

    first = find(None, model)
    ids = [first.provider.id] if first is not None else []
    for provider in get_snapshot().providers:
        if provider.id not in ids and provider.find_model(model) is not None:
            ids.append(provider.id)
    return ids

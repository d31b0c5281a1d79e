"""What a token costs in the sample: the prices that genai-prices lists, as the product applies them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache

MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class TokenPrice:
    """US dollars a million tokens. A kind that the model has no price for costs as input."""

    input: Decimal
    output: Decimal
    cache_read: Decimal
    cache_write: Decimal

    def cost(self, fresh: int, cache_read: int, cache_write: int, output: int) -> Decimal:
        """Dollars of so many tokens; `fresh` is input that was neither read from nor written to the cache."""
        return (
            self.input * fresh + self.cache_read * cache_read + self.cache_write * cache_write + self.output * output
        ) / MILLION


@cache
def token_price(provider: str, model: str, moment: datetime) -> TokenPrice:
    """The price of a context below every tier. Raises `LookupError` where the library does not know the model."""
    from genai_prices.data_snapshot import get_snapshot

    _, info = get_snapshot().find_provider_model(model, None, provider, None)
    prices = info.get_prices(moment.replace(tzinfo=UTC))

    def base(value: object, otherwise: Decimal) -> Decimal:
        if value is None:
            return otherwise
        return value if isinstance(value, Decimal) else Decimal(value.base)  # type: ignore[attr-defined]

    fresh = base(prices.input_mtok, Decimal(0))
    return TokenPrice(
        fresh,
        base(prices.output_mtok, Decimal(0)),
        base(prices.cache_read_mtok, fresh),
        base(prices.cache_write_mtok, fresh),
    )

"""The price book: public prices that come with Outlay, and the user's own file, which wins."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from outlay.prices.own import OwnPrices, read_own_prices


@dataclass(frozen=True, slots=True)
class PriceBook:
    """Everything that is known about prices. Cheap to make: public prices are read when they are first asked for."""

    own: OwnPrices = field(default_factory=OwnPrices)


def load_book(path: Path | None = None) -> PriceBook:
    """The public prices, and the user's file where one is named; SettingsError where that file is wrong."""
    return PriceBook() if path is None else PriceBook(read_own_prices(path))

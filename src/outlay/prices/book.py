"""The price book: public prices that come with Outlay, and the user's own file, which wins."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from outlay import __version__
from outlay.prices.own import OwnPrices, read_own_prices


@dataclass(frozen=True, slots=True)
class PriceBook:
    """Everything that is known about prices. Cheap to make: public prices are read when they are first asked for."""

    own: OwnPrices = field(default_factory=OwnPrices)

    @property
    def fingerprint(self) -> str:
        """Changes when any price could: the user's file, the public token prices, the prices that come with Outlay."""
        text = repr((self.own, version("genai-prices"), __version__))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def load_book(path: Path | None = None) -> PriceBook:
    """The public prices, and the user's file where one is named; SettingsError where that file is wrong."""
    return PriceBook() if path is None else PriceBook(read_own_prices(path))

"""The terms on which rows were priced and attributed, so that a change of them is noticed."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from typing import TYPE_CHECKING

from outlay import __version__
from outlay.attribution.rules import Attribution

if TYPE_CHECKING:
    from outlay.prices.book import PriceBook


def terms(attribution: Attribution, book: PriceBook) -> str:
    """Changes when a rule, the user's own prices, or the public prices that come with the installation change."""
    prices = repr((book.own, version("genai-prices"), __version__))
    return f"{attribution.fingerprint}/{hashlib.sha256(prices.encode()).hexdigest()[:16]}"

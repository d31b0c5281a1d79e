"""What a token, a GPU hour, a gigabyte costs: every figure with its source and the day it was checked."""

from outlay.prices.book import PriceBook, load_book
from outlay.prices.tokens import PricePlan, plan_token_prices

__all__ = ["PriceBook", "PricePlan", "load_book", "plan_token_prices"]

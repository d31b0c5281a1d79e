"""Dollars of findings about model calls: what a slice cost, what of it a finding claims, what that is a month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property

from outlay.detectors.base import Context
from outlay.facts.finding import Claim
from outlay.facts.window import HOURS_PER_MONTH, Window
from outlay.questions.callslices import CallPot, CallSlice, Tokens, call_pots

#: Prices and sums of rounded calls differ in the twelfth decimal; what differs less than this is the same price.
_SAME = Decimal("0.001")


@dataclass(frozen=True)
class CallMoney:
    """The pots of a window, and how dollars so far become dollars a month.

    A month is the dollars so far x 730 / active hours. Active hours run from the day on which the calls began (or the
    ledger's calls did, or the window) to its end, at least `settled_days`: a first burst is no habit. Calls that have
    not been made for as long have ended; a month of them is 0.
    """

    context: Context
    settled_days: float = 7

    @cached_property
    def _pots(self) -> dict[CallSlice, CallPot]:
        return {pot.calls: pot for pot in call_pots(self.context.ask, self.context.window)}

    @cached_property
    def _since(self) -> datetime:
        """From when on calls are known."""
        window = self.context.window
        return max(window.since, min((pot.first for pot in self._pots.values()), default=window.since))

    @property
    def slices(self) -> tuple[CallSlice, ...]:
        """Everything that cost in the window."""
        return tuple(self._pots)

    def owner(self, calls: CallSlice) -> str | None:
        """Whose calls most of the slice's dollars are."""
        pot = self._pots.get(calls)
        return pot.owner if pot else None

    def spent(self, calls: CallSlice) -> Decimal:
        """Dollars of the slice in the window, counted as everywhere: by the bill where there is one."""
        pot = self._pots.get(calls)
        return pot.cost if pot else Decimal(0)

    def claim(self, calls: CallSlice, so_far: Decimal, first: datetime, last: datetime) -> Claim:
        """A claim on the slice's money by calls that were made from `first` to `last`."""
        spent = max(self.spent(calls), so_far)
        hours = self._active_hours(first, last)
        if hours is None:
            return Claim(calls.pot, so_far, Decimal(0), spent, Decimal(0), span=Window(first, last))
        return Claim(calls.pot, so_far, so_far * HOURS_PER_MONTH / hours, spent, spent * HOURS_PER_MONTH / hours,
                     span=Window(first, last))

    def once(self, calls: CallSlice, so_far: Decimal) -> Claim:
        """A claim by something that happened once and costs nothing from now on."""
        spent = max(self.spent(calls), so_far)
        return Claim(calls.pot, so_far, Decimal(0), spent, Decimal(0))

    def _active_hours(self, first: datetime, last: datetime) -> Decimal | None:
        """None: they have ended."""
        until, settled = self.context.window.until, timedelta(days=self.settled_days)
        if until - last >= settled:
            return None
        began = max(self._since, first.replace(hour=0, minute=0, second=0, microsecond=0))
        return Decimal(max(until - began, min(settled, until - self._since)) / timedelta(hours=1))

    def price(self, calls: CallSlice, kind: str) -> Decimal | None:
        """US dollars a token at the end of the window; None: unknown."""
        if calls.model_key is None:
            return None
        return self.context.book.token_price(calls.provider, calls.model_key, kind, self.context.window.until)

    def paid_share(self, calls: CallSlice, tokens: Tokens) -> Decimal:
        """What was metered for these tokens as a share of their standard price: below 1 for batch and flex, or where
        some calls have no price; 1 where the price book cannot say."""
        standard = self.reprice(calls.provider, calls.model_key, tokens)
        if not standard:
            return Decimal(1)
        share = tokens.cost / standard
        return Decimal(1) if abs(share - 1) < _SAME else share

    def reprice(self, provider: str | None, model: str | None, tokens: Tokens) -> Decimal | None:
        """US dollars of these tokens with a model at standard prices, at the end of the window."""
        if model is None or not tokens.calls:
            return None
        return self.context.book.reprice(
            provider, model, input_tokens=tokens.input, output_tokens=tokens.output,
            cache_read_tokens=tokens.cache_read, cache_write_tokens=tokens.cache_write, requests=tokens.calls,
            on=self.context.window.until)

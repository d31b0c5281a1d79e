"""Dollars of findings about resources of a bill: what one cost, what of it a finding claims, what that is a month."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property

from outlay.detectors.base import Context
from outlay.facts.finding import Claim
from outlay.facts.window import HOURS_PER_MONTH, Window
from outlay.questions.billed_resources import BilledResource, billed_until

#: What a purpose, a note or a name says of things that are kept although nothing uses them.
_ON_PURPOSE = re.compile(
    r"disaster|recover|continuity|complian|retention|retain|"
    r"(^|[^a-z])(dr|bcp|backups?|standby|failover|legal|audit|archive|golden|release)([^a-z]|$)", re.IGNORECASE)
_PRODUCTION = re.compile(r"(^|[^a-z])(prod|production|live)([^a-z]|$)", re.IGNORECASE)


def kept_on_purpose(resource: BilledResource) -> bool:
    """Whether its purpose, a note, a tag `retain` or its own name says that it is kept for the day it is needed."""
    said = (resource.purpose, resource.note, resource.resource)
    return bool(resource.retain) or any(text and _ON_PURPOSE.search(text) for text in said)


def in_production(resource: BilledResource) -> bool:
    """Whether its environment says so."""
    return bool(resource.environment and _PRODUCTION.search(resource.environment))


@dataclass(frozen=True)
class BillMoney:
    """How dollars of a bill become dollars a month: so far x 730 / the hours of the days that the resource's lines
    cover.

    A resource that its provider's bill does not list on its last `ended_days` days has ended; a month of it is 0.
    """

    context: Context
    ended_days: float

    @cached_property
    def _billed_until(self) -> dict[str | None, datetime]:
        return billed_until(self.context.ask, self.context.window)

    def claim(self, resource: BilledResource, so_far: Decimal) -> Claim:
        """A claim on the resource's money; `so_far` is at most what it cost."""
        a_month = self._a_month(resource)
        pot = f"resource:{resource.resource}"
        return Claim(pot, so_far, so_far * a_month, resource.cost, resource.cost * a_month,
                     span=Window(resource.first, resource.last))

    def _a_month(self, resource: BilledResource) -> Decimal:
        until = self._billed_until.get(resource.provider, resource.last)
        if until - resource.last >= timedelta(days=self.ended_days):
            return Decimal(0)
        # Whole days: a line for an hour of the night is that day's cost.
        first = resource.first.replace(hour=0, minute=0, second=0, microsecond=0)
        days = max(-((first - resource.last) // timedelta(days=1)), 1)
        return HOURS_PER_MONTH / Decimal(24 * days)

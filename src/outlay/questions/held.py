"""Runs that hold accelerators: when, how many, and what an hour of each costs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from outlay.facts.window import Window
from outlay.questions.ask import Ask
from outlay.questions.tables import table

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
#: How far back a price is looked for. Bills come a day or two late; older ones say little of today.
PRICED = timedelta(days=4)
#: States of a run that has not ended.
GOING = ("running", "pending")


@dataclass(frozen=True, slots=True)
class Held:
    """A run, from when until when (None: it goes on) it held so many accelerators. `price`: of one of them an hour, as
    billed lately, else as metered (then it is an estimate); None: unknown."""

    run_id: str
    scheduler: str
    started: datetime
    ended: datetime | None
    gpus: float
    price: Decimal | None

    @property
    def per_hour(self) -> Decimal | None:
        return None if self.price is None else self.price * Decimal(str(self.gpus))

    def goes_on(self, at: datetime) -> bool:
        return self.started <= at and (self.ended is None or self.ended > at)

    def hours(self, window: Window) -> Decimal:
        """How long it held them in the window."""
        last = window.until if self.ended is None else min(self.ended, window.until)
        inside = max(last - max(self.started, window.since), timedelta())
        return Decimal(inside // timedelta(seconds=1)) / 3600


def prices_expr(now: datetime, currency: str) -> Any:
    """Columns run_id, scheduler, gpu_type, price: dollars of an hour of one accelerator of each run lately, the bill
    before the meter."""
    import ibis

    rows = table("gpu_day")
    rows = rows.filter(rows.day >= now - PRICED, rows.day <= now, rows.effective_cost.notnull(), rows.gpu_s > 0,
                       rows.currency == currency)
    billed = rows.basis == "billed"
    sums = rows.group_by("run_id", "scheduler", "gpu_type").aggregate(
        own=rows.effective_cost.sum(where=billed), own_s=rows.gpu_s.sum(where=billed),
        any=rows.effective_cost.sum(), any_s=rows.gpu_s.sum())
    return sums.select("run_id", "scheduler", "gpu_type", cost=ibis.coalesce(sums.own, sums["any"]),
                       seconds=ibis.coalesce(sums.own_s, sums.any_s))


def held_expr(window: Window) -> Any:
    """Columns run_id, scheduler, gpu_type, started, ended, gpus: runs with accelerators that went on in the window. A
    run whose scheduler counts none has as many as were read of it in the window."""
    import ibis

    runs, hours = table("run"), table("gpu_hour")
    since, until = ibis.literal(window.since), ibis.literal(window.until)
    going = runs.ended.isnull() & (runs.state.isnull() | runs.state.isin(list(GOING)))
    runs = runs.filter(runs.started < until, going | (runs.ended > since))
    read = hours.filter(hours.hour >= window.since - HOUR, hours.hour < until, hours.run_id.notnull())
    read = read.group_by(of="run_id").aggregate(devices=read.device.nunique())
    joined = runs.left_join(read, runs.run_id == read.of)
    gpus = ibis.coalesce(joined.gpus, joined.devices).cast("float64")
    found = joined.select("run_id", "scheduler", "gpu_type", "started", "ended", gpus=gpus)
    return found.filter(found.gpus > 0)


def held(ask: Ask, window: Window, *, currency: str = "USD") -> tuple[Held, ...]:
    """Every run that held accelerators in the window. One without a price of its own has that of others of its kind."""
    own: dict[tuple[str, str | None], Decimal] = {}
    kinds: dict[str | None, tuple[Decimal, float]] = {}
    for run_id, scheduler, gpu_type, cost, seconds in ask.rows(prices_expr(window.until, currency)):
        known_cost, known_s = kinds.get(gpu_type, (Decimal(0), 0.0))
        kinds[gpu_type] = (known_cost + cost, known_s + seconds)
        if run_id is not None:
            own[run_id, scheduler] = _price(cost, seconds)
    return tuple(
        Held(run_id, scheduler, started, ended, gpus,
             own.get((run_id, scheduler)) or (_price(*kinds[gpu_type]) if gpu_type in kinds else None))
        for run_id, scheduler, gpu_type, started, ended, gpus in ask.rows(held_expr(window)))


def kind_prices(ask: Ask, at: datetime, *, currency: str = "USD") -> dict[str | None, Decimal]:
    """Dollars of an hour of one accelerator lately, by its type, held or not."""
    sums: dict[str | None, tuple[Decimal, float]] = {}
    for _, _, gpu_type, cost, seconds in ask.rows(prices_expr(at, currency)):
        known_cost, known_s = sums.get(gpu_type, (Decimal(0), 0.0))
        sums[gpu_type] = (known_cost + cost, known_s + seconds)
    return {gpu_type: _price(*known) for gpu_type, known in sums.items()}


def _price(cost: Decimal, seconds: float) -> Decimal:
    return cost * 3600 / Decimal(str(round(seconds, 3)))

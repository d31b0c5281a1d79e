"""Asks for what rules look at."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from outlay.accounting.currencies import in_currency
from outlay.alerts.inputs import Driver
from outlay.alerts.rules.budget_burn import is_cap
from outlay.alerts.rules.findings import subject_run
from outlay.alerts.unusual import Unusual, unusual
from outlay.detectors.base import Context
from outlay.detectors.registry import all_detectors
from outlay.detectors.thresholds import thresholds
from outlay.facts.finding import Finding
from outlay.facts.window import Window
from outlay.governance.burn import Burn
from outlay.governance.burns import Burns, burns
from outlay.ledger.decisions import decisions
from outlay.ledger.dollars import METERED, dollar_rates, in_dollars
from outlay.questions.costs import CostQuery, costs
from outlay.questions.known_runs import KnownRun, known_runs
from outlay.questions.windows import LIVE, latest_fact

if TYPE_CHECKING:
    from outlay.web.part import View

#: What a budget is taken apart by to say what most of it went to; and how many of these are named.
_DRIVERS, _NAMED = ("project", "model", "run"), 2
#: A part smaller than this share of what is spent is no answer.
_LEAST = Decimal("0.05")
#: Detectors, and the days that they look back on here. Those of calls read each of them.
LOOKS: Mapping[str, int] = {"zombie-run": 30, "idle-gpu": 30, "idle-endpoint": 30, "runaway-agent": 7,
                            "cost-anomaly": 30}


def ask_burns(view: View) -> Burns:
    """Every budget in its present period."""
    return burns(view.ask, view.settings, view.now, as_of=view.now)


def ask_drivers(view: View, burn: Burn) -> tuple[Driver, ...]:
    """What most of a budget went to in its period, largest first."""
    until = burn.period.until
    query = CostQuery(_DRIVERS, Window(burn.period.since, until), burn.budget.where, currency=view.settings.currency,
                      dollar_rates=dollar_rates(view.settings.rates))
    found: dict[str, Decimal] = {}
    for project, model, run, cost, _ in costs(view.ask, query, as_of=view.now).rows:
        name = ", ".join(filter(None, (project, f"run {run}" if run else model)))
        if name:
            found[name] = found.get(name, Decimal(0)) + cost
    ranked = sorted(found.items(), key=lambda each: (-each[1], each[0]))[:_NAMED]
    return tuple(Driver(name, cost) for name, cost in ranked if cost >= burn.spent * _LEAST)


def capped_runs(found: Burns) -> frozenset[str]:
    """Runs whose caps have reached a threshold."""
    return frozenset(dict(burn.budget.scope)["run"] for burn in found.burns if is_cap(burn) and burn.passed)


def ask_runs(view: View, found: Collection[Finding], more: Collection[str] = ()) -> Mapping[str, KnownRun]:
    """What schedulers say of the runs that findings are about, and of `more`."""
    return known_runs(view.ask, {run for each in found if (run := subject_run(each)) is not None} | set(more))


def ask_findings(view: View, codes: Collection[str]) -> tuple[Finding, ...]:
    """What these detectors find, in the reporting currency, without what people accepted or ignored.

    What has not ended by the end of the window goes on; the window ends with what the ledger knows.
    """
    until = known_until(view)
    rates = dollar_rates(view.settings.rates)
    found: list[Finding] = []
    with in_dollars(view.ask.con, view.settings.currency, rates):
        for detector in all_detectors():
            if detector.code in codes and all(view.ask.has(name) for name in detector.needs):
                window = _looking_back(until, LOOKS[detector.code])
                found += detector.find(Context(view.ask, window, view.book,
                                               thresholds(detector.code, view.settings.detectors)))
    if view.settings.currency != METERED:
        found = list(in_currency(found, view.settings.currency, rates, _looking_back(until, 30)).findings)
    known = decisions(view.ask.con)
    return tuple(each for each in found if each.id not in known or not known[each.id].holds(view.now)
                 or known[each.id].state == "open")


def ask_unusual(view: View) -> tuple[Unusual, ...]:
    """Hours out of the ordinary that last."""
    return unusual(view.ask, view.now) if view.ask.has("call") else ()


def known_until(view: View) -> datetime:
    """Now where facts arrive, else the latest of them: silence of all sources is no idleness."""
    latest = latest_fact(view.ask)
    return view.now if latest is None or view.now - latest < LIVE else latest


def _looking_back(until: datetime, days: int) -> Window:
    since = (until - timedelta(days=days)).replace(hour=0, minute=0, second=0, microsecond=0)
    return Window(since, until)


def with_drivers(known: Mapping[tuple[str, datetime, int], tuple[Driver, ...]], found: Burns) -> Mapping[
        str, tuple[Driver, ...]]:
    """Drivers by budget, of those asked for at the threshold that each has reached."""
    return {burn.budget.name: known[key] for burn in found.burns if (key := driver_key(burn)) in known}


def driver_key(burn: Burn) -> tuple[str, datetime, int]:
    """What most of a budget went to is asked for once a period and threshold."""
    return burn.budget.name, burn.period.since, max((percent for percent, _ in burn.passed), default=0)

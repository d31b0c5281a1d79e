"""Now, what changed since yesterday and why, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from outlay.accounting.change import Cause, Effects, Explained, explain
from outlay.accounting.figures import percent, quantity
from outlay.accounting.money import change
from outlay.ledger.dollars import dollar_rates
from outlay.questions.partday import part_days
from outlay.questions.runfacts import RunFacts, run_facts
from outlay.web.links import explore_link, run_link
from outlay.web.pages.moment import Moment, moment
from outlay.web.part import Query, Sheet, View

#: What is smaller than this is not worth a word.
_WORTH = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class Reason:
    """A line of the table: the change, its sentence, more of it, and the rows behind."""

    change: Decimal
    title: str
    more: str
    link: str


@dataclass(frozen=True, slots=True)
class Why:
    """The change from yesterday by the same time, explained. `late`: see `PartDays`."""

    moment: Moment
    explained: Explained
    reasons: tuple[Reason, ...]
    summary: str
    late: Decimal
    known: bool

    @property
    def largest(self) -> Decimal:
        """The scale of the bars."""
        sizes = [abs(each.change) for each in self.reasons] + [abs(self.explained.rest), abs(self.explained.estimate)]
        return max(sizes, default=Decimal(0)) or Decimal(1)


def why(view: View, query: Query) -> Why:
    """Asks for the causes."""
    now = moment(view)
    currency = view.settings.currency
    days = part_days(view.ask, now.at, currency=currency, dollar_rates=dollar_rates(view.settings.rates))
    said = explain(days.slices)
    named = [(cause.dimension, cause.value) for cause in said.causes] + [
        cause.most[:2] for cause in said.causes if cause.most is not None]
    runs = run_facts(view.ask, [value for dimension, value in named if dimension == "run"])
    reasons = tuple(_reason(cause, runs, now.at, currency) for cause in said.causes)
    return Why(now, said, reasons, _summary(said, currency), days.late, bool(said.before))


def why_sheet(part: Why) -> Sheet:
    """A row a cause, with the parts of its change."""
    rows: list[tuple[object, ...]] = [
        (cause.dimension, cause.value, cause.before.cost, cause.after.cost, cause.change, cause.effects.volume,
         cause.effects.length, cause.effects.price, cause.effects.other) for cause in part.explained.causes]
    rows.append(("everything else", "", None, None, part.explained.rest, None, None, None, None))
    rows.append(("estimate above the last bill", "", None, None, part.explained.estimate, None, None, None, None))
    return Sheet(("dimension", "value", "yesterday", "today", "change", "volume", "length", "price", "other"),
                 tuple(rows))


def _reason(cause: Cause, runs: dict[str, RunFacts], at: datetime, currency: str) -> Reason:
    run = runs.get(cause.value) if cause.dimension == "run" else None
    name = run.title if run is not None else cause.value
    link = run_link(run.run_id, run.scheduler) if run is not None else explore_link(
        "run" if cause.kind == "gpu" else "model", ((cause.dimension, cause.value),))
    who = [run.owner if run is not None else cause.owner]
    who += [value for dimension, value in cause.also if dimension in ("team", "project", "model", "agent")
            and value != name]
    whose = ", ".join(word for word in who if word)
    most = ""
    if cause.most is not None:
        dimension, value, amount = cause.most
        called = runs[value].title if dimension == "run" and value in runs else value
        most = f"Most of it {dimension} {called}, {change(amount, currency)}."
    return Reason(cause.change, f"{name} {_happened(cause, run, at)}", " ".join(
        filter(None, (_split(cause, currency), most, f"{whose}." if whose else ""))), link)


def _happened(cause: Cause, run: RunFacts | None, at: datetime) -> str:
    """What happened to it: a verb, and how much."""
    if cause.began:
        today = run is not None and run.started is not None and run.started.date() == at.date()
        return f"started at {run.started:%H:%M}" if run is not None and today else "is new"
    if cause.ended:
        return "ended" if run else "stopped"
    largest = cause.effects.largest
    if largest == "price":
        return f"has {'a higher' if cause.change > 0 else 'a lower'} price"
    if largest == "length":
        return f"makes {'longer' if cause.change > 0 else 'shorter'} calls"
    if largest == "volume" and cause.before.units and cause.after.units:
        times = cause.after.units / cause.before.units
        if (times > 1) != (cause.change > 0):
            # More of what is cheap, or less of what is dear.
            things = {"gpu": "GPU-hours", "call": "calls"}.get(cause.kind, "lines")
            return f"has {'dearer' if cause.change > 0 else 'cheaper'} {things}"
        if cause.kind == "gpu":
            return f"used {_times(times)} GPU-hours"
        if cause.kind == "call":
            return f"makes {_times(times)} calls"
    return "cost more" if cause.change > 0 else "cost less"


def _times(times: Decimal) -> str:
    """`2.3 times the`, `12% fewer`."""
    if times >= 2:
        return f"{times:.1f} times the"
    return f"{percent(abs(float(times) - 1))} {'more' if times > 1 else 'fewer'}"


def _split(cause: Cause, currency: str) -> str:
    """The parts of the change, where there are several, and the quantities behind."""
    units = {"gpu": "GPU-hours", "call": "calls"}.get(cause.kind, "")
    said = []
    if units and cause.before.units is not None and cause.after.units is not None:
        after, before = (quantity(round(units, 1)) for units in (cause.after.units, cause.before.units))
        said.append(f"{after} {units}, {before} yesterday.")
    parts = _parts(cause.effects)
    if len(parts) > 1:
        words = ", ".join(f"{name} {change(amount, currency)}" for name, amount in parts)
        said.append(f"{words[:1].upper()}{words[1:]}.")
    return " ".join(said)


def _parts(effects: Effects) -> list[tuple[str, Decimal]]:
    named = (("volume", effects.volume), ("tokens a call", effects.length), ("price", effects.price),
             ("without a quantity", effects.other))
    return [(name, amount) for name, amount in named if abs(amount) >= _WORTH]


def _summary(explained: Explained, currency: str) -> str:
    """The whole change by its parts: `Volume +$120, price -$4.` with a true minus."""
    parts = ", ".join(f"{name} {change(amount, currency)}" for name, amount in _parts(explained.effects))
    return f"{parts[:1].upper()}{parts[1:]}." if parts else ""

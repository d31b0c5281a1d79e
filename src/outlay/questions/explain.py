"""How cost figures came about: which rule attributed how much, and how metered and billed dollars were matched."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from outlay.attribution.rules import Attribution
from outlay.facts.window import Window
from outlay.questions.answer import plain
from outlay.questions.ask import Ask
from outlay.questions.tables import table

_COSTED = (("charge", "charge_period_start", "effective_cost"), ("call", "time", "cost"), ("usage", "start", "cost"))


@dataclass(frozen=True, slots=True)
class RuleShare:
    """What one rule attributed: `rule` 0 stands for tags and columns alone. `cost` before reconciliation."""

    kind: str
    rule: int
    name: str
    rows: int
    cost: Decimal


@dataclass(frozen=True, slots=True)
class Explanation:
    """Rules by kind of fact; and metered against billed dollars of the same things."""

    rules: tuple[RuleShare, ...]
    metered: Decimal
    reported: Decimal
    billed: Decimal
    counted: Decimal
    spread: Decimal
    unmetered: Decimal

    def as_json(self) -> dict[str, Any]:
        return {
            "rules": [{"kind": r.kind, "rule": r.rule, "name": r.name, "rows": r.rows, "cost": plain(r.cost)}
                      for r in self.rules],
            "reconciliation": {name: plain(getattr(self, name)) for name in
                               ("metered", "reported", "billed", "counted", "spread", "unmetered")},
        }

    def as_text(self) -> str:
        lines = ["Attributed by (dollars before reconciliation)"] if self.rules else []
        lines += [f"  {r.name:<36} {r.rows:>12,} {r.kind + ' rows':<11} {r.cost:>16,.2f}" for r in self.rules]
        if not self.billed:
            nobody = "No bill speaks of the model calls: they count at their metered cost."
            return "\n".join(lines + [nobody] * any(r.kind != "charge" for r in self.rules))
        lines += [
            "Model calls, metered against billed (same provider, model, day and account)",
            f"  metered from calls {self.metered:,.2f}, reported as usage {self.reported:,.2f}, "
            f"billed {self.billed:,.2f}",
            f"  of the bill {self.spread:,.2f} is spread over them in proportion to their metered cost, "
            f"{self.unmetered:,.2f} stays beside them as unmetered",
        ]
        return "\n".join(lines)


def rules_expr(name: str, time: str, cost: str, window: Window) -> Any:
    """Rows and cost by rule of one kind of fact."""
    import ibis

    rows = table(name)
    rows = rows.filter(rows[time] >= window.since, rows[time] < window.until)
    return rows.group_by(rule=rows.rule.fill_null(0)).aggregate(
        rows=ibis._.count(), cost=rows[cost].cast("decimal(38,12)").sum())


def drift_expr(window: Window) -> Any:
    """Metered, reported, billed, counted, spread and unmetered dollars of what bills and metering both speak of."""
    rows = table("reconciled")
    rows = rows.filter(rows.day >= window.since, rows.day < window.until)
    both = rows.filter(rows.billed.notnull())
    return both.aggregate(metered=both.metered.sum(), reported=both.reported.sum(), billed=both.billed.sum(),
                          counted=both.counted.sum(), spread=both.spread.sum(), unmetered=both.unmetered.sum())


def explain(ask: Ask, window: Window, attribution: Attribution) -> Explanation:
    """The explanation of a window."""
    shares = []
    for kind, time, cost in _COSTED:
        for rule, count, amount in sorted(ask.rows(rules_expr(kind, time, cost, window))):
            shares.append(RuleShare(kind, rule, _rule_name(attribution, rule), count, amount or Decimal(0)))
    sums = [value or Decimal(0) for value in next(iter(ask.rows(drift_expr(window))))]
    return Explanation(tuple(shares), *sums)


def _rule_name(attribution: Attribution, rule: int) -> str:
    if rule == 0:
        return "no rule: tags, where there are any"
    chosen = attribution.rules[rule - 1]
    return f"rule {rule}" + (f" ({chosen.name})" if chosen.name else "")

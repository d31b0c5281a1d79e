"""How cost figures came about: which rule attributed how much, how metered and billed dollars were matched, and which
shared costs were split."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from outlay.attribution.rules import Attribution
from outlay.attribution.shared import Split
from outlay.facts.window import Window
from outlay.questions.answer import plain
from outlay.questions.ask import Ask
from outlay.questions.gpus import of_days
from outlay.questions.tables import table

_COSTED = (("charge", "charge_period_start", "effective_cost"), ("call", "time", "cost"), ("usage", "start", "cost"))


@dataclass(frozen=True, slots=True)
class RuleShare:
    """What one rule attributed: `rule` 0 stands for tags and columns alone. `cost` before reconciliation.

    Of kind `run`, `cost` is that of the accelerators that the runs held, of bills (whose rows are charges, too) or
    estimated; `rule` None is accelerator time that no run held.
    """

    kind: str
    rule: int | None
    name: str
    rows: int
    cost: Decimal


@dataclass(frozen=True, slots=True)
class Explanation:
    """Rules by kind of fact; metered against billed dollars of the same things; splits by name and method."""

    rules: tuple[RuleShare, ...]
    metered: Decimal
    reported: Decimal
    billed: Decimal
    counted: Decimal
    spread: Decimal
    unmetered: Decimal
    splits: tuple[tuple[str, str], ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "rules": [{"kind": r.kind, "rule": r.rule, "name": r.name, "rows": r.rows, "cost": plain(r.cost)}
                      for r in self.rules],
            "reconciliation": {name: plain(getattr(self, name)) for name in
                               ("metered", "reported", "billed", "counted", "spread", "unmetered")},
            "splits": [{"name": name, "by": by} for name, by in self.splits],
        }

    def as_text(self) -> str:
        facts = [r for r in self.rules if r.kind != "run"]
        machines = [r for r in self.rules if r.kind == "run"]
        lines = ["Attributed by (dollars before reconciliation)"] * bool(facts)
        lines += [f"  {r.name:<36} {r.rows:>12,} {r.kind + ' rows':<11} {r.cost:>16,.2f}" for r in facts]
        lines += ["Runs and their accelerators attributed by (where machines are billed, of the charge rows above)"
                  ] * bool(machines)
        lines += [f"  {r.name:<36} {r.rows:>12,} {'runs':<11} {r.cost:>16,.2f}" for r in machines]
        return "\n".join([*lines, *self._reconciliation(facts), *self._splits()])

    def _splits(self) -> list[str]:
        if not self.splits:
            return []
        named = ", ".join(f"{name} ({by})" for name, by in self.splits)
        return [f"Shared cost split after that: {named}",
                "  splits change the team of whole cost lines; questions about single calls have the calls' own teams"]

    def _reconciliation(self, facts: list[RuleShare]) -> list[str]:
        if not self.billed:
            nobody = "No bill speaks of the model calls: they count at their metered cost."
            return [nobody] * any(r.kind != "charge" for r in facts)
        return [
            "Model calls, metered against billed (same provider, model, day and account)",
            f"  metered from calls {self.metered:,.2f}, reported as usage {self.reported:,.2f}, "
            f"billed {self.billed:,.2f}",
            f"  of the bill {self.spread:,.2f} is spread over them in proportion to their metered cost, "
            f"{self.unmetered:,.2f} stays beside them as unmetered",
        ]


def run_rules_expr(window: Window) -> Any:
    """Runs of the window by rule."""
    rows = table("run")
    rows = rows.filter(rows.started < window.until, rows.ended.isnull() | (rows.ended > window.since))
    return rows.group_by(rule=rows.rule.fill_null(0)).aggregate(rows=rows.count())


def gpu_rules_expr(window: Window, currency: str) -> Any:
    """Cost of accelerators by the rule of the run that held them; rule NULL is time that no run held."""
    import ibis

    days = of_days(table("gpu_day"), window)
    days = days.group_by("run_id", "scheduler").aggregate(
        cost=days.effective_cost.sum(where=days.currency == currency))
    runs = table("run")
    known = runs.group_by(of=runs.run_id, by=runs.scheduler).aggregate(rule=runs.rule.max())
    joined = days.left_join(known, (days.run_id == known.of) & (days.scheduler == known.by))
    rule = ibis.ifelse(joined.run_id.isnull(), None, joined.rule.fill_null(0))
    return joined.group_by(rule=rule).aggregate(cost=joined.cost.sum())


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


def explain(
    ask: Ask, window: Window, attribution: Attribution, splits: tuple[Split, ...] = (), currency: str = "USD"
) -> Explanation:
    """The explanation of a window; accelerator cost is of one currency."""
    shares = []
    for kind, time, cost in _COSTED:
        for rule, count, amount in sorted(ask.rows(rules_expr(kind, time, cost, window))):
            shares.append(RuleShare(kind, rule, _rule_name(attribution, rule), count, amount or Decimal(0)))
    counts = dict(ask.rows(run_rules_expr(window)))
    amounts = dict(ask.rows(gpu_rules_expr(window, currency)))
    shares += [
        RuleShare("run", rule, _rule_name(attribution, rule), counts.get(rule, 0), amounts.get(rule) or Decimal(0))
        for rule in sorted(counts.keys() | amounts.keys(), key=lambda rule: (rule is None, rule or 0))]
    metered, reported, billed, counted, spread, unmetered = (
        value or Decimal(0) for value in next(iter(ask.rows(drift_expr(window)))))
    return Explanation(tuple(shares), metered, reported, billed, counted, spread, unmetered,
                       tuple((split.name, split.by) for split in splits))


def _rule_name(attribution: Attribution, rule: int | None) -> str:
    if rule is None:
        return "no run: as the machine's bill says"
    if rule == 0:
        return "no rule: tags, where there are any"
    chosen = attribution.rules[rule - 1]
    return f"rule {rule}" + (f" ({chosen.name})" if chosen.name else "")

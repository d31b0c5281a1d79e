"""Outlay's own metrics, at `/metrics`, as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from outlay.collectors.runner import Health
    from outlay.governance.burns import Burns

#: Every metric: name, kind and what it says. Units are in the names; money is in the reporting currency.
METRICS: tuple[tuple[str, str, str], ...] = (
    ("outlay_info", "gauge", "1, with the version and the reporting currency as labels"),
    ("outlay_budget_amount", "gauge", "what may be spent in the present period, by budget"),
    ("outlay_budget_spent", "gauge", "what is spent of it, estimates included"),
    ("outlay_budget_spent_ratio", "gauge", "spent of the amount, 1 where it is all spent"),
    ("outlay_budget_predicted", "gauge", "what the period will have cost at its pace; absent while unknown"),
    ("outlay_wasted_ratio", "gauge", "share of the last 30 days' spend that bought nothing; absent while unknown"),
    ("outlay_findings", "gauge", "findings that stand, by detector"),
    ("outlay_findings_month_usd", "gauge", "dollars a month that acting on them saves or frees, by detector"),
    ("outlay_source_up", "gauge", "1 where a source answers, by source"),
    ("outlay_source_lag_seconds", "gauge", "age of the newest that it told; absent while it told nothing"),
    ("outlay_source_facts_total", "counter", "facts that it gave since the server began"),
    ("outlay_source_rejected_total", "counter", "rows of it that were refused since the server began"),
    ("outlay_spool_waiting_bytes", "gauge", "received and not in the ledger yet"),
    ("outlay_questions_total", "counter", "questions of pages that were asked since the server began"),
    ("outlay_questions_seconds_total", "counter", "what asking them took"),
    ("outlay_alerts", "gauge", "alerts that stand, by severity"),
)
_KINDS = {name: (kind, text) for name, kind, text in METRICS}
Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Meters:
    """What is measured, as it is known at a moment. `findings`: detector, dollars a month. None: not known yet."""

    now: datetime
    version: str
    currency: str
    burns: Burns | None
    wasted: float | None
    findings: tuple[tuple[str, float], ...] | None
    health: tuple[Health, ...]
    waiting_bytes: int
    asked: int
    asked_s: float
    alerts: Mapping[str, int]


def exposition(meters: Meters) -> str:
    """The text of `/metrics`: every metric that has a value, with its kind and what it says."""
    by_name: dict[str, list[str]] = {}
    for name, labels, value in _values(meters):
        inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        by_name.setdefault(name, []).append(f"{name}{{{inside}}} {value:.15g}" if inside else f"{name} {value:.15g}")
    lines = []
    for name, (kind, text) in _KINDS.items():
        if name in by_name:
            lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}", *by_name[name]]
    return "\n".join(lines) + "\n"


def _values(meters: Meters) -> Iterator[tuple[str, Labels, float]]:
    yield "outlay_info", {"version": meters.version, "currency": meters.currency}, 1
    for each in meters.burns.burns if meters.burns else ():
        labels = {"budget": each.budget.name, "period": each.budget.period}
        yield "outlay_budget_amount", labels, float(each.budget.amount)
        yield "outlay_budget_spent", labels, float(each.spent)
        yield "outlay_budget_spent_ratio", labels, each.share
        if each.predicted is not None:
            yield "outlay_budget_predicted", labels, float(each.predicted)
    if meters.wasted is not None:
        yield "outlay_wasted_ratio", {}, meters.wasted
    yield from _of_findings(meters.findings or ())
    for source in meters.health:
        labels = {"source": source.name, "kind": source.code}
        yield "outlay_source_up", labels, float(source.state in ("ok", "starting"))
        lag = source.lag_s(meters.now)
        if lag is not None:
            yield "outlay_source_lag_seconds", labels, lag
        yield "outlay_source_facts_total", labels, source.rows
        yield "outlay_source_rejected_total", labels, source.rejected
    yield "outlay_spool_waiting_bytes", {}, meters.waiting_bytes
    yield "outlay_questions_total", {}, meters.asked
    yield "outlay_questions_seconds_total", {}, meters.asked_s
    for severity, count in meters.alerts.items():
        yield "outlay_alerts", {"severity": severity}, count


def _of_findings(findings: Iterable[tuple[str, float]]) -> Iterator[tuple[str, Labels, float]]:
    sums: dict[str, tuple[int, float]] = {}
    for code, month in findings:
        count, total = sums.get(code, (0, 0.0))
        sums[code] = (count + 1, total + month)
    for code, (count, total) in sums.items():
        yield "outlay_findings", {"detector": code}, count
        yield "outlay_findings_month_usd", {"detector": code}, total


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

"""Valuable outputs: how many of each kind, made by whom."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from outlay.facts.window import Window
from outlay.questions.ask import Ask
from outlay.questions.tables import table


@dataclass(frozen=True, slots=True)
class Outputs:
    """`value` in the currency that the emitter states, None where it states none."""

    kind: str
    team: str | None
    project: str | None
    count: Decimal
    value: Decimal | None


def outputs_expr(window: Window) -> Any:
    """Outputs of a window by kind, team and project."""
    rows = table("output")
    rows = rows.filter(rows.time >= window.since, rows.time < window.until)
    made = rows["count"]
    return rows.group_by(["kind", "team", "project"]).aggregate(made=made.sum(), value=rows.value.sum())


def outputs(ask: Ask, window: Window) -> tuple[Outputs, ...]:
    """Sorted by kind, team, project."""
    rows = ask.rows(outputs_expr(window))
    return tuple(sorted((Outputs(*row) for row in rows), key=lambda o: (o.kind, o.team or "", o.project or "")))

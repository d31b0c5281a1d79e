"""How many experiments a team starts in a week."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from outlay.facts.window import Window
from outlay.questions.ask import Ask
from outlay.questions.tables import table

#: Kinds of run that are experiments; a sweep with its trials, or a job array, is one.
KINDS = ("training", "sweep", "trial")


@dataclass(frozen=True, slots=True)
class TeamWeek:
    """`week` is its Monday."""

    team: str | None
    week: datetime
    experiments: int


def experiments_expr(window: Window) -> Any:
    """Distinct experiments started, by team and week; production training is not an experiment."""
    rows = table("run")
    rows = rows.filter(rows.started >= window.since, rows.started < window.until, rows.kind.isin(KINDS),
                       rows.environment.fill_null("") != "production")
    return rows.mutate(experiment=rows["group"].fill_null(rows.run_id), week=rows.started.truncate("W")).group_by(
        ["team", "week"]).aggregate(experiments=lambda t: t.experiment.nunique())


def experiments_a_week(ask: Ask, window: Window) -> tuple[TeamWeek, ...]:
    """Every team and week with an experiment."""
    return tuple(TeamWeek(*row) for row in ask.rows(experiments_expr(window)))

"""What a run is called and whose it is, for those that are named elsewhere."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from outlay.questions.ask import Ask
from outlay.questions.tables import table


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A run's name and owner."""

    run_id: str
    scheduler: str
    name: str | None
    kind: str | None
    owner: str | None
    team: str | None
    started: datetime | None
    ended: datetime | None

    @property
    def title(self) -> str:
        return self.name or self.run_id


def run_facts_expr(run_ids: Collection[str]) -> Any:
    """The columns of `RunFacts`."""
    rows = table("run")
    rows = rows.filter(rows.run_id.isin(sorted(run_ids)))
    return rows.select("run_id", "scheduler", "name", "kind", "owner", "team", "started", "ended").order_by("started")


def run_facts(ask: Ask, run_ids: Collection[str]) -> dict[str, RunFacts]:
    """By run; of several with the same id, the one that started last."""
    if not run_ids:
        return {}
    return {row[0]: RunFacts(*row) for row in ask.rows(run_facts_expr(run_ids))}

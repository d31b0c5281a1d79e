"""What the scheduler says of single runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from outlay.questions.ask import Ask
from outlay.questions.tables import table


@dataclass(frozen=True, slots=True)
class KnownRun:
    """A run by its latest version. `group`: the sweep or array that it is part of. `ended`: it costs nothing now."""

    run_id: str
    scheduler: str | None
    name: str | None
    kind: str | None
    group: str | None
    owner: str | None
    team: str | None
    ended: bool


def known_runs_expr(run_ids: Collection[str]) -> Any:
    """Columns run_id, scheduler, name, kind, group, owner, team, ended."""
    rows = table("run")
    rows = rows.filter(rows.run_id.isin(sorted(run_ids)))
    return rows.group_by("run_id").aggregate(
        scheduler=rows.scheduler.max(), name=rows.name.max(), kind=rows.kind.max(), group=rows.group.max(),
        owner=rows.owner.max(), team=rows.team.max(), ended=rows.ended.notnull().all())


def known_runs(ask: Ask, run_ids: Collection[str]) -> Mapping[str, KnownRun]:
    """Those of the runs that a scheduler told of."""
    return {row[0]: KnownRun(*row) for row in ask.rows(known_runs_expr(run_ids))} if run_ids else {}

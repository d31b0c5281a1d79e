"""Valuable outputs, counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from outlay.facts.column import CHARGE_MONEY, NO_TAGS, QUANTITY, TAGS, TEXT, TIME, column


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A count of something a team calls valuable. Identity: source and id, else the row."""

    time: datetime = column(TIME, "start of the period it was produced in, UTC", required=True)
    kind: str = column(TEXT, "tickets_resolved, predictions, documents, ...", required=True)
    count: Decimal = column(QUANTITY, "how many", required=True)
    output_id: str | None = column(TEXT, "the emitter's id of this row")
    value: Decimal | None = column(CHARGE_MONEY, "what they are worth together, in `currency`")
    currency: str | None = column(TEXT, "ISO 4217 of `value`")
    task: str | None = column(TEXT, "task that made them")
    agent: str | None = column(TEXT, "agent that made them")
    model: str | None = column(TEXT, "model that made them")
    run_id: str | None = column(TEXT, "run that made them")
    tags: Mapping[str, str] = column(TAGS, "team, project and the like", default=NO_TAGS)

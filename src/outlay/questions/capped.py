"""How many calls were made without a cap on their output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from outlay.facts.window import Window
from outlay.questions.ask import Ask
from outlay.questions.tables import table


@dataclass(frozen=True, slots=True)
class Capped:
    """Calls of sources that say the cap at all, and those that had one."""

    calls: int
    capped: int


def capped_expr(window: Window) -> Any:
    """Calls with output, and calls with max_tokens, by source: a source without any cap does not record caps."""
    rows = table("call")
    rows = rows.filter(rows.time >= window.since, rows.time < window.until, rows.output_tokens > 0)
    return rows.group_by("source").aggregate(calls=rows.count(), capped=rows.max_tokens.count())


def capped_calls(ask: Ask, window: Window) -> Capped | None:
    """None where no source records caps."""
    rows = [(calls, capped) for _, calls, capped in ask.rows(capped_expr(window)) if capped]
    return Capped(sum(calls for calls, _ in rows), sum(capped for _, capped in rows)) if rows else None

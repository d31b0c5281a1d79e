"""Up to when each source of files has told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from outlay.questions.ask import Ask
from outlay.questions.tables import table


def newest_expr() -> Any:
    """Columns source, until: the last fact that any import of a source brought."""
    rows = table("imports")
    return rows.group_by("source").aggregate(until=rows.until.max()).order_by("source")


def newest(ask: Ask) -> tuple[tuple[str, datetime | None], ...]:
    """By source."""
    return tuple(ask.rows(newest_expr()))

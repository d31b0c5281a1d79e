"""Models with calls and no known price: shown, never counted as zero."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from outlay.accounting.assessment import Line
from outlay.facts.window import Window
from outlay.questions.ask import Ask
from outlay.questions.tables import table


def unpriced_expr(window: Window) -> Any:
    """Calls without a price, and their tokens, by provider and model."""
    import ibis

    rows = table("call_day")
    rows = rows.filter(rows.day >= window.since, rows.day < window.until, rows.unpriced > 0)
    return rows.group_by(["provider", "model"]).aggregate(
        missing=rows.unpriced.sum(), tokens=(rows.input_tokens + rows.output_tokens).sum(),
    ).order_by(ibis.desc("missing"))


def unpriced_models(ask: Ask, window: Window) -> tuple[Line, ...]:
    """One line a model; `detail` says calls and tokens."""
    return tuple(
        Line(" ".join(part for part in (provider, model or "without a model's name") if part), Decimal(0), 0.0,
             f"{missing:,} calls, {tokens:,} tokens")
        for provider, model, missing, tokens in ask.rows(unpriced_expr(window)))

"""The questions behind findings about bills and days are written for any engine."""

from decimal import Decimal
from typing import Any

import ibis
import pytest

from made_ledger import at, window
from outlay.questions import billed_resources, daily_spend, inference_mix

WINDOW = window(30)
BILL = billed_resources.bill_expr(WINDOW)
DAYS, USUAL = [at(21)], [at(day) for day in range(21)]
CALLS = daily_spend.Series(None, "growth", None)
LINE = daily_spend.Series("S3, Requests-GET", None, "labelling")
EXPRESSIONS: dict[str, Any] = {
    "copies": billed_resources.copies_expr(BILL, Decimal(10)),
    "kept versions": billed_resources.kept_versions_expr(BILL, Decimal(10)),
    "transfers": billed_resources.transfers_expr(BILL, Decimal(10)),
    "vector indexes": billed_resources.vector_indexes_expr(BILL, Decimal(10)),
    "billed until": billed_resources.billed_until_expr(BILL),
    "series days": daily_spend.series_days_expr(WINDOW, least=50, times=2, min_days=7),
    "call parts": daily_spend.call_parts_expr(CALLS, DAYS, USUAL),
    "charge parts": daily_spend.charge_parts_expr(LINE, DAYS, USUAL, WINDOW),
    "dearest trace": daily_spend.dearest_trace_expr(CALLS, DAYS),
    "model days": daily_spend.model_days_expr(WINDOW, "gpt-4o"),
    "output days": daily_spend.output_days_expr(WINDOW),
    "stage spend": inference_mix.stage_spend_expr(WINDOW),
    "token spend": inference_mix.token_spend_expr(WINDOW, ["growth"]),
    "serving spend": inference_mix.serving_spend_expr(WINDOW, ["growth"]),
}


@pytest.mark.parametrize("name", EXPRESSIONS)
@pytest.mark.parametrize("dialect", ["duckdb", "clickhouse"])
def test_it_compiles(name: str, dialect: str) -> None:
    assert "SELECT" in str(ibis.to_sql(EXPRESSIONS[name], dialect=dialect))

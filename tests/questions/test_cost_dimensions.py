"""Every dimension can be asked by and asked for, alone and with others, whichever of bills and calls have it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

import outlay
from outlay.api import Ledger
from outlay.questions.costs import DIMENSIONS

BILL = """ChargePeriodStart,ChargePeriodEnd,BillingPeriodStart,BilledCost,EffectiveCost,BillingCurrency,ProviderName,\
BillingAccountId,ServiceName,ServiceCategory,ChargeCategory,ResourceId
2026-09-01T00:00:00Z,2026-09-02T00:00:00Z,2026-09-01,10,10,USD,AWS,1,Amazon S3,Storage,Usage,bucket-a
"""


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """Ten dollars of a bucket, and five of calls, all on one day."""
    place = tmp_path_factory.mktemp("dimensions")
    (place / "bill.csv").write_text(BILL, encoding="utf-8")
    (place / "calls.jsonl").write_text("".join(json.dumps({
        "time": "2026-09-01T10:00:00Z", "provider": "openai", "model": "gpt-4o", "response_id": f"r{number}",
        "input_tokens": 1_000_000, "output_tokens": 0, "user": f"u{number}"}) + "\n" for number in range(2)),
        encoding="utf-8")
    with outlay.open(place / "store") as opened:
        opened.import_file(place / "bill.csv")
        opened.import_file(place / "calls.jsonl")
        yield opened


@pytest.mark.parametrize("name", DIMENSIONS)
def test_by_and_where_add_up(ledger: Ledger, name: str) -> None:
    for by, every in (([], None), ([name], "month"), (["user"], None)):
        # A pattern takes every value that there is.
        parts = [ledger.costs(by, where=[f"{name}={value}"], every=every).answer.totals["cost"]
                 for value in ("none", "*")]
        assert sum(parts) == 15
        assert ledger.costs(by, where=[f"{name}=nobody"], every=every).answer.rows == ()


@pytest.mark.parametrize("name", DIMENSIONS)
def test_within_a_day_calls_alone_are_told_apart(ledger: Ledger, name: str) -> None:
    known = [ledger.costs([name], where=[f"{name}={value}"], every="hour", since="2026-09-01").answer.totals["cost"]
             for value in ("none", "*")]
    assert sum(known) == 5

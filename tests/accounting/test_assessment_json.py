"""The JSON contract: one shape, money as text, flat rows."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from assessment_fixture import HOSTILE, empty, rich

from outlay.accounting.assessment_json import SCHEMA, assessment_json

CONTRACT = ["schema", "as_of", "window", "currency", "cost", "rows", "totals", "unknown", "rejected"]
SECTIONS = ["trend", "outputs", "top", "breakdowns", "gpu", "heatmap", "untagged", "questions", "sources", "evidence"]


@pytest.fixture(scope="module")
def answer() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(assessment_json(rich()), allow_nan=False))
    return made


def test_the_contract_comes_first_and_whole(answer: dict[str, Any]) -> None:
    assert list(answer)[: len(CONTRACT)] == CONTRACT
    assert answer["schema"] == SCHEMA
    assert answer["as_of"] == "2026-08-31T00:00:00Z"
    assert answer["window"] == {"since": "2026-08-01T00:00:00Z", "until": "2026-08-31T00:00:00Z"}
    assert (answer["currency"], answer["cost"], answer["rejected"], answer["sample"]) == ("USD", "effective", 17, True)
    assert answer["headline"] == rich().headline


def test_findings_are_flat_rows_with_money_as_text(answer: dict[str, Any]) -> None:
    row = next(row for row in answer["rows"] if row["code"] == "frontier-on-simple")
    assert row == {
        "id": "frontier-on-simple-8a79c4d1",
        "code": "frontier-on-simple",
        "capability": "F2",
        "state": "open",
        "subject": "calls:openai/frontier-1/tickets",
        "title": "A frontier model answers tickets that a small model answers as well.",
        "owner": "Mei-Ling Zhou",
        "team": "Support AI",
        "confidence": "medium",
        "assumption": "the 400 tickets stand for all",
        "month": "11900",
        "so_far": "11620",
        "freed_month": "0",
        "claimed_month": "24300",
        "claimed_so_far": "24020",
        "since": "2026-08-01T00:00:00Z",
        "until": "2026-08-31T00:00:00Z",
        "action": "Route the simple third to `small-1`.",
        "command": "outlay costs --by model --where task=tickets",
        "change": "",
    }
    states = [row["state"] for row in answer["rows"]]
    assert states == ["open"] * 3 + ["accepted"] + ["open"] * 3 + ["ignored"]
    evidence = [each for each in answer["evidence"] if each["finding"] == row["id"]]
    assert evidence[0] == {"finding": row["id"], "name": "calls", "value": "2.1M"}


def test_rows_that_are_not_ignored_add_up_to_the_totals(answer: dict[str, Any]) -> None:
    live = [row for row in answer["rows"] if row["state"] != "ignored"]
    assert sum(Decimal(row["month"]) for row in live) == Decimal(answer["totals"]["saving_month"])
    assert sum(Decimal(row["so_far"]) for row in live) == Decimal(answer["totals"]["wasted"])
    claimed = sum(Decimal(row["claimed_month"]) for row in live)
    assert claimed - Decimal(answer["totals"]["overlap_month"]) == Decimal(answer["totals"]["saving_month"])


def test_totals_are_exact_text_and_shares_numbers(answer: dict[str, Any]) -> None:
    totals = answer["totals"]
    assert totals["spent"] == "337977" and totals["previous"] == "306957"
    assert totals["gpu_utilisation"] == 0.53 and totals["untagged_share"] == 0.0702
    assert totals["unmetered"] == "9174"


def test_unknown_is_listed_and_never_zero(answer: dict[str, Any]) -> None:
    kinds = [row["kind"] for row in answer["unknown"]]
    assert kinds == ["gap"] * 3 + ["unpriced"] + ["currency"] * 2
    unpriced = answer["unknown"][3]
    assert unpriced["cost"] is None and unpriced["what"].startswith("x-large-preview")
    assert answer["unknown"][4] == {
        "kind": "currency",
        "what": "not converted",
        "cost": "1204.18",
        "currency": "EUR",
        "settle": "",
    }
    assert answer["outputs"][2]["unit_cost"] is None


@pytest.mark.parametrize("key", [*SECTIONS, "rows", "unknown"])
def test_lists_of_rows_are_flat(answer: dict[str, Any], key: str) -> None:
    assert answer[key]
    for row in answer[key]:
        for name, value in row.items():
            assert name == "cells" or not isinstance(value, dict | list)
        assert list(row) == list(answer[key][0])


def test_breakdowns_add_up_to_the_spend(answer: dict[str, Any]) -> None:
    rows = [row for row in answer["breakdowns"] if row["dimension"] == "run"]
    assert sum(Decimal(row["cost"]) for row in rows) == Decimal(answer["totals"]["spent"])
    assert [row["rest"] for row in rows] == [False] * 5 + [True]
    assert HOSTILE in [row["label"] for row in rows]


def test_an_empty_ledger_keeps_the_shape() -> None:
    answer = assessment_json(empty())
    assert list(answer) == list(assessment_json(rich()))
    assert all(answer[key] == [] for key in [*SECTIONS, "rows", "unknown"])
    assert answer["totals"]["previous"] is None and answer["totals"]["gpu_utilisation"] is None

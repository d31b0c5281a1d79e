"""Calls that name no model: what their emitter says of their cost counts everywhere; tools and agents cost nothing."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import outlay


def test_a_stated_cost_without_a_model_is_in_every_sum(tmp_path: Path) -> None:
    call: dict[str, object] = {"time": "2026-05-04T09:00:00Z", "model": None, "input_tokens": 10, "team": "search"}
    tool = {"time": "2026-05-04T09:01:00Z", "trace_id": "t", "span_id": "1", "operation": "execute_tool"}
    paid = {"provider": "openai", "response_id": "r", "reported_cost": "3"}
    rows = [{**call, **paid}, {**call, **tool, "input_tokens": None}]
    path = tmp_path / "calls.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with outlay.open(tmp_path / "store") as ledger:
        ledger.import_file(path)
        for by in (["team"], ["user"], ["model"], ["line", "user"]):
            answer = ledger.costs(by=by).answer
            assert answer.totals["cost"] == Decimal(3), by
            assert answer.unknown == (), by
        assert [row[0] for row in ledger.costs(by=["model"]).answer.rows] == [None]
        assert ledger.assess().spent == Decimal(3)

"""A question's SQL is compiled once, and says the same as if it were compiled each time."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import ibis
import pytest

from made_ledger import START, at, made_ledger, node_hours, readings
from outlay.facts.window import Window
from outlay.questions import compiled
from outlay.questions.ask import Ask
from outlay.questions.costs import CostQuery, cost_expr
from outlay.questions.gpus import heatmap_expr
from outlay.questions.runs import run_lives_expr
from outlay.questions.tables import table


def questions(now: datetime) -> list[Any]:
    window = Window(now - timedelta(days=2), now)
    return [cost_expr(CostQuery(("team",), window, every="hour")), heatmap_expr(window, 3600),
            run_lives_expr(window, 5), cost_expr(CostQuery((), Window(START, at(3)), every="day"))]


@pytest.mark.parametrize("now", [
    at(2, 3), at(2, 3) + timedelta(microseconds=7), datetime(1900, 1, 1), datetime(1900, 5, 3)])
def test_every_moment_gives_what_compiling_gives(tmp_path: Path, now: datetime) -> None:
    store = made_ledger(tmp_path, [*node_hours("n1", START, at(2), "8"), *readings("n1", range(2), START, at(2), 50)])
    ask = Ask(store.con)
    for _ in range(2):
        for question in questions(now):
            plain = store.con.sql(str(ibis.to_sql(question, dialect="duckdb"))).to_arrow_table().to_pylist()
            assert sorted(map(str, ask.arrow(question).to_pylist())) == sorted(map(str, plain))
    store.close()


def test_it_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled._kept.clear()
    for minute in range(5):
        for question in questions(at(2) + timedelta(minutes=minute)):
            compiled.duckdb_sql(question)
    calls: list[Any] = []
    monkeypatch.setattr(compiled, "_compiled", calls.append)
    for question in questions(at(4)):
        compiled.duckdb_sql(question)
    assert calls == []


def test_times_that_are_equal_by_chance_are_another_question() -> None:
    rows = table("call")

    def between(since: datetime, until: datetime) -> str:
        return compiled.duckdb_sql(rows.filter(rows.time >= since, rows.time < until).select("team"))

    equal = between(at(1), at(1))
    other = between(at(1), at(2))
    assert equal.count("2026-09-02") == 2
    assert other.count("2026-09-02") == 1 and other.count("2026-09-03") == 1


def test_what_is_not_asked_for_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "KEPT", 2)
    compiled._kept.clear()
    rows = table("call")
    for name in ("team", "owner", "model"):
        compiled.duckdb_sql(rows.filter(rows.time >= START).select(name))
    assert len(compiled._kept) == 2

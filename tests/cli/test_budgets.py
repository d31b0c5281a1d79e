"""`outlay budgets`: what the settings allow against what the ledger knows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from test_commands import run, run_json


@pytest.fixture
def store(tmp_path: Path) -> Callable[[str], Path]:
    """A store of ten days of September with ten dollars of team search a day, and settings."""
    def made(settings: str) -> Path:
        (tmp_path / "outlay.yaml").write_text(settings, encoding="utf-8")
        calls = [{"time": f"2026-09-{day:02}T10:00:00Z", "provider": "openai", "model": "gpt-4o",
                  "response_id": f"r{day}", "input_tokens": 4_000_000, "output_tokens": 0, "team": "search",
                  "api_key": "k1" if day < 6 else "k2"} for day in range(1, 11)]
        (tmp_path / "calls.jsonl").write_text("".join(json.dumps(call) + "\n" for call in calls), encoding="utf-8")
        run(tmp_path, "import", str(tmp_path / "calls.jsonl"))
        return tmp_path
    return made


def test_spent_share_pace_and_state(store: Callable[[str], Path]) -> None:
    place = store("budgets:\n"
                  "  - {name: all, amount: 1000}\n"
                  "  - {name: search, team: search, amount: 120.5, thresholds: [80, 50]}\n"
                  "  - {name: tight, team: 'sea*', amount: 99.99}\n"
                  "  - {name: others, team: vision, amount: 1}\n"
                  "  - {name: new key, key: k2, amount: 200, period: quarter}\n"
                  "  - {name: a week, team: search, amount: 100, period: week}\n"
                  "  - {name: today, amount: 10, period: day}\n")
    answer = run_json(place, "budgets", "list")
    assert answer["schema"] == "outlay.budgets/1"
    rows = {row["budget"]: row for row in answer["rows"]}
    assert [(name, row["spent"], row["predicted"], row["state"]) for name, row in rows.items()] == [
        ("all", "100", "300", "within"),
        ("search", "100", "300", "will pass"),
        ("tight", "100", "300", "over"),
        ("others", "0", "0", "within"),
        # Nothing is known of the quarter's first two months; the key costs 50 in ten days, and twenty are to come.
        ("new key", "50", "150", "within"),
        # Monday the 7th to Thursday the 10th.
        ("a week", "40", "70", "within"),
        ("today", "10", "10", "alert"),
    ]
    assert rows["search"]["left"] == "20.5"
    assert rows["search"]["scope"] == "team search"
    assert rows["all"]["scope"] == "organisation"
    assert (rows["new key"]["since"], rows["new key"]["until"]) == ("2026-07-01T00:00:00Z", "2026-10-01T00:00:00Z")
    text = run(place, "budgets", "list")
    assert "will pass" in text
    assert "team search" in text
    assert "$300" in text


def test_one_budget_says_when_it_passed_what(store: Callable[[str], Path]) -> None:
    place = store("budgets: [{name: search, team: search, amount: 100}]")
    row = run_json(place, "budgets", "show", "search")["rows"][0]
    assert [(each["percent"], each["day"]) for each in row["passed"]] == [
        (50, "2026-09-05T00:00:00Z"), (80, "2026-09-08T00:00:00Z"), (100, "2026-09-10T00:00:00Z")]
    assert row["days"][0] == {"day": "2026-09-01T00:00:00Z", "cost": "10"}
    assert "80% passed on" in run(place, "budgets", "show", "search")
    assert "One of search." in run(place, "budgets", "show", "serach", code=2)


def test_what_has_no_price_is_said(store: Callable[[str], Path]) -> None:
    place = store("budgets: [{name: search, team: search, amount: 100}]")
    call = {"time": "2026-09-10T11:00:00Z", "provider": "own", "model": "own-1", "response_id": "x",
            "input_tokens": 5, "team": "search"}
    (place / "more.jsonl").write_text(json.dumps(call) + "\n", encoding="utf-8")
    run(place, "import", str(place / "more.jsonl"))
    assert run_json(place, "budgets", "list")["unknown"][0]["unpriced"] == 1
    assert "? not in search: 1 without a known price" in run(place, "budgets", "list")


def test_no_budget_says_how_to_set_one(store: Callable[[str], Path]) -> None:
    place = store("")
    assert "outlay budgets set" in run(place, "budgets", "list")
    assert run_json(place, "budgets", "list")["rows"] == []


def test_costs_where_a_dimension_of_single_calls_or_of_bills(store: Callable[[str], Path]) -> None:
    place = store("")
    assert run_json(place, "costs", "--where", "api_key=k1")["totals"]["cost"] == "50"
    assert run_json(place, "costs", "--by", "team", "--where", "api_key=k*")["totals"]["cost"] == "100"
    assert run_json(place, "costs", "--by", "api_key", "--where", "region=eu")["rows"] == []
    assert run_json(place, "costs", "--by", "api_key", "--where", "region=none,eu")["totals"]["cost"] == "100"


def test_a_budget_is_set_changed_and_removed(store: Callable[[str], Path]) -> None:
    place = store("budgets: [{name: all, amount: 1000}]\n")
    said = run(place, "budgets", "set", "search", "--for", "team=search", "--amount", "80", "--dry-run")
    assert "It sets budget search: 80 USD a month for team search" in said
    assert "over" in said and "Nothing was changed." in said
    assert [row["budget"] for row in run_json(place, "budgets", "list")["rows"]] == ["all"]
    run(place, "budgets", "set", "search", "--for", "team=search", "--amount", "80", "--owner", "bo")
    rows = {row["budget"]: row for row in run_json(place, "budgets", "list")["rows"]}
    assert (rows["search"]["spent"], rows["search"]["state"], rows["search"]["scope"]) == ("100", "over", "team search")
    said = run(place, "budgets", "set", "search", "--for", "team=search", "--amount", "400", "--period", "quarter")
    assert "it was 80 a month for team search" in said
    assert run_json(place, "budgets", "show", "search")["rows"][0]["period"] == "quarter"
    assert "Nothing was changed." in run(place, "budgets", "remove", "search", "--dry-run")
    assert "Removed budget search" in run(place, "budgets", "remove", "search")
    assert [row["budget"] for row in run_json(place, "budgets", "list")["rows"]] == ["all"]
    audit = run(place, "audit")
    assert "budget.remove" in audit and "budget.change" in audit


@pytest.mark.parametrize(("typed", "said"), [
    (["set", "all", "--amount", "3"], "declared in the settings"), (["set", "x", "--amount", "many"], "above zero"),
    (["set", "x", "--amount", "3", "--for", "colour=red"], "cannot be for 'colour'"),
    (["set", "x", "--amount", "3", "--for", "team"], "each dimension once"),
    (["set", "x", "--amount", "3", "--period", "decade"], "one of day, week"), (["remove", "x"], "nobody has set"),
    (["remove", "x", "--dry-run"], "nobody has set"),
])
def test_what_cannot_be_set_is_said(store: Callable[[str], Path], typed: list[str], said: str) -> None:
    place = store("budgets: [{name: all, amount: 1000}]\n")
    assert said in run(place, "budgets", *typed, code=2)

"""Large JSON lines are read once, by what a sample promises; the answer is the same as that of two readings, whatever
comes that the sample did not show."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import outlay
from outlay.ledger import importing
from outlay.ledger.importing import Imported
from outlay.ledger.staging import Reading
from outlay.sources import json_lines

START = datetime(2026, 5, 4, 9)
ROWS = 3000


@pytest.fixture(autouse=True)
def small_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes files of some hundred kilobytes large ones, of which a sample holds every tenth row."""
    monkeypatch.setattr(json_lines, "_SAMPLE_BYTES", 32 << 10)
    monkeypatch.setattr(json_lines, "_PLACE_BYTES", 1 << 10)


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[Reading]:
    """The readings that imports of this test tried."""
    tried: list[Reading] = []
    staged = importing.staging.staged

    def noted(*args: Any, **named: Any) -> Any:
        tried.append(args[5])
        return staged(*args, **named)

    monkeypatch.setattr(importing.staging, "staged", noted)
    return tried


def rows(*others: tuple[int, dict[str, object]]) -> list[dict[str, object]]:
    """Calls in the order of time, some of which differ from the pattern."""
    made: list[dict[str, object]] = [
        {"time": (START + timedelta(minutes=number)).isoformat() + "Z", "provider": "openai", "model": "gpt-4o",
         "response_id": f"r{number}", "input_tokens": 100 + number % 7, "output_tokens": 10, "team": "search"}
        for number in range(ROWS)]
    for number, changes in others:
        made[number] |= changes
    return made


def imported(tmp_path: Path, made: Iterable[dict[str, object]], name: str = "calls") -> tuple[Imported, list[Any]]:
    """What a store says of the import, and all its rows."""
    file = tmp_path / f"{name}.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in made), encoding="utf-8")
    with outlay.open(tmp_path / "store") as ledger:
        done = ledger.import_file(file)
        con = ledger.store.con
        held = [con.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall()
                for table in ("call", "call_shadow", "call_day")]
        return done, held


def read_twice(tmp_path: Path, made: Iterable[dict[str, object]], monkeypatch: pytest.MonkeyPatch) -> Any:
    """The same of a fresh store, where nothing counts as a large file."""
    with monkeypatch.context() as patch:
        patch.setattr(json_lines, "_SAMPLE_BYTES", 16 << 20)
        other = tmp_path / "other"
        other.mkdir()
        return imported(other, made)


#: A row in the middle between two places of the sample, by all counts.
LATE = 1430

CASES: dict[str, tuple[dict[str, object], list[Reading]]] = {
    "nothing": ({}, [Reading.ONCE]),
    "another model": ({"model": "gpt-4o-mini"}, [Reading.ONCE]),
    "a model that nobody knows": ({"model": "our-own"}, [Reading.ONCE]),
    "no model": ({"model": None}, [Reading.ONCE]),
    "another tier": ({"service_tier": "batch"}, [Reading.ONCE]),
    "a long context": ({"provider": "google", "model": "gemini-2.5-pro", "input_tokens": 900_000}, [Reading.ONCE]),
    "no id": ({"response_id": None}, [Reading.ONCE, Reading.TWICE]),
    "a time long ago": ({"time": "2024-05-04T09:00:00Z"}, [Reading.ONCE, Reading.TWICE]),
    "a negative count": ({"output_tokens": -1}, [Reading.ONCE, Reading.TWICE]),
    "another type": ({"output_tokens": "many"}, [Reading.ONCE, Reading.TWICE]),
    "a fraction": ({"output_tokens": 1.5}, [Reading.ONCE, Reading.TWICE]),
    "an id for the second time": ({"response_id": "r7", "output_tokens": 10}, [Reading.ONCE]),
}


@pytest.mark.parametrize("case", CASES)
def test_one_reading_gives_what_two_give(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, readings: list[Reading]
) -> None:
    changes, expected = CASES[case]
    # The column is there in other rows.
    made = rows((0, {"service_tier": "default"}), (LATE, changes))
    once = imported(tmp_path, made)
    tried = list(readings)
    twice = read_twice(tmp_path, made, monkeypatch)
    assert once[1] == twice[1]
    assert (once[0].rows, once[0].added, once[0].duplicates) == (twice[0].rows, twice[0].added, twice[0].duplicates)
    assert once[0].rejects == twice[0].rejects
    assert once[0].rows == ROWS
    assert tried == expected


def test_a_longer_context_than_the_samples_has_its_own_price(tmp_path: Path, readings: list[Reading]) -> None:
    long = {"provider": "google", "model": "gemini-2.5-pro"}
    made = rows(*((number, long) for number in range(ROWS)), (LATE, long | {"input_tokens": 900_000}))
    imported(tmp_path, made)
    assert readings == [Reading.ONCE]
    with outlay.open(tmp_path / "store") as ledger:
        prices = ledger.store.con.execute(
            "SELECT input_tokens > 200000, round((cost - output_tokens * 10e-6) / input_tokens * 1e6, 2) FROM call "
            "WHERE input_tokens IN (100, 900000) GROUP BY ALL ORDER BY 1").fetchall()
    # USD 1.25 a million tokens up to 200,000, twice that above; output USD 10 and 15.
    assert [(above, float(price)) for above, price in prices] == [(False, 1.25), (True, 2.5)]


def test_rows_that_another_import_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, readings: list[Reading]) -> None:
    first = rows()[:2000]
    # Of the second file, rows 1000 to 1999 are there already; one of them says more now, and one is of another model.
    second = rows((LATE, {"output_tokens": 99}), (LATE + 1, {"model": "gpt-4o-mini", "output_tokens": 99}))[1000:]
    imported(tmp_path, first, "first")
    done, held = imported(tmp_path, second, "second")
    assert set(readings) == {Reading.ONCE}
    assert (done.rows, done.added, done.duplicates, done.replaced) == (2000, 1002, 998, 2)
    other = tmp_path / "other"
    other.mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(json_lines, "_SAMPLE_BYTES", 16 << 20)
        imported(other, first, "first")
        assert imported(other, second, "second")[1] == held


def test_a_sample_with_a_bad_row_asks_for_two_readings_at_once(tmp_path: Path, readings: list[Reading]) -> None:
    made = rows((0, {"output_tokens": -1}), (ROWS - 1, {"output_tokens": -1}))
    done, _ = imported(tmp_path, made)
    assert readings == [Reading.ONCE]
    assert [reject.line for reject in done.rejects] == [1, ROWS]
    assert done.rejected == 2

"""A file that says one thing twice: it counts once, for calls and for versions of a run."""

from __future__ import annotations

import json
from pathlib import Path

import outlay


def write(path: Path, *rows: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_the_same_call_twice_is_one_call(tmp_path: Path) -> None:
    call: dict[str, object] = {"time": "2026-05-04T09:00:00Z", "model": "gpt-4o", "input_tokens": 1}
    call |= {"provider": "openai", "response_id": "r"}
    with outlay.open(tmp_path / "store") as ledger:
        done = ledger.import_file(write(tmp_path / "calls.jsonl", call, call, {**call, "response_id": "other"}))
        assert (done.rows, done.added, done.duplicates) == (3, 2, 1)


def test_of_two_versions_of_a_run_the_later_stands(tmp_path: Path) -> None:
    run = {"run_id": "7", "scheduler": "slurm/north", "state": "running", "observed": "2026-05-04T09:00:00Z"}
    later = {**run, "state": "completed", "observed": "2026-05-04T10:00:00Z"}
    with outlay.open(tmp_path / "store") as ledger:
        done = ledger.import_file(write(tmp_path / "runs.jsonl", later, run))
        assert (done.added, done.duplicates) == (1, 1)
        assert ledger.store.con.execute("SELECT state FROM run").fetchall() == [("completed",)]

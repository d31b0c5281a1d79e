"""A file that was imported is known again, and one that changed is not taken for it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import outlay
from outlay.api import Ledger
from outlay.errors import FileError
from outlay.sources import fingerprint
from outlay.sources.fingerprint import Fingerprint
from outlay.sources.inputfile import InputFile

HOUR_AGO_NS = 3_600_000_000_000


@pytest.fixture
def ledger(tmp_path: Path):
    with outlay.open(tmp_path / "store") as opened:
        yield opened


def calls(path: Path, *tokens: object, **more: object) -> Path:
    lines = (json.dumps({"time": f"2026-05-01T00:00:{n:02}", "model": "gpt-4o", "input_tokens": value, **more})
             for n, value in enumerate(tokens))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def grown_old(path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As if the file had been written long ago."""
    monkeypatch.setattr(fingerprint, "_SETTLED_NS", -HOUR_AGO_NS)
    return path


def tokens_of(ledger: Ledger) -> list[int]:
    return [row[0] for row in ledger.store.con.execute("SELECT input_tokens FROM call ORDER BY 1").fetchall()]


def test_a_settled_file_is_known_without_reading_it(ledger: Ledger, tmp_path: Path, monkeypatch) -> None:
    path = grown_old(calls(tmp_path / "calls.jsonl", 1, 2), monkeypatch)
    first = ledger.import_file(path)
    monkeypatch.setattr(InputFile, "sha256", lambda self: pytest.fail("was read"))
    assert ledger.import_file(path).already == first.import_id


def test_a_file_rewritten_under_its_old_time_is_another(ledger: Ledger, tmp_path: Path, monkeypatch) -> None:
    path = grown_old(calls(tmp_path / "calls.jsonl", 1, 2), monkeypatch)
    before = path.stat()
    ledger.import_file(path)
    calls(path, 1, 3)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert ledger.import_file(path).already is None
    assert tokens_of(ledger) == [1, 2, 3]


def test_a_copy_is_known_by_its_bytes(ledger: Ledger, tmp_path: Path) -> None:
    path = calls(tmp_path / "calls.jsonl", 1, 2)
    first = ledger.import_file(path)
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(path.read_bytes())
    assert ledger.import_file(copy).already == first.import_id


def test_a_file_that_was_just_written_has_no_stamp(tmp_path: Path) -> None:
    with Fingerprint(InputFile(calls(tmp_path / "calls.jsonl", 1), "calls.jsonl")) as young:
        assert young.stamp == ""
        assert not young.is_stamped("")


def test_a_file_that_vanishes_while_it_is_hashed_is_not_kept(ledger: Ledger, tmp_path: Path, monkeypatch) -> None:
    path = calls(tmp_path / "calls.jsonl", 1, 2)

    def gone(self: InputFile) -> str:
        raise FileError("cannot be read: gone", where=self.name)

    monkeypatch.setattr(InputFile, "sha256", gone)
    with pytest.raises(FileError, match="gone"):
        ledger.import_file(path)
    assert tokens_of(ledger) == []


@pytest.mark.parametrize(("late", "kept"), [
    ({"input_tokens": 2.5}, [7]), ({"input_tokens": 2**60}, [7]), ({"input_tokens": "many"}, [7]),
    ({"input_tokens": 8, "tokens_estimated": "maybe"}, [7]), ({"input_tokens": 8, "tokens_estimated": "true"}, [7, 8]),
    ({"input_tokens": 8, "extra": 0.5}, [7, 8]), ({"input_tokens": 8, "response_id": [1]}, [7, 8]),
])
def test_what_shows_late_in_a_file_is_seen(ledger: Ledger, tmp_path: Path, late: dict, kept: list[int]) -> None:
    """The types that a file seems to have are those of a sample; this row is not in it."""
    path = tmp_path / "calls.jsonl"
    row = {"time": "2026-05-01T00:00:00", "model": "gpt-4o", "input_tokens": 7, "extra": 1, "tokens_estimated": True,
           "response_id": "r"}
    often = "".join(json.dumps({**row, "response_id": f"r{n}", "user": "u" * 400}) + "\n" for n in range(60_000))
    odd = json.dumps({**row, "response_id": "late"} | late) + "\n"
    size = len(often)
    # The sample takes half a megabyte from each of 32 places that are equally far apart.
    place = often.index("\n", size * 3 // 62) + 1
    path.write_text(often[:place] + odd + often[place:], encoding="utf-8")
    done = ledger.import_file(path)
    assert sorted(set(tokens_of(ledger))) == kept
    assert done.added == 60_000 + len(kept) - 1
    assert done.rejected == 2 - len(kept)

"""kill -9 in the middle of an import: all of the file is there then, or none of it; a second import completes it."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fault_families import FAMILIES, iso
from fault_ledger import call_days, call_days_anew, facts, imports, put, rows

import outlay

CALLS = next(family for family in FAMILIES if family.name == "table-jsonl")
BILL = next(family for family in FAMILIES if family.name == "focus-csv")
DRIVER = Path(__file__).with_name("killed_import.py")


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Each gives way to, replaces and adds rows of a store that holds the earlier ones, and has a bad row."""
    longer = [CALLS.row(number) | {"output_tokens": 200} for number in range(3)]
    written = {
        "calls": CALLS.write([*longer, *(CALLS.row(number) for number in range(3, 9)), CALLS.row(9) | {"time": "no"}]),
        "bill": BILL.file([1, 2, 7, 8], {3: BILL.wrong.change}),
    }
    found = {}
    for name, data in written.items():
        found[name] = tmp_path / "new" / name
        found[name].parent.mkdir(exist_ok=True)
        found[name].write_bytes(data)
    return found


@pytest.fixture
def before(tmp_path: Path, empty_store: Path) -> Path:
    """A store with earlier calls and an earlier export of the bill."""
    store = tmp_path / "before"
    shutil.copytree(empty_store, store)
    with outlay.open(store) as ledger:
        put(ledger, tmp_path / "early", CALLS.file(range(6)))
        put(ledger, tmp_path / "bill", BILL.file(range(5)))
        put(ledger, tmp_path / "other", BILL.file(range(3, 6)))
    return store


def killed(store: Path, file: Path, statement: int) -> int | None:
    """None where the process was killed before that statement, else how many there are."""
    done = subprocess.run([sys.executable, str(DRIVER), str(store), str(file), str(statement)],
                          capture_output=True, text=True, check=False)
    if done.returncode == -signal.SIGKILL:
        return None
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def check_any_moment(kind: str, store: Path, before: Path, file: Path, statements: list[int]) -> None:
    with outlay.open(before) as ledger:
        untouched, days = facts(ledger), call_days(ledger)
    shutil.copytree(before, store)
    with outlay.open(store) as ledger:
        assert ledger.import_file(file).rejected == 1
        whole, whole_days = facts(ledger), call_days(ledger)
        [left] = [path.name for path in (store / "rejects").iterdir()]
    assert whole != untouched
    for statement in statements:
        shutil.rmtree(store)
        shutil.copytree(before, store)
        assert killed(store, file, statement) is None
        with outlay.open(store) as ledger:
            done = len(imports(ledger)) == 4
            assert facts(ledger) == (whole if done else untouched), f"before statement {statement}"
            assert call_days(ledger) == (whole_days if done else days) == call_days_anew(ledger)
            again = ledger.import_file(file)
            assert (again.already == 4) == done
            assert facts(ledger) == whole
            assert call_days(ledger) == whole_days == call_days_anew(ledger)
            assert [path.name for path in (store / "rejects").iterdir()] == [left]
            assert not list((store / "tmp").iterdir())


@pytest.mark.parametrize("kind", ["calls", "bill"])
def test_killed_at_some_statements(kind: str, tmp_path: Path, before: Path, files: dict[str, Path]) -> None:
    shutil.copytree(before, tmp_path / "count")
    count = killed(tmp_path / "count", files[kind], 10_000)
    assert count
    check_any_moment(kind, tmp_path / "store", before, files[kind], [count // 2, count - 8, count - 3])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_killed_at_any_moment(seed: int, tmp_path: Path, empty_store: Path) -> None:
    """The file is large enough that the commit takes a while, too; half of the kills are aimed at its end."""
    source = random.Random(seed)
    store, file = tmp_path / "store", tmp_path / "calls.jsonl"
    with file.open("w") as out:
        for number in range(300_000):
            call = {"time": iso(number // 500), "model": "gpt-4o", "provider": "openai", "input_tokens": number,
                    "output_tokens": 1, "response_id": f"r-{number}", "conversation": f"{source.random():.17f}"}
            out.write(json.dumps(call if number != 1000 else call | {"input_tokens": "many"}) + "\n")
    command = [sys.executable, "-m", "outlay", "--store", str(store), "import", str(file)]
    shutil.copytree(empty_store, store)
    began = time.monotonic()
    subprocess.run(command, check=False, capture_output=True)
    took = time.monotonic() - began

    shutil.rmtree(store)
    shutil.copytree(empty_store, store)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        time.sleep(took * source.uniform(0.75 if seed % 2 else 0, 1))
        process.kill()
    with outlay.open(store) as ledger:
        count = rows(ledger, "SELECT count(*) FROM call")[0][0]
        assert count in (0, 299_999)
        assert [row[2:] for row in imports(ledger)] == ([(299_999, 1)] if count else [])
        assert call_days(ledger) == call_days_anew(ledger)
        done = ledger.import_file(file)
        assert done.already == (1 if count else None)
        assert rows(ledger, "SELECT count(*) FROM call") == [(299_999,)]
        assert call_days(ledger) == call_days_anew(ledger)
        assert not list((store / "tmp").iterdir())

"""A store that is in use, damaged, or on a disk that is full: clear words, no traceback, nothing lost."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fault_families import FAMILIES
from fault_ledger import call_days, call_days_anew, facts, imports, put, rows

import outlay
from outlay.api import Ledger
from outlay.cli.main import main
from outlay.errors import StoreError, StoreLocked
from outlay.ledger import store as store_module

CALLS = next(family for family in FAMILIES if family.name == "table-jsonl")


@contextmanager
def held(store: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that keeps the store open until it is told to let go."""
    code = "import outlay, sys; ledger = outlay.open(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code, str(store)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "open\n"
        yield process
        assert process.stdin
        process.stdin.close()


def test_a_store_that_another_process_keeps(
    tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "store"
    shutil.copytree(empty_store, store)
    with held(store) as process:
        with pytest.raises(StoreLocked) as error:
            outlay.open(store, wait_s=0.2)
        assert f"is in use by process {process.pid} (" in error.value.message
        assert error.value.where == str(store)
        assert "Wait for it to end" in error.value.hint
        assert error.value.exit_code == 3

        monkeypatch.setattr(store_module, "LOCK_WAIT_S", 0.1)
        monkeypatch.setattr(sys, "argv", ["outlay", "--store", str(store), "imports", "list", "--json"])
        with pytest.raises(SystemExit) as stopped:
            main()
        assert stopped.value.code == 3
        assert json.loads(capsys.readouterr().out)["error"]["code"] == "store_locked"

        process.kill()  # a lock does not outlive its holder
        with outlay.open(store, wait_s=5) as ledger:
            assert imports(ledger) == []


def test_a_store_that_is_let_go_in_time(tmp_path: Path, empty_store: Path) -> None:
    store = tmp_path / "store"
    shutil.copytree(empty_store, store)
    with held(store) as process:
        assert process.stdin
        process.stdin.close()
        outlay.open(store).close()


def filled(store: Path, empty_store: Path) -> Path:
    shutil.copytree(empty_store, store)
    with outlay.open(store) as ledger:
        put(ledger, store.parent / "calls.jsonl", CALLS.file(range(2000)))
    return store / "ledger.duckdb"


@pytest.mark.parametrize("damage", ["cut off", "no database", "head", "everywhere", "folder"])
def test_a_damaged_ledger(tmp_path: Path, empty_store: Path, damage: str, capsys: pytest.CaptureFixture[str],
                          monkeypatch: pytest.MonkeyPatch) -> None:
    file = filled(tmp_path / "store", empty_store)
    data = file.read_bytes()
    if damage == "cut off":
        file.write_bytes(data[: len(data) // 2])
    elif damage == "no database":
        file.write_bytes(b"hello" * 1000)
    elif damage == "head":
        file.write_bytes(data[:8] + b"\xff" * 4096 + data[4104:])
    elif damage == "everywhere":
        file.write_bytes(data[:4096 * 3] + bytes(byte ^ 0x55 for byte in data[4096 * 3 :]))
    else:
        file.unlink()
        file.mkdir()
    damaged = file.read_bytes() if file.is_file() else b""

    monkeypatch.setattr(sys, "argv", ["outlay", "--store", str(file.parent), "costs", "--json"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 3
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "store"
    assert str(file.parent) in error["where"]
    assert "restore a backup" in error["hint"]
    assert "\n" not in error["message"]
    assert not file.is_file() or file.read_bytes() == damaged, "what can still be saved is left as it is"


def test_a_damaged_page_is_the_ledgers_fault_and_not_the_files(
    tmp_path: Path, empty_store: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever page is damaged: each command works, or says that the ledger is damaged."""
    file = filled(tmp_path / "store", empty_store)
    data = file.read_bytes()
    more = tmp_path / "more.jsonl"
    more.write_bytes(CALLS.file(range(1500, 2500)))
    said = set()
    for place in range(3, len(data) // 4096, max(1, len(data) // 4096 // 4)):
        for command in (["import", str(more)], ["costs"]):
            file.write_bytes(data[: place * 4096] + b"\xa5" * 4096 + data[(place + 1) * 4096 :])
            file.with_name("ledger.duckdb.wal").unlink(missing_ok=True)
            monkeypatch.setattr(sys, "argv", ["outlay", "--store", str(file.parent), *command, "--json"])
            with pytest.raises(SystemExit) as stopped:
                main()
            answer = json.loads(capsys.readouterr().out)
            errors = answer["failed"] if "failed" in answer else [answer["error"]] if "error" in answer else []
            assert stopped.value.code == (3 if errors else 0)
            for error in errors:
                assert error["code"] == "store", error
                assert "is damaged, restore a backup" in error["hint"]
                said.add(command[0])
    assert said, "some page that matters was damaged"


@pytest.mark.parametrize("kind", ["file", "closed", "below a file"])
def test_a_store_that_cannot_be_made(tmp_path: Path, kind: str) -> None:
    store = tmp_path / "store"
    if kind == "closed":
        if os.geteuid() == 0:
            pytest.skip("root may write everywhere")
        tmp_path.chmod(0o500)
    else:
        store.write_text("not a directory")
    with pytest.raises(StoreError, match="cannot be made") as error:
        outlay.open(store / "below" if kind == "below a file" else store)
    assert error.value.where.startswith(str(store))
    assert "--store" in error.value.hint


def test_a_store_of_another_version(tmp_path: Path, empty_store: Path) -> None:
    shutil.copytree(empty_store, tmp_path / "store")
    with outlay.open(tmp_path / "store") as ledger:
        ledger.store.set_meta("schema_version", "99")
    with pytest.raises(StoreError, match="has layout version 99") as error:
        outlay.open(tmp_path / "store")
    assert "Use the Outlay that wrote it" in error.value.hint


@contextmanager
def small_disk(place: Path, megabytes: float) -> Iterator[Path]:
    """A disk of that size, in memory."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={int(megabytes * 1024)}k", "tmpfs", str(place)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs root to mount a small disk")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def large(path: Path, rows: int = 20_000) -> Path:
    """Calls that do not compress well."""
    with path.open("w") as out:
        for number in range(rows):
            noise = os.urandom(48).hex()
            out.write(json.dumps({"time": f"2026-01-{number % 28 + 1:02}T00:00:00Z", "model": "gpt-4o",
                                  "provider": "openai", "input_tokens": number, "output_tokens": 1,
                                  "response_id": f"{number}-{noise}", "conversation": noise[::-1]}) + "\n")
    return path


def outlay_command(store: Path, *arguments: str, **options: object) -> tuple[int, dict[str, object], str]:
    command = [sys.executable, "-m", "outlay", "--store", str(store), *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


@pytest.mark.parametrize("megabytes", [2.5, 3.2])
def test_a_disk_that_fills_up_in_the_middle_of_an_import(tmp_path: Path, megabytes: float) -> None:
    big, more = large(tmp_path / "big.jsonl"), tmp_path / "more.jsonl"
    more.write_bytes(CALLS.file(range(2, 5)))
    with small_disk(tmp_path / "disk", megabytes) as disk:
        store = disk / "store"
        with outlay.open(store) as ledger:
            put(ledger, tmp_path / "calls.jsonl", CALLS.file(range(3), {1: CALLS.wrong.change}))
            before = facts(ledger)
        # Two files: the second is not tried, because the disk is as full for it.
        code, answer, err = outlay_command(store, "import", str(big), str(more))
        assert code == 3, (answer, err)
        assert (answer["rows"], err) == ([], "")
        [error] = answer["failed"]  # type: ignore[misc]
        assert (error["code"], error["message"], error["where"]) == (
            "store", "the disk is full; nothing was changed", str(big))
        assert error["hint"].startswith(f"Free some space where {store} is and try again")

        # What was there is there, and can be read, on the full disk too.
        assert outlay_command(store, "imports", "list")[0] == 0
        assert not list((store / "tmp").iterdir())
        subprocess.run(["mount", "-o", "remount,size=200m", str(disk)], check=True)
        with outlay.open(store) as ledger:
            assert facts(ledger) == before
            assert call_days(ledger) == call_days_anew(ledger)
            assert [path.name for path in (store / "rejects").iterdir()] == ["1-calls.jsonl"]
        code, answer, err = outlay_command(store, "import", str(big), str(more))
        assert code == 0, (answer, err)
        with outlay.open(store) as ledger:
            assert rows(ledger, "SELECT count(*) FROM call") == [(20_004,)]
            assert call_days(ledger) == call_days_anew(ledger)


def test_a_limit_on_the_size_of_files(tmp_path: Path, empty_store: Path) -> None:
    store = tmp_path / "store"
    shutil.copytree(empty_store, store)
    big = large(tmp_path / "big.jsonl")
    limit = store.joinpath("ledger.duckdb").stat().st_size + 500_000
    code, answer, err = outlay_command(
        store, "import", str(big), preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    assert code == 3, (answer, err)
    assert answer["failed"][0]["message"] == "the disk is full; nothing was changed"  # type: ignore[index]
    with outlay.open(store) as ledger:
        assert imports(ledger) == []
        assert not any(facts(ledger).values())
    assert outlay_command(store, "import", str(big))[0] == 0


def test_no_room_to_unpack_a_file(tmp_path: Path) -> None:
    """A compressed file is unpacked beside the ledger."""
    with small_disk(tmp_path / "disk", 2.5) as disk:
        subprocess.run(["gzip", str(large(tmp_path / "big.jsonl"))], check=True)
        code, answer, err = outlay_command(disk / "store", "import", str(tmp_path / "big.jsonl.gz"))
        assert code == 3, (answer, err)
        [error] = answer["failed"]  # type: ignore[misc]
        assert error["message"] == "the disk is full; nothing was changed"
        assert not list((disk / "store" / "tmp").iterdir())


def test_what_a_killed_process_left_is_cleared_away(ledger: Ledger, tmp_path: Path) -> None:
    path = ledger.store.path
    ledger.close()
    (path / "tmp" / "outlay-x").mkdir(parents=True)
    (path / "tmp" / "outlay-x" / "plain").write_bytes(b"x" * 1000)
    (path / "tmp" / "duckdb_temp_storage-0.tmp").write_bytes(b"x" * 1000)
    (path / "rejects" / "1-old.jsonl").write_text("left by a process that was killed before it was done")
    with outlay.open(path) as again:
        assert not list((path / "tmp").iterdir())
        done = put(again, tmp_path / "calls.jsonl", CALLS.file(range(3), {1: CALLS.wrong.change}))
        assert [str(file) for file in (path / "rejects").iterdir()] == [done.rejects_file]

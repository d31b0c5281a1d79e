"""`outlay import` on what people really point it at: exit codes, and what is said."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fault_families import FAMILIES

from outlay.cli.main import main

CALLS = next(family for family in FAMILIES if family.name == "table-jsonl")
BILL = next(family for family in FAMILIES if family.name == "focus-csv")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Runs the command line on a store of its own: exit code, standard output, standard error."""
    store = tmp_path / "store"
    shutil.copytree(empty_store, store)
    monkeypatch.chdir(tmp_path)

    def outlay(*arguments: str, stdin: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["outlay", "--store", str(store), *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as stopped:
            main()
        said = capsys.readouterr()
        return stopped.value.code or 0, said.out, said.err

    return outlay


def test_rejects_are_shown_and_kept_in_a_file(run: Run, tmp_path: Path) -> None:
    spoilt = dict.fromkeys(range(2, 9), CALLS.wrong.change)
    (tmp_path / "calls.jsonl").write_bytes(CALLS.file(range(12), spoilt))
    code, out, err = run("import", "calls.jsonl")
    assert (code, err) == (1, "")
    lines = out.splitlines()
    assert lines[0] == "calls.jsonl: outlay-table, import 1: 5 added, ! 7 rejected"
    assert lines[1:6] == [f"  line {line}: input_tokens is not a whole number: many" for line in range(3, 8)]
    assert lines[6] == "  ... 2 more"
    rejects = Path(lines[7].removeprefix("  all of them: "))
    assert rejects.is_absolute()
    assert [json.loads(line)["line"] for line in rejects.read_text().splitlines()] == list(range(3, 10))
    assert lines[8] == "1 file read, 5 rows added."

    code, out, _ = run("imports", "remove", "1")
    assert code == 0
    assert not rejects.exists()


def test_the_same_file_again(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bill.csv").write_bytes(BILL.file(range(3)))
    (tmp_path / "again.csv.gz").write_bytes(BILL.file(range(3)))
    assert run("import", "bill.csv")[0] == 0
    code, out, _ = run("import", "bill.csv", "again.csv.gz")
    assert code == 0
    assert out.count("already imported as 1; nothing changed (`outlay imports remove 1` first, to read it anew)") == 2
    assert "0 rows added." in out


def test_a_folder_of_anything(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "in" / "deep"
    folder.mkdir(parents=True)
    (folder / "calls.jsonl").write_bytes(CALLS.file(range(3)))
    (folder / "photo.jpg").write_bytes(b"\xff\xd8\xff" + bytes(range(256)))
    (folder / "notes.txt").write_text("hello\n")
    (folder / "empty.csv").write_bytes(b"")
    (folder / ".hidden").write_text("no")
    (folder / "loop").symlink_to(tmp_path / "in")
    os.mkfifo(folder / "pipe")
    code, out, err = run("import", "in")
    assert (code, err) == (0, "")
    assert "calls.jsonl: outlay-table, import 1: 3 added" in out
    assert out.splitlines()[1:-1] == [
        "Left alone, no data: 1 file (in/deep/notes.txt): prompts and other texts; `outlay prompts audit` reads "
        "prompts",
        "Not recognised, and left alone: 2 files", "  in/deep/empty.csv is empty",
        "  in/deep/photo.jpg is not a format that Outlay knows by its content"]

    (folder / "cut.csv.gz").write_bytes(gzip.compress(BILL.file(range(50)))[:-9])
    code, out, err = run("import", "in", "--json")
    assert code == 1
    report = json.loads(out)
    assert [error["where"] for error in report["failed"]] == ["in/deep/cut.csv.gz"]
    assert "ended before" in report["failed"][0]["message"]
    assert report["failed"][0]["hint"]
    assert len(report["unknown"]) == 3
    assert [row["already"] for row in report["rows"]] == [1]


def test_a_folder_in_which_nothing_is_known(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    assert run("import", "in")[0] == 0
    (tmp_path / "in" / "notes.txt").write_text("hello\n")
    code, out, _ = run("import", "in")
    assert code == 0
    assert "Left alone, no data: 1 file (in/notes.txt): prompts" in out


def test_settings_are_known_and_are_no_data(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "outlay.yaml").write_text("currency: USD\n")
    (tmp_path / "in" / "calls.yml").write_text("{source: gw, fact: call, columns: {time: at, model: name}}\n")
    (tmp_path / "in" / "other.yaml").write_text("replicas: 3\n")
    code, out, _ = run("import", "in")
    assert code == 0
    assert "Left alone, no data: 2 files (in/calls.yml, in/outlay.yaml): settings" in out
    assert "Not recognised, and left alone: 1 file\n  in/other.yaml is not" in out


@pytest.mark.parametrize(("name", "data", "said"), [
    ("notes.txt", b"hello\n", "is not a format that Outlay knows by its content\n  Name the source with --as"),
    ("empty.csv", b"", "is empty\n  Export it again"),
    ("absent.csv", None, "cannot be read: No such file or directory\n  Check that it is a file"),
    ("bill.csv", BILL.write([{"ChargePeriodStart": "2026-01-01", "BilledCost": "no"}]), (
        "has no usable row among 1; the first: line 2, BilledCost is not a number")),
], ids=("unknown", "empty", "absent", "bad rows alone"))
def test_a_file_that_the_user_named_is_a_failure(
    run: Run, tmp_path: Path, name: str, data: bytes | None, said: str
) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    code, out, err = run("import", name)
    assert code == 3
    assert f"outlay: {name}: {said}" in err
    assert "0 files read, 0 rows added." in out
    (tmp_path / "calls.jsonl").write_bytes(CALLS.file(range(2)))
    code, out, err = run("import", name, "calls.jsonl")
    assert code == 1
    assert f"outlay: {name}: " in err
    assert "1 file read, 2 rows added." in out
    code, out, err = run("import", name, "--json")
    assert code == 3
    assert json.loads(out)["failed"][0]["where"] == name


def test_a_source_that_nobody_knows(run: Run, tmp_path: Path) -> None:
    (tmp_path / "calls.jsonl").write_bytes(CALLS.file(range(2)))
    code, out, err = run("import", "--as", "focsu", "calls.jsonl")
    assert (code, out) == (2, "")
    assert "no source is called 'focsu'" in err
    assert "focus" in err
    code, out, _ = run("import", "--as", "focsu", "--json", "calls.jsonl")
    assert code == 2
    assert set(json.loads(out)["error"]) == {"code", "message", "where", "hint"}
    assert run("import", "--as", "focus", "calls.jsonl")[0] == 3


def test_standard_input_and_pipes(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("import", "-", stdin=CALLS.file(range(3)))
    assert code == 0
    assert "-: outlay-table, import 1: 3 added" in out
    code, out, _ = run("import", "-", stdin=gzip.compress(CALLS.file(range(2, 5), {0: CALLS.wrong.change})))
    assert code == 1
    assert "-: outlay-table, import 2: 2 added, ! 1 rejected\n  line 1: input_tokens" in out
    assert run("import", "-", stdin=b"")[0] == 3

    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(BILL.file(range(4)),))
    writer.start()
    code, out, _ = run("import", "pipe")
    writer.join()
    assert code == 0
    assert "pipe: focus, import 3: 4 added" in out
    assert not list((tmp_path / "store" / "tmp").iterdir())


@pytest.mark.parametrize("name", [
    "a*.jsonl", "a?.jsonl", "[a]{b}.jsonl", "it's.jsonl", '"quoted".jsonl', "new\nline.jsonl", "day=2026-01-01",
    "calls.jsonl.gz", "calls.csv.zst", "calls.parquet", "\u65e5\u672c\u8a9e \U0001f600.jsonl", "-dash.jsonl",
    "\\back.jsonl",
])
def test_names_mean_nothing(run: Run, tmp_path: Path, name: str) -> None:
    """A file is known by its content; no other file is read for it, and no column comes of its name."""
    (tmp_path / "ax.jsonl").write_bytes(CALLS.file(range(10, 20)))
    folder = tmp_path / "project=none"
    folder.mkdir()
    (folder / name).write_bytes(CALLS.file(range(3), {1: CALLS.wrong.change}))
    code, out, _ = run("import", "--json", "--", f"project=none/{name}")
    assert code == 1, out
    [done] = json.loads(out)["rows"]
    assert (done["rows"], done["added"], done["rejected"], done["notices"]) == (3, 2, 1, [])
    assert done["rejects"][0]["line"] == 2
    assert Path(done["rejects_file"]).exists()
    code, out, _ = run("imports", "show", "1", "--json")
    assert json.loads(out)["rows"][0]["name"] == f"project=none/{name}"


def test_a_name_that_is_no_text(run: Run, tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.jsonl")
    (tmp_path / name).write_bytes(CALLS.file(range(3)))
    code, out, _ = run("import", name)
    assert code == 0
    assert "caf\N{REPLACEMENT CHARACTER}.jsonl: outlay-table, import 1: 3 added" in out


def test_texts_that_no_encoding_can_write(run: Run, tmp_path: Path) -> None:
    """Half of a surrogate pair, as JSON can escape it: in a value that is kept, and in one that is refused."""
    half = "\\ud83d"
    for name in ("table-jsonl", "litellm-jsonl", "claude-code"):
        family = next(family for family in FAMILIES if family.name == name)
        data = family.file(range(3), {1: {"model": "HALF"}, 2: family.wrong.change | {"model": "HALF"}})
        (tmp_path / name).write_bytes(data.replace(b"HALF", half.encode()))
        code, out, _ = run("import", name)
        assert code == 1
        assert "2 added, ! 1 rejected" in out
    code, out, _ = run("costs", "--by", "model", "--json")
    assert code == 0
    models = {row["model"] for row in json.loads(out)["rows"]}
    assert "\N{REPLACEMENT CHARACTER}" in models


def test_files_that_others_may_not_read() -> None:
    """As another user than root, who may read everything."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)
        store, secret = place / "store", place / "secret.jsonl"
        secret.write_bytes(CALLS.file(range(2)))
        secret.chmod(0)
        other: dict[str, Any] = {}
        if os.geteuid() == 0:
            store.mkdir()
            shutil.chown(store, 65534)
            other = {"user": 65534, "group": 65534, "extra_groups": [], "cwd": name}
        command = [sys.executable, "-m", "outlay", "--store", str(store), "import", str(secret), "--json"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, **other)
        except PermissionError:
            pytest.skip("another user than root cannot start this Python, and root may read everything")
        if other and not done.stdout:
            pytest.skip("another user than root cannot load Outlay here, and root may read everything")
    assert done.returncode == 3, done.stderr
    error = json.loads(done.stdout)["failed"][0]
    assert (error["message"], error["where"]) == ("cannot be read: Permission denied", str(secret))
    assert error["hint"]

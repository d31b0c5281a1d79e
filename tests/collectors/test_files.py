"""Watched files: read once, restated, grown, rotated, broken, deleted; each as it happens in real folders."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from made_server import Server, served

import outlay
from outlay.api import Ledger
from outlay.collectors import logs
from outlay.collectors.base import Batch, WholeFile
from outlay.collectors.files import Files
from outlay.collectors.registry import collectors
from outlay.collectors.settings import parse_entries
from outlay.collectors.watching import Known, Memory
from outlay.errors import SettingsError
from outlay.facts import Call
from outlay.server.owner import Owner
from outlay.sources.base import RowSource
from outlay.sources.inputfile import InputFile

NOW = datetime(2026, 9, 10)
OLD = time.time() - 3600
BILL = ("ChargePeriodStart,ChargePeriodEnd,BilledCost,EffectiveCost,BillingCurrency,ProviderName,InvoiceIssuerName,"
        "BillingAccountId,BillingPeriodStart,BillingPeriodEnd,ChargeCategory,ServiceCategory,ServiceName,ChargeDescription")


class Watched:
    """A folder, the collector that watches it, and the ledger that it gives to, as the server puts them together."""

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        self.folder = folder
        self.ledger = ledger
        self.owner = Owner(ledger, lambda: NOW)
        self.owner.writer.start()
        self.kept: list[str] = []
        self.again()

    def again(self) -> None:
        """The process was started again."""
        entries = parse_entries([{"kind": "files", "name": "in", "paths": ["in"], "settle": "5s"}], "t",
                                self.folder.parent)
        (found,) = collectors(entries, self.ledger.settings.sources, self.ledger.store.scratch)
        assert isinstance(found, Files)
        self.collector = found

    def write(self, name: str, content: str | bytes, *, still: bool = True) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        if still:
            os.utime(path, (OLD, OLD))
        return path

    def round(self, most: int | None = None) -> tuple[str, ...]:
        """One round, broken off after `most` batches as by a kill; the problems."""
        for number, batch in enumerate(self.collector.collect(self.owner.cursor_of("in"), NOW)):
            if number == most:
                break
            self.owner.put(self.collector, batch)
        return self.collector.problems()

    def ask(self, sql: str) -> list[tuple[object, ...]]:
        return [tuple(row) for row in self.owner.cursor().execute(sql).fetchall()]

    @property
    def calls(self) -> list[str]:
        return sorted(str(row[0]) for row in self.ask("SELECT coalesce(response_id, model) FROM call"))

    @property
    def billed(self) -> list[str]:
        return sorted(str(row[0]) for row in self.ask("SELECT charge_description FROM charge"))


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    folder = tmp_path / "in"
    folder.mkdir()
    # The time at which a file was touched cannot be set: a test's files are all young by it.
    monkeypatch.setattr("outlay.collectors.watching.Stillness.still_s",
                        lambda self, name, look: time.time() - look.modified_ns / 1e9)
    with outlay.open(tmp_path / "store") as ledger:
        made = Watched(folder, ledger)
        yield made
        made.owner.stop(10)


def bill(*lines: str, month: int = 9, day: int = 1) -> str:
    start, end = f"2026-{month:02d}-{day:02d}T00:00:00Z", f"2026-{month:02d}-{day + 1:02d}T00:00:00Z"
    period = f"2026-{month:02d}-01T00:00:00Z,2026-{month + 1:02d}-01T00:00:00Z"
    rows = [f"{start},{end},10,10,USD,AWS,AWS,acc,{period},Usage,Compute,EC2,{line}" for line in lines]
    return "\n".join([BILL, *rows]) + "\n"


def calls(*names: str) -> str:
    return "".join(json.dumps({
        "time": "2026-09-01T10:00:00Z", "provider": "openai", "model": "gpt-4o", "response_id": name,
        "input_tokens": 10, "output_tokens": 1}) + "\n" for name in names)


def outputs(**counts: int) -> str:
    return "time,kind,count\n" + "".join(f"2026-09-{day[1:]}T00:00:00Z,tickets,{count}\n"
                                         for day, count in counts.items())


# Files


def test_a_file_is_read_once_it_is_still(watched: Watched) -> None:
    watched.write("bill.csv", bill("a", "b"), still=False)
    assert watched.round() == () and watched.billed == []
    os.utime(watched.folder / "bill.csv", (OLD, OLD))
    watched.round()
    assert watched.billed == ["a", "b"]
    watched.round()
    watched.again()
    watched.round()
    assert watched.ask("SELECT count(*) FROM imports") == [(1,)]


def test_a_restated_bill_replaces_what_it_restates_and_other_months_stay(watched: Watched) -> None:
    watched.write("bill.csv", bill("a", "b"))
    watched.round()
    watched.write("bill.csv", bill("a", "c"))
    watched.round()
    assert watched.billed == ["a", "c"]
    watched.write("bill.csv", bill("next", month=10))
    watched.round()
    assert watched.billed == ["a", "c", "next"], "the file holds the next month now; the last one is not taken back"
    watched.write("bill.csv", bill("a", "d"))
    watched.round()
    assert watched.billed == ["a", "d", "next"]


def test_restated_facts_without_an_identity_are_replaced_where_the_new_content_speaks_of_their_time(
    watched: Watched,
) -> None:
    def counted() -> list[tuple[object, ...]]:
        return watched.ask("SELECT day(time), sum(count) FROM output GROUP BY ALL ORDER BY 1")

    watched.write("out.csv", outputs(d01=5, d02=6))
    watched.round()
    watched.write("out.csv", outputs(d01=5, d02=7, d03=1))
    watched.round()
    assert counted() == [(1, 5), (2, 7), (3, 1)]
    watched.write("out.csv", outputs(d03=1, d04=2))  # the last days alone
    watched.round()
    assert counted() == [(1, 5), (2, 7), (3, 1), (4, 2)]
    watched.write("out.csv", outputs(d01=1, d04=1))
    watched.round()
    assert counted() == [(1, 1), (4, 1)], "every earlier version spoke of nothing else"


def test_deleted_renamed_and_copied_files(watched: Watched) -> None:
    path = watched.write("a.csv", bill("a"))
    watched.round()
    path.rename(watched.folder / "b.csv")
    watched.write("copy.csv", bill("a"))
    watched.round()
    assert watched.billed == ["a"]
    watched.write("b.csv", bill("b", day=2))
    watched.round()
    assert watched.billed == ["a", "b"], "the copy still says a"
    (watched.folder / "copy.csv").unlink()
    (watched.folder / "b.csv").unlink()
    watched.round()
    assert watched.billed == ["a", "b"]
    watched.write("copy.csv", bill("a"))
    watched.round()
    assert watched.billed == ["a", "b"]


def test_compressed_nested_hidden_and_unfinished_files(watched: Watched) -> None:
    watched.write("2026/09/bill.csv.gz", gzip.compress(bill("zipped").encode()))
    watched.write("calls.jsonl.gz", gzip.compress(calls("z1").encode()))
    for name in (".hidden.csv", "bill.csv.part", "bill.csv.tmp", "bill.csv~", ".git/bill.csv"):
        watched.write(name, bill("never"))
    assert watched.round() == ()
    assert (watched.billed, watched.calls) == (["zipped"], ["z1"])


def test_what_is_wrong_is_said_and_tried_again_when_it_changes(watched: Watched) -> None:
    watched.write("cut.csv.gz", gzip.compress(bill("cut").encode() * 50)[:200])
    watched.write("poem.csv", "roses are red\nviolets are blue\n")
    watched.write("some.csv", bill("good") + bill("bad").splitlines()[1].replace(",10,10,", ",ten,10,") + "\n")
    watched.write("none.json", '{"data": [')
    problems = {Path(text.split(": ")[0]).name: text for text in watched.round()}
    assert sorted(problems) == ["cut.csv.gz", "none.json", "poem.csv", "some.csv"]
    assert "fetch or export it again" in problems["cut.csv.gz"]
    assert "Name its source with `as`" in problems["poem.csv"]
    assert "1 of 2 rows refused, the first: line 3, BilledCost" in problems["some.csv"]
    assert watched.billed == ["good"]
    assert sorted(watched.round()) == sorted(problems.values()), "as before, without reading them again"
    watched.again()
    assert sorted(watched.round()) == sorted(problems.values())
    watched.write("cut.csv.gz", gzip.compress(bill("cut", day=3).encode()))
    watched.write("some.csv", bill("good", "bad"))
    (watched.folder / "poem.csv").unlink()
    assert [Path(text.split(": ")[0]).name for text in watched.round()] == ["none.json"]
    assert watched.billed == ["bad", "cut", "good"]


def test_links_out_of_the_folder_and_folders_that_are_not_there(watched: Watched, tmp_path: Path) -> None:
    outside = tmp_path / "secret.csv"
    outside.write_text(bill("secret"))
    (watched.folder / "link.csv").symlink_to(outside)
    (watched.folder / "up").symlink_to(tmp_path)
    (watched.folder / "gone.csv").symlink_to(tmp_path / "nowhere")
    watched.write("real.csv", bill("real"))
    (watched.folder / "again.csv").symlink_to(watched.folder / "real.csv")
    (problem,) = watched.round()
    assert "leads out of" in problem and watched.billed == ["real"]
    entries = parse_entries([{"kind": "files", "paths": ["nowhere/*.csv"]}], "t", tmp_path)
    (other,) = collectors(entries)
    list(other.collect(None, NOW))
    assert any("cannot be looked into: No such file" in text for text in other.problems())


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_files_that_may_not_be_read(watched: Watched) -> None:
    watched.write("bill.csv", bill("a")).chmod(0)
    (problem,) = watched.round()
    assert "Permission denied" in problem
    (watched.folder / "bill.csv").chmod(0o600)
    assert watched.round() == () and watched.billed == ["a"]


# Logs


def test_a_log_is_read_further_whole_lines_alone(watched: Watched) -> None:
    path = watched.write("calls.jsonl", calls("a", "b") + calls("c")[:20], still=False)
    watched.round()
    assert watched.calls == ["a", "b"]
    with path.open("a") as log:
        log.write(calls("c")[20:] + calls("d") + '{"time": "2026')
    watched.round()
    assert watched.calls == ["a", "b", "c", "d"]
    watched.again()
    watched.round()
    assert watched.ask("SELECT sum(added), sum(duplicates) FROM imports") == [(4, 0)]


def test_the_last_line_without_an_end_counts_when_nobody_writes_any_more(watched: Watched) -> None:
    path = watched.write("calls.jsonl", calls("a", "b").rstrip("\n"), still=False)
    watched.round()
    assert watched.calls == ["a"]
    os.utime(path, (OLD, OLD))
    watched.round()
    assert watched.calls == ["a", "b"]
    with path.open("a") as log:
        log.write("\n" + calls("c"))
    watched.round()
    assert watched.calls == ["a", "b", "c"]


def test_a_rotated_log_is_read_from_its_beginning_and_what_it_gave_stays(watched: Watched) -> None:
    path = watched.write("calls.jsonl", calls(*"abcdef"))
    watched.round()
    path.rename(watched.folder / "calls.jsonl.1")
    watched.write("calls.jsonl", calls("g"))
    watched.round()
    assert watched.calls == list("abcdefg")
    path.write_text("")
    watched.round()
    watched.write("calls.jsonl", calls("h", "i"))
    watched.round()
    assert watched.calls == list("abcdefghi")


def test_long_logs_come_in_pieces(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "PIECE_BYTES", 500)
    names = [f"n{number:03d}" for number in range(40)]
    watched.write("calls.jsonl", calls(*names[:20]) + calls("x" * 700) + calls(*names[20:]))
    watched.round()
    assert watched.calls == sorted([*names, "x" * 700])


def test_refused_lines_of_a_log_are_named_by_file_and_line(watched: Watched) -> None:
    path = watched.write("calls.jsonl", calls("a") + '{"time": "yesterday", "model": "m", "input_tokens": 1}\n')
    (problem,) = watched.round()
    assert problem == f"{path}: 1 line refused, the first of the latest: line 2, time is not a time"
    with path.open("a") as log:
        log.write(calls("b") + "not json\n")
    (problem,) = watched.round()
    assert "line 4" in problem and watched.calls == ["a", "b"]
    (rejects,) = watched.ask("SELECT rejects_file FROM imports")
    lines = [json.loads(line) for line in Path(str(rejects[0])).read_text().splitlines()]
    assert [(line["line"], "(calls.jsonl)" in line["reason"]) for line in lines] == [(2, True), (4, True)]


def test_logs_whose_lines_need_each_other(watched: Watched, repository: Path) -> None:
    whole = (repository / "tests/sources/data/codex.jsonl").read_bytes()
    lines = whole.splitlines(keepends=True)
    for upto in range(1, len(lines) + 1):
        watched.write("session.jsonl", b"".join(lines[:upto]))
        watched.round()
    grown = watched.ask("SELECT count(*), sum(input_tokens), sum(output_tokens) FROM call")
    with outlay.open(watched.folder.parent / "other") as other:
        other.import_file(repository / "tests/sources/data/codex.jsonl")
        assert grown == other.store.con.execute(
            "SELECT count(*), sum(input_tokens), sum(output_tokens) FROM call").fetchall()


def test_many_small_logs_are_kept_together(watched: Watched) -> None:
    for number in range(120):
        watched.write(f"s{number:03d}.jsonl", calls(f"c{number:03d}"))
    batches = list(watched.collector.collect(None, NOW))
    assert len(batches) == 3
    for batch in batches:
        watched.owner.put(watched.collector, batch)
    assert len(watched.calls) == 120


# Kills


@pytest.mark.parametrize("most", range(6))
def test_a_round_that_is_broken_off_anywhere_is_made_up_for(watched: Watched, most: int) -> None:
    watched.write("a.csv", bill("a"))
    watched.write("b.jsonl", calls("b", "c"))
    watched.write("out.csv", outputs(d01=5))
    watched.round()
    watched.write("a.csv", bill("a2"))
    watched.write("b.jsonl", calls("b", "c", "d"))
    watched.write("out.csv", outputs(d01=7))
    watched.round(most)
    watched.again()
    watched.round()
    assert (watched.billed, watched.calls) == (["a2"], ["b", "c", "d"])
    assert watched.ask("SELECT sum(count) FROM output") == [(7,)]
    watched.again()
    assert list(watched.collector.collect(watched.owner.cursor_of("in"), NOW)) == []


def test_what_is_remembered_travels() -> None:
    memory = Memory({"a": Known(None, 5, 2, "h", 4, (1, 2), "bad"), "b": Known(gone_s=1.0)})
    assert Memory.of(memory.cursor()) == memory
    memory.forget({"a"}, 8 * 86400)
    assert list(memory.files) == ["a"]


@pytest.mark.parametrize(("entry", "said"), [
    ({}, "names no file"), ({"paths": "x", "as": "focsu"}, "no source is called"),
    ({"paths": "x", "evry": "1s"}, "evry"),
])
def test_settings_that_are_wrong(tmp_path: Path, entry: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        collectors(parse_entries([{"kind": "files", **entry}], "outlay.yaml", tmp_path))


class Slow(RowSource):
    """A source that reads until a test lets it end."""

    code, title, facts = "slow", "A source of a test", (Call,)

    def __init__(self) -> None:
        self.begun, self.may_end = threading.Event(), threading.Event()

    def recognises(self, file: InputFile) -> bool:
        return False

    def read(self, file: InputFile) -> Iterator[Call]:
        self.begun.set()
        assert self.may_end.wait(60)
        yield Call(time=NOW, model="slow")


def test_what_arrives_does_not_wait_for_a_file_that_is_read(watched: Watched) -> None:
    source, told = Slow(), threading.Event()
    path = watched.write("slow.txt", "x")
    file = WholeFile(path, "slow.txt", source, (), lambda done, gone: told.set())
    thread = threading.Thread(target=watched.owner.put, args=(watched.collector, Batch(file=file)))
    thread.start()
    assert source.begun.wait(60)
    watched.owner.put(watched.collector, Batch((Call(time=NOW, model="live"),), cursor="1"))
    assert (watched.calls, told.is_set()) == (["live"], False)
    source.may_end.set()
    thread.join(60)
    assert (watched.calls, told.is_set()) == (["live", "slow"], True)


# The real thing


def until(server: Server, true: Callable[[str], bool]) -> str:
    end, found = time.monotonic() + 60, ""
    while time.monotonic() < end:
        found = subprocess.run([sys.executable, "-m", "outlay", "--store", str(server.store), "status"],
                               capture_output=True, text=True, check=False).stdout
        if true(found):
            return found
        time.sleep(0.3)
    raise AssertionError(found)


def test_through_a_real_server_that_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "outlay.yaml").write_text(
        "collectors:\n  - {kind: files, name: exports, paths: [in], every: 200ms, settle: 1s}\n")
    (folder / "bill.csv").write_text(bill("a", "b"))
    (folder / "bad.csv").write_text("nothing\nthat is known\n")
    log = folder / "calls.jsonl"
    written: list[str] = []

    def grow(turn: int) -> None:
        for number in range(100):
            written.append(f"{turn}-{number}")
            with log.open("a") as out:
                out.write(calls(written[-1]))

    for turn in range(3):
        with served(tmp_path / "store", "--no-sign-in", config=tmp_path / "outlay.yaml") as server:
            grow(turn)
            time.sleep(0.7 * (turn + 1))
            server.kill()
    with served(tmp_path / "store", "--no-sign-in", config=tmp_path / "outlay.yaml") as server:
        until(server, lambda text: "bad.csv: is not a format" in text)
        _, page = server.ask("GET", "/sources", accept="text/html")
        assert b"bad.csv: is not a format" in page and b"Name its source with" in page
        (folder / "bill.csv").write_text(bill("a", "c"))
        (folder / "bad.csv").unlink()
        until(server, lambda text: "bad.csv" not in text)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with outlay.open(server.store) as ledger:
                billed = sorted(row[0] for row in ledger.store.con.execute(
                    "SELECT charge_description FROM charge").fetchall())
            if billed == ["a", "c"]:
                break
            time.sleep(0.3)
        assert server.stop(signal.SIGTERM) == 0
    with outlay.open(tmp_path / "store") as ledger:
        con = ledger.store.con
        assert sorted(row[0] for row in con.execute("SELECT charge_description FROM charge").fetchall()) == ["a", "c"]
        assert sorted(row[0] for row in con.execute("SELECT response_id FROM call").fetchall()) == sorted(written)
        assert con.execute("SELECT sum(calls) FROM call_day").fetchall() == [(len(written),)]

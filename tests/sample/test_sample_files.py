"""The sample month as files: the same for the same seed, readable, of the promised size."""

import csv
import gzip
import hashlib
import json
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path

import quicktok
from samplemonth import Month

from outlay.facts import Call, Reject, Run
from outlay.sample import write_sample
from outlay.settings import load_settings
from outlay.sources.inputfile import InputFile
from outlay.sources.otlp import OpenTelemetryTraces
from outlay.sources.registry import recognise
from outlay.sources.sacct import Sacct

SOURCES = {
    "bills": "focus", "usage/openai-completions.json": "openai-usage", "usage/openai-embeddings.json": "openai-usage",
    "calls/agent-traces.jsonl": "otlp", "runs/sacct.txt": "sacct",
}


def hashes(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*")) if path.is_file()
    }


def test_the_same_seed_gives_the_same_bytes(month: Month, tmp_path: Path) -> None:
    assert hashes(write_sample(tmp_path, 1).directory) == hashes(month.files.directory)


def test_another_seed_plants_the_same_in_another_month(month: Month, tmp_path: Path) -> None:
    other = json.loads(write_sample(tmp_path, 2).truth.read_text())
    first = month.truth
    assert Counter(p["code"] for p in other["planted"]) == Counter(p["code"] for p in first["planted"])
    assert [d["why"] for d in other["decoys"]] == [d["why"] for d in first["decoys"]]
    dollars = [[p["so_far"] for p in truth["planted"]] for truth in (first, other)]
    differ = [a != b for a, b in zip(*dollars, strict=True) if a is not None]
    assert sum(differ) >= len(differ) - 5  # the support prompt and some endpoints cost the same in every month
    assert [p["owner"] for p in other["planted"]] != [p["owner"] for p in first["planted"]]


def test_bills_sum_to_the_totals_of_the_truth(month: Month) -> None:
    columns = {"effective": "EffectiveCost", "billed": "BilledCost", "list": "ListCost"}
    for key, expected in month.truth["totals"].items():
        cost, name = key.split(":")
        path = month.files.directory / "bills" / name
        text = gzip.decompress(path.read_bytes()).decode() if name.endswith(".gz") else path.read_text()
        assert sum(Decimal(row[columns[cost]]) for row in csv.DictReader(text.splitlines())) == Decimal(expected), key


def test_the_month_costs_what_the_story_says(month: Month) -> None:
    spent = sum(Decimal(v) for k, v in month.truth["totals"].items() if k.startswith("effective:"))
    assert 450_000 < spent < 700_000
    # A commitment moves money between rows of the bill, and none in or out of it.
    assert spent == sum(Decimal(v) for k, v in month.truth["totals"].items() if k.startswith("billed:"))
    hours = {part: Decimal(value) for part, value in month.truth["gpu_hours"].items()}
    assert sum(hours.values()) == 10 * 8 * 720
    assert Decimal("0.3") < hours["used"] / sum(hours.values()) < Decimal("0.45")


def test_every_file_is_recognised_by_its_content(month: Month) -> None:
    for path in month.files.imports:
        name = str(path.relative_to(month.files.directory))
        expected = SOURCES.get(name) or SOURCES.get(name.split("/")[0]) or "outlay-table"
        assert recognise(InputFile(path, name)).code == expected, name


def test_what_is_imported_are_all_files_but_prompts_settings_and_truth(month: Month) -> None:
    written = {path for path in month.files.directory.rglob("*") if path.is_file()}
    apart = {path for path in written if month.files.prompts in path.parents}
    assert written == {*month.files.imports, *apart, month.files.settings, month.files.truth}
    assert month.files.truth.relative_to(month.files.directory).parts[0].startswith(".")


def test_scheduler_and_traces_hold_no_row_that_is_refused(month: Month) -> None:
    directory = month.files.directory
    runs = list(Sacct().read(InputFile(directory / "runs/sacct.txt", "sacct.txt")))
    assert all(isinstance(run, Run) for run in runs)
    spans = list(OpenTelemetryTraces().read(InputFile(directory / "calls/agent-traces.jsonl", "traces")))
    assert not any(isinstance(span, Reject) for span in spans)
    chats = [span for span in spans if isinstance(span, Call) and span.operation == "chat"]
    assert len(chats) == month.truth["counts"]["chats"]
    assert {call.tags["team"] for call in chats} == {"search", "platform", "foundation"}
    assert all(call.parent_span_id and call.user and call.account for call in chats)


def test_sizes_are_those_of_a_small_month(month: Month) -> None:
    assert 140_000 < month.truth["counts"]["calls"] < 250_000
    assert 900_000 < month.value("SELECT count(*) FROM sample") < 1_200_000
    assert sum(path.stat().st_size for path in month.files.imports) < 60_000_000
    assert month.truth["counts"]["people"] == 60


def test_nothing_lies_outside_of_the_month(month: Month) -> None:
    since, until = (month.truth[name].removesuffix("Z") for name in ("since", "until"))
    columns = {"charge": "start", "sample": "time", "progress": "time", "call": "time", "usage": "start"}
    for table, column in columns.items():
        low, high = month.con.execute(f"SELECT min({column}), max({column}) FROM {table}").fetchone()
        assert since <= low.isoformat() and high.isoformat() < until, table
    assert month.value("SELECT min(started) FROM run").isoformat() >= since


def test_no_device_is_read_twice_and_no_gpu_is_given_twice(month: Month) -> None:
    assert month.value("SELECT count(*) - count(DISTINCT (device, time)) FROM sample") == 0
    overbooked = """
        WITH held AS (SELECT string_split(nodes, ',') AS names, gpus, started, ended FROM run WHERE gpus > 0),
             placed AS (SELECT unnest(names) AS node, gpus / len(names) AS gpus, started, ended FROM held),
             hourly AS (SELECT *, unnest(generate_series(date_trunc('hour', started) + INTERVAL 30 MINUTE,
                        coalesce(ended, TIMESTAMP '2026-10-01'), INTERVAL 1 HOUR)) AS moment FROM placed)
        SELECT count(*) FROM (SELECT node, moment, sum(gpus) AS held FROM hourly
        WHERE moment >= started AND moment < coalesce(ended, TIMESTAMP '2026-10-01') GROUP BY ALL) WHERE held > 8"""
    assert month.value(overbooked) == 0


def test_prompts_have_the_tokens_that_calls_say(month: Month) -> None:
    count = quicktok.get_encoding("o200k_base").count
    tokens = {path.stem: count(path.read_text()) for path in month.files.prompts.iterdir()}
    assert tokens["support-answers"] == 800
    stated = dict(month.con.execute(
        "SELECT DISTINCT prompt, system_tokens FROM call WHERE prompt IS NOT NULL").fetchall())
    for prompt in tokens.keys() & stated.keys():
        assert abs(tokens[prompt] - stated[prompt]) <= 2, prompt


def test_settings_are_valid(month: Month) -> None:
    settings = load_settings(month.files.settings, None)
    assert len(settings.attribution.rules) == 3


def test_people_are_fictitious_and_distinct(month: Month) -> None:
    owners = {p["owner"] for p in month.truth["planted"] if p["owner"]}
    assert all(re.fullmatch(r"[a-z-]+\.[a-z-]+", owner) for owner in owners)
    assert len(owners) > 15

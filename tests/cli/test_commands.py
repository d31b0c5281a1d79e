"""The commands as a person types them, on a small company's files."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import outlay
from outlay.cli.main import main
from outlay.ledger.store import Store

BILL = """ChargePeriodStart,ChargePeriodEnd,BillingPeriodStart,BilledCost,EffectiveCost,ListCost,ContractedCost,\
BillingCurrency,ProviderName,InvoiceIssuerName,BillingAccountId,ServiceName,ServiceCategory,ChargeCategory,ResourceId,Tags
2026-09-01T00:00:00Z,2026-09-02T00:00:00Z,2026-09-01,10.10,10.10,12,10.10,USD,AWS,Amazon,1,S3,Storage,Usage,bucket-a,\
"{""team"": ""search""}"
2026-09-02T00:00:00Z,2026-09-03T00:00:00Z,2026-09-01,20.20,20.20,24,20.20,USD,AWS,Amazon,1,EC2,Compute,Usage,vm-1,
2026-09-02T00:00:00Z,2026-09-03T00:00:00Z,2026-09-01,7,7,7,7,EUR,AWS,Amazon,1,EC2,Compute,Usage,vm-2,
"""


def calls() -> str:
    rows = [
        {"time": f"2026-09-0{1 + n % 2}T10:00:00Z", "provider": "openai", "model": "gpt-4o", "response_id": f"r{n}",
         "input_tokens": 1_000_000, "output_tokens": 0, "user": f"u{n % 2}", "team": "search" if n % 2 else "vision"}
        for n in range(4)
    ]
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "bill.csv").write_text(BILL, encoding="utf-8")
    (folder / "calls.jsonl").write_text(calls(), encoding="utf-8")
    (folder / "notes.txt").write_text("not data\n", encoding="utf-8")
    return folder


def run(store: Path, *arguments: str, code: int = 0, stdin: str | None = None) -> str:
    """What the command prints, both streams where it fails. In this process: starting sixty would take a minute."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.chdir(store)
        patch.setattr(sys, "argv", ["outlay", "--store", str(store / "store"), *arguments])
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((stdin or "").encode())))
        with pytest.raises(SystemExit) as stopped:
            main()
    assert stopped.value.code == code, out.getvalue() + err.getvalue()
    return out.getvalue() if code in (0, 1) else out.getvalue() + err.getvalue()


def run_json(store: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(run(store, *arguments, "--json", code=code))
    return answer


def test_from_files_to_an_answer(tmp_path: Path, files: Path) -> None:
    said = run(tmp_path, "import", str(files))
    assert "bill.csv: focus, import 1: 3 added" in said
    assert "calls.jsonl: outlay-table, import 2: 4 added" in said
    assert "Left alone, no data: 1 file" in said
    again = run_json(tmp_path, "import", str(files / "bill.csv"))
    assert again["rows"][0]["already"] == 1 and again["totals"] == {"added": 0}

    costs = run_json(tmp_path, "costs", "--by", "team")
    assert costs["schema"] == "outlay.costs/1"
    assert set(costs) == {"schema", "as_of", "window", "currency", "cost", "rows", "totals", "unknown", "rejected"}
    assert {row["team"]: row["cost"] for row in costs["rows"]} == {"search": "15.1", "vision": "5", None: "20.2"}
    assert costs["totals"]["cost"] == "40.3"
    assert costs["unknown"] == [{"currency": "EUR", "cost": "7"}]
    assert costs["window"] == {"since": "2026-08-04T00:00:00Z", "until": "2026-09-03T00:00:00Z"}

    by_user = run_json(tmp_path, "costs", "--by", "user", "--where", "team=search,vision")
    assert {row["user"]: row["cost"] for row in by_user["rows"]} == {"u0": "5", "u1": "5", None: "10.1"}
    daily = run(tmp_path, "costs", "--by", "provider", "--every", "day", "--cost", "list", "--csv")
    assert daily.splitlines()[:2] == ["period,provider,cost,estimated", "2026-09-01T00:00:00Z,aws,12,0"]
    assert "EUR 7" in run(tmp_path, "costs")
    assert "count at their metered cost" in run(tmp_path, "costs", "--explain")


def test_undo_is_exact(tmp_path: Path, files: Path) -> None:
    run(tmp_path, "import", str(files / "bill.csv"))
    before = run_json(tmp_path, "costs", "--by", "team,service")
    run(tmp_path, "import", str(files / "calls.jsonl"))
    assert run_json(tmp_path, "costs")["totals"]["cost"] == "40.3"
    assert "4 rows gone" in run(tmp_path, "imports", "remove", "2")
    after = run_json(tmp_path, "costs", "--by", "team,service")
    assert (after["rows"], after["totals"]) == (before["rows"], before["totals"])
    assert [row["import_id"] for row in run_json(tmp_path, "imports", "list")["rows"]] == [1]
    assert run_json(tmp_path, "imports", "show", "1")["rows"][0]["source"] == "focus"
    # A number is never given twice: who notes "import 2" means that one.
    assert "import 3: 4 added" in run(tmp_path, "import", str(files / "calls.jsonl"))
    assert "no import 9" in run(tmp_path, "imports", "show", "9", code=2)


def test_python_runs_the_package(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "outlay", "--version"], capture_output=True, text=True, check=True,
                          cwd=tmp_path)
    assert outlay.__version__ in done.stdout


def test_standard_input_and_a_source_by_name(tmp_path: Path) -> None:
    assert "3 added" in run(tmp_path, "import", "-", "--as", "focus", stdin=BILL)
    assert run_json(tmp_path, "costs")["totals"]["cost"] == "30.3"
    assert "no source is called" in run(tmp_path, "import", "-", "--as", "nothing", code=2, stdin=BILL)


def test_errors_have_one_shape(tmp_path: Path) -> None:
    error = json.loads(run(tmp_path, "costs", "--by", "colour", "--json", code=2).splitlines()[0])["error"]
    assert set(error) == {"code", "message", "where", "hint"}
    assert error["code"] == "usage" and "colour" in error["message"] and "team" in error["hint"]
    missing = run(tmp_path, "import", "nowhere.csv", code=3)
    assert "nowhere.csv" in missing and "No such file" in missing
    assert "is not a period" in run(tmp_path, "costs", "--since", "soon", code=2)


def test_settings_that_are_wrong_say_where(tmp_path: Path) -> None:
    config = tmp_path / "outlay.yaml"
    config.write_text("curency: USD\n", encoding="utf-8")
    said = run(tmp_path, "costs", code=2)
    assert "outlay.yaml" in said and "curency" in said and "currency" in said


def test_a_rejected_row_is_listed_and_the_others_are_kept(tmp_path: Path, files: Path) -> None:
    bad = files / "bad.jsonl"
    bad.write_text(calls() + '{"time": "never", "provider": "openai", "model": "gpt-4o", "input_tokens": 5}\n',
                   encoding="utf-8")
    said = run(tmp_path, "import", str(bad), code=1)
    assert "4 added" in said and "1 rejected" in said and "line 5" in said and "time" in said
    report = run_json(tmp_path, "imports", "list")["rows"][0]
    rejects = [json.loads(line) for line in Path(report["rejects_file"]).read_text("utf-8").splitlines()]
    assert [(row["line"], row["field"]) for row in rejects] == [(5, "time")]


def test_the_assessment_of_bills_alone(tmp_path: Path, files: Path) -> None:
    """Nothing but a bill: the answer says what it cannot judge, and how to change that."""
    run(tmp_path, "import", str(files / "bill.csv"))
    said = run(tmp_path, "assess", "--html", "report.html")
    assert "$30.30 was spent" in said
    assert "WHAT COULD NOT BE JUDGED" in said and "sacct" in said
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "<h1" in page and "http-equiv" in page
    body = run_json(tmp_path, "assess")
    assert body["schema"] == "outlay.assessment/1" and body["totals"]["spent"] == "30.3"


def test_an_empty_store_says_what_to_do(tmp_path: Path) -> None:
    assert "outlay import" in run(tmp_path, "imports", "list")
    assert run_json(tmp_path, "costs")["rows"] == []
    run(tmp_path, "assess")


def test_findings_are_accepted_ignored_and_reopened(tmp_path: Path, files: Path) -> None:
    (files / "bill.csv").write_text(BILL.replace("20.20", "2020.20"), encoding="utf-8")
    run(tmp_path, "import", str(files))
    listed = run_json(tmp_path, "findings", "list")
    assert [row["code"] for row in listed["rows"]] == ["untagged"]
    name = listed["rows"][0]["id"]
    assert "$2,020" in run(tmp_path, "findings", "show", name)
    assert run_json(tmp_path, "findings", "show", name)["rows"][0]["evidence"]
    run(tmp_path, "findings", "ignore", name, "--reason", "one machine, known", "--for", "90d")
    assert run_json(tmp_path, "findings", "list")["rows"] == []
    assert run_json(tmp_path, "findings", "list", "--all")["rows"][0]["state"] == "ignored"
    assert "one machine, known" in run(tmp_path, "findings", "show", name)
    run(tmp_path, "findings", "reopen", name)
    assert run_json(tmp_path, "findings", "list")["rows"][0]["state"] == "open"
    run(tmp_path, "findings", "accept", name)
    assert run_json(tmp_path, "findings", "list", "--detector", "untagged")["rows"][0]["state"] == "accepted"
    assert "no finding" in run(tmp_path, "findings", "accept", "nothing-1", code=2)


def test_the_focus_export_has_every_dollar_once(tmp_path: Path, files: Path) -> None:
    run(tmp_path, "import", str(files))
    assert "rows of FOCUS 1.2" in run(tmp_path, "export", "focus", "out.parquet")
    table = pq.read_table(tmp_path / "out.parquet")
    rows = table.select(["EffectiveCost", "BillingCurrency", "x_Team", "x_TokenType"]).to_pylist()
    assert sum(row["EffectiveCost"] for row in rows if row["BillingCurrency"] == "USD") == Decimal("40.3")
    assert {row["x_TokenType"] for row in rows} == {None, "input"}
    run(tmp_path, "export", "focus", "out.csv")
    assert "must end in" in run(tmp_path, "export", "focus", "out.xlsx", code=2)


def test_the_python_api_says_the_same(tmp_path: Path, files: Path) -> None:
    run(tmp_path, "import", str(files))
    with outlay.open(tmp_path / "store") as ledger:
        answer = ledger.costs(by=["team"])
        assert answer.arrow().column_names == ["team", "cost", "estimated"]
        assert str(answer.arrow().schema.field("cost").type) == "decimal128(38, 18)"
        assert len(answer.pandas()) == answer.polars().height == 3
        assert ledger.assess().spent == answer.answer.totals["cost"]


def test_prices_and_prompts(tmp_path: Path) -> None:
    assert "$2.5" in run(tmp_path, "prices", "show", "gpt-4o")
    assert run_json(tmp_path, "prices", "show", "H100")["rows"]
    assert "no price" in run(tmp_path, "prices", "show", "no-such-model-1", code=2)
    prompts = tmp_path / "prompts"
    prompts.mkdir()
    (prompts / "one.txt").write_text("You are a careful assistant. " * 200, encoding="utf-8")
    body = run_json(tmp_path, "prompts", "audit", str(prompts), "--calls-per-day", "1000")
    assert body["rows"][0]["tokens"] > 500


@pytest.mark.parametrize(("typed", "hint"), [
    (["coss"], "Did you mean 'costs'?"), (["findings", "lst"], "Did you mean 'list'?"),
    (["xyz"], "One of up, agent, status, import, "),
])
def test_a_mistyped_command_names_the_nearest(tmp_path: Path, typed: list[str], hint: str) -> None:
    assert hint in run(tmp_path, *typed, code=2)


def test_a_machine_is_not_taken_for_its_accelerator(tmp_path: Path) -> None:
    rows = run_json(tmp_path, "prices", "show", "gpu_8x_h100_sxm5")["rows"]
    assert rows and {(row["provider"], row["name"], row["unit"]) for row in rows} == {
        ("lambda", "8 x H100 80GB SXM", "hour")}
    assert {row["unit"] for row in run_json(tmp_path, "prices", "show", "h100")["rows"]} == {"GPU-hour"}


@pytest.mark.parametrize(("zone", "started", "notice"), [
    (None, "2026-09-01T12:00:00", "taken as UTC"), ("Europe/Berlin", "2026-09-01T10:00:00", "taken as Europe/Berlin"),
])
def test_the_cluster_has_a_time_zone(tmp_path: Path, zone: str | None, started: str, notice: str) -> None:
    (tmp_path / "sacct.txt").write_text(
        "JobID|JobIDRaw|JobName|User|State|Start|End|AllocTRES|NodeList\n"
        "1|1|sft|ana|COMPLETED|2026-09-01T12:00:00|2026-09-01T13:00:00|cpu=1,gres/gpu=1|n1\n", "utf-8")
    if zone:
        (tmp_path / "outlay.yaml").write_text(f"slurm_zone: {zone}\n", "utf-8")
    assert notice in run(tmp_path, "import", "sacct.txt")
    with Store(tmp_path / "store") as store:
        assert store.con.execute("SELECT started FROM run").fetchall() == [(datetime.fromisoformat(started),)]


def test_a_time_zone_that_does_not_exist_is_named(tmp_path: Path) -> None:
    (tmp_path / "outlay.yaml").write_text("slurm_zone: Mars/Base\n", "utf-8")
    assert "slurm_zone: 'Mars/Base' is not a time zone" in run(tmp_path, "costs", code=2)

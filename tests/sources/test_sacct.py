"""sacct's text and JSON become the same runs."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from outlay.errors import FileError, SettingsError
from outlay.facts import Notice, Reject, Run
from outlay.sources.inputfile import InputFile
from outlay.sources.sacct import Sacct

DATA = Path(__file__).parent / "data"
HEADER = ("JobID|JobIDRaw|JobName|User|Account|Partition|Cluster|QOS|State|ExitCode|Submit|Start|End|ElapsedRaw|"
          "TimelimitRaw|NNodes|NCPUS|AllocTRES|NodeList|Restarts|Reservation|Comment")


def row(job="100", raw="100", name="train", state="COMPLETED", exit="0:0", submit="2026-05-01T08:00:00+0200",
        start="2026-05-01T09:00:00+0200", end="2026-05-01T11:00:00+0200", elapsed="7200", limit="1440",
        tres="billing=64,cpu=64,gres/gpu:h100=8,gres/gpu=8,mem=500G,node=2", nodes="gpu[01-02]", restarts="0",
        reservation="", comment="", partition="batch"):
    return "|".join([job, raw, name, "ana", "vision", partition, "north", "normal", state, exit, submit, start, end,
                     elapsed, limit, "2", "64", tres, nodes, restarts, reservation, comment])


def read(tmp_path: Path, text: str, source: Sacct | None = None, name: str = "sacct.txt") -> dict[type, list]:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    source = source or Sacct()
    file = InputFile(path, name)
    assert source.recognises(file)
    found: dict[type, list] = {Run: [], Reject: [], Notice: []}
    for item in source.read(file):
        found[type(item)].append(item)
    return found


def text_of(*rows: str) -> str:
    return "\n".join([HEADER, *rows]) + "\n"


def test_a_job_as_it_is_printed(tmp_path):
    found = read(tmp_path, text_of(
        row(comment="owner=ana,team=vision,project=labels,purpose=ablation,note=second try, with warmup"),
        "100.batch|100.batch|batch||vision||north||COMPLETED|0:0|2026-05-01T09:00:00+0200|2026-05-01T09:00:00+0200|"
        "2026-05-01T11:00:00+0200|7200||1|64|cpu=64|gpu01|||"))
    assert found[Reject] == found[Notice] == []
    assert found[Run] == [Run(
        run_id="100", scheduler="slurm/north", kind="training", name="train", user="ana", account="vision",
        partition="batch", state="completed", exit_code=0, submitted=datetime(2026, 5, 1, 6),
        started=datetime(2026, 5, 1, 7), ended=datetime(2026, 5, 1, 9), observed=datetime(2026, 5, 1, 9),
        nodes="gpu01,gpu02", gpus=8, gpu_type="h100", cpus=64, time_limit_s=86400, restarts=0,
        note="second try, with warmup",
        tags={"owner": "ana", "team": "vision", "project": "labels", "purpose": "ablation", "qos": "normal"})]


def one(tmp_path, *rows: str) -> Run:
    (run,) = read(tmp_path, text_of(*rows))[Run]
    return run


@pytest.mark.parametrize(("printed", "state", "code"), [
    ("CANCELLED by 1000", "cancelled", 143), ("TIMEOUT", "timeout", 143), ("OUT_OF_MEMORY", "out_of_memory", 143),
    ("NODE_FAIL", "failed", 143), ("PREEMPTED", "cancelled", 143)])
def test_how_a_job_ended(tmp_path, printed, state, code):
    run = one(tmp_path, row(state=printed, exit="0:15"))
    assert (run.state, run.exit_code) == (state, code)


def test_a_job_that_runs_was_seen_when_it_had_run_so_long(tmp_path):
    run = one(tmp_path, row(state="RUNNING", end="Unknown", elapsed="3600"))
    assert (run.state, run.ended, run.exit_code) == ("running", None, None)
    assert run.observed == datetime(2026, 5, 1, 8)


def test_a_job_that_waits_has_no_start_and_no_gpus(tmp_path):
    run = one(tmp_path, row(
        state="PENDING", start="Unknown", end="Unknown", elapsed="0", tres="", nodes="None assigned"))
    assert (run.state, run.started, run.nodes, run.gpus) == ("pending", None, None, 0)
    assert run.observed == run.submitted == datetime(2026, 5, 1, 6)


def test_a_task_of_an_array_is_a_trial_known_by_its_raw_id(tmp_path):
    found = read(tmp_path, text_of(row(job="123_4", raw="127"), row(job="123_[5-9%2]", raw="123", state="PENDING",
                                                                  start="Unknown", end="Unknown")))
    first, second = found[Run]
    assert (first.run_id, first.group, first.kind, first.tags["job"]) == ("127", "123", "trial", "123_4")
    assert (second.run_id, second.group, second.state) == ("123", "123", "pending")


@pytest.mark.parametrize(("changed", "kind"), [
    ({"comment": "kind=pipeline"}, "pipeline"), ({"comment": "kind=unheard"}, "training"),
    ({"partition": "gpu-interactive"}, "notebook"), ({"name": "jupyter-lab"}, "notebook"),
    ({"name": "bash"}, "notebook"),
    ({"name": "rebasher"}, "training")])
def test_kinds(tmp_path, changed, kind):
    run = one(tmp_path, row(**changed))
    assert run.kind == kind
    assert "kind" not in run.tags


def test_group_market_and_free_notes_of_a_comment(tmp_path):
    run = one(tmp_path, row(comment='{"group": "sweep-7", "market": "spot", "OUTLAY_RUN_ID": "r-9"}'))
    assert (run.group, run.market, run.tags["OUTLAY_RUN_ID"]) == ("sweep-7", "spot", "r-9")
    assert one(tmp_path, row(comment="cold standby until the demo")).note == "cold standby until the demo"
    assert one(tmp_path, row(partition="gpu-spot")).market == "spot"
    assert one(tmp_path, row(reservation="q2")).tags["reservation"] == "q2"


def test_a_requeued_job_is_one_run_with_its_restarts(tmp_path):
    found = read(tmp_path, text_of(
        row(state="NODE_FAIL"),
        "100.batch|100.batch|batch||vision||north||CANCELLED|0:15|||2026-05-01T11:00:00+0200|7200||1|64|cpu=64|gpu01|||",
        row(state="RUNNING", start="2026-05-01T12:00:00+0200", end="Unknown", elapsed="600"),
        row(job="101", raw="101")))
    before, after, other = found[Run]
    assert (before.run_id, before.state, before.restarts) == ("100", "failed", 0)
    assert (after.run_id, after.state, after.restarts) == ("100", "running", 1)
    assert after.started == datetime(2026, 5, 1, 10)
    assert (other.run_id, other.restarts) == ("101", 0)
    assert one(tmp_path, row(restarts="3")).restarts == 3


def test_the_later_start_of_a_requeued_job_is_the_later_version(tmp_path):
    # As Slurm 22.05 prints it: the new start at the end of the list, submitted in the second of the old one's end.
    end = "2026-05-01T11:00:00+0200"
    found = read(tmp_path, text_of(
        row(state="REQUEUED", end=end), row(job="101", raw="101"),
        row(state="PENDING", submit=end, start="Unknown", end="Unknown", elapsed="0", tres="")))
    before, _, after = found[Run]
    assert (after.run_id, after.state, after.restarts, after.started) == ("100", "pending", 1, None)
    assert after.observed > before.observed


STEP = "100.{name}|100.{name}|x||vision||north||{state}|1:0||2026-05-01T09:00:00+0200|{end}|600||1|64|cpu=64|gpu01|||"


@pytest.mark.parametrize(("steps", "tags"), [
    ([("batch", "FAILED", "2026-05-01T09:30:00+0200")], {"step_state": "failed", "step_ended": "2026-05-01T07:30:00Z"}),
    ([("batch", "FAILED", "2026-05-01T09:30:00+0200"), ("extern", "RUNNING", "Unknown")],
     {"step_state": "failed", "step_ended": "2026-05-01T07:30:00Z"}),
    ([("batch", "RUNNING", "Unknown"), ("0", "FAILED", "2026-05-01T09:30:00+0200")], {}),
    ([("0", "FAILED", "2026-05-01T09:10:00+0200"), ("1", "COMPLETED", "2026-05-01T09:30:00+0200")], {}),
])
def test_an_allocation_held_on_after_its_last_step_failed(tmp_path, steps, tags):
    rows = [row(state="RUNNING", end="Unknown")]
    rows += [STEP.format(name=name, state=state, end=end) for name, state, end in steps]
    run = one(tmp_path, *rows)
    assert {key: value for key, value in run.tags.items() if key.startswith("step_")} == tags


def test_local_time_is_said_and_can_be_named(tmp_path):
    local = row(submit="2026-05-01T08:00:00", start="2026-05-01T09:00:00", end="2026-05-01T11:00:00")
    found = read(tmp_path, text_of(local))
    assert found[Run][0].started == datetime(2026, 5, 1, 9)
    assert "taken as UTC" in found[Notice][0].message
    found = read(tmp_path, text_of(local), Sacct(zone="Europe/Berlin"))
    assert found[Run][0].started == datetime(2026, 5, 1, 7)
    assert "taken as Europe/Berlin" in found[Notice][0].message
    with pytest.raises(SettingsError, match="not a time zone"):
        Sacct(zone="Mars/Base")


def test_bad_rows_are_listed_and_the_others_kept(tmp_path):
    found = read(tmp_path, text_of(
        row(),
        row(job="1", raw="1", end="2026-05-01T01:00:00+0200"),
        row(job="2", raw="2", tres="cpu=1,gres/gpu=-8"),
        row(job="3", raw="3", start="noon"),
        row(job="4", raw="4", elapsed="-5"),
        row(job="5", raw="5", name="a|b", state="FROZEN"),
        "6|6|cut",
        row(job="", raw=""),
        row(job="9", raw="9", state="FROZEN"),
    ))
    assert [run.run_id for run in found[Run]] == ["100", "9"]
    assert sorted((reject.line, reject.field, reject.reason.split(";")[0]) for reject in found[Reject]) == [
        (3, "End", "is before Start"), (4, "AllocTRES", "has a negative count of gres/gpu"),
        (5, "Start", "is not a time"), (6, "ElapsedRaw", "is negative"),
        (7, "", "has 23 fields, the header has 22"), (8, "", "has 3 fields, the header has 22"),
        (9, "JobID", "is missing")]
    assert found[Run][1].state is None
    assert "FROZEN" in found[Notice][0].message


def test_a_delimiter_in_a_name_or_a_comment_is_told_from_the_others(tmp_path):
    rows = [row(job="1", raw="1", name="a|b|c"), row(job="2", raw="2", comment="standby | keep")]
    found = read(tmp_path, text_of(*rows))
    assert [(run.name, run.note) for run in found[Run]] == [("a|b|c", None), ("train", "standby | keep")]
    (reject,) = read(tmp_path, text_of(row(name="a|b", comment="c|d")))[Reject]
    assert "has 24 fields" in reject.reason


def test_rejects_hold_no_comments(tmp_path):
    found = read(tmp_path, text_of(row(start="noon", comment="password=hunter2")))
    assert "hunter2" not in repr(found[Reject])


@pytest.mark.parametrize("delimiter", ["|", ",", ";", "\t", "||", "^"])
def test_other_delimiters_a_trailing_one_and_a_second_header(tmp_path, delimiter):
    lines = [delimiter.join(["JobID", "State", "Start", "End", "AllocTRES", "NodeList"]) + delimiter,
             delimiter.join(["7", "COMPLETED", "1767225600", "1767229200", "gres/gpu=1", "n1"]) + delimiter]
    found = read(tmp_path, "\ufeff" + "\r\n".join([*lines, lines[0], lines[1].replace("7", "8", 1)]) + "\r\n")
    assert [run.run_id for run in found[Run]] == ["7", "8"]
    assert found[Run][0].started == datetime(2026, 1, 1)
    assert found[Run][0].gpus == 1


def test_few_columns_say_what_they_cannot(tmp_path):
    found = read(tmp_path, "JobID|State|Elapsed|Start\n12_1|RUNNING|01:00:00|2026-05-01T00:00:00Z\n")
    assert (found[Run][0].gpus, found[Run][0].observed) == (None, datetime(2026, 5, 1, 1))
    assert ["GPUs" in found[Notice][0].message, "JobIDRaw" in found[Notice][1].message] == [True, True]


def test_gres_of_older_versions(tmp_path):
    found = read(tmp_path, "JobID|State|Start|NNodes|AllocGRES|AllocCPUS\n"
                 "1|RUNNING|2019-05-01T00:00:00Z|2|gpu:v100:4|8\n")
    assert (found[Run][0].gpus, found[Run][0].gpu_type, found[Run][0].cpus) == (8, "v100", 8)


def test_the_table_for_people_is_refused_with_the_way_out(tmp_path):
    with pytest.raises(FileError, match="for people") as raised:
        read(tmp_path, "JobID           JobName  State\n------------ ---------- ------\n12  a  RUNNING\n")
    assert "--parsable2" in raised.value.hint


# Three shapes of the same job: of the data parsers v0.0.37, v0.0.39 and v0.0.41.
def set_to(number, infinite=False):
    return {"set": number is not None, "infinite": infinite, "number": number or 0}


START, END, SUBMIT = 1777618800, 1777626000, 1777615200


def json_job(version: int, **changes):
    new, newest = version >= 39, version >= 41
    job = {
        "account": "vision", "array": {"job_id": 0, "task_id": set_to(None) if new else None},
        "association": {"account": "vision", "cluster": "north", "partition": None, "user": "ana"}, "cluster": "north",
        "comment": {"administrator": "", "job": "owner=ana", "system": ""},
        "time": {"elapsed": 7200, "eligible": SUBMIT, "end": END, "start": START, "submission": SUBMIT,
                 "limit": set_to(1440) if new else 1440},
        "exit_code": {"status": ["SUCCESS"], "return_code": set_to(0), "signal": {"id": set_to(None), "name": ""}}
        if newest else {"status": "SUCCESS", "return_code": set_to(0) if new else 0},
        "job_id": 100, "name": "train", "nodes": "gpu[01-02]", "partition": "batch", "qos": "normal",
        "reservation": {"id": 0, "name": 0 if version < 39 else ""},
        "state": {"current": ["COMPLETED"] if new else "COMPLETED", "reason": ""},
        "steps": [{"state": ["COMPLETED"] if new else "COMPLETED", "step": {"id": "100.batch", "name": "batch"},
                   "time": {"end": set_to(END) if newest else END}}],
        "tres": {"allocated": [
            {"type": "cpu", "name": "", "id": 1, "count": 64}, {"type": "mem", "name": "", "id": 2, "count": 512000},
            {"type": "gres", "name": "gpu", "id": 1001, "count": 8},
            {"type": "gres", "name": "gpu:h100", "id": 1002, "count": 8}], "requested": []},
        "user": "ana", "restart_cnt": 2,
    }
    return job | changes


def json_text(*jobs) -> str:
    return json.dumps({"meta": {"plugin": {"type": "openapi"}}, "errors": [], "jobs": jobs, "warnings": []}, indent=1)


@pytest.mark.parametrize("version", [37, 39, 41])
def test_json_of_every_data_parser(tmp_path, version):
    found = read(tmp_path, json_text(json_job(version)))
    assert found[Reject] == found[Notice] == []
    assert found[Run] == [Run(
        run_id="100", scheduler="slurm/north", kind="training", name="train", user="ana", account="vision",
        partition="batch", state="completed", exit_code=0, submitted=datetime(2026, 5, 1, 6),
        started=datetime(2026, 5, 1, 7), ended=datetime(2026, 5, 1, 9), observed=datetime(2026, 5, 1, 9),
        nodes="gpu01,gpu02", gpus=8, gpu_type="h100", cpus=64, time_limit_s=86400, restarts=2,
        tags={"owner": "ana", "qos": "normal"})]


def test_real_output_of_both_kinds_says_the_same():
    """Slurm 22.05 with four GPUs of a test machine, both exports made in the same minute."""
    text, parsed = (
        sorted((item for item in Sacct().read(InputFile(DATA / name, name)) if isinstance(item, Run)),
               key=lambda run: (run.run_id, run.restarts))
        for name in ("slurm-22.05.txt", "slurm-22.05.json"))
    assert [(run.run_id, run.name, run.kind, run.state, run.gpus) for run in text] == [
        ("1", "train", "training", "completed", 2), ("2", "fail", "training", "failed", 1),
        ("3", "sweep", "trial", "completed", 1), ("4", "cpuonly", "training", "completed", 0),
        ("5", "na|me", "training", "pending", 1), ("5", "na|me", "training", "running", 1),
        ("6", "cancelme", "training", "cancelled", 0), ("7", "waits", "training", "cancelled", 0),
        ("8", "sweep", "trial", "completed", 1), ("9", "held", "training", "cancelled", 1)]
    assert [run.exit_code for run in text if run.run_id == "2"] == [3]
    # Its JSON says of a failed job that it left with 0.
    assert [replace(run, exit_code=None) for run in text] == [replace(run, exit_code=None) for run in parsed]


def test_json_of_a_running_task_and_of_a_signal(tmp_path):
    task = json_job(41, job_id=127, array={"job_id": 123, "task_id": set_to(4)}, state={"current": ["RUNNING"]},
                    time={"start": START, "end": 0, "submission": SUBMIT, "elapsed": 60, "limit": set_to(0, True)})
    killed = json_job(41, job_id=128, state={"current": ["CANCELLED"]}, exit_code={
        "status": ["SIGNALED"], "return_code": set_to(0), "signal": {"id": set_to(15), "name": "TERM"}})
    running, cancelled = read(tmp_path, json_text(task, killed))[Run]
    assert (running.run_id, running.group, running.kind, running.tags["job"]) == ("127", "123", "trial", "123_4")
    assert (running.ended, running.time_limit_s, running.observed) == (None, None, datetime(2026, 5, 1, 7, 1))
    assert (cancelled.state, cancelled.exit_code) == ("cancelled", 143)


def test_json_held_on_after_its_step_failed(tmp_path):
    job = json_job(39, state={"current": ["RUNNING"]}, time={"start": START, "end": 0, "elapsed": 7200},
                   steps=[{"state": "FAILED", "step": {"name": "batch"}, "time": {"end": START + 60}}, 5,
                          {"step": {"name": "x"}, "state": "COMPLETED", "time": {"end": "?"}}])
    (run,) = read(tmp_path, json_text(job))[Run]
    assert run.tags["step_ended"] == "2026-05-01T07:01:00Z"


def test_bad_json_jobs_are_listed(tmp_path):
    found = read(tmp_path, json_text(
        json_job(41), 7, json_job(41, job_id=None), json_job(41, job_id=2, time={"start": END, "end": START}),
        json_job(41, job_id=3, tres={"allocated": [{"type": "gres", "name": "gpu", "count": -8}]}),
        json_job(41, job_id=4, time={"start": "noon"})))
    assert [run.run_id for run in found[Run]] == ["100"]
    assert [reject.field for reject in found[Reject]] == ["jobs", "job_id", "End", "tres.allocated.count", "time.start"]
    assert all(reject.line > 1 for reject in found[Reject])


def test_many_jobs_are_read_one_after_another(tmp_path):
    jobs = [json_job(41, job_id=number, comment={"job": "x" * 900}) for number in range(1, 1500)]
    assert len(read(tmp_path, json_text(*jobs))[Run]) == 1499


def test_json_that_breaks_off_is_refused_as_a_whole(tmp_path):
    path = tmp_path / "s.json"
    path.write_text(json_text(json_job(41), json_job(41))[:-900])
    with pytest.raises(FileError, match="breaks off"):
        list(Sacct().read(InputFile(path, "s.json")))


def test_a_truncated_archive_is_refused_as_a_whole(tmp_path):
    path = tmp_path / "s.gz"
    path.write_bytes(gzip.compress(text_of(*[row(job=str(n), raw=str(n)) for n in range(3000)]).encode())[:-50])
    with pytest.raises(FileError, match="cannot be read to its end"):
        list(Sacct().read(InputFile(path, "s.gz")))


@pytest.mark.parametrize("content", [
    b"", b"\x1f\x8b\x08", b"PAR1", b"\xff\xfe\x00", b'{"jobs": [{"job_id": 1, "job_state": "RUNNING"}]}', b"{", b"\x00",
    b"JobID,Name\n1,2\n", b"time,model,input_tokens\n", b"JobID"])
def test_other_content_is_not_recognised(tmp_path, content):
    path = tmp_path / "x"
    path.write_bytes(content)
    assert not Sacct().recognises(InputFile(path, "x"))


def test_an_empty_export_holds_nothing(tmp_path):
    assert read(tmp_path, HEADER + "\n")[Run] == []
    assert read(tmp_path, json_text(json_job(41)).replace('"job_id": 100', '"job_id": 0'))[Run][0].run_id == "0"

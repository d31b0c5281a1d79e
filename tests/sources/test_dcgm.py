"""dcgm-exporter's metrics become samples, from Prometheus' JSON and from OpenMetrics text alike."""

from __future__ import annotations

import gzip
import json
from datetime import datetime
from pathlib import Path

import pytest

from outlay.errors import FileError
from outlay.facts import Notice, Reject, Sample
from outlay.sources.dcgm import Dcgm
from outlay.sources.inputfile import InputFile

START = 1777593600  # 2026-05-01T00:00:00Z
GPU0 = {"gpu": "0", "UUID": "GPU-aa", "device": "nvidia0", "modelName": "NVIDIA H100 80GB HBM3", "Hostname": "gpu01",
        "instance": "gpu01:9400", "job": "dcgm", "hpc_job": "4711", "cluster": "north", "rack": "r1"}


def read(tmp_path: Path, text: str) -> dict[type, list]:
    path = tmp_path / "gpu"
    path.write_text(text, encoding="utf-8")
    file = InputFile(path, "gpu")
    source = Dcgm()
    assert source.recognises(file)
    found: dict[type, list] = {Sample: [], Reject: [], Notice: []}
    for item in source.read(file):
        found[type(item)].append(item)
    return found


def answer(*series: tuple[str, dict, list], kind: str = "matrix") -> str:
    result = []
    for name, labels, readings in series:
        element = {"metric": {"__name__": name, **labels}}
        element |= {"values": readings} if kind == "matrix" else {"value": readings[0]}
        result.append(element)
    return json.dumps({"status": "success", "data": {"resultType": kind, "result": result}})


def steps(*values, step=60, since=START) -> list:
    """Readings at every step; None leaves one out."""
    return [[since + step * place, str(value)] for place, value in enumerate(values) if value is not None]


ALL = [
    ("DCGM_FI_DEV_GPU_UTIL", GPU0, steps(50, 100)),
    ("DCGM_FI_PROF_SM_ACTIVE", GPU0, steps("0.25", "0.5")),
    ("DCGM_FI_PROF_GR_ENGINE_ACTIVE", GPU0, steps("0.9", "0.9")),
    ("DCGM_FI_DEV_FB_USED", GPU0, steps(1000, 60000)),
    ("DCGM_FI_DEV_FB_FREE", GPU0, steps(80000, 21000)),
    ("DCGM_FI_DEV_POWER_USAGE", GPU0, steps("312.5", 700)),
]


def sample(moment: int, util, sm, used, power) -> Sample:
    return Sample(time=datetime(2026, 5, 1, 0, moment), seconds=60.0, node="gpu01", device="GPU-aa",
                  gpu_type="NVIDIA H100 80GB HBM3", pool="north", util=util, sm_active=sm, mem_used_mb=used,
                  mem_total_mb=81000.0, power_w=power, run_id="4711", tags={"rack": "r1"})


EXPECTED = [sample(0, 50.0, 25.0, 1000.0, 312.5), sample(1, 100.0, 50.0, 60000.0, 700.0)]


def text_of(series, *, milliseconds=False, dump=False) -> str:
    lines = []
    for name, labels, readings in series:
        if not dump:
            lines += [f"# HELP {name} What it is.", f"# TYPE {name} gauge"]
        # promtool sorts labels by their bytes, so upper case stands before the name.
        inner = ", ".join(f'{key}="{value}"' for key, value in sorted({"__name__": name, **labels}.items()))
        if not dump:
            inner = ",".join(f'{key}="{value}"' for key, value in labels.items())
        for moment, value in readings:
            lines.append(f"{'' if dump else name}{{{inner}}} {value} {moment * 1000 if milliseconds else moment}")
    return "\n".join(lines) + ("\n" if dump or milliseconds else "\n# EOF\n")


@pytest.mark.parametrize("text", [
    answer(*ALL),
    "\n".join(answer(series) for series in ALL),
    text_of(ALL),
    text_of(ALL, milliseconds=True),
    text_of(ALL, milliseconds=True, dump=True),
], ids=["one answer", "an answer a metric", "openmetrics", "prometheus text", "promtool dump"])
def test_metrics_of_a_moment_are_one_sample(tmp_path, text):
    found = read(tmp_path, text)
    assert found[Reject] == found[Notice] == []
    assert found[Sample] == EXPECTED


def test_a_vector_is_one_moment_of_unknown_length(tmp_path):
    (only,) = read(tmp_path, answer(("DCGM_FI_DEV_GPU_UTIL", GPU0, [[START + 0.25, "7"]]), kind="vector"))[Sample]
    assert (only.time, only.seconds, only.util) == (datetime(2026, 5, 1, 0, 0, 0, 250000), None, 7.0)


def test_a_reading_stands_until_the_next_and_not_over_a_gap(tmp_path):
    readings = steps(1, 2, None, None, 3, *[None] * 30, 4, 5, 6)
    found = read(tmp_path, answer(("DCGM_FI_DEV_GPU_UTIL", GPU0, readings)))
    assert [(each.util, each.seconds) for each in found[Sample]] == [
        (1, 60), (2, 180), (3, 60), (4, 60), (5, 60), (6, 60)]
    assert "1 gaps without readings, 0.5 GPU-hours" in found[Notice][0].message


def test_stale_marks_and_what_is_not_supported_are_no_readings(tmp_path):
    found = read(tmp_path, answer(
        ("DCGM_FI_DEV_GPU_UTIL", GPU0, steps(1, "NaN", 3)),
        ("DCGM_FI_DEV_FB_USED", GPU0, steps("9223372036854775794", "2147483632", 5)),
        ("DCGM_FI_PROF_SM_ACTIVE", GPU0, steps("140737488355328", "NaN", "0"))))
    assert found[Reject] == []
    assert [(each.util, each.mem_used_mb, each.sm_active) for each in found[Sample]] == [
        (1.0, None, None), (3.0, 5.0, 0.0)]
    assert found[Sample][0].seconds == 120


def test_engine_activity_stands_for_utilisation_where_there_is_none(tmp_path):
    (only,) = read(tmp_path, answer(("DCGM_FI_PROF_GR_ENGINE_ACTIVE", GPU0, steps("0.42"))))[Sample]
    assert only.util == pytest.approx(42)


def test_two_jobs_on_a_gpu_one_after_the_other(tmp_path):
    later = GPU0 | {"hpc_job": "4712"}
    found = read(tmp_path, answer(("DCGM_FI_DEV_GPU_UTIL", GPU0, steps(1, 2)),
                                  ("DCGM_FI_DEV_GPU_UTIL", later, steps(3, 4, since=START + 120)),
                                  ("DCGM_FI_DEV_POWER_USAGE", later, steps(300, since=START + 120))))
    assert [(each.run_id, each.util, each.power_w, each.seconds) for each in found[Sample]] == [
        ("4711", 1, None, 60), ("4711", 2, None, 60), ("4712", 3, 300, 60), ("4712", 4, None, 60)]


@pytest.mark.parametrize(("labels", "device", "node", "run_id", "tags"), [
    ({"gpu": "3", "Hostname": "n1"}, "n1:3", "n1", None, {}),
    ({"gpu": "3", "instance": "n1:9400"}, "n1:3", "n1", None, {}),
    ({"UUID": "GPU-x", "GPU_I_ID": "7", "GPU_I_PROFILE": "1g.10gb", "Hostname": "n1"}, "GPU-x/7", "n1", None,
     {"GPU_I_PROFILE": "1g.10gb"}),
    ({"UUID": "GPU-x", "pod": "dcgm-exporter-abc", "namespace": "monitoring", "container": "exporter",
      "exported_pod": "train-0", "exported_namespace": "ml", "exported_container": "main"}, "GPU-x", None, "train-0",
     {"pod": "train-0", "namespace": "ml", "container": "main"}),
    ({"UUID": "GPU-x", "pod": "dcgm-exporter-abc", "namespace": "monitoring", "container": "exporter"}, "GPU-x", None,
     None, {}),
    ({"UUID": "GPU-x", "hpc_job": "", "pod": "p", "team": "vision"}, "GPU-x", None, "p",
     {"pod": "p", "team": "vision"}),
])
def test_what_labels_say(tmp_path, labels, device, node, run_id, tags):
    (only,) = read(tmp_path, answer(("DCGM_FI_DEV_GPU_UTIL", labels, steps(5))))[Sample]
    assert (only.device, only.node, only.run_id, only.tags) == (device, node, run_id, tags)


def test_metrics_that_are_not_read_are_named_once(tmp_path):
    found = read(tmp_path, answer(*ALL, ("DCGM_FI_DEV_GPU_TEMP", GPU0, steps(50)), ("up", {}, steps(1, 1))))
    assert [notice.message for notice in found[Notice]] == ["Metrics that are not read: DCGM_FI_DEV_GPU_TEMP, up."]


def test_bad_readings_are_listed_with_their_line(tmp_path):
    head = 'DCGM_FI_DEV_GPU_UTIL{gpu="0",Hostname="n1"}'
    found = read(tmp_path, f"""# TYPE DCGM_FI_DEV_GPU_UTIL gauge
{head} 10 {START}
{head} -1 {START + 60}
{head} 250 {START + 60}
{head} high {START + 60}
{head} 10 soon
{head} 10
{head} 10 {START + 60}
{head} 11 {START + 60}
{head} 10 {START + 60}
{head} 10 {START - 60}
{head} 10 12
DCGM_FI_DEV_GPU_UTIL{{gpu="0"}} 10 {START}
DCGM_FI_DEV_GPU_UTIL{{gpu=0}} 10 {START}
DCGM_FI_PROF_SM_ACTIVE{{gpu="0",Hostname="n1"}} 40 {START}
{head} 20 {START + 120}
requests_bucket{{le="1"}} 3 {START} # {{trace="x"}} 1
# EOF
""")
    assert [each.util for each in found[Sample]] == [10, 10, 20]
    assert [(reject.line, reject.field, reject.reason.split(" (")[0]) for reject in found[Reject]] == [
        (3, "DCGM_FI_DEV_GPU_UTIL", "is negative"), (4, "DCGM_FI_DEV_GPU_UTIL", "is more than 100"),
        (5, "DCGM_FI_DEV_GPU_UTIL", "is not a number"), (6, "timestamp", "is not a number"),
        (7, "timestamp", "is missing"),
        (9, "DCGM_FI_DEV_GPU_UTIL", "is another value for a moment that was already read"),
        (11, "timestamp", "is before that of the reading which precedes it"),
        (12, "timestamp", "is a time before 2000 or after 2099"),
        (13, "labels", "name neither the UUID of a GPU nor its host and index"), (14, "labels", "cannot be read"),
        (15, "DCGM_FI_PROF_SM_ACTIVE", "is more than 1")]


def test_bad_elements_of_an_answer_are_listed(tmp_path):
    good = json.loads(answer(ALL[0]))
    good["data"]["result"] += [
        7, {"values": []}, {"metric": {"__name__": "DCGM_FI_DEV_GPU_UTIL"}, "values": [[START, "1"]]},
        {"metric": {"__name__": "DCGM_FI_DEV_FB_USED", **GPU0},
         "values": [[START, "x"], [START], "y", ["z", "1"], [START, None], [START, "5"]]}]
    found = read(tmp_path, json.dumps(good))
    assert found[Sample][0].mem_used_mb == 5
    assert [reject.field for reject in found[Reject]] == [
        "metric", "metric", "labels", "DCGM_FI_DEV_FB_USED", "DCGM_FI_DEV_FB_USED", "DCGM_FI_DEV_FB_USED", "timestamp",
        "DCGM_FI_DEV_FB_USED"]


def test_a_scrape_without_times_is_refused_with_the_way_out(tmp_path):
    with pytest.raises(FileError, match="without the time") as raised:
        read(tmp_path, '# TYPE DCGM_FI_DEV_GPU_UTIL gauge\nDCGM_FI_DEV_GPU_UTIL{UUID="GPU-x"} 5\n')
    assert "Prometheus" in raised.value.hint


def test_escaped_labels(tmp_path):
    (only,) = read(tmp_path, f'DCGM_FI_DEV_GPU_UTIL{{UUID="G", note="a \\"b\\" }} \\\\ c\\n"}} 5 {START}\n')[Sample]
    assert only.tags == {"note": 'a "b" } \\ c\n'}


def test_files_that_break_off(tmp_path):
    path = tmp_path / "g"
    path.write_text(answer(*ALL)[:-200])
    with pytest.raises(FileError, match="breaks off"):
        list(Dcgm().read(InputFile(path, "g")))
    path = tmp_path / "g.gz"
    path.write_bytes(gzip.compress(text_of([("DCGM_FI_DEV_GPU_UTIL", GPU0, steps(*range(40_000)))]).encode())[:-9])
    with pytest.raises(FileError, match="cannot be read to its end"):
        list(Dcgm().read(InputFile(path, "g.gz")))


@pytest.mark.parametrize("content", [
    b"", b"\x1f\x8b\x08", b"PAR1", b"\xff\xfe\x00", b"{", b"\x00", b"# TYPE node_cpu gauge\nnode_cpu 1 2\n",
    answer(("up", {}, steps(1))).encode(), b'{"status":"error","error":"x"}', b"time,device,util\n"])
def test_other_content_is_not_recognised(tmp_path, content):
    path = tmp_path / "x"
    path.write_bytes(content)
    assert not Dcgm().recognises(InputFile(path, "x"))

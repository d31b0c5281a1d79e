"""A mapped table gives facts of exact values from CSV, JSON lines and Parquet alike."""

from __future__ import annotations

import os
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from projected import project, query_of, scan_of, table_of

from outlay.errors import FileError
from outlay.sources.inputfile import InputFile
from outlay.sources.mappedtable import MappedTable
from outlay.sources.mapping import Mapping

MAPPINGS = Path(__file__).parents[2] / "bench" / "mappings"
SHARED = Path(os.environ.get("OUTLAY_SHARED", Path(__file__).parents[3] / "shared"))

CALLS = """
source: gw
fact: call
authority: gateway
columns:
  time: ts
  model: model_name
  provider: vendor
  input_tokens: {sum: [fresh, cached]}
  cache_read_tokens: cached
  output_tokens: out
  duration_ms: {column: took_s, times: 1000, round: true}
  reported_cost: usd
  status: {column: err, default: ok}
  operation: {value: chat}
tags: {team: team, project: proj, environment: {value: production}}
"""


def mapped(text: str) -> MappedTable:
    return MappedTable(Mapping.parse(text))


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


CALLS_CSV = """ts,model_name,vendor,fresh,cached,out,took_s,usd,err,team,proj
2026-05-01T10:00:00+02:00,gpt-4o,OpenAI,100,20,5,1.2345,0.000123456789,,ml,a
2026-05-01 08:00:01.5,gpt-4o,openai,100,,5.0,,1e-05,timeout,,
2026-05-01,m,vertexai,,,,,,,ops,
"""
CALLS_JSON = """\
{"ts":"2026-05-01T10:00:00+02:00","model_name":"gpt-4o","vendor":"OpenAI","fresh":100,"cached":20,"out":5,\
"took_s":1.2345,"usd":0.000123456789,"err":null,"team":"ml","proj":"a"}
{"ts":"2026-05-01T08:00:01.5Z","model_name":"gpt-4o","vendor":"openai","fresh":100,"out":5,"usd":1e-05,\
"err":"timeout"}
{"ts":"2026-05-01T00:00:00Z","model_name":"m","vendor":"vertexai","team":"ops"}
"""
EXPECTED_CALLS = [
    {"time": datetime(2026, 5, 1, 8), "model": "gpt-4o", "provider": "openai", "input_tokens": 120,
     "cache_read_tokens": 20, "output_tokens": 5, "duration_ms": 1235, "reported_cost": Decimal("0.000123456789"),
     "status": "ok", "operation": "chat", "tags": {"team": "ml", "project": "a", "environment": "production"}},
    {"time": datetime(2026, 5, 1, 8, 0, 1, 500000), "model": "gpt-4o", "provider": "openai", "input_tokens": 100,
     "cache_read_tokens": None, "output_tokens": 5, "duration_ms": None, "reported_cost": Decimal("0.00001"),
     "status": "timeout", "operation": "chat", "tags": {"environment": "production"}},
    {"time": datetime(2026, 5, 1), "model": "m", "provider": "gcp.vertex_ai", "input_tokens": None,
     "cache_read_tokens": None, "output_tokens": None, "duration_ms": None, "reported_cost": None,
     "status": "ok", "operation": "chat", "tags": {"team": "ops", "environment": "production"}},
]


def parquet_of(source: Path, target: Path) -> Path:
    scan, _ = scan_of(source)
    with duckdb.connect() as connection:
        connection.execute(f"COPY (FROM {scan}) TO '{target}' (FORMAT parquet)")
    return target


def test_csv_json_and_parquet_say_the_same(tmp_path):
    csv = write(tmp_path / "c.csv", CALLS_CSV)
    json = write(tmp_path / "c.jsonl", CALLS_JSON)
    source = mapped(CALLS)
    for path in (csv, json, parquet_of(csv, tmp_path / "text.parquet"), parquet_of(json, tmp_path / "typed.parquet")):
        assert source.recognises(InputFile(path, path.name)), path
        kept, problems = project(source, path)
        assert kept == EXPECTED_CALLS, path
        assert problems == []
    assert (source.code, source.authority) == ("gw", "gateway")


def test_native_types_pass_without_a_cast(tmp_path):
    path = tmp_path / "native.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT TIMESTAMP '2026-05-01' AS t, 5::BIGINT AS n, 'm' AS m) TO '{path}'")
    source = mapped("source: s\nfact: call\ncolumns: {time: t, input_tokens: n, model: m}\n")
    (projection,) = source.projections(table_of(path))
    assert [cell.sql for cell in projection.cells] == ['"t"', '"n"', "nullif(\"m\", '')"]
    assert [cell.raw for cell in projection.cells] == [None, None, None]


def test_bad_rows_are_named_and_the_others_kept(tmp_path):
    path = write(tmp_path / "bad.csv", """ts,model_name,vendor,fresh,cached,out,took_s,usd,err,team,proj
2026-05-01,a,openai,1,0,1,1,1,,,
,b,openai,1,0,1,1,1,,,
yesterday,b,openai,1,0,1,1,1,,,
2026-05-01,b,openai,x,0,1,1,1,,,
2026-05-01,b,openai,12.5,0,1,1,1,,,
2026-05-01,b,openai,-7,0,1,1,1,,,
2026-05-01,b,openai,1,0,99999999999,1,1,,,
2026-05-01,b,openai,1,0,9999999999999999999999,1,1,,,
2026-05-01,b,openai,1,0,1,soon,1,,,
2026-05-01,b,openai,1,0,1,inf,1,,,
2026-05-01,b,openai,1,0,1,1,$5,,,
2026-05-01,b,openai,1,0,1,1,-0.1,,,
infinity,b,openai,1,0,1,1,1,,,
2026-05-01,b,openai,9223372036854775807,9223372036854775807,1,1,1,,,
2026-05-01,c,openai,1,0,1,1,1,,,
""")
    kept, problems = project(mapped(CALLS), path)
    assert [row["model"] for row in kept] == ["a", "c"]
    assert [problem.split(":")[0] for problem in problems] == [
        "ts", "ts", "fresh", "fresh", "fresh", "out", "out", "took_s", "took_s", "usd", "usd", "ts", "fresh"]
    assert problems[0] == "ts: is missing"
    assert problems[1] == "ts: is not a time"
    assert problems[3] == "fresh: is not a whole number"
    assert problems[4] == "fresh: is negative"
    assert problems[5] == "out: is larger than can be"


def test_cached_tokens_beyond_the_input_show_a_wrong_mapping(tmp_path):
    path = write(tmp_path / "c.csv", "t,fresh,cached\n2026-05-01,10,90\n")
    text = "source: s\nfact: call\ncolumns: {time: t, input_tokens: fresh, cache_read_tokens: cached}\n"
    _, problems = project(mapped(text), path)
    assert problems == ["cached: is more than fresh, of which it is a part (cached tokens are input, too)"]


TIMES = """
source: s
fact: usage
columns:
  start: %s
"""


@pytest.mark.parametrize(("formula", "written", "expected"), [
    ("t", "2026-05-01T10:00:00Z", datetime(2026, 5, 1, 10)),
    ("t", "2026-05-01T10:00:00-0730", datetime(2026, 5, 1, 17, 30)),
    ("t", "2026-05-01T10:00:00 America/New_York", datetime(2026, 5, 1, 14)),
    ("t", "2026-05-01 10:00:00 UTC", datetime(2026, 5, 1, 10)),
    ("t", "2026-05-01", datetime(2026, 5, 1)),
    ("t", "2023-11-16 18:17:03.9799600", datetime(2023, 11, 16, 18, 17, 3, 979960)),
    ("{column: t, zone: Europe/Berlin}", "2026-07-01 12:00:00", datetime(2026, 7, 1, 10)),
    ("{column: t, zone: Europe/Berlin}", "2026-01-01 12:00:00", datetime(2026, 1, 1, 11)),
    ("{column: t, zone: Europe/Berlin}", "2026-01-01T12:00:00Z", datetime(2026, 1, 1, 12)),
    ("{column: t, format: '%d/%m/%Y %H:%M'}", "03/04/2026 05:06", datetime(2026, 4, 3, 5, 6)),
    ("{column: t, format: '%d/%m/%Y %H:%M', zone: Asia/Tokyo}", "03/04/2026 10:06", datetime(2026, 4, 3, 1, 6)),
    ("{column: t, epoch: seconds}", "1767225600", datetime(2026, 1, 1)),
    ("{column: t, epoch: seconds}", "1767225600.25", datetime(2026, 1, 1, 0, 0, 0, 250000)),
    ("{column: t, epoch: milliseconds, from: 2026-05-01}", "1500", datetime(2026, 5, 1, 0, 0, 1, 500000)),
    ("{column: t, epoch: nanoseconds}", "1767225600123456789", datetime(2026, 1, 1, 0, 0, 0, 123457)),
    ("{column: t, epoch: seconds}", "1767225600000", None),
    ("{column: t, epoch: seconds}", "noon", None),
    ("t", "05/01/2026", None),
])
def test_times(tmp_path, formula, written, expected):
    path = write(tmp_path / "t.csv", f"t,x\n{written},1\n")
    kept, problems = project(mapped(TIMES % formula), path)
    assert [row["start"] for row in kept] == ([expected] if expected else [])
    assert len(problems) == (0 if expected else 1)


def test_numbers_as_native_types_are_checked_too(tmp_path):
    path = write(tmp_path / "n.jsonl", '{"t":1780000001,"n":1.0,"u":50.5,"d":"g0"}\n'
                 '{"t":1780000002,"n":-3.0,"u":50.5,"d":"g0"}\n{"t":1780000003,"n":2.5,"u":101,"d":"g0"}\n')
    text = ("source: s\nfact: sample\ncolumns: {time: {column: t, epoch: seconds}, device: d, util: u, power_w: n}\n")
    kept, problems = project(mapped(text), path)
    assert [(row["util"], row["power_w"]) for row in kept] == [(50.5, 1.0)]
    assert problems == ["n: is negative", "u: is not a percentage from 0 to 100"]
    counted = "source: s\nfact: usage\ncolumns: {start: {column: t, epoch: seconds}, requests: n}\n"
    assert project(mapped(counted), path)[1] == ["n: is negative", "n: is not a whole number"]


def test_nested_columns_are_reached_by_a_dotted_path(tmp_path):
    path = write(tmp_path / "n.jsonl", """\
{"at":"2026-05-01T00:00:00Z","usage":{"in put":{"total":7},"out":1},"labels":{"team":"ml","x":"1"},"who":{"id":5}}
{"at":"2026-05-01T00:00:00Z","usage":{"in put":{"total":null},"out":2},"labels":{"team":"ops"},"who":null}
""")
    text = """
source: s
fact: call
match: [at, usage.out]
columns: {time: at, input_tokens: usage.in put.total, output_tokens: usage.out, user: who.id}
tags: {"*": labels, project: {value: p}}
"""
    source = mapped(text)
    assert source.recognises(InputFile(path, "n"))
    kept, problems = project(source, path)
    assert problems == []
    assert [(row["input_tokens"], row["output_tokens"], row["user"]) for row in kept] == [(7, 1, "5"), (None, 2, None)]
    assert [row["tags"] for row in kept] == [
        {"team": "ml", "x": "1", "project": "p"}, {"team": "ops", "project": "p"}]


def test_json_text_in_a_csv_column_is_an_object_of_tags(tmp_path):
    path = write(tmp_path / "j.csv", 't,labels\n2026-05-01,"{""team"": ""ml""}"\n2026-05-01,\n2026-05-01,oops\n')
    kept, _ = project(mapped("source: s\nfact: call\ncolumns: {time: t}\ntags: {'*': labels}\n"), path)
    assert [row["tags"] for row in kept] == [{"team": "ml"}, {}, {}]


@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_absent_tags_are_left_out_whatever_their_number(tmp_path, count):
    names = [f"t{n}" for n in range(count)]
    rows = [[], names, names[1:], names[:-1], names[2:]]
    lines = [",".join(["t", *names])]
    lines += [",".join(["2026-05-01", *(name.upper() if name in row else "" for name in names)]) for row in rows]
    path = write(tmp_path / "tags.csv", "\n".join(lines) + "\n")
    text = "source: s\nfact: call\nmatch: [t]\ncolumns: {time: t, model: {value: m}}\ntags: {%s}\n"
    kept, _ = project(mapped(text % ", ".join(f"{name}: {name}" for name in names)), path)
    assert [row["tags"] for row in kept] == [{name: name.upper() for name in row} for row in rows]


def test_words_for_no_value(tmp_path):
    path = write(tmp_path / "m.csv", "t,m,n\n2026-05-01,-,n/a\n2026-05-01,x,5\n")
    text = "source: s\nfact: call\nmissing: ['-', n/a]\ncolumns: {time: t, model: m, input_tokens: n}\n"
    kept, problems = project(mapped(text), path)
    assert [(row["model"], row["input_tokens"]) for row in kept] == [(None, None), ("x", 5)]
    assert problems == []


def test_charges_are_exact(tmp_path):
    path = write(tmp_path / "bill.csv", "day,usd,cents\n2026-05-01,-0.123456789012345678,150\n2026-05-02,1e-18,0.01\n")
    text = ("source: s\nfact: charge\ncolumns: {charge_period_start: day, billed_cost: usd, "
            "effective_cost: {column: cents, times: 0.01}, billing_currency: {value: EUR}}\n")
    kept, problems = project(mapped(text), path)
    assert problems == []
    assert [(row["billed_cost"], row["effective_cost"]) for row in kept] == [
        (Decimal("-0.123456789012345678"), Decimal("1.5")), (Decimal("1e-18"), Decimal("0.0001"))]


RUNS = """
source: jobs
fact: run
columns: {run_id: id, scheduler: {value: local}, kind: kind, started: a, ended: b, gpus: n}
"""


def test_runs_that_end_before_they_start_or_own_negative_gpus(tmp_path):
    path = write(tmp_path / "r.csv", """id,kind,a,b,n
1,training,2026-05-01,2026-05-02,8
2,training,2026-05-02,2026-05-01,8
3,training,2026-05-01,2026-05-02,-8
4,gardening,2026-05-01,2026-05-02,8
,training,2026-05-01,2026-05-02,8
""")
    kept, problems = project(mapped(RUNS), path)
    assert [row["run_id"] for row in kept] == ["1"]
    assert problems[:2] == ["b: is before a", "n: is negative"]
    assert problems[2].startswith("kind: is not one of training, sweep")
    assert problems[3] == "id: is missing"


def test_a_column_that_is_needed_and_absent_refuses_the_file(tmp_path):
    path = write(tmp_path / "f.csv", "tss,model\n2026-05-01,m\n")
    source = mapped("source: s\nfact: call\ncolumns: {time: ts, model: model, user: who}\n")
    assert not source.recognises(InputFile(path, "f"))
    with pytest.raises(FileError) as raised:
        source.projections(table_of(path))
    assert "no column 'ts', from which time is made" in str(raised.value)
    assert "Did you mean 'tss'?" in raised.value.hint


def test_a_column_that_is_not_needed_and_absent_is_noticed(tmp_path):
    path = write(tmp_path / "f.csv", "ts,model\n2026-05-01,m\n")
    source = mapped("source: s\nfact: call\nmatch: [ts]\ncolumns: {time: ts, user: who}\ntags: {team: t}\n")
    (projection,) = source.projections(table_of(path))
    assert ["user" in notice.message or "team" in notice.message for notice in projection.notices] == [True, True]


def test_a_column_of_the_wrong_nature_refuses_the_file(tmp_path):
    path = write(tmp_path / "f.jsonl", '{"t":5,"o":{"a":1}}\n')
    with pytest.raises(FileError, match="holds numbers, not times"):
        mapped("source: s\nfact: call\ncolumns: {time: t}\n").projections(table_of(path))
    with pytest.raises(FileError, match="dotted path"):
        mapped("source: s\nfact: call\ncolumns: {time: {column: t, epoch: seconds}, input_tokens: o}\n").projections(
            table_of(path))


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b\x08", b"PAR1", b"\xff\xfe\x00", b"[1,2", b"{", b"\x00\x01\x02"])
def test_no_content_breaks_recognition(tmp_path, content):
    path = tmp_path / "x"
    path.write_bytes(content)
    assert not mapped(CALLS).recognises(InputFile(path, "x"))


def shared(name: str) -> Path:
    path = SHARED / "data" / name
    if not path.exists():
        pytest.skip("the shared data is not here")
    return path


def asked(mapping: str, path: Path, question: str) -> tuple:
    """A question to the facts of a real file, none of whose rows may be refused."""
    source = MappedTable(Mapping.load(MAPPINGS / f"{mapping}.yaml"))
    assert source.recognises(InputFile(path, path.name))
    (projection,) = source.projections(table_of(path))
    scan, _ = scan_of(path)
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE facts AS {query_of(projection, scan)}")
        assert connection.execute("SELECT count(*) FROM facts WHERE problem IS NOT NULL").fetchone() == (0,)
        return connection.execute(f"SELECT {question} FROM facts").fetchone()


def test_gpus_that_a_real_cluster_left_unallocated():
    share, seconds, pools, first = asked(
        "cluster-minutes", shared("capacity/gpu_util/helios_earth_vc_minute_a.parquet"),
        "round(1 - sum(allocated) / sum(total), 3), max(seconds), count(DISTINCT pool), min(time)")
    assert (share, seconds, pools, first) == (0.431, 60.0, 8, datetime(2020, 5, 1))


def test_nodes_that_a_real_cluster_left_idle():
    share, unit, rows = asked(
        "node-minutes", shared("capacity/gpu_util/philly_nodes_minute_to_2017-11-19.csv.gz"),
        "round(1 - sum(allocated) / sum(total), 3), any_value(unit), count(*)")
    assert (share, unit, rows) == (0.223, "node", 68_521)


def test_a_real_trace_of_buckets():
    rows, requests, tokens, length = asked(
        "client-buckets", shared("capacity/llm_demand/servegen_m-small_clients_10min.parquet"),
        "count(*), sum(requests), sum(input_tokens), max(\"end\" - start)")
    assert (rows, length.total_seconds()) == (40_095, 600)
    assert requests > 10**8
    # The sum of rounded products, within half a token a row of the unrounded 73,422,848,913.6.
    assert abs(tokens - 73_422_848_914) < 40_095 / 2


def test_real_traces_of_requests():
    rows, first = asked("request-trace", shared("capacity/llm_demand/azure_llm_2023_code.csv.gz"),
                        "count(*), min(time)")
    assert (rows, first) == (8_819, datetime(2023, 11, 16, 18, 17, 3, 979960))
    rows, most = asked("request-trace-ms", shared("tokens/usage/mooncake_conversation_first60.jsonl"),
                       "count(*), max(input_tokens)")
    assert rows == 7_218
    assert most > 100_000

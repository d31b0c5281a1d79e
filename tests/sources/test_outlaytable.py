"""A table with Outlay's own column names needs no mapping."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from projected import project, table_of

from outlay.errors import FileError
from outlay.facts import Call, Capacity, Output, Progress, Run, Sample, Usage
from outlay.sources.base import Table
from outlay.sources.inputfile import InputFile
from outlay.sources.outlaytable import OutlayTable

SOURCE = OutlayTable()


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("header", "fact"), [
    ("time,model,input_tokens,output_tokens", Call),
    ("start,end,model,requests", Usage),
    ("time,device,util", Sample),
    ("time,device,sm_active", Sample),
    ("time,pool,unit,total,allocated", Capacity),
    ("run_id,scheduler,state", Run),
    ("time,kind,count", Output),
    ("time,run_id,metric,value", Progress),
])
def test_the_kind_of_fact_follows_from_the_columns(tmp_path, header, fact):
    path = write(tmp_path / "x.csv", header + "\n" + ",".join("1" for _ in header.split(",")) + "\n")
    assert SOURCE.recognises(InputFile(path, "x"))
    (projection,) = SOURCE.projections(table_of(path))
    assert projection.fact is fact
    assert fact in SOURCE.facts


def test_a_table_without_those_columns_is_not_one(tmp_path):
    path = write(tmp_path / "x.csv", "time,value\n1,2\n")
    assert not SOURCE.recognises(InputFile(path, "x"))
    with pytest.raises(FileError, match="has no column 'model', 'input_tokens', without which no call can be read"):
        SOURCE.projections(Table({"time": "VARCHAR", "value": "VARCHAR"}, "csv"))


def test_outputs_with_what_they_are_worth(tmp_path):
    path = write(tmp_path / "o.csv", """time,kind,count,team,project,task,value,currency
2026-05-01,tickets_resolved,120,support,helpdesk,triage,840.00,USD
2026-05-01,predictions,1e6,ml,,,,
2026-05-01,predictions,-5,ml,,,,
2026-05-01,predictions,,ml,,,,
2026-05-01,,5,ml,,,,
2026-05-01,predictions,many,ml,,,,
""")
    kept, problems = project(SOURCE, path)
    assert kept == [
        {"time": datetime(2026, 5, 1), "kind": "tickets_resolved", "count": Decimal(120), "value": Decimal(840),
         "currency": "USD", "task": "triage", "tags": {"team": "support", "project": "helpdesk"}},
        {"time": datetime(2026, 5, 1), "kind": "predictions", "count": Decimal(1_000_000), "value": None,
         "currency": None, "task": None, "tags": {"team": "ml"}},
    ]
    assert problems == ["count: is negative", "count: is missing", "kind: is missing", "count: is not an amount"]


def test_capacity_of_pools(tmp_path):
    path = write(tmp_path / "c.csv", """time,seconds,pool,unit,gpu_type,total,allocated,running,pending
2026-05-01T00:00:00Z,3600,north,gpu,NVIDIA H100,64,48,40,8
2026-05-01T00:00:00Z,3600,north,rack,NVIDIA H100,64,48,40,8
2026-05-01T00:00:00Z,3600,north,gpu,NVIDIA H100,-64,48,40,8
2026-05-01T00:00:00Z,-1,north,gpu,NVIDIA H100,64,48,40,8
""")
    kept, problems = project(SOURCE, path)
    assert [(row["total"], row["allocated"], row["unit"]) for row in kept] == [(64.0, 48.0, "gpu")]
    assert problems == ["unit: is not one of gpu, node", "total: is negative", "seconds: is negative"]


def test_samples_of_gpus(tmp_path):
    path = write(tmp_path / "s.csv", """time,seconds,device,node,util,sm_active,power_w,run_id,rack
2026-05-01T00:00:00Z,60,GPU-1,n1,55.5,40,312,4711,r1
2026-05-01T00:00:00Z,60,GPU-1,n1,155.5,40,312,4711,r1
2026-05-01T00:00:00Z,60,,n1,55.5,40,312,4711,r1
2026-05-01T00:00:00Z,60,GPU-1,n1,,,,,
""")
    kept, problems = project(SOURCE, path)
    assert [(row["util"], row["tags"]) for row in kept] == [(55.5, {"rack": "r1"}), (None, {})]
    assert problems == ["util: is not a percentage from 0 to 100", "device: is missing"]


def test_progress_keeps_losses_of_any_sign(tmp_path):
    rows = "2026-05-01,r,loss,5,-2.5\n2026-05-01,r,loss,-1,1\n"
    path = write(tmp_path / "p.csv", "time,run_id,metric,step,value\n" + rows)
    kept, problems = project(SOURCE, path)
    assert [row["value"] for row in kept] == [-2.5]
    assert problems == ["step: is negative"]


@pytest.mark.parametrize("tags", [
    "MAP {'team': 'ml', 'x': NULL}", "{'team': 'ml', 'x': NULL}", "'{\"team\": \"ml\", \"x\": null}'"])
def test_a_column_of_tags_joins_the_other_columns(tmp_path, tags):
    path = tmp_path / "t.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT TIMESTAMPTZ '2026-05-01 02:00:00+02' AS time, 'gpt-4o' AS model, 5 AS input_tokens, "
            f"{tags} AS tags, 'p' AS project, 7 AS shard) TO '{path}'")
    kept, problems = project(SOURCE, path)
    assert problems == []
    assert kept == [{"time": datetime(2026, 5, 1), "model": "gpt-4o", "input_tokens": 5,
                     "tags": {"team": "ml", "project": "p", "shard": "7"}}]


def test_a_time_that_is_a_number_asks_for_a_mapping(tmp_path):
    path = write(tmp_path / "t.jsonl", '{"time":1767225600,"model":"m","input_tokens":5}\n')
    with pytest.raises(FileError, match="mapping"):
        SOURCE.projections(table_of(path))


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b\x08", b"PAR1", b"\xff\xfe\x00", b"[1,2", b"{", b"\x00\x01\x02"])
def test_no_content_breaks_recognition(tmp_path, content):
    path = tmp_path / "x"
    path.write_bytes(content)
    assert not SOURCE.recognises(InputFile(path, "x"))

"""The sample month opened: its truth, and its files as tables."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from outlay.facts import Run
from outlay.sample import SampleFiles, write_sample
from outlay.sources.inputfile import InputFile
from outlay.sources.sacct import Sacct


@dataclass(frozen=True)
class Month:
    """A written month, its truth, and its tables: charge, run, progress, sample, call, usage."""

    files: SampleFiles
    truth: dict[str, Any]
    con: duckdb.DuckDBPyConnection

    def planted(self, code: str) -> list[dict[str, Any]]:
        return [each for each in self.truth["planted"] if each["code"] == code]

    def one(self, code: str) -> dict[str, Any]:
        (each,) = self.planted(code)
        return each

    def value(self, sql: str) -> Any:
        (answer,) = self.con.execute(sql).fetchone()
        return answer


def open_month(directory: Path, seed: int) -> Month:
    """Writes a month and opens it."""
    files = write_sample(directory, seed)
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    bills = "ChargePeriodStart::TIMESTAMP AS start, EffectiveCost::DECIMAL(38,18) AS effective, *"
    con.execute(f"""CREATE TABLE charge AS SELECT {bills}, Tags->>'$.team' AS team,
        Tags->>'$.created' AS created, Tags->>'$.kind' AS kind, Tags->>'$.source' AS source,
        Tags->>'$.replica_of' AS replica_of, Tags->>'$.purpose' AS purpose
        FROM read_csv('{directory}/bills/*', all_varchar = true, union_by_name = true)""")
    for table, pattern in (("progress", "runs/progress"), ("sample", "gpu/samples"), ("endpoint", "runs/endpoints")):
        con.execute(f"CREATE VIEW {table} AS SELECT * FROM '{directory}/{pattern}.parquet'")
    con.execute(f"CREATE VIEW call AS SELECT * FROM read_parquet('{directory}/calls/*.parquet', union_by_name = true)")
    con.execute(f"CREATE VIEW usage AS SELECT * FROM read_parquet('{directory}/usage/*.parquet', union_by_name = true)")
    con.execute("""CREATE TABLE run (run_id VARCHAR, name VARCHAR, kind VARCHAR, "group" VARCHAR, state VARCHAR,
        started TIMESTAMP, ended TIMESTAMP, nodes VARCHAR, gpus BIGINT, partition VARCHAR,
        tags MAP(VARCHAR, VARCHAR))""")
    sacct = directory / "runs" / "sacct.txt"
    runs = [fact for fact in Sacct().read(InputFile(sacct, sacct.name)) if isinstance(fact, Run)]
    con.executemany("INSERT INTO run VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [
        (r.run_id, r.name, r.kind, r.group, r.state, r.started, r.ended, r.nodes, r.gpus, r.partition, dict(r.tags))
        for r in runs])
    return Month(files, json.loads(files.truth.read_text()), con)

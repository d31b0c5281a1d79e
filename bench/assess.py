"""`outlay assess` on 50M calls, 20M samples, 200k runs and 2M charges, in a process of its own.

Bars: under 30 s and 3 GB. Reference: DuckDB reading every column of the calls once.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

import outlay
from bench import calls, questions
from bench.fullfacts import write_full_calls, write_full_charges
from bench.samples import write_samples


def main() -> None:
    """Builds the store (or takes what `--keep` left), then times the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000_000, help="calls; the other facts follow in proportion")
    parser.add_argument("--full", action="store_true", help="calls and charges that fill nearly every column")
    parser.add_argument("--keep", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="outlay-bench-") as name:
        base = args.keep or Path(name)
        if args.full:
            build_full(base, args.rows)
        else:
            questions.build(base, args.rows)
        add_others(base, args.rows / 50_000_000, write_full_charges if args.full else write_charges)
        command = [sys.executable, "-m", "outlay", "--store", str(base / "store"), "--config",
                   str(base / "outlay.yaml"), "assess", "--html", str(base / "report.html")]
        for number in (1, 2, 3):
            start = time.perf_counter()
            done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ})
            if done.returncode:
                raise SystemExit(done.stderr[-3000:])
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            taken = time.perf_counter() - start
            print(f"assess, run {number}: {taken:.1f} s (bar 30), peak {peak:,.0f} MB (bar 3,072)", flush=True)
        con = duckdb.connect(str(base / "store" / "ledger.duckdb"), read_only=True)
        columns = [row[0] for row in con.execute("DESCRIBE call").fetchall() if row[0] != "tags"]
        start = time.perf_counter()
        con.execute(f"SELECT {', '.join(f'max({chr(34)}{c}{chr(34)})' for c in columns)} FROM call").fetchall()
        print(f"reference: max of every column of the calls {time.perf_counter() - start:.1f} s")


def build_full(base: Path, rows: int) -> None:
    """Imports `rows` calls that fill nearly every column."""
    if (base / "store" / "ledger.duckdb").exists():
        return
    base.mkdir(parents=True, exist_ok=True)
    calls.settings(base / "outlay.yaml")
    with outlay.open(base / "store", config=base / "outlay.yaml") as ledger:
        file = write_full_calls(base / "calls.parquet", rows)
        ledger.import_file(file)
        file.unlink()


def add_others(base: Path, scale: float, charges: Callable[[Path, int], Path]) -> None:
    """Samples, runs and charges beside the calls."""
    with outlay.open(base / "store", config=base / "outlay.yaml") as ledger:
        if ledger.ask().has("sample"):
            return
        for file in write_samples(base, int(20_000_000 * scale)):
            ledger.import_file(file)
        for file in (write_runs(base / "many-runs.parquet", int(200_000 * scale)),
                     charges(base / "many-charges.parquet", int(2_000_000 * scale))):
            ledger.import_file(file)
        start = time.perf_counter()
        ledger.ask()
        print(f"derived tables made in {time.perf_counter() - start:.1f} s", flush=True)


def write_runs(path: Path, count: int) -> Path:
    """Short runs on a few hundred nodes of another cluster."""
    duckdb.execute(f"""COPY (
        SELECT 'job-' || i AS run_id, 'slurm/south' AS scheduler,
               CASE i % 4 WHEN 0 THEN 'training' WHEN 1 THEN 'trial' WHEN 2 THEN 'batch' ELSE 'notebook' END AS kind,
               TIMESTAMP '2026-09-01' + to_seconds(i * (2500000 / {count})) AS started,
               TIMESTAMP '2026-09-01' + to_seconds(i * (2500000 / {count}) + 600 + hash(i) % 20000) AS ended,
               'completed' AS state, 'south-' || (i % 300) AS nodes, 1 + i % 2 AS gpus,
               'NVIDIA A100-SXM4-80GB' AS gpu_type, 'team-' || (i % 60) AS team, 'person-' || (i % 200) AS owner
        FROM range({count}) r(i)) TO '{path}' (FORMAT parquet)""")
    return path


def write_charges(path: Path, count: int) -> Path:
    """A month of hourly lines of a few thousand resources."""
    duckdb.execute(f"""COPY (
        SELECT TIMESTAMP '2026-09-01' + to_hours(i % 720) AS ChargePeriodStart,
               TIMESTAMP '2026-09-01' + to_hours(i % 720 + 1) AS ChargePeriodEnd,
               TIMESTAMP '2026-09-01' AS BillingPeriodStart, TIMESTAMP '2026-10-01' AS BillingPeriodEnd,
               ((hash(i) % 100000) / 100000)::DECIMAL(18,6) AS BilledCost,
               ((hash(i) % 100000) / 100000)::DECIMAL(18,6) AS EffectiveCost, 'USD' AS BillingCurrency,
               'AWS' AS ProviderName, 'Amazon' AS InvoiceIssuerName, '1' AS BillingAccountId,
               'acct-' || (i // 720) % 40 AS SubAccountId, 'Usage' AS ChargeCategory,
               CASE (i // 720) % 3 WHEN 0 THEN 'Storage' WHEN 1 THEN 'Compute' ELSE 'Networking' END AS ServiceCategory,
               'Service ' || (i // 720) % 12 AS ServiceName, 'us-east-1' AS RegionId,
               'res-' || (i // 720) AS ResourceId, 1::DECIMAL(18,6) AS ConsumedQuantity, 'Hours' AS ConsumedUnit,
               '{{"team": "team-' || (i // 720) % 60 || '"}}' AS Tags
        FROM range({count}) r(i)) TO '{path}' (FORMAT parquet)""")
    return path


if __name__ == "__main__":
    main()

"""Synthetic GPU readings for the benches: 128 GPUs on 16 nodes for a week, 20M samples, with runs and bills."""

from __future__ import annotations

from pathlib import Path

import duckdb

NODES, GPUS, HOURS = 16, 8, 168


def write_samples(directory: Path, count: int = 20_000_000) -> tuple[Path, ...]:
    """Samples (a reading every few seconds), runs of a few hours each, and an hourly bill of every node."""
    con = duckdb.connect(config={"threads": 2, "memory_limit": "2GB"})
    steps = count // (NODES * GPUS)
    step = HOURS * 3600 / steps
    samples, runs, bill = (directory / name for name in ("samples.parquet", "runs.parquet", "bill.parquet"))
    con.execute(f"""COPY (
        SELECT TIMESTAMP '2026-09-01' + to_microseconds(CAST(t * {step} * 1000000 AS BIGINT)) AS time,
               {step}::DOUBLE AS seconds, printf('gpu-%02d', d // {GPUS}) AS node,
               printf('GPU-%02d-%d', d // {GPUS}, d % {GPUS}) AS device, 'NVIDIA H100 80GB HBM3' AS gpu_type,
               'north' AS pool, hash(t * 128 + d) % 101::DOUBLE AS util, 400.0 AS power_w,
               CASE WHEN (t * {step} / 3600)::BIGINT % 7 < 6
                    THEN 'run-' || (d // {GPUS}) || '-' || CAST((t * {step} / 3600)::BIGINT // 7 AS VARCHAR) END
                    AS run_id
        FROM range({steps}) s(t), range({NODES * GPUS}) g(d) ORDER BY t, d) TO '{samples}' (FORMAT parquet)""")
    con.execute(f"""COPY (
        SELECT 'run-' || n || '-' || w AS run_id, 'slurm/north' AS scheduler, 'training' AS kind,
               TIMESTAMP '2026-09-01' + to_hours(w * 7) AS started,
               least(TIMESTAMP '2026-09-01' + to_hours(w * 7 + 6), TIMESTAMP '2026-09-08') AS ended,
               printf('gpu-%02d', n) AS nodes, {GPUS} AS gpus, 'team-' || (n % 6) AS team
        FROM range({NODES}) a(n), range({HOURS // 7}) b(w)) TO '{runs}' (FORMAT parquet)""")
    con.execute(f"""COPY (
        SELECT TIMESTAMP '2026-09-01' + to_hours(h) AS ChargePeriodStart,
               TIMESTAMP '2026-09-01' + to_hours(h + 1) AS ChargePeriodEnd, 55.04::DECIMAL(18,6) AS BilledCost,
               55.04::DECIMAL(18,6) AS EffectiveCost, 'USD' AS BillingCurrency, 'AWS' AS ProviderName,
               'Usage' AS ChargeCategory, 'Compute' AS ServiceCategory, 'EC2' AS ServiceName,
               printf('gpu-%02d', n) AS ResourceName, 'i-' || n AS ResourceId, 1::DECIMAL(18,6) AS ConsumedQuantity,
               'Hours' AS ConsumedUnit
        FROM range({NODES}) a(n), range({HOURS}) b(h)) TO '{bill}' (FORMAT parquet)""")
    return samples, runs, bill

"""Writes the sample month. Same seed and start, same bytes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from outlay.sample import compute_bill, model_bill, storage_bill
from outlay.sample.agents import build_agents, otlp_lines
from outlay.sample.cluster import Cluster, build_cluster
from outlay.sample.decoys import all_decoys
from outlay.sample.endpoints import Endpoint, build_endpoints
from outlay.sample.focus_rows import Issuer, Line, write_bill
from outlay.sample.outputs import output_rows
from outlay.sample.planted_gpu import planted_machines
from outlay.sample.planted_spend import planted_spend
from outlay.sample.planted_tokens import Traffic, planted_tokens
from outlay.sample.products import all_products
from outlay.sample.readings import Readings, capacity_table, progress_table
from outlay.sample.scenario import PER_HOUR, Scenario
from outlay.sample.slurm import endpoint_runs, sacct_lines
from outlay.sample.stages import inference_over_training
from outlay.sample.traffic import Calls, Meter
from outlay.sample.truth import Truth
from outlay.sample.usage import invoice_extraction, meter_reported, reported, support_answers, usage_page

if TYPE_CHECKING:
    import pyarrow as pa

#: Written as JSON lines; all other calls as Parquet.
AS_JSON_LINES = "report-writer"


@dataclass(frozen=True, slots=True)
class SampleFiles:
    """What was written. `imports` is for `outlay import`; prompts, settings and truth are not facts."""

    directory: Path
    imports: tuple[Path, ...]
    prompts: Path
    settings: Path
    truth: Path


def write_sample(directory: Path, seed: int = 1, start: date = date(2026, 9, 1)) -> SampleFiles:
    """Writes bills, logs, metrics, prompts and settings of 30 days from `start` into `directory`.

    Files of an earlier sample are overwritten. Raises `OSError` where the directory cannot be written.
    """
    scenario = Scenario(seed, start)
    cluster, endpoints = build_cluster(scenario), build_endpoints(scenario)
    readings = Readings(scenario, cluster, endpoints)
    traffic = _traffic(scenario)
    for name in ("bills", "usage", "calls", "runs", "gpu", "outputs", "prompts", ".truth"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    totals, bills = _write_bills(directory, scenario, cluster, endpoints, traffic)
    imports = [
        *bills,
        *_write_usage(directory, scenario, traffic),
        *_write_calls(directory, scenario, traffic),
        *_write_runs(directory, scenario, cluster, endpoints),
        *_write_gpu(directory, scenario, cluster, readings),
        _write_csv(directory / "outputs" / "outputs.csv", output_rows(scenario, endpoints, traffic.buckets)),
    ]
    for name, text in _texts("prompts.yaml").items():
        (directory / "prompts" / name).write_text(text, "utf-8", newline="\n")
    settings = directory / "outlay.yaml"
    settings.write_text(files("outlay.sample").joinpath("settings.yaml").read_text("utf-8"), "utf-8", newline="\n")
    truth = directory / ".truth" / "truth.json"
    _truth(scenario, cluster, endpoints, readings, traffic, totals).write(truth)
    return SampleFiles(directory, tuple(sorted(imports)), directory / "prompts", settings, truth)


def _traffic(scenario: Scenario) -> Traffic:
    """All model calls, and what the providers will bill for them."""
    meter = Meter(scenario)
    products = {calls.name: calls for calls in all_products(scenario)}
    buckets = {each.name: each for each in (support_answers(scenario), invoice_extraction(scenario))}
    agents = build_agents(scenario)
    for calls in products.values():
        calls.meter(scenario, meter)
    for each in buckets.values():
        each.meter(meter)
    for trace in agents.traces:
        trace.meter(scenario, meter)
    for days in reported(scenario).values():
        meter_reported(days, meter)
    return Traffic(products, buckets, agents, meter)


def _write_bills(
    directory: Path, scenario: Scenario, cluster: Cluster, endpoints: tuple[Endpoint, ...], traffic: Traffic
) -> tuple[dict[str, Decimal], list[Path]]:
    month = f"{scenario.since:%Y-%m}"
    aws = compute_bill.issuer(scenario)
    bills: tuple[tuple[str, Issuer, Iterable[Line]], ...] = (
        (f"aws-compute-{month}.csv.gz", aws, compute_bill.compute_lines(scenario, cluster, endpoints)),
        (f"aws-storage-and-more-{month}.csv", aws, storage_bill.storage_lines(scenario)),
        *(
            (
                f"{provider}-{month}.csv",
                model_bill.issuer(scenario, provider),
                model_bill.model_lines(scenario, provider, traffic.meter),
            )
            for provider in ("openai", "anthropic")
        ),
    )
    totals: dict[str, Decimal] = {}
    paths = []
    for name, issuer, lines in bills:
        rows = tuple(lines)
        path = directory / "bills" / name
        write_bill(path, issuer, rows)
        paths.append(path)
        totals[f"effective:{name}"] = sum((line.effective for line in rows), Decimal(0))
        totals[f"billed:{name}"] = sum((line.billed for line in rows), Decimal(0))
        totals[f"list:{name}"] = sum((line.public for line in rows), Decimal(0))
    return totals, paths


def _write_usage(directory: Path, scenario: Scenario, traffic: Traffic) -> list[Path]:
    paths = [
        _write_table(directory / "usage" / f"{each.name}.parquet", each.table(scenario))
        for each in traffic.buckets.values()
    ]
    for endpoint, days in reported(scenario).items():
        path = directory / "usage" / f"openai-{endpoint}.json"
        path.write_text(usage_page(scenario, endpoint, days), "utf-8", newline="\n")
        paths.append(path)
    return paths


def _write_calls(directory: Path, scenario: Scenario, traffic: Traffic) -> list[Path]:
    paths = []
    for calls in traffic.products.values():
        if calls.name == AS_JSON_LINES:
            paths.append(_write_lines(directory / "calls" / f"{calls.name}.jsonl", _json_lines(calls, scenario)))
        else:
            paths.append(_write_table(directory / "calls" / f"{calls.name}.parquet", calls.table(scenario)))
    traces = otlp_lines(scenario, traffic.agents.traces)
    return [*paths, _write_lines(directory / "calls" / "agent-traces.jsonl", traces)]


def _json_lines(calls: Calls, scenario: Scenario) -> Iterable[str]:
    import json

    for row in calls.table(scenario).to_pylist():
        yield json.dumps({**row, "time": row["time"].isoformat(timespec="microseconds") + "Z"})


def _write_runs(directory: Path, scenario: Scenario, cluster: Cluster, endpoints: tuple[Endpoint, ...]) -> list[Path]:
    return [
        _write_lines(directory / "runs" / "sacct.txt", sacct_lines(scenario, cluster)),
        _write_table(directory / "runs" / "endpoints.parquet", endpoint_runs(scenario, endpoints)),
        _write_table(directory / "runs" / "progress.parquet", progress_table(scenario, cluster, endpoints)),
    ]


def _write_gpu(directory: Path, scenario: Scenario, cluster: Cluster, readings: Readings) -> list[Path]:
    import pyarrow.parquet as pq

    path = directory / "gpu" / "samples.parquet"
    writer = None
    for table in readings.tables():
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    assert writer is not None
    writer.close()
    return [path, _write_table(directory / "gpu" / "capacity.parquet", capacity_table(scenario, cluster))]


def _write_table(path: Path, table: pa.Table) -> Path:
    import pyarrow.parquet as pq

    pq.write_table(table, path, compression="zstd")
    return path


def _write_lines(path: Path, lines: Iterable[str]) -> Path:
    with path.open("w", encoding="utf-8", newline="\n") as out:
        out.writelines(line + "\n" for line in lines)
    return path


def _write_csv(path: Path, rows: Iterable[tuple[object, ...]]) -> Path:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    path.write_text(text.getvalue(), "utf-8", newline="\n")
    return path


def _texts(name: str) -> dict[str, str]:
    import yaml

    texts: dict[str, str] = yaml.safe_load(files("outlay.sample").joinpath(name).read_text("utf-8"))
    return texts


def _truth(
    scenario: Scenario,
    cluster: Cluster,
    endpoints: tuple[Endpoint, ...],
    readings: Readings,
    traffic: Traffic,
    totals: dict[str, Decimal],
) -> Truth:
    planted = (
        *planted_machines(scenario, cluster, endpoints),
        *planted_spend(scenario, traffic.meter),
        *planted_tokens(scenario, traffic),
        inference_over_training(scenario, cluster, endpoints, traffic),
    )
    return Truth(
        seed=scenario.seed,
        since=scenario.since,
        until=scenario.until,
        planted=planted,
        decoys=all_decoys(cluster, traffic.agents),
        totals=totals,
        metered={model: traffic.meter.cost(model) for model in traffic.meter.days},
        gpu_hours=_gpu_hours(scenario, cluster, readings),
        counts={
            "calls": sum(len(calls.time) for calls in traffic.products.values()),
            "chats": sum(len(trace.input_tokens) for trace in traffic.agents.traces),
            "runs": len(cluster.jobs),
            "people": len(scenario.people),
        },
    )


def _gpu_hours(scenario: Scenario, cluster: Cluster, readings: Readings) -> dict[str, Decimal]:
    """GPU-hours of the reserved pool."""
    nodes = [node for node in scenario.slurm_nodes if node.market == "reserved"]
    held = Decimal(int(sum(cluster.board.held(node.name).sum() for node in nodes))) / PER_HOUR
    owned = sum(node.instance.gpus for node in nodes) * int((scenario.until - scenario.since) / timedelta(hours=1))
    used = Decimal(str(round(readings.used_gpu_hours("h100"), 6)))
    return {"used": used, "idle": held - used, "unallocated": owned - held}

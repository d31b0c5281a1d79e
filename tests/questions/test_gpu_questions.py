"""Questions about accelerators: parts, the heatmap, pools; and that all of them compile for other engines."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from made_ledger import at, made_ledger, node_hours, readings, window
from outlay.attribution.rules import Attribution
from outlay.facts import Capacity, Fact, Run
from outlay.facts.window import Window
from outlay.ledger.importing import import_file
from outlay.ledger.store import Store
from outlay.prices.book import load_book
from outlay.questions import endpoints, experiments, explain, gpus, nodes, runs, spot
from outlay.questions.ask import Ask
from outlay.sources.inputfile import InputFile
from outlay.sources.mappedtable import MappedTable
from outlay.sources.mapping import Mapping

MONTH = window(30)
QUESTIONS: dict[str, Any] = {
    "gpu_parts": gpus.gpu_parts_expr(MONTH, "USD"),
    "heatmap": gpus.heatmap_expr(MONTH, 3600),
    "capacity_parts": gpus.capacity_parts_expr(MONTH),
    "silent_runs": runs.silent_runs_expr(MONTH, 5, ("training", "sweep"), 24),
    "quiet_runs": runs.quiet_runs_expr(MONTH, 5, 24),
    "half_used_runs": runs.half_used_runs_expr(MONTH, 5),
    "last_report": runs.last_report_expr(MONTH),
    "run_costs": runs.run_costs_expr(MONTH, ["4711"]),
    "free_nodes": nodes.free_nodes_expr(MONTH, 72),
    "held_until": nodes.held_until_expr(MONTH, ["n1"]),
    "node_use": nodes.node_use_expr(MONTH, ["n1"], 5),
    "billed_machines": nodes.billed_machines_expr(MONTH, ["n1"]),
    "spot_partitions": spot.spot_partitions_expr(MONTH),
    "run_words": runs.run_words_expr(["4711"]),
    "run_rules": explain.run_rules_expr(MONTH),
    "gpu_rules": explain.gpu_rules_expr(MONTH, "EUR"),
    "endpoint_runs": endpoints.endpoint_runs_expr(MONTH),
    "progress_traffic": endpoints.progress_traffic_expr(MONTH),
    "call_traffic": endpoints.call_traffic_expr(MONTH, ["serve-demo"], ["demo"]),
    "run_peaks": endpoints.run_peaks_expr(MONTH, ["serve-demo"]),
    "on_demand": spot.on_demand_expr(MONTH, 50),
    "machine_prices": spot.machine_prices_expr(MONTH),
    "experiments": experiments.experiments_expr(MONTH),
    "unheld_days": nodes.unheld_days_expr(MONTH, ["n1"]),
}


@pytest.mark.parametrize("dialect", ["duckdb", "clickhouse"])
@pytest.mark.parametrize("name", QUESTIONS)
def test_compiles(name: str, dialect: str) -> None:
    import ibis

    assert str(ibis.to_sql(QUESTIONS[name], dialect=dialect)).lstrip().upper().startswith(("SELECT", "WITH"))


def half_used() -> list[Fact]:
    return [
        *node_hours("n1", at(0), at(2), "8"),
        Run(run_id="a", scheduler="slurm", started=at(0), ended=at(1), gpus=2, nodes="n1"),
        *readings("n1", (0, 1), at(0), at(1), 50, run_id="a"), *readings("n1", range(2, 4), at(0), at(2), 0),
        *readings("n1", (0,), at(1), at(1, 12), 0)]


def test_parts_and_utilisation(tmp_path: Path) -> None:
    with made_ledger(tmp_path, half_used()) as store:
        parts = gpus.gpu_parts(Ask(store.con), window(2))
        assert [(part.part, part.gpu_hours, part.cost) for part in parts] == [
            ("used", 24, 48), ("idle", 24, 48), ("unallocated", 144, 288), ("unknown", 0, 0)]
        assert gpus.utilisation(parts) == 0.5
        (first, *_) = gpus.gpu_parts(Ask(store.con), Window(at(1), at(2)))
        assert (first.part, first.gpu_hours) == ("used", 0)
        assert gpus.gpu_parts(Ask(store.con), Window(at(5), at(6))) == ()
        assert gpus.utilisation(()) is None


def test_parts_count_the_hours_of_all_currencies_and_the_cost_of_one(tmp_path: Path) -> None:
    facts = [*node_hours("n1", at(0), at(1), "8"), *node_hours("n2", at(0), at(1), "8", billing_currency="EUR"),
             *(Run(run_id=node, scheduler="slurm", started=at(0), ended=at(1), gpus=1, nodes=node)
               for node in ("n1", "n2"))]
    with made_ledger(tmp_path, facts) as store:
        unknown = gpus.gpu_parts(Ask(store.con), window(1))[-1]
        assert (unknown.gpu_hours, unknown.cost) == (48, Decimal(192))


def test_the_heatmap_tells_free_from_unread(tmp_path: Path) -> None:
    with made_ledger(tmp_path, half_used()) as store:
        heat = gpus.heatmap(Ask(store.con), window(2), 12 * 3600)
        assert heat is not None
        assert (heat.start, heat.bucket_s, heat.devices) == (at(0), 43_200, ("n1/0", "n1/1", "n1/2", "n1/3"))
        assert heat.cells == ((50, 50, -1, None), (50, 50, None, None), (-1, -1, -1, -1), (-1, -1, -1, -1))
        assert gpus.heatmap(Ask(store.con), Window(at(5), at(6)), 3600) is None


def test_devices_stand_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    facts = [*readings("gpu-2", (10, 9), at(0), at(0, 1), 50), *readings("gpu-10", (0,), at(0), at(0, 1), 50),
             *readings("gpu-2", (0,), at(0), at(0, 1), 50, device="GPU-1f3c")]
    with made_ledger(tmp_path, facts) as store:
        heat = gpus.heatmap(Ask(store.con), window(1), 3600)
        assert heat is not None
        assert heat.devices == ("gpu-2/GPU-1f3c", "gpu-2/9", "gpu-2/10", "gpu-10/0")


def test_pools(tmp_path: Path) -> None:
    facts = [
        Capacity(time=at(0), pool="a", unit="gpu", seconds=3600, total=8, allocated=6, running=4, pending=1),
        Capacity(time=at(0, 1), pool="a", unit="gpu", seconds=3600, total=8, allocated=2, running=2, pending=0),
        # Without a length: until the pool's next reading, and the last one to the end of the window.
        Capacity(time=at(0), pool="b", unit="gpu", total=2, allocated=1),
        Capacity(time=at(0, 6), pool="b", unit="gpu", total=2, allocated=2),
        Capacity(time=at(0), pool="b", unit="node", seconds=60, total=1, allocated=1, running=0),
        Capacity(time=at(0), pool="c", unit="node", seconds=60, total=None),
    ]
    with made_ledger(tmp_path, facts) as store:
        found = gpus.capacity_parts(Ask(store.con), Window(at(0), at(0, 12)))
        assert [(part.pool, part.unit) for part in found] == [("b", "gpu"), ("a", "gpu"), ("b", "node")]
        b, a, node = found
        assert (a.total, a.allocated, a.running, a.pending) == (16, 8, 6, 1)
        assert (a.unallocated, a.idle) == (0.5, 0.625)
        assert (b.total, b.allocated, b.running, b.idle) == (24, 18, None, None)
        assert node.idle == 1
        together = gpus.all_pools(found, "gpu")
        assert together is not None
        assert (together.total, together.allocated, together.running) == (40, 26, None)
        assert gpus.all_pools((a, b), "node") is None


def pools(tmp_path: Path, repository: Path, file: Path, mapping: str, since: str, until: str) -> gpus.PoolPart | None:
    """All pools of a file that is read through one of the mappings that come with the repository."""
    from datetime import datetime

    source = MappedTable(Mapping.load(repository / "bench" / "mappings" / mapping))
    with Store(tmp_path / "store") as store:
        done = import_file(store, InputFile(file, file.name), source, attribution=Attribution(), book=load_book())
        assert done.rejected == 0
        period = Window(datetime.fromisoformat(since), datetime.fromisoformat(until))
        parts = gpus.capacity_parts(Ask(store.con), period)
        return gpus.all_pools(parts, parts[0].unit)


def test_virtual_clusters_of_a_real_cluster(tmp_path: Path, shared_dir: Path, repository: Path) -> None:
    file = shared_dir / "data" / "capacity" / "gpu_util" / "helios_earth_vc_minute_a.parquet"
    whole = pools(tmp_path, repository, file, "cluster-minutes.yaml", "2020-05-01", "2020-06-01")
    assert whole is not None
    assert whole.unit == "gpu"
    assert whole.unallocated == pytest.approx(0.431, abs=0.0005)


def test_nodes_of_a_real_cluster(tmp_path: Path, shared_dir: Path, repository: Path) -> None:
    file = shared_dir / "data" / "capacity" / "gpu_util" / "philly_nodes_minute_to_2017-11-19.csv.gz"
    whole = pools(tmp_path, repository, file, "node-minutes.yaml", "2017-10-03", "2017-11-20")
    assert whole is not None
    assert whole.unit == "node"
    assert whole.idle == pytest.approx(0.223, abs=0.0005)

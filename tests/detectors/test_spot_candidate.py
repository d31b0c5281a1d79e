"""Interruptible work on demand."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from made_ledger import at, found, made_ledger, node_hours, window
from outlay.detectors.experiment_rate import ExperimentRate
from outlay.detectors.spot_candidate import SpotCandidate
from outlay.facts import Progress, Run


def batch(**more: Any) -> Run:
    values: dict[str, Any] = {
        "run_id": "7", "scheduler": "slurm/north", "kind": "batch", "name": "embed", "group": "embed-all",
        "started": at(1), "ended": at(1, 20), "observed": at(2), "nodes": "gpu-1", "gpus": 8, "state": "completed",
        "gpu_type": "NVIDIA H100 80GB HBM3", "tags": {"team": "search", "owner": "ana"}}
    return Run(**(values | more))


def checkpoints(minutes: int) -> list[Progress]:
    count = 20 * 60 // minutes
    return [Progress(time=at(1) + timedelta(minutes=minutes * i), run_id="7", metric="step", value=float(i),
                     checkpoint=f"s3://made/{i}") for i in range(1, count + 1)]


def bill(spot: str | None = "35") -> list[Any]:
    lines = list(node_hours("gpu-1", at(1), at(1, 20), "100", resource_type="p5.48xlarge"))
    if spot is not None:
        lines += node_hours("gpu-2", at(3), at(3, 5), spot, resource_type="p5.48xlarge", pricing_category="Dynamic")
    return lines


def test_batch_work_with_checkpoints(tmp_path: Path) -> None:
    with made_ledger(tmp_path, [batch(), *checkpoints(30), *bill()]) as store:
        (finding,) = found(store, SpotCandidate(), window(30))
        assert finding.subject == "work embed-all, team search"
        assert finding.owner == "ana"
        assert finding.so_far == Decimal(1300)
        assert round(finding.month, 6) == round(Decimal(1300) * 730 / 720, 6)
        assert "35% of on demand, as the same bill says" in dict(finding.evidence).values()


@pytest.mark.parametrize("run", [batch(kind="training"), batch(tags={"team": "search", "environment": "production"})])
def test_work_that_must_not_be_interrupted(tmp_path: Path, run: Run) -> None:
    with made_ledger(tmp_path, [run, *checkpoints(30), *bill()]) as store:
        assert found(store, SpotCandidate(), window(30)) == ()


def test_work_without_checkpoints(tmp_path: Path) -> None:
    with made_ledger(tmp_path, [batch(), *checkpoints(240), *bill()]) as store:
        assert found(store, SpotCandidate(), window(30)) == ()


def test_short_work_needs_no_checkpoint(tmp_path: Path) -> None:
    short = [batch(run_id=str(hour), started=at(1, hour), ended=at(1, hour) + timedelta(minutes=30))
             for hour in range(20)]
    with made_ledger(tmp_path, [*short, *bill()]) as store:
        (finding,) = found(store, SpotCandidate(), window(30))
        # Each holds half of a billed hour at $100 and could save 65% of that.
        assert round(finding.so_far, 6) == Decimal(20 * 50) * Decimal("0.65")


def test_what_has_just_begun_is_not_short(tmp_path: Path) -> None:
    begun = batch(started=at(1, 19.5), ended=None, state="running", observed=at(1, 20))
    with made_ledger(tmp_path, [begun, *bill()]) as store:
        assert found(store, SpotCandidate(), window(30)) == ()


def test_a_run_on_two_machines_is_one_pot(tmp_path: Path) -> None:
    facts = [batch(nodes="gpu-1,gpu-3", gpus=16), *checkpoints(30), *bill(),
             *node_hours("gpu-3", at(1), at(1, 20), "100", resource_type="p5.48xlarge")]
    with made_ledger(tmp_path, facts) as store:
        (finding,) = found(store, SpotCandidate(), window(30))
        (claim,) = finding.claims
        assert (claim.so_far, claim.pot_so_far) == (2600, 4000)


def test_work_on_spot_already(tmp_path: Path) -> None:
    facts = [batch(), *checkpoints(30),
             *node_hours("gpu-1", at(1), at(1, 20), "35", resource_type="p5.48xlarge", pricing_category="Dynamic")]
    with made_ledger(tmp_path, facts) as store:
        assert found(store, SpotCandidate(), window(30)) == ()


def test_a_price_that_no_bill_knows_is_said_to_be_assumed(tmp_path: Path) -> None:
    with made_ledger(tmp_path, [batch(gpu_type="TPU-x"), *checkpoints(30), *bill(None)]) as store:
        (finding,) = found(store, SpotCandidate(), window(30))
        assert finding.so_far == Decimal(1200)
        assert any("a common share" in value for _, value in finding.evidence)


def experiment(number: int, **more: Any) -> Run:
    values: dict[str, Any] = {"run_id": f"e{number}", "scheduler": "slurm/north", "kind": "training",
                              "started": at(6) + timedelta(hours=number), "tags": {"team": "search"}}
    return Run(**(values | more))


def test_more_than_twenty_experiments_a_week(tmp_path: Path) -> None:
    with made_ledger(tmp_path, [experiment(i) for i in range(21)]) as store:
        (finding,) = found(store, ExperimentRate(), window(30))
        assert finding.title == "Team search started 21 experiments in the week of 7 Sep."
        assert finding.claims == ()


@pytest.mark.parametrize("more", [{"group": "one-sweep"}, {"kind": "notebook"},
                                  {"tags": {"team": "search", "environment": "production"}}])
def test_what_is_not_many_experiments(tmp_path: Path, more: dict[str, Any]) -> None:
    with made_ledger(tmp_path, [experiment(i, **more) for i in range(40)]) as store:
        assert found(store, ExperimentRate(), window(30)) == ()

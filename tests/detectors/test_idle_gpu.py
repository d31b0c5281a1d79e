"""Idle allocations and machines without work, in exact dollars, and what only looks like them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from made_run import DAYS, run

from made_ledger import at, found, made_ledger, node_hours, readings, window
from outlay.detectors.idle_gpu import IdleGpu
from outlay.facts import Fact
from outlay.facts.finding import Finding


def idle(path: Path, facts: Iterable[Fact], **own: float) -> tuple[Finding, ...]:
    with made_ledger(path, facts) as store:
        return found(store, IdleGpu(), window(DAYS), **own)


def notebook(**more: Any) -> Fact:
    return run(kind="notebook", name="jupyter-ana", gpus=1, **more)


def on_n1(until: float, util: float, *, after: float = 2, **more: Any) -> list[Fact]:
    """A machine of four GPUs at 8 dollars an hour. The first is the notebook's, the others work for somebody."""
    return [
        *node_hours("n1", at(0), at(DAYS), "8"), run("busy", gpus=3),
        *readings("n1", (1, 2, 3), at(0), at(DAYS), 70, run_id="busy", every_s=3600),
        *readings("n1", (0,), at(0), at(until), util, run_id="4711", every_s=3600),
        *readings("n1", (0,), at(until), at(more.pop("ends", DAYS)), after, run_id="4711", every_s=3600)]


def test_a_notebook_that_was_left_on(tmp_path: Path) -> None:
    (finding,) = idle(tmp_path, [notebook(), *on_n1(1, 3)])
    assert finding.subject == "run slurm/north 4711"
    assert finding.title == "Run 4711 (jupyter-ana) held 1 GPU for 10 days and did not use it."
    assert (finding.so_far, finding.month) == (240 * 2, 730 * 2)
    assert (finding.owner, finding.team) == ("ana", "search")


def test_one_that_was_used_once_costs_since_then(tmp_path: Path) -> None:
    (finding,) = idle(tmp_path, [notebook(), *on_n1(2, 60)])
    assert (finding.so_far, finding.month) == (8 * 24 * 2, 730 * 2)


def test_one_that_was_closed_at_last(tmp_path: Path) -> None:
    (finding,) = idle(tmp_path, [notebook(ended=at(6)), *on_n1(1, 3, ends=6)])
    assert (finding.so_far, finding.month) == (6 * 24 * 2, 0)


def test_a_pod_that_only_its_samples_know(tmp_path: Path) -> None:
    facts = [*node_hours("n1", at(0), at(DAYS), "8"),
             *readings("n1", (0,), at(0), at(DAYS), 1, run_id="pod-7", every_s=3600),
             *readings("n1", (1, 2, 3), at(0), at(DAYS), 70, run_id="busy", every_s=3600)]
    (finding,) = idle(tmp_path, facts)
    assert (finding.subject, finding.so_far) == ("run pod-7", 480)


def test_a_machine_that_no_run_holds(tmp_path: Path) -> None:
    facts = [*node_hours("n1", at(0), at(DAYS), "8", tags={"team": "platform", "owner": "ops"}),
             run(ended=at(4, 6), state="completed"),
             *readings("n1", range(4), at(0), at(4, 6), 80, run_id="4711", every_s=3600),
             *readings("n1", range(4), at(4, 6), at(DAYS), 0, every_s=3600)]
    (finding,) = idle(tmp_path, facts)
    assert finding.subject == "node n1"
    assert (finding.owner, finding.team) == ("ops", "platform")
    assert finding.so_far == (5 * 24 + 18) * 8
    assert finding.month == pytest.approx(Decimal(730 * 8))
    assert finding.claims[0].pot == "node:n1"


def test_a_machine_that_was_half_held_before(tmp_path: Path) -> None:
    facts = [*node_hours("n1", at(0), at(DAYS), "8"), run(ended=at(4, 6), gpus=2),
             *readings("n1", range(4), at(0), at(DAYS), 0, every_s=3600)]
    (finding,) = idle(tmp_path, facts)
    assert finding.so_far == (5 * 24 + 18) * 8
    # The whole pot is what no run held: half of the machine before that, too.
    assert finding.claims[0].pot_so_far == (5 * 24 + 18) * 8 + (4 * 24 + 6) * 4


def test_a_machine_without_a_scheduler(tmp_path: Path) -> None:
    facts = [*node_hours("n1", at(0), at(DAYS), "8"), *readings("n1", range(4), at(0), at(2), 50, every_s=3600),
             *readings("n1", range(4), at(2), at(DAYS), 1, every_s=3600)]
    (finding,) = idle(tmp_path, facts)
    assert (finding.subject, finding.so_far) == ("node n1", 8 * 24 * 8)


def test_a_machine_that_only_its_bill_and_its_scheduler_know(tmp_path: Path) -> None:
    facts = [*node_hours("n1", at(0), at(DAYS), "8"), run(ended=at(1), gpus=4)]
    (finding,) = idle(tmp_path, facts)
    assert finding.so_far == 9 * 24 * 8
    assert dict(finding.evidence)["Read"].startswith("no readings")


def test_reserved_machines_are_to_be_filled(tmp_path: Path) -> None:
    facts = [*node_hours("n1", at(0), at(DAYS), "8", pricing_category="Committed"), run(ended=at(1), gpus=4)]
    (finding,) = idle(tmp_path, facts)
    assert "reserved" in finding.action


def weekdays() -> list[Fact]:
    """Used for an hour each working day (1 September 2026 is a Tuesday)."""
    facts: list[Fact] = [notebook(), *node_hours("n1", at(0), at(DAYS), "8")]
    for hour in range(24 * DAYS):
        works = (hour // 24 + 1) % 7 < 5 and hour % 24 == 11
        facts += readings("n1", (0,), at(0, hour), at(0, hour + 1), 60 if works else 1, run_id="4711", every_s=3600)
    return facts


@pytest.mark.parametrize("why, facts", {
    "used on working days, low on average": weekdays(),
    "started yesterday": [notebook(started=at(9, 6)), *node_hours("n1", at(9), at(DAYS), "8"),
                          *readings("n1", (0,), at(9, 6), at(DAYS), 0, run_id="4711")],
    "idle over a weekend": [notebook(), *on_n1(7.5, 40)],
    "a training run": [run(gpus=1), *on_n1(1, 0)],
    "an endpoint": [run(kind="endpoint", gpus=1), *on_n1(1, 0)],
    "its exporter fell silent": [notebook(), *node_hours("n1", at(0), at(DAYS), "8"),
                                 *readings("n1", (0,), at(0), at(0, 12), 0, run_id="4711")],
    "a machine that is billed for its work alone": [
        fact for day in range(3) for fact in (*node_hours("n1", at(day), at(day, 8), "8"),
                                              run(str(day), started=at(day), ended=at(day, 8)))],
    "a machine that waits for a weekend": [*node_hours("n1", at(0), at(DAYS), "8"), run(ended=at(7.5))],
    "a machine used outside of its scheduler": [
        *node_hours("n1", at(0), at(DAYS), "8"), run(ended=at(1)),
        *readings("n1", range(4), at(0), at(DAYS), 60, every_s=3600)],
}.items())
def test_what_is_not_idle(tmp_path: Path, why: str, facts: list[Fact]) -> None:
    assert idle(tmp_path, facts) == (), why


def test_thresholds_are_the_users(tmp_path: Path) -> None:
    facts = [notebook(), *on_n1(1, 7, after=7)]
    assert idle(tmp_path, facts) == ()
    with_own = tmp_path / "own"
    with_own.mkdir()
    (finding,) = idle(with_own, facts, util_pct=10)
    assert finding.so_far == 480

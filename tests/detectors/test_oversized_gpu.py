"""Runs with more accelerators than they use, in exact dollars, and runs that use all of theirs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from made_run import DAYS, run

from made_ledger import at, found, made_ledger, node_hours, readings, window
from outlay.detectors.oversized_gpu import OversizedGpu
from outlay.facts import Fact
from outlay.facts.finding import Finding


def oversized(path: Path, facts: Iterable[Fact]) -> tuple[Finding, ...]:
    with made_ledger(path, [*facts, *node_hours("n1", at(0), at(DAYS), "8")]) as store:
        return found(store, OversizedGpu(), window(DAYS))


def devices(works: int, quiet: int, *, until: float = DAYS, run_id: str | None = "4711", **more: Any) -> list[Fact]:
    return [*readings("n1", range(works), at(0), at(until), 70, run_id=run_id, every_s=3600, **more),
            *readings("n1", range(works, works + quiet), at(0), at(until), 1, run_id=run_id, every_s=3600, **more)]


def test_one_device_works_and_three_wait(tmp_path: Path) -> None:
    (finding,) = oversized(tmp_path, [run(), *devices(1, 3)])
    assert finding.title == "Run 4711 (sft) holds 4 GPUs and works on 1."
    assert (finding.so_far, finding.month) == (240 * 6, 730 * 6)
    assert (finding.owner, finding.team, finding.capability) == ("ana", "search", "F1")
    assert finding.claims[0].pot_so_far == 240 * 8


def test_one_that_has_ended(tmp_path: Path) -> None:
    (finding,) = oversized(tmp_path, [run(ended=at(5), state="completed"), *devices(2, 2, until=5)])
    assert (finding.so_far, finding.month) == (120 * 4, 0)


def test_devices_without_labels_are_known_where_the_run_has_all(tmp_path: Path) -> None:
    (finding,) = oversized(tmp_path, [run(), *devices(1, 3, run_id=None)])
    assert finding.so_far == 240 * 6


def test_in_one_batch_over_two_machines(tmp_path: Path) -> None:
    facts = [run(gpus=8, nodes="n1,n2"), *devices(4, 0), *node_hours("n2", at(0), at(DAYS), "8"),
             *readings("n2", range(4), at(0), at(DAYS), 0, run_id="4711", every_s=3600)]
    (finding,) = oversized(tmp_path, facts)
    assert finding.so_far == 240 * 8


@pytest.mark.parametrize("why, facts", {
    "all work": [run(), *devices(4, 0)],
    "none works": [run(), *devices(0, 4)],
    "each works at some time": [
        run(), *devices(1, 2), *readings("n1", (3,), at(0), at(0, 1), 50, run_id="4711", every_s=3600),
        *readings("n1", (1, 2), at(5), at(5, 1), 50, run_id="4711", every_s=900)],
    "one of eight is spare": [run(gpus=8), *devices(7, 1)],
    "it began today": [run(started=at(9.5)), *(
        fact for util, device in ((70, 0), (0, 1), (0, 2), (0, 3))
        for fact in readings("n1", (device,), at(9.5), at(DAYS), util, run_id="4711", every_s=3600))],
    "which devices are its is not known": [
        run("a", gpus=2), run("b", gpus=2), *devices(2, 2, run_id=None)],
}.items())
def test_what_uses_what_it_has(tmp_path: Path, why: str, facts: list[Fact]) -> None:
    assert oversized(tmp_path, facts) == (), why

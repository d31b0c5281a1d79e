"""Runs without progress, in exact dollars, and runs that only look like them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import pytest
from made_run import DAYS, NAN, progress, run

from made_ledger import at, found, made_ledger, node_hours, readings, window
from outlay.detectors.zombie_run import ZombieRun
from outlay.facts import Fact, Run
from outlay.facts.finding import Confidence, Finding


def zombies(path: Path, facts: Iterable[Fact]) -> tuple[Finding, ...]:
    """Found on node n1, 8 GPUs at 16 dollars an hour: a GPU-hour costs 2 dollars. Another run reports to the end."""
    alive = [run("alive", nodes="n2", gpus=1), *progress("alive", at(0), at(DAYS))]
    bills = [*node_hours("n1", at(0), at(DAYS), "16"), *readings("n1", range(4, 8), at(0), at(DAYS), 0, every_s=3600)]
    with made_ledger(path, [*facts, *alive, *bills]) as store:
        return found(store, ZombieRun(), window(DAYS))


def used(until: float, util: float = 80, *, after: float = 0, ends: float = DAYS) -> Iterable[Fact]:
    """The run's four GPUs, at work until a day, then not."""
    yield from readings("n1", range(4), at(0), at(until), util, run_id="4711", every_s=3600)
    yield from readings("n1", range(4), at(until), at(ends), after, run_id="4711", every_s=3600)


def test_an_abandoned_run_costs_from_its_last_report(tmp_path: Path) -> None:
    facts = [run(), *used(3), *progress("4711", at(0, 1), at(3, 0.5), hours=0.5)]
    (finding,) = zombies(tmp_path, facts)
    assert finding.subject == "run slurm/north 4711"
    assert (finding.owner, finding.team, finding.capability) == ("ana", "search", "F2")
    # 4 GPUs at $2 an hour, for 7 days.
    assert finding.so_far == 7 * 24 * 8
    assert finding.month == 730 * 8
    (claim,) = finding.claims
    assert (claim.pot, claim.pot_so_far, claim.pot_month) == ("run:4711", 240 * 8, 730 * 8)
    assert finding.title == "Run 4711 (sft) held 4 GPUs for 7 days after its last progress."
    assert finding.confidence is Confidence.HIGH
    assert finding.command == "scancel 4711"


def test_the_day_of_the_last_report_counts_in_part(tmp_path: Path) -> None:
    facts = [run(started=at(1, 6)), *used(4), *progress("4711", at(1, 7), at(3, 18.1), hours=0.5)]
    (finding,) = zombies(tmp_path, facts)
    assert finding.so_far == pytest.approx(Decimal((6 * 24 + 6) * 8))


def test_one_that_has_ended_saves_nothing_from_now_on(tmp_path: Path) -> None:
    facts = [run(ended=at(8)), *used(3, ends=8), *progress("4711", at(0), at(3), hours=2)]
    (finding,) = zombies(tmp_path, facts)
    assert finding.so_far == (5 * 24 + 2) * 8
    assert finding.month == 0
    assert (finding.command, finding.change) == ("", "")


def test_a_run_that_never_reports_and_does_nothing(tmp_path: Path) -> None:
    (finding,) = zombies(tmp_path, [run(), *used(2)])
    assert finding.so_far == 8 * 24 * 8
    assert finding.title == "Run 4711 (sft) held 4 GPUs for 8 days after its last use."


def test_a_run_that_did_nothing_from_the_start(tmp_path: Path) -> None:
    (finding,) = zombies(tmp_path, [run(), *used(0)])
    assert finding.so_far == 240 * 8
    assert "without use" in finding.title


def test_only_numbers_are_progress(tmp_path: Path) -> None:
    facts = [run(), *used(DAYS), *progress("4711", at(0), at(2, 1)), *progress("4711", at(2, 1), at(DAYS), value=NAN)]
    (finding,) = zombies(tmp_path, facts)
    assert finding.so_far == 8 * 24 * 8
    assert finding.confidence is Confidence.HIGH


def test_a_spinning_gpu_is_no_progress(tmp_path: Path) -> None:
    facts = [run(), *used(2, after=100), *progress("4711", at(0), at(2, 1))]
    (finding,) = zombies(tmp_path, facts)
    assert finding.so_far == 8 * 24 * 8
    assert finding.confidence is Confidence.MEDIUM
    assert finding.assumption


def test_an_allocation_that_outlives_its_process(tmp_path: Path) -> None:
    failed = run(tags={"step_state": "out_of_memory", "step_ended": "2026-09-10T12:00:00Z"})
    facts = [failed, *used(9.5), *progress("4711", at(0), at(9, 12))]
    (finding,) = zombies(tmp_path, facts)
    assert finding.so_far == 13 * 8
    assert dict(finding.evidence)["How it shows"].startswith("its process out of memory 10 Sep 12:00")


def test_a_run_that_starts_again_and_again(tmp_path: Path) -> None:
    facts = [run(restarts=7), *used(DAYS), *progress("4711", at(0), at(2, 1), step=0),
             *(row for day in range(2, DAYS) for row in progress("4711", at(day, 1), at(day, 20), step=1000))]
    (finding,) = zombies(tmp_path, facts)
    assert finding.so_far == pytest.approx(Decimal(8 * 24 * 8))
    assert "started again 7 times" in dict(finding.evidence)["How it shows"]


def test_without_a_price_the_cost_is_unknown_not_zero(tmp_path: Path) -> None:
    silent = run(nodes="n3", gpu_type="Unheard-of 9000")
    facts = [silent, *progress("4711", at(0), at(2))]
    (finding,) = zombies(tmp_path, facts)
    assert finding.claims == ()
    assert dict(finding.evidence)["Cost since then"].startswith("unknown")


@pytest.mark.parametrize("why, facts", {
    "a long production run that reports": [
        run(tags={"environment": "production"}), *used(DAYS), *progress("4711", at(0), at(DAYS))],
    "low use, and progress all the while": [run(), *used(0), *progress("4711", at(0), at(DAYS), hours=6)],
    "hours of staging": [
        run(started=at(DAYS - 1, 4)), *readings("n1", range(4), at(DAYS - 1, 4), at(DAYS), 0, run_id="4711")],
    "a run that reports once an epoch of two days": [
        run(), *used(DAYS, 90), *progress("4711", at(0), at(7), hours=48)],
    "a long evaluation on busy GPUs": [run(), *used(DAYS, 90), *progress("4711", at(0), at(8, 12))],
    "a notebook": [run(kind="notebook"), *used(0)],
    "an endpoint": [run(kind="endpoint"), *used(0)],
    "a restart that got further": [
        run(restarts=5), *used(DAYS), *progress("4711", at(0), at(5), step=0),
        *progress("4711", at(5), at(DAYS), step=11_000)],
    "a failed step beside one that works": [
        run(tags={"step_state": "failed", "step_ended": "2026-09-05T12:00:00Z"}), *used(DAYS),
        *progress("4711", at(0), at(DAYS))],
    "nothing known of its use or progress": [run(nodes="n3")],
}.items())
def test_what_is_not_a_zombie(tmp_path: Path, why: str, facts: list[Fact]) -> None:
    assert zombies(tmp_path, facts) == (), why


def test_a_scheduler_that_was_read_days_ago(tmp_path: Path) -> None:
    facts = [
        run(observed=at(7)), *used(3, ends=7), *progress("4711", at(0), at(3, 1)),
        *node_hours("n1", at(0), at(DAYS), "16"), run("alive", nodes="n2", gpus=1, observed=at(7)),
        *progress("alive", at(0), at(DAYS))]
    with made_ledger(tmp_path, facts) as store:
        (finding,) = found(store, ZombieRun(), window(DAYS))
        # What is known ends with the seventh day; nothing says that the run has ended.
        assert finding.so_far == 4 * 24 * 16
        assert finding.month == 730 * 16
        assert "for 4 days" in finding.title


def test_silence_of_all_is_the_trackers_silence(tmp_path: Path) -> None:
    facts: list[Run | Fact] = [
        run(), *used(DAYS, 90), *progress("4711", at(0), at(4)), *node_hours("n1", at(0), at(DAYS), "16"),
        run("other", gpus=1, nodes="n1"), *progress("other", at(0), at(4))]
    with made_ledger(tmp_path, facts) as store:
        assert found(store, ZombieRun(), window(DAYS)) == ()

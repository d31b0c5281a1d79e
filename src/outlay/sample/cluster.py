"""The jobs of the sample month: what is planted, what only looks like waste, and the honest rest."""

from __future__ import annotations

from dataclasses import dataclass

from outlay.sample import decoy_jobs, planted_jobs
from outlay.sample.board import Board
from outlay.sample.honest import honest_jobs
from outlay.sample.job import Job, Numbered
from outlay.sample.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Cluster:
    """All jobs in the order of submission, and those that the truth speaks of."""

    jobs: tuple[Numbered, ...]
    board: Board
    zombies: tuple[Numbered, ...]
    quiet: tuple[Numbered, ...]
    oversized: tuple[Numbered, ...]
    spot: tuple[Numbered, ...]
    production: Numbered
    improving: tuple[Numbered, ...]
    used_notebook: Numbered
    staging: Numbered
    on_spot: tuple[Numbered, ...]
    idle_node: str
    idle_from: int


def build_cluster(scenario: Scenario) -> Cluster:
    """Plants and decoys first, so that they always fit; honest work fills what is left."""
    board = Board(scenario.slurm_nodes)
    production, used = decoy_jobs.production(scenario, board), decoy_jobs.used_notebook(scenario, board)
    staging, improving = decoy_jobs.staging(scenario, board), decoy_jobs.improving_sweep(scenario, board)
    quiet = [*planted_jobs.notebooks(scenario, board), planted_jobs.devbox(scenario, board)]
    oversized, zombies = planted_jobs.oversized(scenario, board), planted_jobs.zombies(scenario, board)
    spot = [*planted_jobs.nightly_batches(scenario, board), *planted_jobs.spot_sweep(scenario, board)]
    benchmark, idle_from = planted_jobs.benchmark(scenario, board)
    tuning = planted_jobs.fine_tune(scenario, board)
    on_spot = decoy_jobs.on_spot(scenario, board)
    named = [production, tuning, *on_spot, used, staging, *improving, *quiet, *oversized, *zombies, *spot, benchmark]
    everything = [*named, *honest_jobs(scenario, board)]
    everything.sort(key=lambda job: (job.start - job.queued, job.name, job.start, job.places[0][1]))
    first_id = 410_000 + int(scenario.rng("job ids").integers(90_000))
    numbered = tuple(Numbered(first_id + 7 * place, job) for place, job in enumerate(everything))
    place_of = {id(each.job): each for each in numbered}

    def those(jobs: list[Job]) -> tuple[Numbered, ...]:
        return tuple(place_of[id(job)] for job in jobs)

    return Cluster(
        jobs=numbered,
        board=board,
        zombies=those(zombies),
        quiet=those(quiet),
        oversized=those(oversized),
        spot=those(spot),
        production=place_of[id(production)],
        improving=those(improving),
        used_notebook=place_of[id(used)],
        staging=place_of[id(staging)],
        on_spot=those(on_spot),
        idle_node=planted_jobs.IDLE_NODE,
        idle_from=idle_from,
    )

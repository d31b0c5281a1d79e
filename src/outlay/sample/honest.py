"""Work of the sample month with nothing wrong in it: experiments, training, batches and pipelines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from outlay.sample.board import Board
from outlay.sample.job import Job, Load, Reports
from outlay.sample.scenario import DAYS, INTERVALS, PER_DAY, PER_HOUR, Person, Scenario

if TYPE_CHECKING:
    import numpy as np

#: Experiments that `search` starts on a working day: about 35 a week, against a limit of 20.
SEARCH_A_DAY = 7
#: Training-like runs that any other team starts in a week, at most; evals has the trials of a sweep beside them.
OTHERS_A_WEEK = {"foundation": 7, "vision": 7, "evals": 3, "growth": 7, "support-ai": 7, "search": 0}
_PROJECTS = {
    "foundation": ("foundation-9b", "tokenizer", "alignment"),
    "vision": ("labelling", "depth", "video-diffusion"),
    "evals": ("safety-evals", "judge-model"),
    "support-ai": ("support-tone",),
    "growth": ("recs",),
    "search": ("docs-search", "catalog-embed"),
}
_WORDS = ("baseline", "ablation", "warmup", "mixture", "dropout", "curriculum", "resume", "longer", "dense", "sparse")
#: How often a team is drawn for work that fills the cluster.
_SHARES = {"foundation": 0.36, "vision": 0.27, "evals": 0.15, "search": 0.1, "growth": 0.06, "support-ai": 0.06}


def honest_jobs(scenario: Scenario, board: Board) -> list[Job]:
    """Experiments first: they are many and small. Then larger work, as long as it fits."""
    nodes = [node.name for node in scenario.slurm_nodes if node.market == "reserved"]
    return [*_experiments(scenario, board, nodes), *_filling(scenario, board, nodes)]


def _experiments(scenario: Scenario, board: Board, nodes: Sequence[str]) -> list[Job]:
    rng = scenario.rng("experiments")
    jobs = []
    for day in scenario.weekdays():
        for number in range(SEARCH_A_DAY + int(rng.integers(-1, 2))):
            start = day * PER_DAY + int(rng.uniform(8, 18) * PER_HOUR)
            end = min(start + int(rng.uniform(1, 4) * PER_HOUR), INTERVALS)
            places = board.take(_shuffled(rng, nodes), 1, start, end)
            if places is None:
                continue
            failed = rng.random() < 0.12
            jobs.append(
                Job(
                    name=f"retriever-{rng.choice(_WORDS)}-{day + 1:02d}{number:02d}",
                    kind="training",
                    team="search",
                    owner=_anyone(rng, scenario, "search"),
                    project="docs-search",
                    purpose="experiment",
                    environment="development",
                    places=places,
                    start=start,
                    end=end,
                    state="FAILED" if failed else "COMPLETED",
                    load=Load(mean=float(rng.uniform(48, 82))),
                    reports=Reports(),
                )
            )
    return jobs


def _filling(scenario: Scenario, board: Board, nodes: Sequence[str]) -> list[Job]:
    rng = scenario.rng("filling")
    wanted = scenario.vary("filling GPU-hours", 15_500)
    started: Counter[tuple[str, tuple[int, int]]] = Counter()
    jobs: list[Job] = []
    hours = 0.0
    for attempt in range(2500):
        if hours >= wanted:
            break
        team = str(rng.choice(list(_SHARES), p=list(_SHARES.values())))
        start = int(rng.uniform(0, DAYS) * PER_DAY)
        week = (scenario.since + timedelta(days=start // PER_DAY)).isocalendar()[:2]
        experiment = started[team, week] < OTHERS_A_WEEK[team] and rng.random() < 0.7
        job = _one(scenario, rng, board, nodes, team, start, experiment, attempt)
        if job is None:
            continue
        jobs.append(job)
        started[team, week] += experiment
        first, last = job.span
        hours += job.gpus * (last - first) / PER_HOUR
    return jobs


def _one(
    scenario: Scenario,
    rng: np.random.Generator,
    board: Board,
    nodes: Sequence[str],
    team: str,
    start: int,
    experiment: bool,
    number: int,
) -> Job | None:
    gpus = int(rng.choice([1, 2, 4, 8], p=[0.2, 0.3, 0.35, 0.15]))
    length = int(min(rng.lognormal(3.0, 0.6), 90) * PER_HOUR)
    end = start + max(length, 2 * PER_HOUR)
    running = end >= INTERVALS
    mean, failed = float(rng.uniform(42, 80)), rng.random() < 0.1
    places = board.take(_shuffled(rng, nodes), gpus, start, None if running else end)
    if places is None:
        return None
    project = str(rng.choice(_PROJECTS[team]))
    return Job(
        name=f"{project}-{rng.choice(_WORDS)}-{number:04d}",
        kind="training" if experiment else "batch",
        team=team,
        owner=_anyone(rng, scenario, team),
        project=project,
        purpose="experiment" if experiment else "batch",
        environment="development" if experiment else "internal",
        places=places,
        start=start,
        end=None if running else end,
        state="RUNNING" if running else "FAILED" if failed else "COMPLETED",
        load=Load(mean=mean),
        reports=Reports(metric="loss" if experiment else "documents", falls=1.4 if experiment else 0),
        queued=int(rng.integers(1, 20)),
    )


def _anyone(rng: np.random.Generator, scenario: Scenario, team: str) -> Person:
    members = scenario.members(team)
    return members[int(rng.integers(len(members)))]


def _shuffled(rng: np.random.Generator, nodes: Sequence[str]) -> list[str]:
    return [nodes[int(place)] for place in rng.permutation(len(nodes))]

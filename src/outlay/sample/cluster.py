"""The jobs of the sample month: what is planted, what only looks like waste, and the honest rest."""

from __future__ import annotations

from dataclasses import dataclass

from outlay.sample.board import Board
from outlay.sample.honest import honest_jobs
from outlay.sample.job import Job, Load, Look, Numbered, Reports
from outlay.sample.scenario import DAYS, INTERVALS, PER_DAY, PER_HOUR, Scenario

RESERVED = tuple(f"gpu-{number:02d}" for number in range(1, 11))
#: GPUs of the 14 abandoned jobs: 27 together.
ZOMBIE_GPUS = (4, 4, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1)
_ZOMBIE_NODES = ("gpu-06", "gpu-07", "gpu-08", "gpu-09")
_ZOMBIE_NAMES = (
    "sft-7b-mix", "distill-ranker", "lora-claims-v4", "vit-l-crops", "reward-pairs", "captioner-ft", "moe-router-ablate",
    "longctx-rope", "tok-vocab-64k", "ocr-multiling", "dpo-style-b2", "grounding-det", "quant-aware-3b", "speech-ctc")


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
    idle_node: str
    idle_from: int


def build_cluster(scenario: Scenario) -> Cluster:
    """Plants first, so that they always fit; honest work fills what is left."""
    board = Board(scenario.slurm_nodes)
    production = _production(scenario, board)
    notebooks = _notebooks(scenario, board)
    used_notebook = _used_notebook(scenario, board)
    devbox = _devbox(scenario, board)
    staging = _staging(scenario, board)
    oversized = _oversized(scenario, board)
    zombies = _zombies(scenario, board)
    improving = _improving_sweep(scenario, board)
    nightly, sweep = _nightly_batches(scenario, board), _spot_sweep(scenario, board)
    benchmark = _benchmark(scenario, board)
    named = [production, *notebooks, used_notebook, devbox, staging, *oversized, *zombies, *improving, *nightly, *sweep,
             benchmark]
    everything = [*named, *honest_jobs(scenario, board, RESERVED)]
    everything.sort(key=lambda job: (job.start - job.queued, job.name, job.start, job.places[0][1]))
    first_id = 410_000 + int(scenario.rng("job ids").integers(90_000))
    numbered = tuple(Numbered(first_id + 7 * place, job) for place, job in enumerate(everything))
    by_job = {id(each.job): each for each in numbered}

    def those(jobs: list[Job]) -> tuple[Numbered, ...]:
        return tuple(by_job[id(job)] for job in jobs)

    assert benchmark.end is not None
    return Cluster(
        numbered, board, those(zombies), those([*notebooks, devbox]), those(oversized), those([*nightly, *sweep]),
        those([production])[0], those(improving), those([used_notebook])[0], those([staging])[0],
        "gpu-14", benchmark.end)


def _days(scenario: Scenario, what: str, low: float, high: float) -> int:
    """A moment of the month in intervals, on the full hour."""
    return int(scenario.rng(what).uniform(low, high) * 24) * PER_HOUR


def _production(scenario: Scenario, board: Board) -> Job:
    start = _days(scenario, "production start", 1.2, 2.2)
    end = start + 25 * PER_DAY
    places = board.must_take(["gpu-01"], 8, start, end) + board.must_take(["gpu-02"], 8, start, end)
    return Job(
        name="foundation-9b-v3", kind="training", team="foundation", owner=scenario.person("foundation", "production"),
        project="foundation-9b", purpose="release-training", environment="production", places=places, start=start, end=end,
        state="COMPLETED", load=Load(mean=93), reports=Reports(every=6, checkpoint=24, falls=0.9), queued=9)


def _notebooks(scenario: Scenario, board: Board) -> list[Job]:
    jobs = []
    for number, team in enumerate(("foundation", "search", "vision", "search", "evals", "vision")):
        start = _days(scenario, f"notebook {number}", 1.0, 9.0) + 9 * PER_HOUR
        end = None if number % 3 else start + _days(scenario, f"notebook {number} end", 12, 19)
        owner = scenario.person(team, f"notebook {number}")
        jobs.append(Job(
            name=f"jupyter-{owner.login.split('.')[0]}", kind="notebook", team=team, owner=owner, project="exploration",
            purpose="notebook", environment="development", places=board.must_take(["gpu-03"], 1, start, end), start=start,
            end=end, state="RUNNING" if end is None else "CANCELLED", load=Load(look=Look.QUIET), reports=None))
    return jobs


def _used_notebook(scenario: Scenario, board: Board) -> Job:
    start = 9 * PER_HOUR
    owner = scenario.person("foundation", "used notebook")
    return Job(
        name=f"jupyter-{owner.login.split('.')[0]}-attn", kind="notebook", team="foundation", owner=owner,
        project="attention-kernels", purpose="notebook", environment="development",
        places=board.must_take(["gpu-03"], 1, start, None), start=start, end=None, state="RUNNING",
        load=Load(look=Look.OFFICE, mean=62), reports=None)


def _devbox(scenario: Scenario, board: Board) -> Job:
    start = _days(scenario, "devbox", 10.5, 12)
    end = start + _days(scenario, "devbox end", 8, 10)
    return Job(
        name="interactive-devbox", kind="notebook", team="vision", owner=scenario.person("vision", "devbox"),
        project="video-diffusion", purpose="interactive", environment="development",
        places=board.must_take(["gpu-04"], 8, start, end), start=start, end=end, state="CANCELLED",
        load=Load(look=Look.QUIET), reports=None)


def _staging(scenario: Scenario, board: Board) -> Job:
    start = _days(scenario, "staging", 2.5, 4)
    end = start + 74 * PER_HOUR
    return Job(
        name="video-diffusion-2b", kind="training", team="vision", owner=scenario.person("vision", "staging"),
        project="video-diffusion", purpose="training", environment="development",
        places=board.must_take(["gpu-04"], 8, start, end), start=start, end=end, state="COMPLETED",
        load=Load(mean=88, staging=2 * PER_HOUR), reports=Reports(), note="stages 6 TB to local disks before step 1")


def _oversized(scenario: Scenario, board: Board) -> list[Job]:
    start = _days(scenario, "oversized a", 8.5, 10)
    long = start + _days(scenario, "oversized a end", 11, 13)
    later = _days(scenario, "oversized b", 12, 14)
    return [
        Job(name="rerank-listwise", kind="training", team="search", owner=scenario.person("search", "oversized a"),
            project="docs-search", purpose="training", environment="development",
            places=board.must_take(["gpu-05"], 8, start, long), start=start, end=long, state="COMPLETED",
            load=Load(mean=83, busy=1), reports=Reports()),
        Job(name="toxicity-probe", kind="training", team="evals", owner=scenario.person("evals", "oversized b"),
            project="safety-evals", purpose="training", environment="development",
            places=board.must_take(["gpu-09"], 4, later, None), start=later, end=None, state="RUNNING",
            load=Load(mean=71, busy=1), reports=Reports()),
    ]


def _zombies(scenario: Scenario, board: Board) -> list[Job]:
    """Nine idle, three of them after a failed step; two that spin or count NaN; three that somebody ended at last."""
    rng = scenario.rng("zombies")
    names = rng.permutation(_ZOMBIE_NAMES).tolist()
    jobs = []
    for number, gpus in enumerate(ZOMBIE_GPUS):
        team = ("foundation", "foundation", "search", "vision", "foundation", "vision")[number % 6]
        died = int(rng.uniform(1.5, 19) * PER_DAY) // 12 * 12
        # Two were started, and one of those forgotten, before the month began.
        start = -int(rng.uniform(4, 9) * PER_DAY) if number in (3, 9) else max(died - int(rng.uniform(0.5, 2.5) * PER_DAY), 0)
        if number == 9:
            died = -int(rng.uniform(1, 2) * PER_DAY)
        ended = number in (5, 8, 12)
        end = min(died + int(rng.uniform(5, 9) * PER_DAY), INTERVALS - PER_DAY) // 12 * 12 if ended else None
        # Number 6 spins in a collective that never returns, number 7 trains on NaN; both keep their GPUs busy.
        alive = Load(mean=float(rng.uniform(58, 86)), died=died, spins=number in (6, 7))
        reports = Reports(until=died, nan=number == 7) if number not in (2, 10) else None
        jobs.append(Job(
            name=names[number], kind="training", team=team, owner=scenario.person(team, f"zombie {number}"),
            project=names[number].split("-")[0], purpose="experiment", environment="development",
            places=board.must_take(_ZOMBIE_NODES, gpus, start, end), start=start, end=end,
            state=("TIMEOUT" if number == 8 else "CANCELLED") if ended else "RUNNING",
            load=alive, reports=reports, failed_step=number in (0, 4, 11)))
    return jobs


def _improving_sweep(scenario: Scenario, board: Board) -> list[Job]:
    start = _days(scenario, "improving", 7, 9)
    end = start + 12 * PER_DAY
    owner = scenario.person("vision", "improving")
    return [
        Job(name=f"depth-sweep-{trial}", kind="trial", team="vision", owner=owner, project="depth", purpose="sweep",
            environment="development", places=board.must_take(["gpu-10"], 2, start, end), start=start, end=end,
            state="COMPLETED", load=Load(look=Look.SLOW, mean=66), reports=Reports(every=6, falls=0.35),
            group="depth-sweep")
        for trial in range(1, 5)
    ]


def _nightly_batches(scenario: Scenario, board: Board) -> list[Job]:
    hours = round(scenario.vary("nightly hours", 8))
    owner = scenario.person("search", "nightly")
    return [
        Job(name="catalog-embed", kind="batch", team="search", owner=owner, project="catalog-embed", purpose="embedding",
            environment="internal", places=board.must_take([node], 8, start, start + hours * PER_HOUR), start=start,
            end=start + hours * PER_HOUR, state="COMPLETED", load=Load(mean=77),
            reports=Reports(every=3, checkpoint=6, metric="documents", falls=0), group="catalog-embed",
            extra={"checkpoint_minutes": "30", "shard": node[-2:]})
        for day in range(DAYS)
        for node in ("gpu-11", "gpu-12")
        for start in [day * PER_DAY + PER_HOUR]
    ]


def _spot_sweep(scenario: Scenario, board: Board) -> list[Job]:
    owner = scenario.person("evals", "spot sweep")
    day = int(scenario.rng("spot sweep").integers(3, 7))
    hours = round(scenario.vary("sweep hours", 104))
    jobs = []
    for wave in range(3):
        start = day * PER_DAY + wave * hours * PER_HOUR
        end = start + hours * PER_HOUR
        jobs += [
            Job(name=f"judge-lr-{8 * wave + trial:02d}", kind="trial", team="evals", owner=owner, project="judge-model",
                purpose="sweep", environment="development", places=board.must_take(["gpu-13"], 1, start, end), start=start,
                end=end, state="COMPLETED", load=Load(mean=72), reports=Reports(every=3, checkpoint=6),
                group="judge-lr-sweep", extra={"checkpoint_minutes": "30"})
            for trial in range(1, 9)
        ]
    return jobs


def _benchmark(scenario: Scenario, board: Board) -> Job:
    end = _days(scenario, "benchmark end", 7.5, 9.5)
    return Job(
        name="lisbon-benchmark", kind="training", team="platform", owner=scenario.person("platform", "benchmark"),
        project="capacity", purpose="benchmark", environment="internal", places=board.must_take(["gpu-14"], 8, 0, end),
        start=0, end=end, state="COMPLETED", load=Load(mean=81), reports=Reports(checkpoint=0))

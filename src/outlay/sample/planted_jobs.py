"""The jobs that are planted as waste."""

from __future__ import annotations

from outlay.sample.board import Board
from outlay.sample.job import Job, Load, Look, Reports
from outlay.sample.scenario import DAYS, INTERVALS, PER_DAY, PER_HOUR, Scenario, moment_between

#: The on-demand node that nobody turns off after its benchmark.
IDLE_NODE = "gpu-14"
#: GPUs of the 14 abandoned jobs: 27 together.
ZOMBIE_GPUS = (4, 4, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1)
_ZOMBIE_NODES = ("gpu-06", "gpu-07", "gpu-08", "gpu-09")
_ZOMBIE_NAMES = (
    "sft-7b-mix",
    "distill-ranker",
    "lora-claims-v4",
    "vit-l-crops",
    "reward-pairs",
    "captioner-ft",
    "moe-router-ablate",
    "longctx-rope",
    "tok-vocab-64k",
    "ocr-multiling",
    "dpo-style-b2",
    "grounding-det",
    "quant-aware-3b",
    "speech-ctc",
)


def fine_tune(scenario: Scenario, board: Board) -> Job:
    """All the training that the support team does, beside what it spends on answers."""
    start = moment_between(scenario, "fine tune", 2, 4)
    end = start + 30 * PER_HOUR
    return Job(
        name="support-tone-ft",
        kind="training",
        team="support-ai",
        owner=scenario.person("support-ai", "fine tune"),
        project="support-tone",
        purpose="training",
        environment="development",
        places=board.must_take(["gpu-10"], 2, start, end),
        start=start,
        end=end,
        state="COMPLETED",
        load=Load(mean=76),
        reports=Reports(),
    )


def notebooks(scenario: Scenario, board: Board) -> list[Job]:
    """Six notebooks that hold one GPU each and hardly touch it."""
    jobs = []
    for number, team in enumerate(("foundation", "search", "vision", "search", "evals", "vision")):
        start = moment_between(scenario, f"notebook {number}", 1.0, 9.0) + 9 * PER_HOUR
        end = None if number % 3 else start + moment_between(scenario, f"notebook {number} end", 12, 19)
        owner = scenario.person(team, f"notebook {number}")
        jobs.append(
            Job(
                name=f"jupyter-{owner.login.split('.')[0]}",
                kind="notebook",
                team=team,
                owner=owner,
                project="exploration",
                purpose="notebook",
                environment="development",
                places=board.must_take(["gpu-03"], 1, start, end),
                start=start,
                end=end,
                state="RUNNING" if end is None else "CANCELLED",
                load=Load(look=Look.QUIET),
                reports=None,
            )
        )
    return jobs


def devbox(scenario: Scenario, board: Board) -> Job:
    """A whole node held for a session that nobody came back to."""
    start = moment_between(scenario, "devbox", 10.5, 12)
    end = start + moment_between(scenario, "devbox end", 8, 10)
    return Job(
        name="interactive-devbox",
        kind="notebook",
        team="vision",
        owner=scenario.person("vision", "devbox"),
        project="video-diffusion",
        purpose="interactive",
        environment="development",
        places=board.must_take(["gpu-04"], 8, start, end),
        start=start,
        end=end,
        state="CANCELLED",
        load=Load(look=Look.QUIET),
        reports=None,
    )


def oversized(scenario: Scenario, board: Board) -> list[Job]:
    """Many GPUs held, one of them working."""
    start = moment_between(scenario, "oversized a", 8.5, 10)
    long = start + moment_between(scenario, "oversized a end", 11, 13)
    later = moment_between(scenario, "oversized b", 12, 14)
    return [
        Job(
            name="rerank-listwise",
            kind="training",
            team="search",
            owner=scenario.person("search", "oversized a"),
            project="docs-search",
            purpose="training",
            environment="development",
            places=board.must_take(["gpu-05"], 8, start, long),
            start=start,
            end=long,
            state="COMPLETED",
            load=Load(mean=83, busy=1),
            reports=Reports(),
        ),
        Job(
            name="toxicity-probe",
            kind="training",
            team="evals",
            owner=scenario.person("evals", "oversized b"),
            project="safety-evals",
            purpose="training",
            environment="development",
            places=board.must_take(["gpu-09"], 4, later, None),
            start=later,
            end=None,
            state="RUNNING",
            load=Load(mean=71, busy=1),
            reports=Reports(),
        ),
    ]


def zombies(scenario: Scenario, board: Board) -> list[Job]:
    """Nine idle, three of them after a failed step; two that spin or count NaN; three that somebody ended at last."""
    rng = scenario.rng("zombies")
    names = rng.permutation(_ZOMBIE_NAMES).tolist()
    jobs = []
    for number, gpus in enumerate(ZOMBIE_GPUS):
        team = ("foundation", "foundation", "search", "vision", "foundation", "vision")[number % 6]
        died = int(rng.uniform(1.5, 19) * PER_DAY) // 12 * 12
        start = 0 if number in (3, 9) else max(died - int(rng.uniform(0.5, 2.5) * PER_DAY), 0)
        ended = number in (5, 8, 12)
        end = min(died + int(rng.uniform(5, 9) * PER_DAY), INTERVALS - PER_DAY) // 12 * 12 if ended else None
        # Number 6 spins in a collective that never returns, number 7 trains on NaN; both keep their GPUs busy.
        alive = Load(mean=float(rng.uniform(58, 86)), died=died, spins=number in (6, 7))
        reports = Reports(until=died, nan=number == 7) if number not in (2, 10) else None
        jobs.append(
            Job(
                name=names[number],
                kind="training",
                team=team,
                owner=scenario.person(team, f"zombie {number}"),
                project=names[number].split("-")[0],
                purpose="experiment",
                environment="development",
                places=board.must_take(_ZOMBIE_NODES, gpus, start, end),
                start=start,
                end=end,
                state=("TIMEOUT" if number == 8 else "CANCELLED") if ended else "RUNNING",
                load=alive,
                reports=reports,
                failed_step=number in (0, 4, 11),
            )
        )
    return jobs


def nightly_batches(scenario: Scenario, board: Board) -> list[Job]:
    """On demand, every night, with a checkpoint every 30 minutes: two shards a night."""
    hours = round(scenario.vary("nightly hours", 8))
    owner = scenario.person("search", "nightly")
    return [
        Job(
            name="catalog-embed",
            kind="batch",
            team="search",
            owner=owner,
            project="catalog-embed",
            purpose="embedding",
            environment="internal",
            places=board.must_take([node], 8, start, start + hours * PER_HOUR),
            start=start,
            end=start + hours * PER_HOUR,
            state="COMPLETED",
            load=Load(mean=77),
            reports=Reports(every=3, checkpoint=6, metric="documents", falls=0),
            group="catalog-embed",
            extra={"checkpoint_minutes": "30", "shard": node[-2:]},
        )
        for day in range(DAYS)
        for node in ("gpu-11", "gpu-12")
        for start in [day * PER_DAY + PER_HOUR]
    ]


def spot_sweep(scenario: Scenario, board: Board) -> list[Job]:
    """On demand too: two waves of eight trials."""
    owner = scenario.person("evals", "spot sweep")
    day = int(scenario.rng("spot sweep").integers(3, 7))
    hours = round(scenario.vary("sweep hours", 156))
    jobs = []
    for wave in range(2):
        start = day * PER_DAY + wave * hours * PER_HOUR
        end = start + hours * PER_HOUR
        jobs += [
            Job(
                name=f"judge-lr-{8 * wave + trial:02d}",
                kind="trial",
                team="evals",
                owner=owner,
                project="judge-model",
                purpose="sweep",
                environment="development",
                places=board.must_take(["gpu-13"], 1, start, end),
                start=start,
                end=end,
                state="COMPLETED",
                load=Load(mean=72),
                reports=Reports(every=3, checkpoint=6),
                group="judge-lr-sweep",
                extra={"checkpoint_minutes": "30"},
            )
            for trial in range(1, 9)
        ]
    return jobs


def benchmark(scenario: Scenario, board: Board) -> tuple[Job, int]:
    """The last work on the node that is left running, and the interval in which it ends."""
    end = moment_between(scenario, "benchmark end", 7.5, 9.5)
    job = Job(
        name="lisbon-benchmark",
        kind="training",
        team="platform",
        owner=scenario.person("platform", "benchmark"),
        project="capacity",
        purpose="benchmark",
        environment="internal",
        places=board.must_take([IDLE_NODE], 8, 0, end),
        start=0,
        end=end,
        state="COMPLETED",
        load=Load(mean=81),
        reports=Reports(checkpoint=0),
    )
    return job, end

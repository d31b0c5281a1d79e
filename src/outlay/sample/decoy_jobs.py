"""Jobs that look like waste and are not."""

from __future__ import annotations

from outlay.sample.board import Board
from outlay.sample.job import Job, Load, Look, Reports
from outlay.sample.scenario import PER_DAY, PER_HOUR, Scenario, moment_between


def production(scenario: Scenario, board: Board) -> Job:
    """25 days on two nodes, at 93%."""
    start = moment_between(scenario, "production start", 1.2, 2.2)
    end = start + 25 * PER_DAY
    places = board.must_take(["gpu-01"], 8, start, end) + board.must_take(["gpu-02"], 8, start, end)
    return Job(
        name="foundation-9b-v3",
        kind="training",
        team="foundation",
        owner=scenario.person("foundation", "production"),
        project="foundation-9b",
        purpose="release-training",
        environment="production",
        places=places,
        start=start,
        end=end,
        state="COMPLETED",
        load=Load(mean=93),
        reports=Reports(every=6, checkpoint=24, falls=0.9),
        queued=9,
    )


def used_notebook(scenario: Scenario, board: Board) -> Job:
    """Bursts in working hours, little between."""
    start = 9 * PER_HOUR
    owner = scenario.person("foundation", "used notebook")
    return Job(
        name=f"jupyter-{owner.login.split('.')[0]}-attn",
        kind="notebook",
        team="foundation",
        owner=owner,
        project="attention-kernels",
        purpose="notebook",
        environment="development",
        places=board.must_take(["gpu-03"], 1, start, None),
        start=start,
        end=None,
        state="RUNNING",
        load=Load(look=Look.OFFICE, mean=62),
        reports=None,
    )


def on_spot(scenario: Scenario, board: Board) -> list[Job]:
    """Interruptible work where it belongs; what it pays shows what the rest could pay."""
    owner = scenario.person("evals", "on spot")
    first = int(scenario.rng("on spot").integers(1, 5))
    return [
        Job(
            name="eval-nightly",
            kind="batch",
            team="evals",
            owner=owner,
            project="safety-evals",
            purpose="batch",
            environment="internal",
            places=board.must_take(["gpu-15"], 8, start, start + 9 * PER_HOUR),
            start=start,
            end=start + 9 * PER_HOUR,
            state="COMPLETED",
            load=Load(mean=79),
            reports=Reports(every=3, checkpoint=6, metric="documents", falls=0),
            group="eval-nightly",
            extra={"checkpoint_minutes": "30"},
        )
        for start in ((first + 4 * number) * PER_DAY + 10 * PER_HOUR for number in range(6))
    ]


def staging(scenario: Scenario, board: Board) -> Job:
    """Two hours without use while data is copied, then days of work."""
    start = moment_between(scenario, "staging", 2.5, 4)
    end = start + 74 * PER_HOUR
    return Job(
        name="video-diffusion-2b",
        kind="training",
        team="vision",
        owner=scenario.person("vision", "staging"),
        project="video-diffusion",
        purpose="training",
        environment="development",
        places=board.must_take(["gpu-04"], 8, start, end),
        start=start,
        end=end,
        state="COMPLETED",
        load=Load(mean=88, staging=2 * PER_HOUR),
        reports=Reports(),
        note="stages 6 TB to local disks before step 1",
    )


def improving_sweep(scenario: Scenario, board: Board) -> list[Job]:
    """Trials with long stretches of low use, whose loss falls to the end."""
    start = moment_between(scenario, "improving", 7, 9)
    end = start + 12 * PER_DAY
    owner = scenario.person("vision", "improving")
    return [
        Job(
            name=f"depth-sweep-{trial}",
            kind="trial",
            team="vision",
            owner=owner,
            project="depth",
            purpose="sweep",
            environment="development",
            places=board.must_take(["gpu-10"], 2, start, end),
            start=start,
            end=end,
            state="COMPLETED",
            load=Load(look=Look.SLOW, mean=66),
            reports=Reports(every=6, falls=0.35),
            group="depth-sweep",
        )
        for trial in range(1, 5)
    ]

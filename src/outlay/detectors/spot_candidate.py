"""F8: interruptible work that runs on demand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from outlay.accounting.figures import percent, period, plural
from outlay.accounting.money import dollars
from outlay.detectors.base import Context, Detector
from outlay.facts.finding import Claim, Confidence, Finding
from outlay.facts.window import HOURS_PER_MONTH
from outlay.questions.spot import OnDemandRun, billed_spot_shares, on_demand_runs


class SpotCandidate(Detector):
    """Interruptible work that runs on demand.

    **It finds** batch runs, sweeps and trials on machines that are billed on demand and that save a checkpoint at least
    every half an hour, so that an interruption costs minutes.

    **It costs** because the same machines are sold at a fraction of the price to whom can bear an interruption.

    **The dollars** so far are the runs' cost x (1 - spot share). The share is the spot price over the price on demand:
    of the same machine type on the same bill, else of the price book, else 40%, the mean of what providers say of spot
    (60 to 80% less), and then it is said. A month is that x 730 / the hours of the window.

    **It leaves alone** production, training (a single long run loses more), work without checkpoints, and what runs on
    spot or on reserved machines already.

    **End it** by submitting to a spot partition or node pool, with requeue.
    """

    code = "spot-candidate"
    title = "Interruptible work that runs on demand"
    capability = "F8"
    needs = ("run", "gpu_day", "progress")
    missing = "Import the scheduler's accounting and the runs' checkpoints (a table of progress): docs/sources.md"

    def find(self, context: Context) -> Iterator[Finding]:
        limit = context.thresholds
        works: dict[tuple[str, str | None], list[OnDemandRun]] = defaultdict(list)
        for run in on_demand_runs(context.ask, context.window):
            if run.environment != "production" and _minutes_between(context, run) <= limit["checkpoint_minutes"]:
                works[run.work, run.team].append(run)
        shares = billed_spot_shares(context.ask, context.window) if works else {}
        for (work, team), runs in sorted(works.items(), key=lambda item: (item[0][0], item[0][1] or "")):
            finding = _finding(context, work, team, runs, shares)
            if finding.so_far >= Decimal(limit["min_so_far"]):
                yield finding


def _minutes_between(context: Context, run: OnDemandRun) -> float:
    """Minutes of a run for each checkpoint; infinite without any."""
    minutes = ((run.ended or context.window.until) - run.started).total_seconds() / 60
    return minutes / run.checkpoints if run.checkpoints else float("inf")


def _finding(
    context: Context, work: str, team: str | None, runs: list[OnDemandRun], shares: dict[str, float]
) -> Finding:
    a_month = Decimal(HOURS_PER_MONTH) / Decimal(str(context.window.hours))
    claims, said = [], set()
    for run in runs:
        share, source = _spot_share(context, run, shares)
        said.add(source)
        so_far = run.cost * Decimal(str(round(1 - share, 6)))
        claims.append(Claim(f"run:{run.run_id}", so_far, so_far * a_month, run.cost, run.cost * a_month))
    cost = sum((run.cost for run in runs), Decimal(0))
    saved = sum((claim.so_far for claim in claims), Decimal(0))
    count = len({run.run_id for run in runs})
    slowest = max(_minutes_between(context, run) for run in runs)
    owners = [run.owner for run in runs if run.owner]
    return Finding(
        code=SpotCandidate.code, capability=SpotCandidate.capability, subject=f"work {work}, team {team or 'none'}",
        title=f"{plural(count, 'run')} of {work} cost {dollars(cost)} on demand; spot would save "
              f"{percent(float(saved / cost) if cost else 0.0)}.",
        owner=max(set(owners), key=owners.count) if owners else None, team=team,
        evidence=(("Runs", f"{count:,}"), ("Cost on demand", dollars(cost)),
                  ("Checkpoint", f"every {slowest:.0f} minutes or oftener"),
                  *(("Spot price", source) for source in sorted(said)), ("Period", period(context.window))),
        period=context.window, claims=tuple(claims), confidence=Confidence.MEDIUM,
        assumption="interruptions cost no more than the time since the last checkpoint",
        action="Submit it to spot machines, with requeue.",
        command=f"sbatch --partition=spot --requeue ...  # {work}",
    )


def _spot_share(context: Context, run: OnDemandRun, billed: dict[str, float]) -> tuple[float, str]:
    """Spot price / price on demand, and where that is from."""
    if run.node in billed:
        share = billed[run.node]
        return share, f"{percent(share)} of on demand, as the same bill says"
    if run.gpu_type is not None:
        spot, plain = (context.book.gpu_hour(run.gpu_type, region=run.region, market=market)
                       for market in ("spot", "on_demand"))
        if spot is not None and plain is not None and plain.value > spot.value:
            share = float(spot.value / plain.value)
            return share, f"{percent(share)} of on demand, {spot.basis} against {plain.basis}"
    share = context.thresholds["spot_share"]
    return share, f"{percent(share)} of on demand, a common share; no price is known"

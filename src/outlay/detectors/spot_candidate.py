"""F8: interruptible work that runs on demand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from outlay.accounting.figures import percent, period, plural
from outlay.accounting.money import dollars
from outlay.detectors.base import Context, Detector
from outlay.facts.finding import Claim, Confidence, Finding
from outlay.facts.window import HOURS_PER_MONTH
from outlay.questions.spot import OnDemandRun, billed_spot_shares, on_demand_runs, spot_partitions


class SpotCandidate(Detector):
    """Interruptible work that runs on demand.

    **It finds** batch runs, sweeps and trials on machines that are billed on demand and that save a checkpoint at least
    every half an hour, or last no longer than that, so that an interruption costs minutes.

    **It costs** because the same machines are sold at a fraction of the price to whom can bear an interruption.

    **The dollars** so far are the runs' cost x (1 - spot share). The share is the spot price over the price on demand:
    of the same machine type on the same bill, else of the price book, else 40%, the mean of what providers say of spot
    (60 to 80% less), and then it is said. A month is that x 730 / the hours of the window.

    **It leaves alone** production, training (a single long run loses more), long work without checkpoints, and what
    runs on spot or on reserved machines already.

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
        # Work that costs less than a finding must save is never fetched: there may be many thousand such runs.
        for run in on_demand_runs(context.ask, context.window, least=limit["min_so_far"]):
            if run.environment != "production" and _minutes_at_risk(run) <= limit["checkpoint_minutes"]:
                works[run.work, run.team].append(run)
        prices = _SpotPrices(context, billed_spot_shares(context.ask, context.window) if works else {})
        partitions = spot_partitions(context.ask, context.window) if works else {}
        for (work, team), runs in sorted(works.items(), key=lambda item: (item[0][0], item[0][1] or "")):
            finding = _finding(context, work, team, runs, prices, partitions.get(runs[0].scheduler))
            if finding.so_far >= Decimal(limit["min_so_far"]):
                yield finding


@dataclass
class _SpotPrices:
    """Spot price / price on demand, and where that is from; each accelerator's is looked up once."""

    context: Context
    billed: dict[str, float]
    known: dict[tuple[str | None, str | None], tuple[float, str]] = field(default_factory=dict)

    def share(self, run: OnDemandRun) -> tuple[float, str]:
        if run.node in self.billed:
            share = self.billed[run.node]
            return share, f"{percent(share)} of on demand, as the same bill says"
        key = (run.gpu_type, run.region)
        if key not in self.known:
            self.known[key] = self._by_book(*key)
        return self.known[key]

    def _by_book(self, gpu_type: str | None, region: str | None) -> tuple[float, str]:
        if gpu_type is not None:
            spot, plain = (self.context.book.gpu_hour(gpu_type, region=region, market=market)
                           for market in ("spot", "on_demand"))
            if spot is not None and plain is not None and plain.value > spot.value:
                share = float(spot.value / plain.value)
                return share, f"{percent(share)} of on demand, {spot.basis} against {plain.basis}"
        share = self.context.thresholds["spot_share"]
        return share, f"{percent(share)} of on demand, a common share; no price is known"


def _minutes_at_risk(run: OnDemandRun) -> float:
    """What an interruption can cost: the time between two checkpoints, or all of a run without any that has ended."""
    if run.ended is None:
        return float("inf") if not run.last_checkpoint else _minutes(run, run.last_checkpoint) / run.checkpoints
    return _minutes(run, run.ended) / max(run.checkpoints, 1)


def _minutes(run: OnDemandRun, until: datetime) -> float:
    return (until - run.started).total_seconds() / 60


def _finding(
    context: Context, work: str, team: str | None, runs: list[OnDemandRun], prices: _SpotPrices,
    spot_partition: str | None,
) -> Finding:
    a_month = Decimal(HOURS_PER_MONTH) / Decimal(str(context.window.hours))
    said = set()
    # A run on several nodes has a row for each, and one pot.
    pots: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for run in runs:
        share, source = prices.share(run)
        said.add(source)
        pots[run.run_id][0] += run.cost * Decimal(str(round(1 - share, 6)))
        pots[run.run_id][1] += run.cost
    claims = [Claim(f"run:{run_id}", saved, saved * a_month, cost, cost * a_month)
              for run_id, (saved, cost) in pots.items()]
    cost = sum((run.cost for run in runs), Decimal(0))
    saved = sum((claim.so_far for claim in claims), Decimal(0))
    count = len(pots)
    slowest = max(_minutes_at_risk(run) for run in runs)
    owners = [run.owner for run in runs if run.owner]
    return Finding(
        code=SpotCandidate.code, capability=SpotCandidate.capability, subject=f"work {work}, team {team or 'none'}",
        title=f"{plural(count, 'run')} of {work} cost {dollars(cost)} on demand; spot would save "
              f"{percent(float(saved / cost) if cost else 0.0)}.",
        owner=max(set(owners), key=owners.count) if owners else None, team=team,
        evidence=(("Runs", f"{count:,}"), ("Cost on demand", dollars(cost)),
                  ("An interruption costs", f"{slowest:.0f} minutes of work at most"),
                  *(("Spot price", source) for source in sorted(said)), ("Period", period(context.window))),
        period=context.window, claims=tuple(claims), confidence=Confidence.MEDIUM,
        assumption="interruptions are rare, and cost no more than the time since the last checkpoint",
        action="Submit it to spot machines, with requeue.",
        change=_change(work, runs[0].scheduler, spot_partition),
    )


def _change(work: str, scheduler: str, partition: str | None) -> str:
    """`partition`: one of the same scheduler whose machines are billed as spot."""
    if scheduler.startswith("slurm"):
        where = f"--partition={partition} --requeue" if partition else "a partition of spot machines and --requeue"
        return f"{where} in the batch script of {work}"
    return f"spot machines for {work}, and starting it again from its last checkpoint"

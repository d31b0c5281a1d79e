"""F1: runs that were given more accelerators than they use."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from outlay.accounting.figures import percent, period
from outlay.accounting.money import dollars
from outlay.detectors.base import Context, Detector
from outlay.detectors.runmoney import RunMoney, lasting, money_of, named, subject
from outlay.facts.finding import Confidence, Finding
from outlay.questions.runs import RunLife, half_used_runs


class OversizedGpu(Detector):
    """Runs that were given more accelerators than they use.

    **It finds** runs on which some accelerators work and others never reach 5%, over at least a day: a program that was
    started on a whole machine and knows of one device.

    **It costs** because each accelerator is paid for, and nobody else can have it.

    **The dollars** are the run's cost in the window x the share of accelerators that never worked; a month is the same
    share of its rate x 730 hours, and nothing for a run that has ended.

    **It leaves alone** runs that use each accelerator at some time, however little: a stage may need them; runs of
    which it is not known which devices are theirs; and runs that use none, which other detectors judge.

    **End it** by asking for as many as the run uses, or by starting it on all of them.
    """

    code = "oversized-gpu"
    title = "Runs that were given more accelerators than they use"
    capability = "F1"
    needs = ("gpu_hour", "gpu_day")
    missing = "Import the DCGM exporter's series of the nodes: outlay import gpu.json"

    def find(self, context: Context) -> Iterator[Finding]:
        limit = context.thresholds
        runs = [
            run for run in half_used_runs(context.ask, context.window, util_pct=limit["util_pct"])
            if _is_known(run) and _share(run) >= limit["quiet_share"]
            and (run.read_s or 0) / 3600 >= limit["min_hours"] * (run.devices or 0)]
        for money in money_of(context, runs):
            finding = _finding(context, money)
            if not finding.claims or finding.so_far >= Decimal(limit["min_so_far"]):
                yield finding


def _is_known(run: RunLife) -> bool:
    """Whether the devices that were read are those it was given, and no others."""
    return bool(run.devices) and (run.gpus is None or run.devices == run.gpus)


def _share(run: RunLife) -> float:
    return (run.quiet or 0) / (run.devices or 1)


def _finding(context: Context, money: RunMoney) -> Finding:
    run, window, limit = money.run, context.window, context.thresholds
    quiet, devices = run.quiet or 0, run.devices or 0
    first, last = run.span(window)
    claims = money.since(first, Decimal(quiet) / Decimal(devices))
    works = devices - quiet
    name = run.name or run.run_id
    return Finding(
        code=OversizedGpu.code, capability=OversizedGpu.capability, subject=subject(run),
        title=f"{named(run)} holds {devices} GPUs and works on {works}." if run.goes_on(window)
        else f"{named(run)} held {devices} GPUs and worked on {works}.",
        owner=run.owner, team=run.team,
        evidence=(
            ("GPUs that never reached " + f"{limit['util_pct']:g}%", f"{quiet} of {devices}"),
            ("Held", lasting(last - first)),
            ("Use of all", "unknown" if run.use is None else f"{percent(run.use)} (goal: over 60%)"),
            ("Cost", dollars(money.cost.total) if claims and money.cost else "unknown: no price for its accelerator"),
            ("Kind", run.kind or "unknown"), ("Period", period(window))),
        period=window, claims=claims, confidence=Confidence.HIGH,
        action=f"Ask for {works} GPU{'s' if works > 1 else ''} next time, or start it on all {devices}.",
        change=f"--gpus={works} in the batch script of {name}" if (run.scheduler or "").startswith("slurm")
        else f"nvidia.com/gpu: {works} in the resource limits of {name}")

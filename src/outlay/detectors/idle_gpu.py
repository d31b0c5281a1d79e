"""F1: accelerators that are paid for and do nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from outlay.accounting.figures import instant, percent, period
from outlay.accounting.money import dollars
from outlay.detectors.base import Context, Detector
from outlay.detectors.endcommand import return_node
from outlay.detectors.runmoney import RunMoney, ending, held, lasting, money_of, named, subject
from outlay.facts.finding import Claim, Confidence, Finding
from outlay.facts.window import HOURS_PER_MONTH, Window
from outlay.questions.nodes import FreeNode, billed_machines, free_nodes
from outlay.questions.runs import HOUR, RunLife, quiet_runs

#: Kinds whose lack of use other detectors judge: by their progress, or by their requests.
_JUDGED_ELSEWHERE = ("training", "sweep", "trial", "batch", "endpoint")


class IdleGpu(Detector):
    """Accelerators that are allocated, or whole machines that stand there, and do nothing.

    **It finds** notebooks and other allocations by hand none of whose accelerators reached 5% for a day since they were
    started, or for three days since their last use (a weekend is shorter); and machines that no run holds, and whose
    accelerators nothing uses, for more than three days up to now.

    **It costs** because an accelerator is paid for by the hour, used or not. The goal of a well-run cluster is a
    utilisation of more than 60%; a notebook that was left on uses 1 to 3%.

    **The dollars** of an allocation are its cost since its last use (all of it, if there was none); of a machine, its
    cost since the last run on it ended. A month is the rate since then x 730 hours, and nothing for what has ended.

    **It leaves alone** a notebook that is used now and then, however little in all; training and batch runs, which are
    judged by their progress (`zombie-run`), and endpoints, by their requests (`idle-endpoint`); stretches without
    readings; and machines that are not billed, held or read while they are off.

    **End it** by closing the notebook (its files stay), or by giving the machine back.
    """

    code = "idle-gpu"
    title = "Accelerators that are paid for and do nothing"
    capability = "F1"
    needs = ("gpu_day",)
    missing = "Import the DCGM exporter's series of the nodes, or the scheduler's accounting: docs/sources.md"

    def find(self, context: Context) -> Iterator[Finding]:
        limit, window = context.thresholds, context.window
        least = min(limit["unused_hours"], limit["idle_hours"])
        quiet = quiet_runs(context.ask, window, util_pct=limit["util_pct"], hours=least)
        idle = [(run, since) for run in quiet if run.kind not in _JUDGED_ELSEWHERE
                if (since := _idle_since(run, window, limit)) is not None]
        found = [_run_finding(context, money, since)
                 for money, (_, since) in zip(money_of(context, (run for run, _ in idle)), idle, strict=True)]
        nodes = [node for node in free_nodes(
            context.ask, window, hours=limit["node_hours"], util_pct=limit["util_pct"])
            if window.until - node.until <= timedelta(days=limit["ended_days"])]
        machines = billed_machines(context.ask, window, {node.node for node in nodes})
        found += [_node_finding(context, node, machines.get(node.node, (None, None))) for node in nodes]
        yield from (finding for finding in found
                    if not finding.claims or finding.so_far >= Decimal(limit["min_so_far"]))


def _idle_since(run: RunLife, window: Window, limit: Mapping[str, float]) -> datetime | None:
    """Since when nothing used it; None where that is not long enough."""
    first, end = run.span(window)
    if run.read_until is None or run.first_read is None:
        return None
    never = run.last_peak is None
    since = max(first, run.first_read) if run.last_peak is None else run.last_peak + HOUR
    # An allocation that was read from its first hour on was idle from its first minute on.
    since = first if never and run.first_read - first < HOUR else since
    needed = limit["unused_hours"] if never else limit["idle_hours"]
    return since if min(end, run.read_until) - since >= timedelta(hours=needed) else None


def _run_finding(context: Context, money: RunMoney, since: datetime) -> Finding:
    run, window = money.run, context.window
    claims = money.since(since)
    begin, end = run.span(window)
    command, change = ending(run, window)
    time = lasting(end - max(since, begin))
    never = run.last_peak is None
    return Finding(
        code=IdleGpu.code, capability=IdleGpu.capability, subject=subject(run),
        title=f"{named(run)} held {held(run)} for {time} and did not use {'it' if run.gpus == 1 else 'them'}.",
        owner=run.owner, team=run.team,
        evidence=(
            ("Highest use", f"under {context.thresholds['util_pct']:g}% since {instant(since)}"),
            ("Use in the window", "unknown" if run.use is None else f"{percent(run.use)} (goal: over 60%)"),
            ("Last used", "never in the window" if never else instant(since)),
            ("Cost since then", dollars(claims[0].so_far) if claims else "unknown: no price for its accelerator"),
            ("Kind", run.kind or "unknown"), ("State", run.state or "unknown"), ("Period", period(window))),
        period=window, claims=claims, confidence=Confidence.HIGH,
        action=("Close it; what is on its disk stays." if run.goes_on(window)
                else "It has ended. A limit on time without use would have ended it earlier."),
        command=command, change=change)


def _node_finding(context: Context, node: FreeNode, machine: tuple[str | None, str | None]) -> Finding:
    """`machine`: its id and region on the bill."""
    window = context.window
    so_far, hours = node.cost_since, Decimal((node.until - node.since) // timedelta(seconds=1)) / 3600
    a_month = so_far / hours * HOURS_PER_MONTH
    priced = any(cost is not None for _, cost, _ in node.days)
    # All that the machine costs a month is free now; more than that it may have been in the window.
    claims = (Claim(f"node:{node.node}", so_far, a_month, max(node.cost, so_far), a_month,
                    Decimal(node.market == "reserved"), Window(node.since, node.until)),) if priced else ()
    time = lasting(node.until - node.since)
    command, change = _node_ending(node, machine)
    return Finding(
        code=IdleGpu.code, capability=IdleGpu.capability, subject=f"node {node.node}",
        title=f"Node {node.node} had no work for {time}.", owner=node.owner, team=node.team,
        evidence=(
            ("Free since", instant(node.since)),
            ("GPUs", f"{node.devices:,.0f} {node.gpu_type or 'of unknown type'}"),
            ("Read", f"never above {context.thresholds['util_pct']:g}% since" if node.is_read
             else "no readings; its scheduler says that no run holds it"),
            ("Cost since then", dollars(so_far) if claims else "unknown: no price for its accelerator"),
            ("Pool", node.pool or "unknown"), ("Paid as", (node.market or "unknown").replace("_", " ")),
            ("Period", period(window))),
        period=window, claims=claims, confidence=Confidence.HIGH,
        action=("Give it to work that waits; it is reserved and paid for either way." if node.market == "reserved"
                else "Give the machine back, and let the scheduler start it when there is work."),
        command=command, change=change)


def _node_ending(node: FreeNode, machine: tuple[str | None, str | None]) -> tuple[str, str]:
    """Command and change. A reserved machine costs the same when it is off: it ends by being given to work."""
    if node.market == "reserved":
        return "", f"let waiting work onto {node.node}: add it to a partition or pool whose queue is long"
    command = return_node(node.scheduler, node.node, *machine)
    return command, "" if command else f"give {node.node} back to {node.provider or 'its owner'}"

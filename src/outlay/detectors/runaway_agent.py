"""F18: an agent that does not stop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from outlay.accounting.figures import duration, exact, instant, percent
from outlay.accounting.money import dollars
from outlay.detectors.base import Context, Detector
from outlay.detectors.callmoney import CallMoney
from outlay.facts.finding import Claim, Confidence, Finding
from outlay.facts.window import Window
from outlay.questions.callslices import CallSlice
from outlay.questions.longruns import LongRun, TraceCost, long_runs, tool_counts, trace_costs, usual_calls

#: A limit that usual runs never meet: this many times their mean, and what is suggested where no other run is known.
_ROOM, _UNKNOWN_USUAL = 3, 50


class RunawayAgent(Detector):
    """An agent run that loops.

    **It finds** traces with hundreds of model calls, several times as many as the same agent usually makes, that show
    two of three signs: one tool called again and again, a context that grows from call to call, many failed calls.

    **It costs** because every further call pays for the whole context that the loop has piled up.

    **The dollars** are the metered cost of the whole trace in the window. It happened once: a month of it is 0.

    **It leaves alone** long runs that do their work: other tools each time, a context that is cut back or summarised,
    few errors; and agents whose runs are always that long.

    **End it** by stopping the run, and giving the agent a limit of turns and a budget.
    """

    code = "runaway-agent"
    title = "Agents that ran away"
    capability = "F18"
    needs = ("call",)
    missing = "Import traces of agents: OpenTelemetry spans as a collector's file exporter writes them."

    def find(self, context: Context) -> Iterator[Finding]:
        limit = context.thresholds
        ask, window = context.ask, context.window
        runs = long_runs(ask, window, int(limit["min_calls"]))
        if not runs:
            return
        traces = [run.trace_id for run in runs]
        tools = tool_counts(ask, window, traces)
        usual = usual_calls(ask, window, runs)
        suspects = []
        for run in runs:
            signs = _signs(run, tools.get(run.trace_id, {}), limit)
            expected = usual.get(run.trace_id)
            unusual = expected is None or run.calls >= limit["times_usual"] * expected
            if len(signs) >= 2 and unusual and run.cost >= Decimal(limit["min_so_far"]):
                suspects.append((run, signs, expected))
        if suspects:
            costs = trace_costs(ask, window, [run.trace_id for run, _, _ in suspects])
            money = CallMoney(context)
            for run, signs, expected in suspects:
                yield _finding(money, run, signs, expected, [each for each in costs if each.trace_id == run.trace_id])


def _signs(run: LongRun, tools: Mapping[str, int], limit: Mapping[str, float]) -> tuple[tuple[str, str], ...]:
    """What speaks for a loop, as evidence."""
    signs = []
    if tools:
        tool, times = max(tools.items(), key=lambda each: (each[1], each[0]))
        total = sum(tools.values())
        if times >= limit["loop_share"] * total and times >= limit["min_calls"] / 2:
            signs.append(("Same tool", f"{tool or 'unnamed'}, {exact(times)} of {exact(total)} tool calls"))
    if run.growth is not None and run.growth >= limit["growth_correlation"] and (
        run.latest >= limit["context_growth"] * run.opening
    ):
        signs.append(("Growing context", f"{exact(run.opening)} input tokens at first, {exact(run.latest)} at last"))
    if run.errors >= limit["error_share"] * (run.calls + run.tools):
        signs.append(("Failed calls", f"{exact(run.errors)}, {percent(run.errors / (run.calls + run.tools))}"))
    return tuple(signs)


def _finding(
    money: CallMoney, run: LongRun, signs: Sequence[tuple[str, str]], usual: float | None, costs: Sequence[TraceCost]
) -> Finding:
    name = f"Agent {run.agent}" if run.agent else "A trace"
    spent: dict[CallSlice, Decimal] = {}
    for each in costs:
        spent[each.calls] = spent.get(each.calls, Decimal(0)) + each.cost
    claims: tuple[Claim, ...] = tuple(money.once(calls, cost) for calls, cost in spent.items())
    hours = (run.ended - run.started).total_seconds() / 3600
    limit = round(_ROOM * usual) if usual else _UNKNOWN_USUAL
    known = () if usual is None else (("Usual run of this agent", f"{usual:.0f} model calls"),)
    return Finding(
        code=RunawayAgent.code, capability=RunawayAgent.capability,
        subject=f"trace {run.trace_id}" + (f", agent {run.agent}" if run.agent else ""),
        title=f"{name} made {exact(run.calls)} model calls in one run of {duration(hours)}.",
        owner=next((each.owner for each in costs if each.owner), None),
        team=next((each.calls.team for each in costs if each.calls.team), None),
        evidence=(
            ("Model calls", exact(run.calls)), *known, *signs, ("Cost", dollars(run.cost)),
            ("Period", f"{instant(run.started)} to {instant(run.ended)}"),
        ),
        period=Window(run.started, run.ended),
        claims=claims,
        confidence=Confidence.MEDIUM,
        assumption="The run's work was a loop, and nothing of it was used.",
        action=f"Stop the run if it still goes on, and limit the agent to {limit} turns a run.",
        change=f"max_turns={limit} for {f'agent {run.agent}' if run.agent else 'this agent'}",
    )

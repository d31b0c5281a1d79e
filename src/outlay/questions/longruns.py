"""Traces with very many model calls, and what speaks for or against their being a loop."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from outlay.facts.window import Window
from outlay.questions.ask import Ask
from outlay.questions.callslices import SLICE_KEYS, CallSlice, in_window, one_in_sixteen, total
from outlay.questions.growth import correlation, moments
from outlay.questions.tables import table
from outlay.questions.traces import run_sums


@dataclass(frozen=True, slots=True)
class LongRun:
    """A trace with many model calls. `growth`: correlation (-1..1) of input with time, None where it is not defined;
    `opening`, `latest`: input tokens of the first and of the last call."""

    trace_id: str
    agent: str | None
    calls: int
    tools: int
    errors: int
    started: datetime
    ended: datetime
    opening: int
    latest: int
    growth: float | None
    cost: Decimal


def many_calls_expr(window: Window, min_calls: int) -> Any:
    """Column trace_id: traces with at least `min_calls` model calls in the window.

    Most traces have a few calls, and counting all of them costs memory: candidates come from a sample.
    """
    rows = in_window(table("call"), window)
    rows = rows.filter(rows.trace_id.notnull(), rows.input_tokens.notnull())
    sampled = one_in_sixteen(rows)
    sampled = sampled.group_by("trace_id").aggregate(calls=sampled.count())
    sampled = sampled.filter(sampled.calls >= max(1, min_calls // 48))
    rows = rows.filter(rows.trace_id.isin(sampled.trace_id))
    counted = rows.group_by("trace_id").aggregate(calls=rows.count())
    return counted.filter(counted.calls >= min_calls).select("trace_id")


def long_runs_expr(window: Window, traces: Sequence[str]) -> Any:
    """Columns trace_id, agent, calls, tools, errors, started, ended, opening, latest, paid, growth."""
    rows = in_window(table("call"), window)
    rows = rows.filter(rows.trace_id.isin(traces))
    asked = rows.input_tokens.notnull()
    sums = run_sums(rows)
    runs = rows.group_by("trace_id").aggregate(
        agent=rows.agent.argmin(rows.time, where=rows.agent.notnull()), calls=sums["calls"], tools=sums["tools"],
        errors=sums["errors"], started=rows.time.min(), ended=rows.time.max(),
        opening=rows.input_tokens.argmin(rows.time, where=asked),
        latest=rows.input_tokens.argmax(rows.time, where=asked),
        paid=sums["paid"], **moments(rows, window))
    return runs.select(
        *(name for name in runs.columns if not name.startswith("sum_")), growth=correlation(runs))


def long_runs(ask: Ask, window: Window, min_calls: int) -> tuple[LongRun, ...]:
    """Traces with at least `min_calls` model calls."""
    traces = [trace_id for (trace_id,) in ask.rows(many_calls_expr(window, min_calls))]
    if not traces:
        return ()
    found = []
    for *known, paid, growth in ask.rows(long_runs_expr(window, traces)):
        trace_id, agent, calls, tools, errors, started, ended, opening, latest = known
        found.append(LongRun(
            trace_id, agent, calls, tools, errors, started, ended, opening, latest, growth, paid or Decimal(0)))
    return tuple(found)


def tool_counts_expr(window: Window, traces: Sequence[str]) -> Any:
    """Columns trace_id, tool, calls."""
    rows = in_window(table("call"), window)
    rows = rows.filter(rows.trace_id.isin(traces), rows.operation == "execute_tool")
    return rows.group_by("trace_id", "tool").aggregate(calls=rows.count())


def tool_counts(ask: Ask, window: Window, traces: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
    """How often each of the given traces used each tool; a tool without a name is ''."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for trace_id, tool, calls in ask.rows(tool_counts_expr(window, traces)):
        found[trace_id][tool or ""] = calls
    return found


def agent_totals_expr(window: Window, agents: Sequence[str]) -> Any:
    """Columns agent, runs, calls: traces of each agent, and its model calls in them."""
    rows = in_window(table("call"), window)
    rows = rows.filter(rows.agent.isin(agents), rows.trace_id.notnull())
    runs = rows.group_by("agent", "trace_id").aggregate(calls=rows.input_tokens.count())
    return runs.group_by("agent").aggregate(runs=runs.count(), calls=total(runs.calls))


def usual_calls(ask: Ask, window: Window, runs: Sequence[LongRun]) -> Mapping[str, float]:
    """For each of the runs, by trace: the mean model calls of its agent's other runs. Absent where there is none."""
    agents = sorted({run.agent for run in runs if run.agent})
    totals = {agent: (n, calls) for agent, n, calls in ask.rows(agent_totals_expr(window, agents))} if agents else {}
    return {
        run.trace_id: max(0, totals[run.agent][1] - run.calls) / (totals[run.agent][0] - 1)
        for run in runs if run.agent and totals[run.agent][0] > 1}


@dataclass(frozen=True, slots=True)
class TraceCost:
    """What a trace cost in one slice of the calls."""

    trace_id: str
    calls: CallSlice
    owner: str | None
    cost: Decimal


def trace_costs_expr(window: Window, traces: Sequence[str]) -> Any:
    """Columns trace_id, SLICE_KEYS, owner, paid."""
    rows = in_window(table("call"), window)
    rows = rows.filter(rows.trace_id.isin(traces), rows.cost.notnull())
    return rows.group_by("trace_id", *SLICE_KEYS, "owner").aggregate(paid=rows.cost.sum())


def trace_costs(ask: Ask, window: Window, traces: Sequence[str]) -> tuple[TraceCost, ...]:
    """The cost of the given traces, dearest slice first."""
    found = [
        TraceCost(trace_id, CallSlice(*keys), owner, paid)
        for trace_id, *keys, owner, paid in ask.rows(trace_costs_expr(window, traces))]
    return tuple(sorted(found, key=lambda each: (-each.cost, each.calls.pot)))

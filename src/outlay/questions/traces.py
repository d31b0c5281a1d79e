"""Runs of agents: what each cost, and the tree of calls and tools that it was."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from outlay.facts.window import Window
from outlay.questions.ask import Ask
from outlay.questions.callslices import in_window, total
from outlay.questions.tables import table

_NODE_COLUMNS = (
    "span_id", "parent_span_id", "operation", "agent", "tool", "model", "time", "duration_ms", "input_tokens",
    "output_tokens", "cost", "status")


@dataclass(frozen=True, slots=True)
class AgentRun:
    """One trace with an agent in it. `calls` asked a model; `errors`: calls and tools that failed; `cost`: metered US
    dollars of the calls with a price, `unpriced`: the calls without."""

    trace_id: str
    agent: str | None
    team: str | None
    project: str | None
    owner: str | None
    started: datetime
    duration: timedelta
    calls: int
    tools: int
    errors: int
    cost: Decimal
    unpriced: int


def _failed(rows: Any) -> Any:
    return rows.status.notnull() & (rows.status != "ok")


def run_sums(rows: Any) -> dict[str, Any]:
    """Columns calls, tools, errors, cost, unpriced over the rows of a group."""
    asked = rows.input_tokens.notnull()
    return {
        "calls": total(asked),
        "tools": total(rows.operation == "execute_tool"),
        "errors": total(_failed(rows)), "paid": rows.cost.sum(),
        "unpriced": total(asked & rows.cost.isnull()),
    }


def agent_runs_expr(window: Window, limit: int, agent: str = "", offset: int = 0) -> Any:
    """Columns trace_id, agent, team, project, owner, started, seconds, calls, tools, errors, paid, unpriced. `agent`:
    of one agent alone."""
    rows = in_window(table("call"), window)
    rows = rows.filter(rows.trace_id.notnull())
    # Ranked by cost first, so that the rest is gathered for few of them.
    named = (rows.agent == agent).cast("int64").sum() if agent else rows.agent.count()
    ranked = rows.group_by("trace_id").aggregate(paid=rows.cost.sum().fill_null(0), named=named)
    ranked = ranked.filter(ranked.named > 0).order_by([ranked.paid.desc(), ranked.trace_id]).limit(limit, offset=offset)
    rows = rows.filter(rows.trace_id.isin(ranked.trace_id))
    start = rows.time.epoch_seconds()
    end = start + rows.duration_ms.fill_null(0).cast("float64") / 1000
    runs = rows.group_by("trace_id").aggregate(
        agent=rows.agent.argmin(rows.time, where=rows.agent.notnull()), team=rows.team.max(),
        project=rows.project.max(), owner=rows.owner.max(), started=rows.time.min(),
        seconds=end.max() - start.min().cast("float64"),
        **run_sums(rows))
    return runs.order_by([runs.paid.fill_null(0).desc(), runs.trace_id])


def agent_runs(ask: Ask, window: Window, limit: int = 20, *, agent: str = "", offset: int = 0) -> tuple[AgentRun, ...]:
    """The dearest agent runs of the window, dearest first; of one agent, where it is named."""
    return tuple(
        AgentRun(trace_id, agent, team, project, owner, started, timedelta(seconds=seconds), calls, tools, errors,
                 paid or Decimal(0), unpriced)
        for trace_id, agent, team, project, owner, started, seconds, calls, tools, errors, paid, unpriced
        in ask.rows(agent_runs_expr(window, limit, agent, offset)))


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent in a window. `runs`: traces, 0 where its calls have none; `calls` asked a model; `failed`: calls and
    tools that failed; `tokens` in and out; `cost`: metered US dollars of calls with a price, `unpriced`: those without;
    `dearest`: of its traces."""

    agent: str
    team: str | None
    runs: int
    calls: int
    failed: int
    tokens: int
    cost: Decimal
    unpriced: int
    dearest: Decimal | None


def agents_expr(window: Window) -> Any:
    """Columns agent, team, runs, calls, errors, tokens, paid, unpriced."""
    rows = in_window(table("call"), window)
    rows = rows.filter(rows.agent.notnull())
    sums = run_sums(rows)
    return rows.group_by("agent").aggregate(
        team=rows.team.max(), runs=rows.trace_id.nunique(), calls=sums["calls"], errors=sums["errors"],
        tokens=total(rows.input_tokens) + total(rows.output_tokens), paid=sums["paid"], unpriced=sums["unpriced"])


def dearest_expr(window: Window) -> Any:
    """Columns agent, dearest: of the traces of each agent."""
    rows = in_window(table("call"), window)
    rows = rows.filter(rows.agent.notnull(), rows.trace_id.notnull())
    traces = rows.group_by("agent", "trace_id").aggregate(paid=rows.cost.sum())
    return traces.group_by("agent").aggregate(dearest=traces.paid.max())


def agents(ask: Ask, window: Window) -> tuple[Agent, ...]:
    """Every agent that did something in the window, the dearest first."""
    dearest = dict(ask.rows(dearest_expr(window)))
    found = (Agent(agent, team, runs, calls, errors, tokens, paid or Decimal(0), unpriced, dearest.get(agent))
             for agent, team, runs, calls, errors, tokens, paid, unpriced in ask.rows(agents_expr(window)))
    return tuple(sorted(found, key=lambda each: (-each.cost, each.agent)))


def trace_facts_expr(trace_id: str) -> Any:
    """The columns of `agent_runs_expr` for one trace, whenever it was."""
    rows = table("call")
    rows = rows.filter(rows.trace_id == trace_id)
    start = rows.time.epoch_seconds()
    end = start + rows.duration_ms.fill_null(0).cast("float64") / 1000
    return rows.group_by("trace_id").aggregate(
        agent=rows.agent.argmin(rows.time, where=rows.agent.notnull()), team=rows.team.max(),
        project=rows.project.max(), owner=rows.owner.max(), started=rows.time.min(),
        seconds=end.max() - start.min().cast("float64"), **run_sums(rows))


def trace_facts(ask: Ask, trace_id: str) -> AgentRun | None:
    """None where there is no such trace."""
    row = next(iter(ask.rows(trace_facts_expr(trace_id))), None)
    return None if row is None else _agent_run(row)


def _agent_run(row: tuple[Any, ...]) -> AgentRun:
    trace_id, agent, team, project, owner, started, seconds, calls, tools, errors, paid, unpriced = row
    return AgentRun(trace_id, agent, team, project, owner, started, timedelta(seconds=seconds), calls, tools, errors,
                    paid or Decimal(0), unpriced)


@dataclass(frozen=True, slots=True)
class TraceNode:
    """A span and what it caused, in order of time. `total` and `failed` are of the span and everything below it."""

    span_id: str | None
    name: str
    operation: str | None
    time: datetime
    duration: timedelta | None
    input_tokens: int | None
    output_tokens: int | None
    cost: Decimal | None
    status: str | None
    total: Decimal
    spans: int
    failed: int
    children: tuple[TraceNode, ...]


def trace_tree_expr(trace_id: str) -> Any:
    """The spans of a trace, in order of time."""
    rows = table("call")
    rows = rows.filter(rows.trace_id == trace_id)
    return rows.select(*_NODE_COLUMNS).order_by("time", "span_id")


def trace_tree(ask: Ask, trace_id: str) -> tuple[TraceNode, ...]:
    """The roots of a trace, in order of time: one for a complete trace; a span whose parent is not in the ledger stands
    beside it. Empty: there is no such trace. Spans that name each other as parents in a circle hang below the first."""
    spans = list(ask.rows(trace_tree_expr(trace_id)))
    parents = _parents([(row[0], row[1]) for row in spans])
    children: dict[int | None, list[int]] = defaultdict(list)
    for place, parent in enumerate(parents):
        children[parent].append(place)
    made: dict[int, TraceNode] = {}
    for place in _leaves_first(parents):
        made[place] = _node(spans[place], tuple(made[child] for child in children[place]))
    return tuple(made[place] for place in children[None])


def _parents(spans: Sequence[tuple[str | None, str | None]]) -> list[int | None]:
    """The place of each span's parent, from (span_id, parent_span_id); circles are cut."""
    places = {span_id: place for place, (span_id, _) in reversed(list(enumerate(spans))) if span_id}
    parents = [places.get(parent) if parent else None for _, parent in spans]
    walked: dict[int, int] = {}
    for start in range(len(spans)):
        place: int | None = start
        while place is not None and place not in walked:
            walked[place] = start
            place = parents[place]
        if place is not None and walked[place] == start:
            parents[place] = None
    return parents


def _leaves_first(parents: Sequence[int | None]) -> Iterator[int]:
    """Every place after all of its children; a loop, because traces may be deeper than Python recurses."""
    waiting = Counter(parent for parent in parents if parent is not None)
    ready = [place for place in range(len(parents)) if not waiting[place]]
    while ready:
        place = ready.pop()
        yield place
        parent = parents[place]
        if parent is not None:
            waiting[parent] -= 1
            if not waiting[parent]:
                ready.append(parent)


def _node(row: tuple[Any, ...], children: tuple[TraceNode, ...]) -> TraceNode:
    span_id, _, operation, agent, tool, model, time, duration_ms, read, written, cost, status = row
    name = {"execute_tool": tool, "invoke_agent": agent}.get(operation or "", model) or operation or "span"
    duration = None if duration_ms is None else timedelta(milliseconds=duration_ms)
    return TraceNode(
        span_id, name, operation, time, duration, read, written, cost, status,
        (cost or Decimal(0)) + sum((child.total for child in children), Decimal(0)),
        1 + sum(child.spans for child in children),
        int(status not in (None, "ok")) + sum(child.failed for child in children), children)

"""Agents: what each cost, their dearest runs, and one run as the tree that it was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from outlay.accounting.assessment import Counted
from outlay.facts.window import Window
from outlay.questions.partday import midnight
from outlay.questions.traces import (
    Agent,
    AgentRun,
    TraceNode,
    agent_runs,
    agents,
    trace_facts,
    trace_tree,
)
from outlay.web.pages.moment import Moment, assessment, moment
from outlay.web.part import Page, Part, Query, Sheet, View
from outlay.web.tracelines import Line, flat, lines

DAY = timedelta(days=1)
#: Days that are looked at, today included.
PERIODS = {"1d": 1, "7d": 7, "30d": 30}
#: Traces of one page.
SHOWN = 25
#: Rows of the table twin; all are in the CSV.
TWIN = 200


@dataclass(frozen=True, slots=True)
class Agents:
    """Every agent of the window, the dearest first. `runaway`: traces of which a finding says that they ran away."""

    moment: Moment
    window: Window
    period: str
    rows: tuple[Agent, ...]
    runaway: int

    @property
    def cost(self) -> Decimal:
        return sum((row.cost for row in self.rows), Decimal(0))

    @property
    def runs(self) -> int:
        return sum(row.runs for row in self.rows)


@dataclass(frozen=True, slots=True)
class Traces:
    """A page of agent runs. `more`: whether there are further ones; `runaway`: those of which a finding says so."""

    window: Window
    period: str
    agent: str
    page: int
    rows: tuple[AgentRun, ...]
    more: bool
    runaway: frozenset[str]


@dataclass(frozen=True, slots=True)
class Trace:
    """One agent run as a tree. `facts` None: there is none. `asked`: input tokens of each model call, in order of time;
    `twin`: depth and span of the first rows of the table."""

    trace_id: str
    facts: AgentRun | None
    lines: tuple[Line, ...]
    spans: int
    loops: int
    retries: int
    asked: tuple[int, ...]
    twin: tuple[tuple[int, TraceNode], ...]
    roots: tuple[TraceNode, ...]
    finding: Counted | None


def _window(query: Query, at: Moment) -> tuple[Window, str]:
    period = dict(query).get("since", "30d")
    period = period if period in PERIODS else "30d"
    return Window(midnight(at.at) - (PERIODS[period] - 1) * DAY, at.at), period


def _runaway(view: View) -> dict[str, Counted]:
    """Findings about traces, by trace."""
    whole = assessment(view)
    found = {}
    for each in whole.findings if whole else ():
        if each.finding.code == "runaway-agent" and each.state != "ignored":
            found[each.finding.subject.removeprefix("trace ").split(",")[0]] = each
    return found


def all_agents(view: View, query: Query) -> Agents:
    """Asks for every agent."""
    at = moment(view)
    window, period = _window(query, at)
    return Agents(at, window, period, agents(view.ask, window), len(_runaway(view)))


def agents_sheet(part: Agents) -> Sheet:
    """A row an agent."""
    return Sheet(("agent", "team", "runs", "calls", "failed", "tokens", "cost", "unpriced", "dearest_run"), tuple(
        (each.agent, each.team, each.runs, each.calls, each.failed, each.tokens, each.cost, each.unpriced, each.dearest)
        for each in part.rows))


def traces(view: View, query: Query) -> Traces:
    """Asks for a page of agent runs, the dearest first."""
    at, said = moment(view), dict(query)
    window, period = _window(query, at)
    number = said.get("page", "1")
    page = max(int(number), 1) if number.isdigit() and len(number) < 6 else 1
    agent = said.get("agent", "")
    rows = agent_runs(view.ask, window, SHOWN + 1, agent=agent, offset=(page - 1) * SHOWN)
    return Traces(window, period, agent, page, rows[:SHOWN], len(rows) > SHOWN, frozenset(_runaway(view)))


def traces_sheet(part: Traces) -> Sheet:
    """A row an agent run."""
    return Sheet(("trace", "agent", "owner", "team", "started", "seconds", "calls", "tools", "failed", "cost"), tuple(
        (each.trace_id, each.agent, each.owner, each.team, each.started, each.duration.total_seconds(), each.calls,
         each.tools, each.errors, each.cost) for each in part.rows))


def trace(view: View, query: Query) -> Trace:
    """Asks for one agent run."""
    trace_id = dict(query).get("id", "")
    facts = trace_facts(view.ask, trace_id) if trace_id else None
    if facts is None:
        return Trace(trace_id, None, (), 0, 0, 0, (), (), (), None)
    roots = trace_tree(view.ask, trace_id)
    shown = lines(roots)
    spans = list(flat(roots))
    asked = [node for _, node in sorted(spans, key=lambda each: each[1].time) if node.input_tokens is not None]
    found = list(_walk(shown))
    return Trace(trace_id, facts, shown, len(spans), sum(each.times > 1 for each in found),
                 sum(each.retried for each in found), tuple(node.input_tokens or 0 for node in asked),
                 tuple(spans[:TWIN]), roots, _runaway(view).get(trace_id))


def _walk(found: tuple[Line, ...]) -> list[Line]:
    every = list(found)
    for each in found:
        every += _walk(each.children)
    return every


def trace_sheet(part: Trace) -> Sheet:
    """A row a span, in order of time within its branch."""
    return Sheet(("depth", "name", "operation", "time", "ms", "input_tokens", "output_tokens", "cost", "branch_cost",
                  "status"), tuple(
        (depth, node.name, node.operation, node.time,
         None if node.duration is None else round(node.duration.total_seconds() * 1000), node.input_tokens,
         node.output_tokens, node.cost, node.total, node.status) for depth, node in flat(part.roots)))


_KNOWS = {"agent": "one agent", "since": "1d, 7d or 30d", "page": "from 1 on"}
AGENTS = Page(
    "/agents", "agents", "Agents", "live/agents.html.j2", (
        Part("agents-list", "live/agents_list.html.j2", all_agents, every_s=5, csv=agents_sheet),
        Part("agents-traces", "live/agents_traces.html.j2", traces, every_s=5, csv=traces_sheet),
    ), key="a", knows=_KNOWS)
TRACE = Page(
    "/trace", "trace", "Trace", "live/trace.html.j2", (
        Part("trace-tree", "live/trace_tree.html.j2", trace, every_s=5, csv=trace_sheet),
    ), knows={"id": "its id"}, inside="agents")

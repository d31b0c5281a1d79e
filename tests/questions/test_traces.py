"""Traces of agents as trees, and the dearest runs."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from made_ledger import START, at, made_ledger, window
from outlay.facts import Call
from outlay.facts.window import Window
from outlay.questions.ask import Ask
from outlay.questions.traces import TraceNode, agent_runs, trace_tree

TAGS = {"team": "search", "owner": "dee", "project": "deep-research"}


def _span(span: str, parent: str | None, second: float, *, trace: str = "t", **columns: object) -> Call:
    values: dict[str, object] = {"operation": "chat", "provider": "openai", "model": "gpt-4o", "input_tokens": 1000,
                                 "output_tokens": 100, "duration_ms": 500, "status": "ok"}
    if columns.get("operation", "chat") != "chat":
        values |= {"provider": None, "model": None, "input_tokens": None, "output_tokens": None}
    return Call(time=START + timedelta(seconds=second), trace_id=trace, span_id=span, parent_span_id=parent,  # type: ignore[arg-type]
                tags=TAGS, **(values | columns))


def _agent(trace: str = "t") -> list[Call]:
    return [
        _span("root", None, 0, trace=trace, operation="invoke_agent", agent="planner", duration_ms=9000),
        _span("a", "root", 1, trace=trace, agent="planner"),
        _span("sub", "root", 2, trace=trace, operation="invoke_agent", agent="reader"),
        _span("b", "sub", 3, trace=trace, agent="reader", input_tokens=3000),
        _span("tool", "sub", 4, trace=trace, operation="execute_tool", tool="web_search", status="timeout"),
    ]


def _tree(path: Path, facts: list[Call], trace: str = "t") -> tuple[TraceNode, ...]:
    with made_ledger(path, facts) as store:
        return trace_tree(Ask(store.con), trace)


def test_a_trace_is_the_tree_of_its_calls_and_tools(tmp_path: Path) -> None:
    [root] = _tree(tmp_path, _agent())
    assert (root.name, root.spans, root.failed, root.cost) == ("planner", 5, 1, None)
    assert root.duration == timedelta(seconds=9)
    chat, sub = root.children
    assert (chat.name, chat.cost, chat.total) == ("gpt-4o", Decimal("0.0035"), Decimal("0.0035"))
    assert [child.name for child in sub.children] == ["gpt-4o", "web_search"]
    assert (sub.name, sub.total, sub.failed) == ("reader", Decimal("0.0085"), 1)
    assert root.total == Decimal("0.012")


def test_a_span_whose_parent_is_unknown_is_a_root_beside_the_others(tmp_path: Path) -> None:
    roots = _tree(tmp_path, [*_agent(), _span("lost", "gone", 0.5)])
    assert [root.span_id for root in roots] == ["root", "lost"]


def test_circles_are_cut(tmp_path: Path) -> None:
    facts = [_span("x", "y", 0), _span("y", "x", 1), _span("self", "self", 2)]
    roots = _tree(tmp_path, facts)
    assert [(root.span_id, root.spans) for root in roots] == [("x", 2), ("self", 1)]


def test_a_trace_may_be_deeper_than_python_recurses(tmp_path: Path) -> None:
    facts = [_span(str(n), str(n - 1) if n else None, n) for n in range(3000)]
    [root] = _tree(tmp_path, facts)
    assert (root.spans, root.total) == (3000, 3000 * Decimal("0.0035"))


def test_no_such_trace(tmp_path: Path) -> None:
    assert _tree(tmp_path, _agent(), "other") == ()


def test_the_dearest_runs_first(tmp_path: Path) -> None:
    facts = [
        *_agent("dear"), _span("more", "root", 5, trace="dear", input_tokens=100_000),
        *_agent("cheap"),
        _span("own", None, 6, trace="dear-without-agent", input_tokens=900_000),
        _span("unpriced", "root", 7, trace="cheap", model="house-model"),
    ]
    with made_ledger(tmp_path, facts) as store:
        ask = Ask(store.con)
        dear, cheap = agent_runs(ask, window(1))
        assert [run.trace_id for run in agent_runs(ask, window(1), 1)] == ["dear"]
        assert agent_runs(ask, Window(at(2), at(3))) == ()
    assert (dear.trace_id, dear.agent, dear.calls, dear.tools, dear.errors) == ("dear", "planner", 3, 1, 1)
    assert (dear.cost, cheap.cost) == (Decimal("0.263"), Decimal("0.012"))
    assert (dear.owner, dear.team, dear.project) == ("dee", "search", "deep-research")
    assert (dear.started, dear.duration) == (START, timedelta(seconds=9))
    assert (dear.unpriced, cheap.unpriced, cheap.calls) == (0, 1, 3)

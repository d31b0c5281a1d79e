"""Agents that ran away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from made_calls import GPT_4O, finds
from made_ledger import at
from outlay.detectors.runaway_agent import RunawayAgent
from outlay.facts import Call

TOOLS = ("read", "search", "edit", "test")


def _trace(
    name: str, chats: int, *, agent: str = "researcher", tool: Callable[[int], str] = lambda n: TOOLS[n % 4],
    input_of: Callable[[int], int] = lambda n: 4000 + n % 20 * 900, failed: Callable[[int], bool] = lambda n: False,
    since: datetime | None = None, tools: bool = True,
) -> Iterator[Call]:
    """A chat and a tool in turn below an agent's span."""
    start, who = since or at(0), {"tags": {"team": "search", "owner": "dee", "project": "deep-research"}}
    yield Call(time=start, trace_id=name, span_id="root", operation="invoke_agent", agent=agent, status="ok", **who)
    for number in range(chats):
        time = start + timedelta(seconds=30 * number)
        same = {"trace_id": name, "parent_span_id": "root", "agent": agent}
        yield Call(time=time, span_id=f"chat-{number}", operation="chat", provider="openai", model="gpt-4o",
                   input_tokens=input_of(number), output_tokens=200, status="ok", **same, **who)
        if tools:
            yield Call(time=time + timedelta(seconds=20), span_id=f"tool-{number}", operation="execute_tool",
                       tool=tool(number), status="timeout" if failed(number) else "ok", **same, **who)


def _growing(number: int) -> int:
    return 4000 + 500 * number


def _usual(agent: str = "researcher", chats: int = 8) -> Iterator[Call]:
    for number in range(12):
        yield from _trace(f"{agent}-usual-{number}", chats, agent=agent, since=at(number))


def _named(tmp_path: Path, *facts: Call) -> list[str]:
    findings = finds(tmp_path, RunawayAgent(), 30, facts)
    return sorted(finding.subject for finding in findings)


def test_the_whole_trace_is_what_it_cost(tmp_path: Path) -> None:
    loop = _trace("loop", 300, tool=lambda n: "web_search", input_of=_growing, since=at(3))
    [finding] = finds(tmp_path, RunawayAgent(), 30, [*_usual(), *loop])
    assert finding.so_far == sum(_growing(n) for n in range(300)) * GPT_4O["input"] + 300 * 200 * GPT_4O["output"]
    assert finding.month == 0
    assert finding.subject == "trace loop, agent researcher"
    assert finding.title == "Agent researcher made 300 model calls in one run of 2 h 30 min."
    assert (finding.owner, finding.team) == ("dee", "search")
    evidence = dict(finding.evidence)
    assert evidence["Usual run of this agent"] == "8 model calls"
    assert evidence["Same tool"] == "web_search, 300 of 300 tool calls"
    assert evidence["Growing context"] == "4,000 input tokens at first, 153,500 at last"
    assert finding.claims[0].pot == "calls:openai/gpt-4o/search/deep-research/"
    assert finding.claims[0].so_far <= finding.claims[0].pot_so_far
    assert (finding.command, finding.change.split()[0]) == ("", "max_turns=24")


def test_retries_with_a_growing_context_are_a_loop_too(tmp_path: Path) -> None:
    retry = _trace("retry", 300, failed=lambda n: n % 3 != 0, input_of=_growing)
    assert _named(tmp_path, *_usual(), *retry) == ["trace retry, agent researcher"]


def test_long_runs_that_work_are_left_alone(tmp_path: Path) -> None:
    facts = [
        *_usual(),
        *_trace("works", 600),
        *_trace("grows-but-works", 300, input_of=_growing),
        *_trace("same-tool-but-cut-back", 300, tool=lambda n: "edit"),
        *_trace("hundred", 150, tool=lambda n: "edit", input_of=_growing),
        *_trace("only-chats", 300, input_of=_growing, tools=False),
    ]
    assert _named(tmp_path, *facts) == []


def test_agents_whose_runs_are_always_that_long_are_left_alone(tmp_path: Path) -> None:
    facts = [call for number in range(4)
             for call in _trace(f"crawl-{number}", 300, agent="crawler", tool=lambda n: "fetch", input_of=_growing)]
    assert _named(tmp_path, *facts) == []
    alone = _trace("crawl-0", 300, agent="crawler", tool=lambda n: "fetch", input_of=_growing)
    assert _named(tmp_path, *alone) == ["trace crawl-0, agent crawler"]

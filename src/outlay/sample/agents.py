"""Agent runs of the sample month: OpenTelemetry GenAI spans, in OTLP JSON lines as a collector writes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from outlay.sample.scenario import DAYS, Person, Scenario
from outlay.sample.traffic import ACCOUNTS, PROVIDERS, Meter, epoch, lognormal, spread_times

if TYPE_CHECKING:
    import numpy as np

_SECOND_US, _DAY_US = 1_000_000, 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One run of an agent: chats in turn, each but the last followed by a tool. Arrays have one element a chat."""

    trace_id: str
    agent: str
    model: str
    team: str
    owner: Person
    task: str
    start: int
    input_tokens: np.ndarray
    output_tokens: np.ndarray
    cache_read: np.ndarray
    tools: tuple[str, ...]
    seconds: int = 14
    status: str = "ok"

    def meter(self, scenario: Scenario, meter: Meter) -> None:
        """Adds them to what the provider will bill."""
        import numpy as np

        chats = self.start + np.arange(len(self.input_tokens)) * self.seconds * _SECOND_US
        meter.add(
            self.model,
            (chats - epoch(scenario)) // _DAY_US,
            fresh=self.input_tokens - self.cache_read,
            cache_read=self.cache_read,
            output=self.output_tokens,
        )


@dataclass(frozen=True, slots=True)
class Agents:
    """All traces in order of time, the one that ran away, and the long one that did its work."""

    traces: tuple[Trace, ...]
    runaway: Trace
    long: Trace


def build_agents(scenario: Scenario) -> Agents:
    traces = [
        *_usual(
            scenario, "research-agent", "claude-sonnet-4-5", "search", 420, 7, ("web_search", "open_page", "notes")
        ),
        *_usual(scenario, "ops-agent", "gpt-4.1", "platform", 240, 5, ("kubectl_get", "query_logs", "read_runbook")),
        *_usual(scenario, "code-agent", "claude-sonnet-4-5", "foundation", 130, 13, _CODE_TOOLS),
    ]
    runaway, long = _runaway(scenario), _long(scenario)
    return Agents(
        tuple(sorted([*traces, runaway, long], key=lambda trace: (trace.start, trace.trace_id))), runaway, long
    )


_CODE_TOOLS = ("read_file", "search_code", "edit_file", "run_tests", "git_diff", "list_files")


def _usual(
    scenario: Scenario, agent: str, model: str, team: str, count: int, chats: int, tools: tuple[str, ...]
) -> Iterator[Trace]:
    """Runs of a few minutes, with a context that grows by what the tools bring and is mostly read from the cache."""
    import numpy as np

    rng = scenario.rng(agent)
    for start in spread_times(scenario, agent, round(scenario.vary(agent, count)), hours=(7, 20), weekend=0.1):
        length = int(np.clip(rng.poisson(chats), 2, 3 * chats))
        context = 3200 + np.cumsum(lognormal(rng, 1900, 0.6, length, 100, 16_000))
        cached = np.concatenate(([0], context[:-1])) // 128 * 128
        yield Trace(
            trace_id=_identity(rng, 32),
            agent=agent,
            model=model,
            team=team,
            owner=_anyone(rng, scenario, team),
            task=agent.split("-")[0],
            start=int(start),
            input_tokens=context,
            output_tokens=lognormal(rng, 310, 0.6, length, 20, 4000),
            cache_read=cached,
            tools=tuple(str(tool) for tool in rng.choice(tools, size=length - 1)),
        )


def _runaway(scenario: Scenario) -> Trace:
    """Planted: a night of the same search, its context growing until the model's limit, nobody watching."""
    import numpy as np

    rng = scenario.rng("runaway")
    length = round(scenario.vary("runaway", 640))
    context = np.linspace(6000, 188_000, length).astype(np.int64) + rng.integers(0, 300, length)
    days = [day for day in scenario.weekdays() if 5 <= day <= DAYS - 3]
    start = (
        epoch(scenario) + days[int(rng.integers(len(days)))] * _DAY_US + int(rng.uniform(0.5, 1.5) * 3600) * _SECOND_US
    )
    return Trace(
        trace_id=_identity(rng, 32),
        agent="research-agent",
        model="claude-opus-4-1",
        team="search",
        owner=scenario.person("search", "runaway"),
        task="research",
        start=start,
        input_tokens=context,
        output_tokens=lognormal(rng, 240, 0.3, length, 60, 900),
        cache_read=np.zeros(length, dtype=np.int64),
        tools=("notes",) * 3 + ("web_search",) * (length - 4),
        seconds=35,
        status="error",
    )


def _long(scenario: Scenario) -> Trace:
    """Decoy: five hours of a migration: other tools each time, a context that is cut back, and it ends well."""
    import numpy as np

    rng = scenario.rng("long agent")
    length = 170
    context = 21_000 + (np.arange(length) % 24) * 1700 + rng.integers(0, 600, length)
    cached = np.where(np.arange(length) % 24 == 0, 0, np.roll(context, 1)) // 128 * 128
    cached[0] = 0
    day = scenario.weekdays()[12]
    return Trace(
        trace_id=_identity(rng, 32),
        agent="code-agent",
        model="claude-sonnet-4-5",
        team="foundation",
        owner=scenario.person("foundation", "long agent"),
        task="migration",
        start=epoch(scenario) + day * _DAY_US + 9 * 3600 * _SECOND_US,
        input_tokens=context,
        output_tokens=lognormal(rng, 620, 0.5, length, 60, 4000),
        cache_read=np.minimum(cached, context),
        tools=tuple(str(tool) for tool in rng.choice(_CODE_TOOLS, size=length - 1)),
        seconds=105,
    )


def otlp_lines(scenario: Scenario, traces: tuple[Trace, ...]) -> Iterator[str]:
    """One export request a trace: a JSON object without line breaks."""
    for trace in traces:
        resource = {"service.name": trace.agent, "deployment.environment.name": "production"}
        yield json.dumps(
            {
                "resourceSpans": [
                    {
                        "resource": {"attributes": _attributes(resource)},
                        "scopeSpans": [
                            {
                                "scope": {"name": "halyard.agents", "version": "2.4.0"},
                                "spans": list(_spans(scenario, trace)),
                            }
                        ],
                    }
                ]
            },
            separators=(",", ":"),
        )


def _spans(scenario: Scenario, trace: Trace) -> Iterator[dict[str, Any]]:
    """invoke_agent, and below it a chat and a tool in turn."""
    rng = scenario.rng(f"spans {trace.trace_id}")
    who = {
        "outlay.team": trace.team,
        "outlay.owner": trace.owner.login,
        "outlay.project": trace.agent,
        "outlay.environment": "production",
        "outlay.task": trace.task,
        "user.id": trace.owner.login,
    }
    root = _identity(rng, 16)
    chats = len(trace.input_tokens)
    end = trace.start + chats * trace.seconds * _SECOND_US
    yield _span(
        trace,
        root,
        None,
        f"invoke_agent {trace.agent}",
        trace.start,
        end,
        trace.status,
        {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": trace.agent, **who},
    )
    provider = PROVIDERS[trace.model]
    for number in range(chats):
        begins = trace.start + number * trace.seconds * _SECOND_US
        tool = trace.tools[number] if number < len(trace.tools) else None
        usage = {
            "gen_ai.usage.input_tokens": int(trace.input_tokens[number]),
            "gen_ai.usage.output_tokens": int(trace.output_tokens[number]),
            "gen_ai.usage.cache_read.input_tokens": int(trace.cache_read[number]),
        }
        yield _span(
            trace,
            _identity(rng, 16),
            root,
            f"chat {trace.model}",
            begins,
            begins + trace.seconds * 600_000,
            "ok",
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": provider,
                "gen_ai.request.model": trace.model,
                "gen_ai.response.model": trace.model,
                "gen_ai.response.id": f"resp-{trace.trace_id[:12]}-{number:04d}",
                "gen_ai.response.finish_reasons": ["tool_calls" if tool else "stop"],
                "gen_ai.request.max_tokens": 8000,
                "gen_ai.agent.name": trace.agent,
                "outlay.account": ACCOUNTS[provider],
                **usage,
                **who,
            },
        )
        if tool:
            yield _span(
                trace,
                _identity(rng, 16),
                root,
                f"execute_tool {tool}",
                begins + trace.seconds * 600_000,
                begins + trace.seconds * 900_000,
                "ok",
                {
                    "gen_ai.operation.name": "execute_tool",
                    "gen_ai.tool.name": tool,
                    "gen_ai.agent.name": trace.agent,
                    **who,
                },
            )


def _span(
    trace: Trace,
    span_id: str,
    parent: str | None,
    name: str,
    start: int,
    end: int,
    status: str,
    attributes: dict[str, Any],
) -> dict[str, Any]:
    span: dict[str, Any] = {
        "traceId": trace.trace_id,
        "spanId": span_id,
        "name": name,
        "kind": 3 if parent else 1,
        "startTimeUnixNano": str(start * 1000),
        "endTimeUnixNano": str(end * 1000),
        "attributes": _attributes(attributes),
        "status": {"code": 2} if status == "error" else {},
    }
    if parent:
        span["parentSpanId"] = parent
    return span


def _attributes(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in values.items()]


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(item) for item in value]}}
    return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}


def _identity(rng: np.random.Generator, digits: int) -> str:
    """Random hexadecimal digits."""
    return rng.bytes(digits // 2).hex()


def _anyone(rng: np.random.Generator, scenario: Scenario, team: str) -> Person:
    members = scenario.members(team)
    return members[int(rng.integers(len(members)))]

"""A trace as people read it: branches with their cost, and what repeats said once, with how often.

An agent that loops makes the same few steps again and again. Steps that follow each other in the same order three times
or more are one line; the first and last rounds stand inside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from outlay.questions.traces import TraceNode

#: Steps of a repeated sequence at most, and how often it must come at least.
_LONGEST = 4
_TIMES = 3
#: Rounds of a loop, and steps of a branch, that are shown at either end.
_ROUNDS = 2
_STEPS = 40
#: Branches deeper than this are summed up.
_DEEPEST = 24


@dataclass(frozen=True, slots=True)
class Line:
    """A span, a loop (`times` > 1) or what is left out (`left_out` spans; then nothing else is said of it). `own`: cost
    of the span alone, None where it has none; `total`: with everything below; `tokens`: in and out; `status`: how it
    failed, "" where it did not; `retried`: the same step before it failed; `grown`: input tokens of a loop's first and
    last call, where they grew."""

    name: str
    operation: str
    own: Decimal | None
    total: Decimal
    tokens: tuple[int | None, int | None]
    duration: timedelta | None
    failed: int
    status: str
    spans: int
    times: int = 1
    retried: bool = False
    left_out: int = 0
    grown: tuple[int, int] | None = None
    children: tuple[Line, ...] = ()


def lines(nodes: Sequence[TraceNode], depth: int = 0) -> tuple[Line, ...]:
    """The lines of spans that stand beside each other, in order of time."""
    made: list[Line] = []
    for start, length, times in _sequences(nodes):
        part = nodes[start : start + length * times]
        if times > 1:
            made.append(_loop(part, length, times, depth))
        else:
            made.append(_line(part[0], depth, retried=start > 0 and _same(nodes[start - 1], part[0]) and
                              nodes[start - 1].status not in (None, "ok")))
    if len(made) <= 2 * _STEPS:
        return tuple(made)
    return (*made[:_STEPS], _left_out(made[_STEPS:-_STEPS]), *made[-_STEPS:])


def _sequences(nodes: Sequence[TraceNode]) -> Iterator[tuple[int, int, int]]:
    """Start, length and times of each sequence; what does not repeat is of length and times 1."""
    at = 0
    while at < len(nodes):
        best = (1, 1)
        for length in range(1, _LONGEST + 1):
            times = 1
            while _repeats(nodes, at, length, times):
                times += 1
            # Of two that cover as much, the shorter says more.
            if times >= _TIMES and length * times > best[0] * best[1]:
                best = (length, times)
        yield at, *best
        at += best[0] * best[1]


def _repeats(nodes: Sequence[TraceNode], at: int, length: int, times: int) -> bool:
    first = at + length * times
    return first + length <= len(nodes) and all(
        _same(nodes[at + place], nodes[first + place]) for place in range(length))


def _same(one: TraceNode, other: TraceNode) -> bool:
    return one.name == other.name and one.operation == other.operation


def _line(node: TraceNode, depth: int, retried: bool = False) -> Line:
    children: tuple[Line, ...] = ()
    if node.children:
        children = lines(node.children, depth + 1) if depth < _DEEPEST else (_summed(node.children),)
    return Line(node.name, node.operation or "", node.cost, node.total, (node.input_tokens, node.output_tokens),
                node.duration, node.failed, "" if node.status in (None, "ok") else str(node.status), node.spans,
                retried=retried, children=children)


def _loop(part: Sequence[TraceNode], length: int, times: int, depth: int) -> Line:
    shown = [_line(node, depth + 1) for node in part]
    if times > 2 * _ROUNDS + 1:
        edge = _ROUNDS * length
        shown = [*shown[:edge], _left_out(shown[edge:-edge]), *shown[-edge:]]
    asked = [node.input_tokens for node in part if node.input_tokens is not None]
    end = max((node.time + (node.duration or timedelta()) for node in part), default=part[0].time)
    # One after the other: a step said twice in a round is said once.
    names = list(dict.fromkeys(node.name for node in part[:length]))
    return Line(", then ".join(names), "loop", None, sum((node.total for node in part), Decimal(0)),
                (sum(asked) if asked else None, _sum(node.output_tokens for node in part)), end - part[0].time,
                sum(node.failed for node in part), "", sum(node.spans for node in part), times=times,
                grown=(asked[0], asked[-1]) if len(asked) > 1 and asked[-1] > asked[0] else None, children=tuple(shown))


def _sum(values: Iterator[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _left_out(hidden: Sequence[Line]) -> Line:
    spans = sum(each.spans for each in hidden)
    return Line("", "", None, sum((each.total for each in hidden), Decimal(0)), (None, None), None,
                sum(each.failed for each in hidden), "", spans, left_out=spans)


def _summed(nodes: Sequence[TraceNode]) -> Line:
    spans = sum(node.spans for node in nodes)
    return Line("", "", None, sum((node.total for node in nodes), Decimal(0)), (None, None), None,
                sum(node.failed for node in nodes), "", spans, left_out=spans)


def flat(nodes: Sequence[TraceNode]) -> Iterator[tuple[int, TraceNode]]:
    """Every span with its depth, in order of time within its branch; a loop, since traces may be deeper than Python
    recurses."""
    waiting = [(0, node) for node in reversed(nodes)]
    while waiting:
        depth, node = waiting.pop()
        yield depth, node
        waiting += [(depth + 1, child) for child in reversed(node.children)]

"""Conversations that resend their whole history."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

from made_calls import MONTH, SONNET, calls, finds
from outlay.detectors.resent_history import ResentHistories
from outlay.facts import Call
from outlay.facts.finding import Confidence

TURNS = 20


def _talks(project: str, input_of: Callable[[int], int], *, turns: int = TURNS, **columns: object) -> Iterator[Call]:
    """Thirty conversations, one after the other; `input_of` a turn's number, from 0."""
    return calls(
        30 * turns, every=timedelta(minutes=1), provider="anthropic", model="claude-sonnet-4-5", task="chat",
        conversation=lambda n: f"{project}-{n // turns}", input_tokens=lambda n: input_of(n % turns),
        tags={"team": "growth", "owner": "cy", "project": project}, **columns)


def _grows(turn: int) -> int:
    return 500 + 600 * turn


def test_tokens_beyond_the_opening_and_the_last_turns(tmp_path: Path) -> None:
    [finding] = finds(tmp_path, ResentHistories(), 1, _talks("coach", _grows), min_so_far=0)
    resent = sum(_grows(turn - 6) - _grows(0) for turn in range(6, TURNS))
    assert finding.so_far == 30 * resent * SONNET["input"]
    assert finding.month == finding.so_far * MONTH / 24
    assert finding.subject == "anthropic claude-sonnet-4-5, task chat, project coach, team growth"
    assert (finding.owner, finding.confidence) == ("cy", Confidence.MEDIUM)
    assert finding.claims[0].pot == "calls:anthropic/claude-sonnet-4-5/growth/coach/chat"


def test_uneven_turns_come_out_near_the_exact_sum(tmp_path: Path) -> None:
    sizes = [200, 1300, 400, 900, 250, 600, 700, 150, 1100, 500, 350, 800, 450, 950, 300, 650, 1000, 550, 750, 850]

    def uneven(turn: int) -> int:
        return 500 + sum(sizes[:turn])

    [finding] = finds(tmp_path, ResentHistories(), 1, _talks("coach", uneven), min_so_far=0)
    exact = 30 * sum(uneven(turn - 6) - uneven(0) for turn in range(6, TURNS)) * SONNET["input"]
    assert abs(finding.so_far / exact - 1) < 0.05


def test_what_is_left_alone(tmp_path: Path) -> None:
    facts = [
        *_talks("coach", _grows),
        *_talks("window", lambda turn: _grows(min(turn, 5))),
        *_talks("summarises", lambda turn: _grows(turn % 7)),
        *_talks("summarises-late", lambda turn: _grows(turn % 7), turns=21),
        *_talks("cut-once", lambda turn: _grows(turn % 10)),
        *_talks("cached", _grows, cache_read_tokens=lambda n: _grows(n % TURNS) - 600 if n % TURNS else 0),
        *_talks("short", _grows, turns=6),
        *_talks("flat", lambda turn: 900 + turn),
    ]
    findings = finds(tmp_path, ResentHistories(), 1, facts, min_so_far=0, min_calls=100)
    assert [finding.title.split(" ")[2] for finding in findings] == ["coach"]


def test_a_few_growing_conversations_are_not_how_it_works(tmp_path: Path) -> None:
    facts = [*_talks("mixed", lambda turn: _grows(min(turn, 5))),
             *calls(TURNS, every=timedelta(minutes=1), provider="anthropic", model="claude-sonnet-4-5", task="chat",
                    conversation="mixed-own", input_tokens=_grows, tags={"team": "growth", "project": "mixed"})]
    assert finds(tmp_path, ResentHistories(), 1, facts, min_so_far=0) == ()

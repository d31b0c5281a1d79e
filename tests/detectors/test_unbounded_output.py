"""Outputs without max_tokens that grow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from made_calls import GPT_4O, MONTH, calls, finds, prompts_of
from made_ledger import at
from outlay.detectors.unbounded_output import UnboundedOutput
from outlay.facts import Call
from outlay.facts.finding import Confidence

#: A hundred calls a day.
PACE = timedelta(minutes=14)


def _length(number: int) -> int:
    """1 to 100 tokens in the first week, twice as much from then on: the first P95 is 95."""
    return (number % 100 + 1) * (1 if number < 700 else 2)


def _days(days: int, **columns: object) -> Iterator[Call]:
    for day in range(days):
        more = {"output_tokens": lambda n, day=day: _length(day * 100 + n)} | columns
        yield from calls(100, since=at(day), every=PACE, **more)


def _capped() -> Iterator[Call]:
    return _days(28, prompt="capped", max_tokens=300)


def test_the_dollars_are_the_tokens_above_the_first_weeks_p95(tmp_path: Path) -> None:
    facts = [*_days(28, prompt="report", task="report"), *_capped()]
    [finding] = finds(tmp_path, UnboundedOutput(), 28, facts, min_so_far=0)
    above = 21 * sum(max(0, 2 * n - 95) for n in range(1, 101))
    assert finding.so_far == above * GPT_4O["output"]
    assert finding.month == finding.so_far * MONTH / (28 * 24)
    evidence = dict(finding.evidence)
    assert evidence["P95 of output tokens, first 7 days"] == "95"
    assert evidence["P95 of output tokens, last 7 days"] == "190"
    assert (evidence["Calls without max_tokens"], evidence["Growth"]) == ("2,800", "+100%")
    assert finding.change.startswith("max_tokens=95 in the requests of ")
    assert (finding.owner, finding.confidence) == ("ana", Confidence.MEDIUM)


def test_a_prompts_own_first_week_counts(tmp_path: Path) -> None:
    """Prompts that began on different days are judged each by its own weeks, in one ledger."""
    later = []
    for day in range(21):
        later += calls(100, since=at(day + 7), every=PACE, prompt="late",
                       output_tokens=lambda n, day=day: _length(day * 100 + n))
    facts = [*_days(28, prompt="early"), *later, *_capped()]
    findings = finds(tmp_path, UnboundedOutput(), 28, facts, min_so_far=0)
    by_prompt = {next(iter(prompts_of((each,)))): each.so_far for each in findings}
    once = sum(max(0, 2 * n - 95) for n in range(1, 101)) * GPT_4O["output"]
    assert by_prompt == {"early": 21 * once, "late": 14 * once}


def test_what_is_left_alone(tmp_path: Path) -> None:
    chance = {"output_tokens": lambda n: 1000 if n > 93 else 50}
    facts = [
        *_days(28, prompt="grows"),
        *_capped(),
        *_days(28, prompt="steady", output_tokens=100),
        *_days(13, prompt="young"),
        *_days(28, prompt="shrinks", output_tokens=40),
        *_days(27, prompt="few-long-ones", output_tokens=50),
        *calls(100, since=at(27), prompt="few-long-ones", **chance),
        *calls(60, every=timedelta(hours=11), prompt="rare", output_tokens=lambda n: 100 + 20 * n),
        *_days(28, prompt="unknown-price", model="house-model"),
    ]
    findings = finds(tmp_path, UnboundedOutput(), 28, facts, min_so_far=0)
    assert prompts_of(findings) == {"grows"}
    assert finds(tmp_path, UnboundedOutput(), 28, facts) == ()  # cents are not worth it


def test_a_ledger_that_never_states_a_limit_lowers_the_confidence(tmp_path: Path) -> None:
    facts = _days(28, prompt="report")
    [finding] = finds(tmp_path, UnboundedOutput(), 28, facts, min_so_far=0)
    assert finding.confidence is Confidence.LOW
    assert "max_tokens" in finding.assumption


def test_the_percentile_lies_between_two_calls_in_proportion(tmp_path: Path) -> None:
    """Of 140 calls the 95% lie at the place 132.05, between 100 (133rd) and 1,100 (134th call): 150, cut to a token."""
    first = calls(140, every=timedelta(hours=1), prompt="p", output_tokens=lambda n: 100 if n < 133 else 1100)
    later = calls(280, since=at(7), every=timedelta(hours=1), prompt="p", output_tokens=1000)
    [finding] = finds(tmp_path, UnboundedOutput(), 28, [*first, *later], min_so_far=0)
    assert dict(finding.evidence)["P95 of output tokens, first 7 days"] == "150"
    assert finding.so_far == 280 * 850 * GPT_4O["output"]

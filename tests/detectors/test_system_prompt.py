"""System prompts over 500 tokens."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from made_calls import GPT_4O, MONTH, SONNET, calls, finds, prompts_of
from made_ledger import at
from outlay.detectors.system_prompt import LongSystemPrompt
from outlay.detectors.uncached_prefix import UncachedPrefix
from outlay.facts import Fact, Usage


def _buckets(days: int, requests: int, system: int, **columns: object) -> list[Fact]:
    values: dict[str, object] = {"provider": "openai", "model": "gpt-4o", "prompt": "support", "task": "answer"}
    return [
        Usage(start=at(day), end=at(day + 1), requests=requests, input_tokens=requests * 1000,  # type: ignore[arg-type]
              output_tokens=requests * 50, system_tokens=requests * system,
              tags={"team": "support", "owner": "bo", "project": "helpdesk"}, **(values | columns))
        for day in range(days)]


def test_half_a_million_calls_a_day_as_buckets(tmp_path: Path) -> None:
    [finding] = finds(tmp_path, LongSystemPrompt(), 30, _buckets(30, 500_000, 800))
    assert finding.so_far == 300 * 500_000 * 30 * GPT_4O["input"] == 11_250
    assert finding.month == finding.so_far * MONTH / 720
    assert (finding.owner, finding.team) == ("bo", "support")
    assert finding.title == "Prompt support sent a system prompt of 800 tokens 15.0M times."
    assert finding.claims[0].pot == "calls:openai/gpt-4o/support/helpdesk/answer"


def test_single_calls_and_buckets_of_one_prompt_are_added(tmp_path: Path) -> None:
    facts = [*_buckets(10, 1000, 700), *calls(
        240, prompt="support", task="answer", system_tokens=600, input_tokens=900,
        tags={"team": "support", "owner": "bo", "project": "helpdesk"})]
    [finding] = finds(tmp_path, LongSystemPrompt(), 10, facts, min_so_far=0)
    assert finding.so_far == (200 * 10_000 + 100 * 240) * GPT_4O["input"]


def test_cached_tokens_cost_what_cached_tokens_cost(tmp_path: Path) -> None:
    """Every second call reads the first 900 tokens from the cache."""
    facts = calls(480, provider="anthropic", model="claude-sonnet-4-5", prompt="coach", input_tokens=2000,
                  system_tokens=1000, cache_read_tokens=lambda n: 900 if n % 2 else 0)
    [finding] = finds(tmp_path, LongSystemPrompt(), 20, facts, min_so_far=0)
    fresh, cached = 240 * 500 + 240 * 100, 240 * 400
    assert finding.so_far == fresh * SONNET["input"] + cached * SONNET["cache_read"]


def test_what_is_left_alone(tmp_path: Path) -> None:
    many = {"every": timedelta(minutes=1), "input_tokens": 15_000}
    facts = [
        *calls(1200, prompt="long", system_tokens=9000, **many),
        *calls(1200, prompt="short", system_tokens=500, **many),
        *calls(1200, prompt="uncounted", **many),
        *calls(1200, prompt="cached", system_tokens=9000, cache_read_tokens=lambda n: 9088 if n else 0, **many),
        *calls(1200, prompt="cheap", system_tokens=520, **many),
        *_buckets(3, 1000, 480),
    ]
    findings = finds(tmp_path, LongSystemPrompt(), 3, facts)
    assert prompts_of(findings) == {"long"}


def test_no_dollar_is_claimed_for_cutting_and_for_caching(tmp_path: Path) -> None:
    """What caching saves is not saved again by cutting: cut tokens count at the cached price where both are found."""
    facts = [*calls(1000, every=timedelta(minutes=1), provider="anthropic", model="claude-sonnet-4-5", prompt="docs",
                    prefix_hash="aa", system_tokens=3000, input_tokens=4000)]
    [cut] = finds(tmp_path, LongSystemPrompt(), 1, facts, min_so_far=0)
    [cache] = finds(tmp_path, UncachedPrefix(), 1, facts, min_so_far=0)
    assert cut.so_far == 2500 * (999 * SONNET["cache_read"] + SONNET["input"])
    assert cut.so_far + cache.so_far < 1000 * 3000 * SONNET["input"]
    assert cut.claims[0].pot == cache.claims[0].pot


def test_an_unknown_price_is_no_finding(tmp_path: Path) -> None:
    facts = calls(900, model="house-model", prompt="long", system_tokens=90_000, input_tokens=95_000)
    assert finds(tmp_path, LongSystemPrompt(), 30, facts) == ()


def test_dollars_are_decimals_to_the_last_digit(tmp_path: Path) -> None:
    [finding] = finds(tmp_path, LongSystemPrompt(), 1, calls(3, prompt="p", system_tokens=501), min_so_far=0)
    assert finding.so_far == Decimal("0.0000075")

"""Frontier models on tasks that only choose."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from made_calls import GPT_4O, GPT_4O_MINI, MONTH, calls, finds, prompts_of
from made_ledger import at, found, made_ledger
from outlay.detectors.frontier_model import FrontierModel
from outlay.facts import Call
from outlay.facts.finding import Confidence
from outlay.facts.window import Window

MANY = 720  # one an hour, 30 days


def _classified(**columns: object) -> Iterator[Call]:
    return calls(MANY, **({"input_tokens": 20_000, "output_tokens": 5, "task": "classification"} | columns))


def test_the_dollars_are_metered_minus_the_small_model(tmp_path: Path) -> None:
    [finding] = finds(tmp_path, FrontierModel(), 30, _classified(prompt="sort"))
    metered, small = (MANY * (20_000 * price["input"] + 5 * price["output"]) for price in (GPT_4O, GPT_4O_MINI))
    assert finding.so_far == metered - small == Decimal("33.87384")
    assert finding.month == (metered - small) * MONTH / 720
    assert (finding.owner, finding.team, finding.confidence) == ("ana", "search", Confidence.MEDIUM)
    assert finding.subject == "prompt sort, openai gpt-4o, task classification, team search"
    assert finding.claims[0].pot == "calls:openai/gpt-4o/search//classification"
    assert finding.claims[0].pot_so_far == metered
    assert "gpt-4o-mini" in finding.assumption and finding.change.startswith("model=gpt-4o-mini in ")


def test_batch_prices_are_carried_over(tmp_path: Path) -> None:
    facts = _classified(prompt="sort", service_tier="batch", since=at(61))  # November: prices of batch are known
    with made_ledger(tmp_path, facts) as store:
        [finding] = found(store, FrontierModel(), Window(at(61), at(91)))
    assert finding.so_far == Decimal("33.87384") / 2


def test_answers_that_have_to_be_written_are_left_alone(tmp_path: Path) -> None:
    facts = [
        *_classified(prompt="found"),
        *_classified(prompt="found-unnamed", task=None),
        *_classified(prompt="found-extraction", task="extraction", output_tokens=lambda n: 90 + n % 20),
        *_classified(prompt="reasons", reasoning_tokens=3),
        *_classified(prompt="writes", output_tokens=400),
        *_classified(prompt="varies", output_tokens=lambda n: 140 if n % 12 == 0 else 2),
        *_classified(prompt="long-sometimes", output_tokens=lambda n: 900 if n % 20 == 0 else 5),
        *_classified(prompt="small-model", model="gpt-4o-mini"),
        *_classified(prompt="judge-answers", task="grading"),
        *_classified(prompt="step", task="research", agent="researcher"),
        *_classified(prompt="cheap", input_tokens=200),
        *calls(100, prompt="rare", task="classification", input_tokens=100_000, output_tokens=5),
        *_classified(prompt="unknown-model", model="house-model"),
        *_classified(prompt="embedding", operation="embeddings"),
    ]
    findings = finds(tmp_path, FrontierModel(), 30, facts)
    assert prompts_of(findings) == {"found", "found-unnamed", "found-extraction"}


def test_what_has_ended_costs_nothing_from_now_on(tmp_path: Path) -> None:
    [finding] = finds(tmp_path, FrontierModel(), 38, _classified(prompt="sort"))
    assert finding.so_far == Decimal("33.87384")
    assert finding.month == 0


def test_a_young_task_counts_for_at_least_a_week(tmp_path: Path) -> None:
    """A burst of the last three days is not ten times as large a month; a ledger of three days is all there is."""
    burst = [*_classified(prompt="sort", since=at(27), every=timedelta(minutes=6))]
    [finding] = finds(tmp_path, FrontierModel(), 30, [*calls(30, every=timedelta(days=1), prompt="other"), *burst])
    assert finding.month == finding.so_far * MONTH / (7 * 24)
    [finding] = finds(tmp_path, FrontierModel(), 30, burst)
    assert finding.month == finding.so_far * MONTH / (3 * 24)

"""Cacheable prefixes that are not cached."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from made_calls import MONTH, SONNET, calls, finds, prompts_of
from made_ledger import at
from outlay.detectors.uncached_prefix import UncachedPrefix
from outlay.facts import Call
from outlay.facts.finding import Confidence


def _docs(count: int = 400, **columns: object) -> Iterator[Call]:
    return calls(count, **({
        "every": timedelta(minutes=2), "provider": "anthropic", "model": "claude-sonnet-4-5", "prompt": "docs",
        "prefix_hash": "aa11", "system_tokens": 2000, "input_tokens": 3000} | columns))


def test_hits_save_and_first_calls_write(tmp_path: Path) -> None:
    """Two stretches of 400 calls, two minutes apart, with hours between them: 798 hits, 2 writes."""
    facts = [*_docs(), *_docs(since=at(1))]
    [finding] = finds(tmp_path, UncachedPrefix(), 2, facts, min_so_far=0)
    saved, premium = SONNET["input"] - SONNET["cache_read"], SONNET["cache_write"] - SONNET["input"]
    assert finding.so_far == 2000 * (798 * saved - 2 * premium)
    assert finding.month == finding.so_far * MONTH / 48
    assert (finding.confidence, finding.owner) == (Confidence.HIGH, "ana")
    assert finding.subject.startswith("prefix aa11, prompt docs, anthropic claude-sonnet-4-5")
    assert finding.change.startswith('"cache_control": {"type": "ephemeral"}')


def test_the_gap_between_calls_decides(tmp_path: Path) -> None:
    """Four minutes are within the cache's lifetime, also across the edges of stretches; five and a half are not."""
    for minutes, hits in ((4.0, 399), (5.5, 0)):
        facts = _docs(every=timedelta(minutes=minutes))
        findings = finds(tmp_path, UncachedPrefix(), 2, facts, min_so_far=-1)
        assert {dict(each.evidence)["Less than 5 minutes after another"] for each in findings} == {f"{hits}"}


def test_equal_lengths_stand_in_for_a_hash(tmp_path: Path) -> None:
    [finding] = finds(tmp_path, UncachedPrefix(), 1, _docs(prefix_hash=None), min_so_far=0)
    assert finding.confidence is Confidence.MEDIUM
    assert finding.assumption and finding.subject.startswith("prefix of 2000 tokens, prompt docs")


def test_the_shortest_of_a_hashs_prefixes_counts_for_all(tmp_path: Path) -> None:
    facts = _docs(system_tokens=lambda n: 2000 if n < 200 else 2400)
    [finding] = finds(tmp_path, UncachedPrefix(), 1, facts, min_so_far=0)
    assert dict(finding.evidence)["Shared prefix"] == "2,000 tokens"


def test_what_is_left_alone(tmp_path: Path) -> None:
    facts = [
        *_docs(),
        *_docs(prompt="mostly", prefix_hash=lambda n: "bb" if n % 10 else f"other-{n}"),
        *_docs(prompt="cached", cache_read_tokens=lambda n: 2000 if n else 0,
               cache_write_tokens=lambda n: 0 if n else 2000),
        *_docs(prompt="short", system_tokens=1000),
        *_docs(prompt="other-each-time", prefix_hash=lambda n: f"own-{n}"),
        *_docs(prompt="seldom", every=timedelta(minutes=6)),
        *_docs(prompt="few", count=50),
        *_docs(prompt="batch", service_tier="batch"),
        *_docs(prompt="uncounted", system_tokens=None),
        *_docs(prompt="unknown-price", model="house-model"),
    ]
    findings = finds(tmp_path, UncachedPrefix(), 2, facts, min_so_far=0)
    assert prompts_of(findings) == {"docs", "mostly"}


def test_openai_has_no_price_for_writing(tmp_path: Path) -> None:
    facts = _docs(provider="openai", model="gpt-4o")
    [finding] = finds(tmp_path, UncachedPrefix(), 1, facts, min_so_far=0)
    assert '"prompt_cache_key": "docs"' in finding.change

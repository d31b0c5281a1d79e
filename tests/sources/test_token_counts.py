from __future__ import annotations

import pytest

from outlay.sources.service_tiers import service_tier, tier_tag
from outlay.sources.token_counts import Input, reported_input, translated_input, translated_output


@pytest.mark.parametrize(("provider", "total"), [
    ("openai", 1000), ("azure.ai.openai", 1000), ("gcp.gemini", 1000), ("gcp.vertex_ai", 1000), ("x_ai", 1000),
    ("deepseek", 1000), ("anthropic", 1500), ("aws.bedrock", 1500),
])
def test_one_rule_a_provider(provider: str, total: int) -> None:
    assert reported_input(provider, 1000, cache_read=400, cache_write=100, cache_write_1h=60) == Input(
        total, 400, 100, 60)


def test_what_is_unknown_stays_unknown() -> None:
    assert reported_input("anthropic", None, cache_read=5) == Input(None, 5)
    assert reported_input("anthropic", 7) == Input(7)


@pytest.mark.parametrize(("sent", "read", "written", "total"), [
    (1000, 400, 100, 1000), (500, 400, 100, 500), (10, 400, 100, 510), (10, None, None, 10), (None, 5, None, None),
])
def test_translated_counts_include_cached_tokens_unless_they_cannot(
    sent: int | None, read: int | None, written: int | None, total: int | None
) -> None:
    assert translated_input(sent, cache_read=read, cache_write=written).total == total


@pytest.mark.parametrize(("output", "reasoning", "total"), [
    (100, 40, 100), (10, 40, 50), (10, None, 10), (None, 4, None),
])
def test_translated_output_includes_reasoning_unless_it_cannot(
    output: int | None, reasoning: int | None, total: int | None
) -> None:
    assert translated_output(output, reasoning) == total


def test_contradicting_counts_are_seen() -> None:
    assert Input(10, cache_read=8, cache_write=3).parts_exceed_total
    assert not Input(10, cache_read=8, cache_write=2).parts_exceed_total
    assert not Input(None, cache_read=8).parts_exceed_total


def test_service_tiers_have_one_name() -> None:
    assert [service_tier(name) for name in ("standard", "Priority", "flex-discount", "odd", None)] == [
        "default", "priority", "flex", "odd", None]
    assert service_tier(None, batch=True) == "batch"
    assert tier_tag("priority_on_demand") == {"service_tier": "priority_on_demand"}
    assert tier_tag("standard") == tier_tag(None) == {}

"""Model tiers: which models are frontier, mid or small, and what is cheaper at the same maker."""

from __future__ import annotations

from datetime import date

import pytest
from genai_prices.data_snapshot import get_snapshot

from outlay.prices import load_book
from outlay.prices.library import find
from outlay.prices.tiers import ModelTier

OURS = {"google": "gcp.gemini", "mistral": "mistral_ai", "x-ai": "x_ai"}
ON = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("provider", "model", "tier", "cheaper"),
    [
        ("openai", "gpt-4o-2024-08-06", "frontier", "gpt-4o-mini"),
        ("openai", "gpt-4o-mini", "small", None),
        ("openai", "gpt-5", "frontier", "gpt-5-mini"),
        ("openai", "gpt-5-mini-2025-08-07", "mid", "gpt-5-nano"),
        ("openai", "o3", "frontier", "o4-mini"),
        ("azure.ai.openai", "gpt-4o", "frontier", "gpt-4o-mini"),
        ("anthropic", "claude-opus-4-1", "frontier", "claude-sonnet-4-5"),
        ("anthropic", "claude-sonnet-4-5-20250929", "mid", "claude-haiku-4-5"),
        ("aws.bedrock", "us.anthropic.claude-opus-4-5-20251101-v1:0", "frontier",
         "anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("gcp.vertex_ai", "claude-opus-4-5", "frontier", "claude-sonnet-4-5"),
        ("gcp.gemini", "models/gemini-2.5-pro", "frontier", "gemini-2.5-flash"),
        ("mistral_ai", "mistral-large-latest", "frontier", "mistral-small-latest"),
        ("x_ai", "grok-4", "frontier", "grok-4-1-fast-non-reasoning"),
        ("deepseek", "deepseek-v4-pro", "frontier", "deepseek-v4-flash"),
        ("groq", "llama-3.3-70b-versatile", "mid", "llama-3.1-8b-instant"),
        ("aws.bedrock", "amazon.nova-premier-v1:0", "frontier", "amazon.nova-pro-v1:0"),
        (None, "gpt-4.1", "frontier", "gpt-4.1-mini"),
    ],
)  # fmt: skip
def test_tier_and_the_step_below(provider: str | None, model: str, tier: str, cheaper: str | None) -> None:
    found = load_book().tier(provider, model)
    assert found is not None
    assert (found.tier, found.cheaper) == (ModelTier(tier), cheaper)
    assert found.source.startswith("https://")


@pytest.mark.parametrize("model", ["text-embedding-3-small", "whisper-1", "gpt-4o-realtime-preview", "nobody"])
def test_models_that_nothing_general_replaces_have_no_tier(model: str) -> None:
    assert load_book().tier("openai", model) is None


def test_what_is_called_cheaper_is_cheaper() -> None:
    book, checked = load_book(), 0
    for provider in get_snapshot().providers:
        ours = OURS.get(provider.id, provider.id)
        if ours not in ("openai", "anthropic", "gcp.gemini", "mistral_ai", "x_ai", "deepseek", "cohere", "meta"):
            continue
        for model in provider.models:
            tier = book.tier(ours, model.id) if find(ours, model.id) is not None else None
            if tier is None or tier.cheaper is None:
                continue
            now = book.reprice(ours, model.id, input_tokens=1000, output_tokens=200, on=ON)
            less = book.reprice(ours, tier.cheaper, input_tokens=1000, output_tokens=200, on=ON)
            assert now is not None and less is not None and less < now, (model.id, tier.cheaper)
            checked += 1
    assert checked > 80

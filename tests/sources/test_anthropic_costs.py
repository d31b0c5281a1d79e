from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from source_reading import read_text, sample

from outlay.facts import Charge
from outlay.sources.anthropic_costs import AnthropicCosts, model_id

COMMON: dict[str, Any] = {
    "charge_period_start": datetime(2026, 1, 1),
    "charge_period_end": datetime(2026, 1, 2),
    "billing_period_start": datetime(2026, 1, 1),
    "billing_period_end": datetime(2026, 1, 2),
    "billing_currency": "USD",
    "invoice_issuer_name": "Anthropic",
    "provider": "anthropic",
    "service_provider_name": "Anthropic",
    "charge_category": "Usage",
    "charge_frequency": "Usage-Based",
    "service_category": "AI and Machine Learning",
    "service_name": "Claude API",
}


def test_cents_become_dollars_exactly() -> None:
    found = sample(AnthropicCosts(), "anthropic_costs.json")
    amount = Decimal("1.237891234567")
    assert found.facts == [
        Charge(**COMMON, billed_cost=amount, effective_cost=amount, sub_account_id="wrkspc_01",
               charge_description="Claude Sonnet 4.5 Usage - Input Tokens, Cache Read", region="global",
               sku_meter="cache_read_input_tokens", model="claude-sonnet-4-5-20250929", token_type="cache_read",
               tags={"workspace": "wrkspc_01", "service_tier": "standard", "cost_type": "tokens"}),
        Charge(**COMMON, billed_cost=Decimal("0.1"), effective_cost=Decimal("0.1"), sku_meter="web_search",
               charge_description="Web Search Usage", tags={"cost_type": "web_search"}),
    ]


def test_console_csv_is_in_dollars() -> None:
    first, second = sample(AnthropicCosts(), "anthropic_costs.csv").facts
    assert first == Charge(
        **COMMON, billed_cost=Decimal("0.05"), effective_cost=Decimal("0.05"), list_cost=Decimal("0.06"),
        sub_account_name="Default", charge_description="Claude Sonnet 4.5, input_cache_write_1h, \u2264 200k",
        region="global", sku_meter="input_cache_write_1h", model="claude-sonnet-4-5", token_type="cache_write",
        tags={"workspace": "Default", "api_key": "search-prod", "cost_type": "token"})
    assert (second.model, second.token_type) == ("claude-3-5-sonnet-20241022", "output")


@pytest.mark.parametrize(("name", "identity"), [
    ("Claude Haiku 4.5", "claude-haiku-4-5"), ("Claude 3.5 Sonnet 2024-10-22", "claude-3-5-sonnet-20241022"),
    ("claude-opus-4-1-20250805", "claude-opus-4-1-20250805"), (None, None),
])
def test_model_names_become_ids(name: str | None, identity: str | None) -> None:
    assert model_id(name) == identity


def test_digits_beyond_the_ledgers_are_rounded_half_even_and_said(tmp_path: Path) -> None:
    text = ('{"data":[{"starting_at":"2026-01-01T00:00:00Z","results":[{"amount":"0.00000000000000005"},'
            '{"amount":"0.00000000000000015"}]}]}')
    found = read_text(AnthropicCosts(), tmp_path, text)
    assert [charge.billed_cost for charge in found.facts] == [Decimal(0), Decimal("2e-18")]
    assert found.notices[0].message.startswith("2 amounts")


def test_bad_rows_are_refused(tmp_path: Path) -> None:
    text = ("usage_date_utc,model,token_type,cost_usd\n2026-01-01,m,output,\n2026-01-01,m,output,1e999\n"
            "2026-01-01,m,output,0.1\n")
    found = read_text(AnthropicCosts(), tmp_path, text)
    assert len(found.facts) == 1
    assert [(r.line, r.field, r.reason) for r in found.rejects] == [
        (2, "cost_usd", "is missing"), (3, "cost_usd", "is not a usable number")]

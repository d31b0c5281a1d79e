from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from source_reading import read_text, sample

from outlay.facts import Charge
from outlay.sources.openai_costs import OpenAICosts, read_line_item

COMMON: dict[str, Any] = {
    "charge_period_start": datetime(2026, 1, 1),
    "charge_period_end": datetime(2026, 1, 2),
    "billing_period_start": datetime(2026, 1, 1),
    "billing_period_end": datetime(2026, 1, 2),
    "billing_currency": "USD",
    "invoice_issuer_name": "OpenAI",
    "provider": "openai",
    "service_provider_name": "OpenAI",
    "charge_category": "Usage",
    "charge_frequency": "Usage-Based",
    "service_category": "AI and Machine Learning",
    "service_name": "OpenAI API",
}


def test_api_amounts_are_exact_and_digits_beyond_the_ledgers_are_counted() -> None:
    found = sample(OpenAICosts(), "openai_costs.json")
    exact = Decimal("0.123456789012345679")  # 19 digits in the file; a float would have lost the last three
    assert found.facts == [
        Charge(**COMMON, billed_cost=exact, effective_cost=exact, sub_account_id="proj_search",
               charge_description="gpt-4o-2024-08-06, cached input", sku_meter="gpt-4o-2024-08-06, cached input",
               model="gpt-4o-2024-08-06", token_type="cache_read", consumed_quantity=Decimal(100000),
               consumed_unit="tokens", tags={"project": "proj_search"}),
        Charge(**COMMON, billed_cost=Decimal("0.35"), effective_cost=Decimal("0.35"),
               charge_description="web search tool calls", sku_meter="web search tool calls"),
    ]
    assert [n.message for n in found.notices] == [
        "1 amounts have more than 18 decimal places and were rounded to that."]


def test_console_csv() -> None:
    found = sample(OpenAICosts(), "openai_costs.csv")
    amount = Decimal("0.00383598")
    assert found.facts == [
        Charge(**COMMON, billed_cost=amount, effective_cost=amount, billing_account_id="org-demo",
               billing_account_name="Demo", sub_account_id="proj_search", sub_account_name="Search",
               charge_description="gpt-5-nano, input_tokens", sku_meter="gpt-5-nano, input_tokens", model="gpt-5-nano",
               token_type="input", consumed_quantity=Decimal(1000), consumed_unit="tokens",
               tags={"project": "Search", "project_id": "proj_search", "api_key": "key_01"})]
    assert not found.notices  # trailing zeros are no loss


@pytest.mark.parametrize(("line_item", "model", "token_type"), [
    ("gpt-4o-2024-08-06, input", "gpt-4o-2024-08-06", "input"),
    ("gpt-4o, output", "gpt-4o", "output"),
    ("ft:gpt-4o-mini:demo::a1, output", "ft:gpt-4o-mini:demo::a1", "output"),
    ("priority | gpt-5.6, output, long context", "gpt-5.6", "output"),
    ("gpt-audio-mini-2025-12-15 audio, input", "gpt-audio-mini-2025-12-15", "input"),
    ("gpt-5.6, cache writes", "gpt-5.6", "cache_write"),
    ("whisper-1, audio", "whisper-1", None),
    ("web search tool calls", None, None),
    ("assistants api | file search", None, None),
    (None, None, None),
])
def test_line_items(line_item: str | None, model: str | None, token_type: str | None) -> None:
    assert read_line_item(line_item) == (model, token_type)


@pytest.mark.parametrize(("amount", "field", "reason"), [
    ('{"currency":"usd"}', "amount.value", "is missing"),
    ('{"value":"much","currency":"usd"}', "amount.value", "is not a number"),
    ('{"value":1e40,"currency":"usd"}', "amount.value", "is larger than any real amount of money"),
    ('{"value":NaN,"currency":"usd"}', "amount.value", "is not a usable number"),
    ('{"value":1,"currency":"dollars"}', "amount.currency", "is not a currency code"),
    ("0.06", "amount", "is not an object"),
])
def test_bad_amounts_are_refused(tmp_path: Path, amount: str, field: str, reason: str) -> None:
    text = '{"data":[{"start_time":1767225600,"end_time":1767312000,"results":[{"amount":%s,"line_item":"x"}]}]}'
    found = read_text(OpenAICosts(), tmp_path, text % amount)
    assert not found.facts
    assert [(r.field, r.reason) for r in found.rejects] == [(f"data[0].results[0].{field}", reason)]


def test_credits_and_unnamed_currencies_are_kept(tmp_path: Path) -> None:
    text = '{"data":[{"start_time":1767225600,"end_time":1767312000,"results":[{"amount":{"value":"-2.50"}}]}]}'
    [charge] = read_text(OpenAICosts(), tmp_path, text).facts
    assert (charge.billed_cost, charge.billing_currency) == (Decimal("-2.5"), None)

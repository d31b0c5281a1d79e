from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from source_reading import read_text, sample

from outlay.facts import Usage
from outlay.sources.anthropic_usage import AnthropicUsage

DAY, NEXT = datetime(2026, 1, 1), datetime(2026, 1, 2)


def test_cached_tokens_come_on_top_of_input() -> None:
    found = sample(AnthropicUsage(), "anthropic_usage.json")
    common: dict[str, Any] = {"start": DAY, "end": NEXT, "provider": "anthropic", "operation": "chat",
                              "model": "claude-sonnet-4-5-20250929", "api_key": "apikey_01"}
    assert found.facts == [
        Usage(**common, input_tokens=1500 + 1000 + 500 + 20000, output_tokens=700, cache_read_tokens=20000,
              cache_write_tokens=1500, cache_write_1h_tokens=1000, service_tier="default", context_tokens=200_000,
              region="us", tags={"workspace": "wrkspc_01", "context_window": "0-200k"}),
        Usage(**common, input_tokens=300_000, output_tokens=90, cache_read_tokens=0, cache_write_tokens=0,
              cache_write_1h_tokens=0, service_tier="batch", context_tokens=1_000_000,
              tags={"workspace": "wrkspc_01", "context_window": "200k-1M"}),
    ]


def test_console_csv_by_day_and_by_hour() -> None:
    by_day, by_hour = sample(AnthropicUsage(), "anthropic_usage.csv").facts
    assert by_day == Usage(
        start=DAY, end=NEXT, provider="anthropic", model="claude-opus-4-5-20251101", operation="chat",
        input_tokens=23_000, output_tokens=700, cache_read_tokens=20_000, cache_write_tokens=1_500,
        cache_write_1h_tokens=1_000, service_tier="default", context_tokens=200_000, region="global",
        api_key="search-prod", tags={"workspace": "Search, EU", "context_window": "\u2264 200k"})
    assert (by_hour.start, by_hour.end) == (datetime(2026, 1, 1, 13), datetime(2026, 1, 1, 14))
    assert (by_hour.service_tier, by_hour.context_tokens, by_hour.region) == ("batch", 1_000_000, None)
    assert by_hour.tags["speed"] == "fast"


def test_exports_of_before_the_one_hour_cache(tmp_path: Path) -> None:
    text = ("usage_date_utc,model_version,api_key,workspace,usage_type,usage_input_tokens_no_cache,"
            "usage_input_tokens_cache_write,usage_input_tokens_cache_read,usage_output_tokens\n"
            "2025-01-01,claude-3-5-sonnet-20241022,k,,message,10,5,3,2\n")
    [usage] = read_text(AnthropicUsage(), tmp_path, text).facts
    assert (usage.input_tokens, usage.cache_write_tokens, usage.cache_write_1h_tokens) == (18, 5, None)
    assert usage.service_tier is None


@pytest.mark.parametrize(("values", "field", "reason"), [
    ({"uncached_input_tokens": None}, "uncached_input_tokens", "is missing"),
    ({"uncached_input_tokens": -3}, "uncached_input_tokens", "is negative"),
    ({"output_tokens": {}}, "output_tokens", "is not a number"),
    ({"cache_creation": 5}, "cache_creation", "is not an object"),
    ({"cache_creation": {"ephemeral_1h_input_tokens": "x"}}, "cache_creation.ephemeral_1h_input_tokens",
     "is not a number"),
])
def test_bad_results_are_refused(tmp_path: Path, values: dict[str, object], field: str, reason: str) -> None:
    good = {"uncached_input_tokens": 1, "output_tokens": 1}
    bucket = {"starting_at": "2026-01-01T00:00:00Z", "results": [good, good | values]}
    found = read_text(AnthropicUsage(), tmp_path, json.dumps({"data": [bucket]}))
    assert len(found.facts) == 1
    assert [(r.field, r.reason) for r in found.rejects] == [(f"data[0].results[1].{field}", reason)]


def test_a_csv_row_without_a_date_is_refused(tmp_path: Path) -> None:
    text = "usage_date_utc,usage_input_tokens_no_cache,usage_output_tokens\n,1,1\nyesterday,1,1\n2026-01-01,1,1\n"
    found = read_text(AnthropicUsage(), tmp_path, text)
    assert len(found.facts) == 1
    assert [(r.line, r.field, r.reason) for r in found.rejects] == [
        (2, "usage_date_utc", "is missing"), (3, "usage_date_utc", "is not a time")]

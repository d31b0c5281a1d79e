"""What docs/prices.md shows is true."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

from outlay.prices import load_book
from outlay.prices.own import KINDS, MARKETS, SERVICES
from outlay.prices.shown import STALE_AFTER_DAYS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "prices.md"


def test_the_example_file_loads_and_wins(tmp_path: Path) -> None:
    [example] = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    path = tmp_path / "prices.yaml"
    path.write_text(example, encoding="utf-8")
    book, on = load_book(path), date(2026, 6, 1)
    assert book.token_price("azure.ai.openai", "gpt-4o", "input", on) == Decimal("0.000002")
    assert book.token_price("openai", "gpt-4o", "input", on) == Decimal("0.0000025")
    batch = book.reprice("azure.ai.openai", "gpt-4o", input_tokens=10, output_tokens=1, on=on, service_tier="batch")
    assert batch == Decimal("0.000014")
    mine = book.reprice("vllm", "our-llama-8b", input_tokens=1000, output_tokens=0, on=on)
    assert mine == Decimal("0.0002")
    claude = book.token_price("anthropic", "claude-haiku-4-5", "input", on)
    assert claude == Decimal("0.000001") * Decimal("0.875")
    prices = [
        book.gpu_hour("H100", provider="coreweave", market="reserved", on=on),
        book.gpu_hour("NVIDIA A100-SXM4-80GB", provider="our-datacentre", on=on),
        book.instance("p5.48xlarge", provider="aws", market="reserved", on=on),
        book.instance("dgx-07", on=on),
        book.storage("snapshot", "aws", on=on),
    ]
    assert [found.value for found in prices if found is not None] == [
        Decimal(text) for text in ("2.10", "0.85", "31.40", "14.00", "0.0465")
    ]


def test_the_page_names_every_kind_market_and_service() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for word in (*KINDS, *MARKETS, *SERVICES, f"{STALE_AFTER_DAYS} days"):
        assert word in text, word

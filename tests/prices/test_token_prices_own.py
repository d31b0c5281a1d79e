"""The user's own token prices and discounts, and what makes a cost unknown."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from outlay.errors import SettingsError
from outlay.facts import Call, Usage, columns
from outlay.prices import PriceBook, load_book, plan_token_prices
from outlay.prices.tokens import register_model_keys

MAY = datetime(2026, 5, 4, 10)


def book(tmp_path: Path, text: str) -> PriceBook:
    path = tmp_path / "prices.yaml"
    path.write_text(text, encoding="utf-8")
    return load_book(path)


def price(
    rows: list[dict[str, Any]], book: PriceBook | None = None, fact: type = Call
) -> list[tuple[Decimal | None, Decimal | None, str | None]]:
    """(list cost, cost, model key) of each row."""
    time = "time" if fact is Call else "start"
    layout = ", ".join(f'"{c.name}" {c.sql_type}' for c in columns(fact))
    with duckdb.connect() as con:
        con.execute(f"CREATE TEMP TABLE st (n BIGINT, {layout})")
        for number, row in enumerate(rows):
            values = {"n": number, time: MAY, **row}
            marks = ", ".join("?" for _ in values)
            con.execute(f"INSERT INTO st ({', '.join(values)}) VALUES ({marks})", list(values.values()))
        plan = plan_token_prices(con, "st", book or load_book(), time)
        sql = f"SELECT {plan.list_cost}, {plan.cost}, {plan.model_key} FROM st s {plan.join} ORDER BY n"
        found = con.execute(sql).fetchall()
        assert len(found) == len(rows)
        return found


def gpt(**more: Any) -> dict[str, Any]:
    return {"provider": "openai", "model": "gpt-4o", "input_tokens": 1000, "output_tokens": 100, **more}


def test_a_call_at_public_price() -> None:
    # $2.50 and $10 a million: 1000 x 2.5e-6 + 100 x 10e-6
    assert price([gpt()]) == [(Decimal("0.003500000000"), Decimal("0.003500000000"), "gpt-4o")]


@pytest.mark.parametrize(
    "row",
    [
        gpt(model="nobody-knows-this"),
        gpt(model=None),
        gpt(provider="our-own-cluster"),
        gpt(input_tokens=None, output_tokens=None),
        gpt(cache_read_tokens=1001),
        gpt(input_tokens=-1),
        gpt(input_tokens=2**62),
        gpt(input_tokens=2**63 - 1, cache_read_tokens=2**63 - 1, cache_write_tokens=2**63 - 1),
        {"provider": "openai", "model": "whisper-1", "input_tokens": 100},
        # Cached audio has a price of its own, and no count says how much of the cached input was audio.
        gpt(model="gpt-realtime", cache_read_tokens=10, input_audio_tokens=10),
    ],
)  # fmt: skip
def test_unknown_is_null_and_never_zero(row: dict[str, Any]) -> None:
    assert price([row])[0][:2] == (None, None)


def test_unknown_rows_do_not_spoil_their_neighbours() -> None:
    found = price([gpt(), gpt(model="nobody"), gpt(cache_read_tokens=5000), gpt(provider=None)])
    assert [cost for _, cost, _ in found] == [Decimal("0.0035"), None, None, Decimal("0.0035")]
    assert [key for _, _, key in found] == ["gpt-4o", "nobody", "gpt-4o", "gpt-4o"]


@pytest.mark.parametrize(
    ("provider", "model", "key"),
    [
        ("aws.bedrock", "us.anthropic.claude-3-haiku-20240307-v1:0", "regional.anthropic.claude-3-haiku-20240307-v1:0"),
        ("gcp.vertex_ai", "claude-3-haiku@20240307", "claude-3-haiku"),
        ("gcp.gemini", "models/gemini-2.5-flash", "gemini-2.5-flash"),
        ("azure.ai.openai", "gpt-4o-2024-08-06", "gpt-4o"),
        ("mistral_ai", "mistral-small-latest", "mistral-small-latest"),
        ("x_ai", "grok-3", "grok-3"),
        ("openai", "openai/gpt-4o", "gpt-4o"),
        (None, "anthropic/claude-haiku-4-5", "claude-haiku-4-5"),
    ],
)  # fmt: skip
def test_provider_ids_of_the_ledger_reach_the_price_list(provider: str | None, model: str, key: str) -> None:
    listed, _, found = price([{"provider": provider, "model": model, "input_tokens": 10, "output_tokens": 1}])[0]
    assert found == key
    assert listed is not None and listed > 0


def test_own_prices_win_and_the_list_stays_public(tmp_path: Path) -> None:
    own = book(tmp_path, """
tokens:
  - model: gpt-4o
    provider: azure_openai
    per_million: {input: 2.00, output: 8.00}
    from: 2026-05-01
    until: 2026-06-01
  - model: our-llama-*
    per_million: {input: 0.1, output: 0.2}
    per_request: 0.0005
""")
    azure = gpt(provider="azure.ai.openai")
    found = price(
        [azure, {**azure, "time": datetime(2026, 6, 1)}, gpt(), {**azure, "service_tier": "batch"},
         gpt(provider="vllm", model="our-llama-70b"), gpt(provider="vllm", model="our-llama-70b", output_tokens=None)],
        own,
    )  # fmt: skip
    assert [cost for _, cost, _ in found] == [
        Decimal("0.0028"), Decimal("0.0035"), Decimal("0.0035"), found[3][0], Decimal("0.00062"), Decimal("0.0006"),
    ]  # fmt: skip
    assert [listed for listed, _, _ in found[:3]] == [Decimal("0.0035")] * 3
    assert found[4] == (None, Decimal("0.00062"), "our-llama-70b")


def test_own_price_without_output_is_unknown_where_there_is_output(tmp_path: Path) -> None:
    own = book(tmp_path, "tokens: [{model: our-embedder, per_million: {input: 0.02}}]")
    rows = [gpt(model="our-embedder", output_tokens=0), gpt(model="our-embedder", output_tokens=7)]
    assert [cost for _, cost, _ in price(rows, own)] == [Decimal("0.00002"), None]


def test_discount_of_public_prices_is_rounded_once(tmp_path: Path) -> None:
    own = book(tmp_path, """
discounts:
  - {provider: openai, model: gpt-4o-mini, percent: 33.3333, from: 2026-05-01}
  - {provider: anthropic, percent: 12.5}
""")
    rows = [gpt(model="gpt-4o-mini", input_tokens=1, output_tokens=1),
            gpt(model="gpt-4o-mini", time=datetime(2026, 4, 30, 23, 59)),
            gpt(provider="anthropic", model="claude-haiku-4-5"), gpt()]  # fmt: skip
    found = price(rows, own)
    # (0.15 + 0.60) x 1e-6 x 0.666667 = 5.0000025e-7, half-even at the twelfth decimal
    assert found[0][1] == Decimal("0.000000500000")
    assert found[1][1] == found[1][0] == Decimal("0.00021")
    assert found[2][1] == Decimal("0.0015") * Decimal("0.875")
    assert found[3][1] == found[3][0]


def test_half_even_on_a_tie(tmp_path: Path) -> None:
    own = book(tmp_path, "tokens: [{model: tie, per_million: {input: 0.0000005, output: 0}}]")
    rows = [gpt(model="tie", input_tokens=n, output_tokens=0) for n in (1, 2, 3, 5, 7)]
    assert [cost for _, cost, _ in price(rows, own)] == [
        Decimal(n) * Decimal("1E-12") for n in (0, 1, 2, 2, 4)
    ]  # 0.5, 1, 1.5, 2.5, 3.5 picodollars


def test_buckets_take_the_tier_of_their_mean_call() -> None:
    def bucket(**more: Any) -> dict[str, Any]:
        return {"provider": "gcp.gemini", "model": "gemini-2.5-pro", "output_tokens": 0, **more}

    low, high = Decimal("1.25"), Decimal("2.5")  # $ a million up to 200,000 tokens of input, and beyond
    rows = [
        bucket(input_tokens=2_000_000, requests=10),
        bucket(input_tokens=2_000_001, requests=10),
        bucket(input_tokens=2_000_000, requests=10, context_tokens=200_001),
        bucket(input_tokens=2_000_000),
        bucket(input_tokens=10**13, requests=10**9),
    ]
    millions = [2, Decimal("2.000001"), 2, 2, 10**7]
    expected = [m * p for m, p in zip(millions, [low, high, high, low, low], strict=True)]
    found = price(rows, fact=Usage)
    assert [cost for cost, _, _ in found] == expected
    assert all(cost is not None and -cost.as_tuple().exponent == 18 for cost, _, _ in found)


def test_a_fee_per_request_needs_the_number_of_requests() -> None:
    sonar = {"provider": "perplexity", "model": "sonar", "input_tokens": 1_000_000, "output_tokens": 0}
    many = 10**15
    rows = [{**sonar, "requests": 1000}, sonar, {**sonar, "requests": many}, {**sonar, "requests": -1}]
    found = price(rows, fact=Usage)
    assert [cost for cost, _, _ in found] == [Decimal(13), None, 1 + many * Decimal("0.012"), None]
    assert price([sonar])[0][0] == Decimal("1.012")


def test_bills_get_the_same_model_key_as_calls() -> None:
    with duckdb.connect() as con:
        con.execute("CREATE TEMP TABLE bill AS SELECT * FROM (VALUES ('openai', 'gpt-4o-2024-08-06'), ('aws', NULL), "
                    "('openai', 'custom')) t(provider, model)")  # fmt: skip
        join, key = register_model_keys(con, "bill", load_book())
        found = con.execute(f"SELECT {key} FROM bill s {join} ORDER BY 1 NULLS FIRST").fetchall()
    assert found == [(None,), ("custom",), ("gpt-4o",)]


@pytest.mark.parametrize(
    ("text", "where", "hint"),
    [
        ("tokens: [{model: a, per_million: {inputs: 1}}]", "tokens[1].per_million.inputs", "input"),
        ("tokens: [{per_million: {input: 1}}]", "tokens[1].model", "model"),
        ("tokens: [{model: a, per_million: {input: cheap}}]", "tokens[1].per_million.input", "12.50"),
        ("tokens: [{model: a, per_million: {input: -1}}]", "tokens[1].per_million.input", "0 or more"),
        ("tokens: [{model: a, per_million: {input: .nan}}]", "tokens[1].per_million.input", "12.50"),
        ("tokens: [{model: a}]", "tokens[1].per_million", "input"),
        ("discounts: [{percent: 120}]", "discounts[1].percent", "12.5"),
        ("discounts: [{percent: 10, from: tomorrow}]", "discounts[1].from", "2026-01-31"),
        ("discounts: [{percent: 10, from: 2026-02-01, until: 2026-01-01}]", "discounts[1].until", "first day"),
        ("discounts: [{percent: 10, service: tape}]", "discounts[1].service", "storage"),
        ("gpus: [{gpu: H100}]", "gpus[1].per_hour", "per_hour"),
        ("gpus: [{gpu: H100, per_hour: 2, market: rent}]", "gpus[1].market", "spot"),
        ("instances: [{instance: p5, per_hour: 2, gpus: 1.5}]", "instances[1].gpus", "whole"),
        ("token: []", ".token", "tokens"),
        ("tokens: {}", ".tokens", "- "),
        ("- 1", "prices.yaml", "docs/prices.md"),
        ("tokens: [", "prices.yaml:", "docs/prices.md"),
    ],
)  # fmt: skip
def test_a_wrong_price_file_says_where_and_what_to_do(tmp_path: Path, text: str, where: str, hint: str) -> None:
    with pytest.raises(SettingsError) as caught:
        book(tmp_path, text)
    assert where in caught.value.where and "prices.yaml" in caught.value.where
    assert hint in caught.value.hint


def test_a_price_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such price file"):
        load_book(tmp_path / "absent.yaml")
    (tmp_path / "latin.yaml").write_bytes("tokens: # \xe9".encode("latin-1"))
    with pytest.raises(SettingsError, match="UTF-8"):
        load_book(tmp_path / "latin.yaml")


def test_reprice_and_token_price(tmp_path: Path) -> None:
    public, on = load_book(), date(2026, 5, 4)
    assert public.token_price("openai", "gpt-4o", "cache_read", on) == Decimal("0.00000125")
    assert public.token_price("anthropic", "claude-haiku-4-5", "cache_write", on) == Decimal("0.00000125")
    assert public.token_price("anthropic", "claude-haiku-4-5", "cache_write_1h", on) == Decimal("0.000002")
    assert public.token_price("openai", "nobody", "input", on) is None
    spent = public.reprice("openai", "gpt-4o", input_tokens=10**9, output_tokens=10**8, cache_read_tokens=10**8,
                           requests=10**6, on=on)  # fmt: skip
    assert spent == Decimal("0.9") * 2500 + Decimal("0.1") * 1250 + 1000
    own = book(tmp_path, "discounts: [{model: gpt-4o, percent: 50}]")
    assert own.reprice("openai", "gpt-4o", input_tokens=1000, output_tokens=0, on=on) == Decimal("0.00125")
    assert own.reprice("openai", "nobody", input_tokens=1000, output_tokens=0, on=on) is None

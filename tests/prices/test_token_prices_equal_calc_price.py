"""Prices in bulk are those of genai-prices' own `calc_price`, for every model it knows."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import duckdb
import genai_prices
import pyarrow as pa
import pytest
from genai_prices.data_snapshot import get_snapshot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outlay.facts import Call, Usage, columns
from outlay.prices import load_book, plan_token_prices
from outlay.prices.library import price_context

COUNTS = (
    "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens",
    "input_audio_tokens", "output_audio_tokens", "reasoning_tokens",
)  # fmt: skip
TIERS = (None, None, "default", "batch", "flex", "priority", "fast", "nonsense")



def names_in(match: Any) -> list[str]:
    """The literal names of a match clause; some models are not found under their own id."""
    clauses = getattr(match, "or_", None) or getattr(match, "and_", None)
    if clauses is not None:
        return [name for clause in clauses for name in names_in(clause)]
    return [value for value in vars(match).values() if isinstance(value, str)]


def known_models() -> list[tuple[str, str]]:
    """(provider, a name under which the model is found), for every model that any name finds."""
    found = []
    for provider in get_snapshot().providers:
        for model in provider.models:
            name = next((n for n in (model.id, *names_in(model.match)) if provider.find_model(n) is model), model.id)
            found.append((provider.id, name))
    return found


MODELS = known_models()
#: Priced only by hours of audio, characters, pages or messages, which a call does not count: unknown, where
#: calc_price says 0 however long the audio was.
UNCOUNTED = ("audio_hours", "input_audio_hours", "input_mchars", "input_document_kpages",
             "input_annotated_document_kpages", "input_text_messages_kcount", "output_audio_hours")  # fmt: skip
EDGES = [0, 1, 2, 999, 31_999, 32_000, 32_001, 99_999, 100_000, 100_001, 128_000, 128_001, 199_999, 200_000, 200_001,
         256_000, 256_001, 272_000, 272_001, 512_001, 524_289, 1_000_003]  # fmt: skip


def expected(provider: str, model: str, when: datetime, tier: str | None, counts: dict[str, int]) -> Decimal | None:
    """calc_price's total rounded half-even to 12 decimals; None where it refuses the usage or cannot know the price."""
    # An absent count is 0 for Outlay; calc_price would refuse cached tokens of an input that is absent.
    usage = {("output_reasoning_tokens" if k == "reasoning_tokens" else k): counts.get(k, 0) for k in COUNTS}
    try:
        found = genai_prices.calc_price(
            genai_prices.Usage(**usage), model, provider_id=provider, genai_request_timestamp=when,
            price_context=price_context(tier),
        )  # fmt: skip
    except (ValueError, LookupError):
        return None
    priced = {key for key, value in found.model_price.__dict__.items() if value is not None}
    if priced and priced <= set(UNCOUNTED):
        return None
    return found.total_price.quantize(Decimal("1E-12"), ROUND_HALF_EVEN)


def random_counts(rng: random.Random, *, orderly: bool) -> dict[str, int]:
    """Counts that mostly fit together: parts within their whole."""
    given = rng.choice(EDGES) if rng.random() < 0.5 else rng.randrange(0, 10 ** rng.randrange(1, 8))
    out = rng.randrange(0, 10 ** rng.randrange(1, 6))
    if not orderly:
        return {name: rng.randrange(0, 1000) for name in COUNTS if rng.random() < 0.7} | {"input_tokens": given}
    left = given
    read = rng.randrange(0, left + 1) if rng.random() < 0.5 else 0
    left -= read
    written = rng.randrange(0, left + 1) if rng.random() < 0.5 else 0
    left -= written
    heard = rng.randrange(0, left + 1) if rng.random() < 0.3 else 0
    spoken = rng.randrange(0, out + 1) if rng.random() < 0.3 else 0
    thought = rng.randrange(0, out - spoken + 1) if rng.random() < 0.4 else 0
    return {
        "input_tokens": given, "output_tokens": out, "cache_read_tokens": read, "cache_write_tokens": written,
        "cache_write_1h_tokens": rng.randrange(0, written + 1) if rng.random() < 0.7 else 0,
        "input_audio_tokens": heard, "output_audio_tokens": spoken, "reasoning_tokens": thought,
    }  # fmt: skip


def moments(provider_id: str, model_name: str) -> list[datetime]:
    """The instants at which the model's price changes, and their neighbours."""
    provider = next(p for p in get_snapshot().providers if p.id == provider_id)
    info = provider.find_model(model_name)
    if info is None:
        return [datetime(2026, 5, 1)]
    limits = [c.constraint for c in info.prices] if isinstance(info.prices, list) else []
    limits += [variant.constraint for variant in info.price_variants or []]
    found = [datetime(2023, 1, 1), datetime(2026, 5, 1, 12, 30), datetime(2027, 1, 1)]
    for limit in limits:
        if hasattr(limit, "start_date"):
            found.append(datetime.combine(limit.start_date, datetime.min.time()))
        elif limit is not None:
            found += [datetime.combine(datetime(2026, 5, 3), t.replace(tzinfo=None)) for t in
                      (limit.start_time, limit.end_time)]  # fmt: skip
    step = timedelta(microseconds=1)
    return [near for moment in found for near in (moment - step, moment, moment + step)]


def staged(con: duckdb.DuckDBPyConnection, fact: type, rows: list[dict[str, Any]]) -> None:
    layout = ", ".join(f'"{c.name}" {c.sql_type}' for c in columns(fact))
    con.execute(f"CREATE OR REPLACE TEMP TABLE staged (n BIGINT, {layout})")
    names = ["n", *sorted({name for row in rows for name in row})]
    values = [[number, *(row.get(name) for name in names[1:])] for number, row in enumerate(rows)]
    table = pa.table({name: [value[i] for value in values] for i, name in enumerate(names)})
    con.register("rows_in", table)
    con.execute("INSERT INTO staged BY NAME SELECT * FROM rows_in")
    con.unregister("rows_in")


def priced(con: duckdb.DuckDBPyConnection, time_column: str = "time") -> list[tuple[Decimal | None, Decimal | None]]:
    plan = plan_token_prices(con, "staged", load_book(), time_column)
    return con.execute(f"SELECT {plan.list_cost}, {plan.cost} FROM staged s {plan.join} ORDER BY n").fetchall()


def call(provider: str, model: str, when: datetime, tier: str | None, counts: dict[str, int]) -> dict[str, Any]:
    return {"provider": provider, "model": model, "time": when, "service_tier": tier, **counts}


def check(cases: list[tuple[str, str, datetime, str | None, dict[str, int]]]) -> None:
    with duckdb.connect() as con:
        staged(con, Call, [call(*case) for case in cases])
        found = priced(con)
    for case, (listed, cost) in zip(cases, found, strict=True):
        want = expected(*case)
        if want is not None and want >= 1_000_000:
            want = None
        assert listed == want, case
        assert cost == want, case


@pytest.mark.parametrize("part", range(4))
def test_every_model_with_random_usage(part: int) -> None:
    rng = random.Random(part)
    cases = []
    for provider, model in MODELS[part::4]:
        times = moments(provider, model)
        for _ in range(4):
            counts = random_counts(rng, orderly=rng.random() < 0.9)
            cases.append((provider, model, rng.choice(times), rng.choice(TIERS), counts))
    check(cases)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_random_models_times_tiers_and_counts(data: st.DataObject) -> None:
    counts = st.fixed_dictionaries(
        {}, optional={name: st.one_of(st.sampled_from(EDGES), st.integers(0, 10**9)) for name in COUNTS}
    )
    cases = []
    for provider, model in data.draw(st.lists(st.sampled_from(MODELS), min_size=1, max_size=8)):
        drawn = data.draw(counts)
        filled = drawn or {"input_tokens": 1}
        when = data.draw(st.sampled_from(moments(provider, model)))
        cases.append((provider, model, when, data.draw(st.sampled_from(TIERS)), filled))
    check(cases)


def test_buckets_of_one_request_cost_what_the_call_costs() -> None:
    rng = random.Random(11)
    cases = [
        (provider, model, rng.choice(moments(provider, model)), rng.choice(TIERS), random_counts(rng, orderly=True))
        for provider, model in rng.sample(MODELS, 600)
    ]
    rows = [{**call(*case), "start": case[2], "requests": 1} for case in cases]
    for row in rows:
        del row["time"]
    with duckdb.connect() as con:
        staged(con, Usage, rows)
        found = priced(con, "start")
    assert [listed for listed, _ in found] == [expected(*case) for case in cases]

"""Traces of others, through mappings: model-service demand as priced usage, a request trace as priced calls."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

import outlay
from outlay.api import Ledger


def store_with(tmp_path: Path, repository: Path, *mappings: str) -> Ledger:
    config = tmp_path / "outlay.yaml"
    paths = ", ".join(str(repository / "bench" / "mappings" / name) for name in mappings)
    config.write_text(f"mappings: [{paths}]\n", encoding="utf-8")
    return outlay.open(tmp_path / "store", config=config)


@pytest.mark.parametrize(
    "name", ["servegen_m-small_clients_10min.parquet", "servegen_m-large_d01-09_clients_10min.parquet"])
def test_ten_minute_buckets_of_clients_become_priced_usage(
    name: str, tmp_path: Path, repository: Path, shared_dir: Path
) -> None:
    file = shared_dir / "data" / "capacity" / "llm_demand" / name
    with store_with(tmp_path, repository, "client-buckets.yaml") as ledger:
        done = ledger.import_file(file)
        assert done.rejected == 0 and done.added == done.rows > 40_000
        con = ledger.store.con
        priced, tokens, known = con.execute(
            "SELECT count(cost), count(*) FILTER (input_tokens IS NOT NULL), count(*) FROM usage").fetchall()[0]
        # A client whose token counts the trace does not have has an unknown cost, not none.
        assert priced == tokens < known
        assert ledger.costs(["model"], since="2020-01-01").answer.totals["cost"] > 0


def test_requests_become_priced_calls(tmp_path: Path, repository: Path, shared_dir: Path) -> None:
    file = shared_dir / "data" / "tokens" / "usage" / "azure_llm_2023_code.csv"
    with store_with(tmp_path, repository, "request-trace.yaml") as ledger:
        done = ledger.import_file(file)
        assert (done.rows, done.rejected) == (8819, 0)
        model, provider, tokens_in, tokens_out, cost = ledger.store.con.execute(
            "SELECT any_value(model), any_value(provider), sum(input_tokens), sum(output_tokens), sum(cost) FROM call"
        ).fetchall()[0]
        unit = {kind: ledger.book.token_price(provider, model, kind) for kind in ("input", "output")}
        assert unit["input"] is not None and unit["output"] is not None
        assert cost == tokens_in * unit["input"] + tokens_out * unit["output"]
        assert ledger.costs([], since="2023-11-01", until="2023-12-01").answer.totals["cost"] == Decimal(cost)
        again = ledger.import_file(file)
        assert again.already == 1

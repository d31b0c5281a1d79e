"""FOCUS bills: what every version and dialect becomes, and that no cent is lost."""

from __future__ import annotations

import csv
import gzip
import shutil
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from focus_reading import Reading, read

from outlay.errors import FileError
from outlay.facts import Charge, columns
from outlay.sources.base import Table
from outlay.sources.focus import Focus
from outlay.sources.focus_columns import COSTS
from outlay.sources.inputfile import InputFile


def bill(tmp_path: Path, text: str, name: str = "bill.csv", encoding: str = "utf-8") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


def recognised(path: Path) -> bool:
    return Focus().recognises(InputFile(path, path.name))


def total(reading: Reading, cost: str) -> Decimal:
    return sum((row[cost] for row in reading.rows if row.get(cost) is not None), Decimal(0))


V1_0 = """AvailabilityZone,BilledCost,EffectiveCost,BillingCurrency,ChargePeriodStart,ChargePeriodEnd,ProviderName,Tags
NULL,0.00000080000,0.5,USD,2024-09-18 22:00:00,2024-09-18 23:00:00,AWS,"{""team"": ""search""}"
us-east-1a,-2.5,null,usd,2024-09-18T22:00:00Z,,Amazon Web Services,NULL
"""


def test_version_1_0_with_null_literals_and_times_without_zone(tmp_path: Path) -> None:
    reading = read(bill(tmp_path, V1_0))
    first, second = reading.rows
    assert first == {
        "charge_period_start": datetime(2024, 9, 18, 22), "charge_period_end": datetime(2024, 9, 18, 23),
        "billed_cost": Decimal("8E-7"), "effective_cost": Decimal("0.5"), "billing_currency": "USD",
        "availability_zone": None, "service_provider_name": "AWS", "provider": "aws", "model": None,
        "tags": {"team": "search"},
    }
    assert second["billed_cost"] == Decimal("-2.5")
    assert second["effective_cost"] is None
    assert second["charge_period_end"] is None
    assert second["billing_currency"] == "USD"
    assert second["tags"] == {}
    assert reading.rejects == []


def test_renamed_columns_are_the_same_whatever_their_case_and_mark(tmp_path: Path) -> None:
    text = (
        "\ufeffchargeperiodstart,BILLEDCOST,ServiceProviderName,HostProviderName,PublisherName,SkuPriceid\n"
        "2025-12-01,1,OpenAI,Microsoft,Someone,p-1\n"
    )
    (row,) = read(bill(tmp_path, text)).rows
    assert row["service_provider_name"] == "OpenAI"
    assert row["host_provider_name"] == "Microsoft"
    assert row["publisher_name"] == "Someone"
    assert row["provider"] == "openai"
    assert row["sku_price_id"] == "p-1"
    assert row["charge_period_start"] == datetime(2025, 12, 1)


def test_a_file_in_the_middle_of_the_renaming_uses_whichever_name_has_a_value(tmp_path: Path) -> None:
    text = (
        "ChargePeriodStart,BilledCost,ProviderName,ServiceProviderName\n"
        "2025-12-01,1,AWS,\n2025-12-01,1,AWS,Anthropic\n2025-12-01,1,,\n"
    )
    rows = read(bill(tmp_path, text)).rows
    assert [row["provider"] for row in rows] == ["aws", "anthropic", None]


def test_conditional_and_own_columns_are_kept_as_tags(tmp_path: Path) -> None:
    text = (
        "ChargePeriodStart,BilledCost,AllocatedResourceId,x_CostCenter,X_Empty,Tags\n"
        '2025-12-01,1,pod-7,cc-12,NULL,"{""env"":""prod""}"\n'
        "2025-12-01,1,,,,\n"
    )
    first, second = read(bill(tmp_path, text)).rows
    assert first["tags"] == {"env": "prod", "AllocatedResourceId": "pod-7", "x_CostCenter": "cc-12"}
    assert second["tags"] == {}


def test_short_dates_and_amounts_of_spreadsheets(tmp_path: Path) -> None:
    text = 'ChargePeriodStart,ChargePeriodEnd,BilledCost\n4/1/25,5/1/25,"$10,000.00 "\n'
    (row,) = read(bill(tmp_path, text)).rows
    assert row["charge_period_start"] == datetime(2025, 4, 1)
    assert row["charge_period_end"] == datetime(2025, 5, 1)
    assert row["billed_cost"] == Decimal(10000)


def test_purchases_usage_credits_corrections_and_virtual_currency_keep_their_four_costs(tmp_path: Path) -> None:
    text = (
        "ChargePeriodStart,BilledCost,EffectiveCost,ListCost,ContractedCost,BillingCurrency,ChargeCategory,ChargeClass\n"
        "2025-01-01,8760.00,0.00,8760,8760,USD,Purchase,\n"
        "2025-01-01,0,1.000000000000000001,2,1.5,USD,Usage,\n"
        "2025-01-01,-100.10,-100.10,0,-100.10,USD,Credit,\n"
        "2025-01-01,-0.30,-0.30,-0.30,-0.30,USD,Usage,Correction\n"
        "2025-01-01,245,245,245,245,Tokens,Usage,\n"
        "2025-01-01,7,7,7,7,,Tax,\n"
    )
    reading = read(bill(tmp_path, text))
    assert total(reading, "billed_cost") == Decimal("8911.60")
    assert total(reading, "effective_cost") == Decimal("152.600000000000000001")
    assert total(reading, "list_cost") == Decimal("9013.70")
    assert total(reading, "contracted_cost") == Decimal("8913.10")
    assert [row["billing_currency"] for row in reading.rows] == ["USD", "USD", "USD", "USD", "Tokens", None]
    assert [row["charge_class"] for row in reading.rows][3] == "Correction"


TOKENS = [
    ('{"ModelId":"m-1","TokenDirection":"Input","TokenCacheAction":"Uncached"}', "m-1", "input"),
    ('{"ModelId":"m-1","TokenDirection":"Input","TokenCacheAction":"Read"}', "m-1", "cache_read"),
    ('{"ModelId":"m-1","TokenDirection":"Input","TokenCacheAction":"Write"}', "m-1", "cache_write"),
    ('{"ModelId":"m-1","TokenDirection":"Output"}', "m-1", "output"),
    ('{"x_ModelId":"m-2","x_TokenDirection":"Output"}', "m-2", "output"),
    ('{"InstanceType":"p5.48xlarge"}', None, None),
    ('{"ModelId":', None, None),
    ("", None, None),
]


def test_token_priced_rows_name_model_and_token_type(tmp_path: Path) -> None:
    path = tmp_path / "tokens.csv"
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["ChargePeriodStart", "BilledCost", "SkuPriceDetails"])
        writer.writerows(["2025-01-01", "1", details] for details, _, _ in TOKENS)
    rows = read(path).rows
    assert [(row["model"], row["token_type"]) for row in rows] == [(model, kind) for _, model, kind in TOKENS]
    assert rows[0]["sku_price_details"] == TOKENS[0][0]


def test_a_meter_says_the_token_type_where_only_the_model_is_named(tmp_path: Path) -> None:
    text = (
        "ChargePeriodStart,BilledCost,ConsumedUnit,SkuMeter,SkuPriceDetails\n"
        '2025-01-01,1,Tokens,Output Tokens,"{""ModelId"":""m""}"\n'
        '2025-01-01,1,Tokens,Cache Read Input Tokens,"{""ModelId"":""m""}"\n'
        '2025-01-01,1,Hours,Output Hours,"{""ModelId"":""m""}"\n'
        "2025-01-01,1,Tokens,Output Tokens,\n"
    )
    assert [row["token_type"] for row in read(bill(tmp_path, text)).rows] == ["output", "cache_read", None, None]


def test_the_model_is_looked_for_in_own_columns_and_tags_alone(tmp_path: Path) -> None:
    text = (
        "ChargePeriodStart,BilledCost,x_ModelId,x_model,Tags,ResourceName\n"
        '2025-01-01,1,a,b,"{""model"":""c""}",gpt-4o\n'
        '2025-01-01,1,,b,"{""model"":""c""}",gpt-4o\n'
        '2025-01-01,1,,,"{""model"":""c""}",gpt-4o\n'
        "2025-01-01,1,,,,gpt-4o\n"
    )
    assert [row["model"] for row in read(bill(tmp_path, text)).rows] == ["a", "b", "c", None]


def test_bad_rows_are_refused_by_field_and_the_others_kept(tmp_path: Path) -> None:
    text = (
        "ChargePeriodStart,ChargePeriodEnd,BillingPeriodStart,BillingPeriodEnd,BilledCost,PricingQuantity\n"
        "2025-01-01,2025-01-02,2025-01-01,2025-02-01,1,1\n"
        ",2025-01-02,2025-01-01,2025-02-01,2,1\n"
        "soon,2025-01-02,2025-01-01,2025-02-01,2,1\n"
        "2025-01-01,2024-12-31,2025-01-01,2025-02-01,4,1\n"
        "2025-01-01,2025-01-02,2025-02-01,2025-01-01,8,1\n"
        "2025-01-01,2025-01-02,2025-01-01,2025-02-01,NaN,1\n"
        "2025-01-01,2025-01-02,2025-01-01,2025-02-01,16,inf\n"
        "2025-01-01,2025-01-02,2025-01-01,2025-02-01,32,123456789012345678901\n"
        "2025-01-01,2025-01-02,2025-01-01,2025-02-01,64,twelve\n"
        "2025-01-01,2025-01-01,2025-01-01,2025-02-01,128,-5\n"
    )
    reading = read(bill(tmp_path, text))
    assert [row["billed_cost"] for row in reading.rows] == [Decimal(1), Decimal(128)]
    assert reading.rows[1]["pricing_quantity"] == Decimal(-5)
    assert [field for field, _ in reading.rejects] == [
        "ChargePeriodStart", "ChargePeriodStart", "ChargePeriodEnd", "BillingPeriodEnd", "BilledCost",
        "PricingQuantity", "PricingQuantity", "PricingQuantity",
    ]
    assert reading.rejects[2][1] == "is before ChargePeriodStart"


def test_rounded_rows_and_unreadable_tags_are_counted_and_kept(tmp_path: Path) -> None:
    text = (
        "ChargePeriodStart,BilledCost,ListCost,Tags\n"
        "2025-01-01,1.7763568394002505e-15,1,{\n"
        '2025-01-01,0.1234567890123456785,1,"{""a"":""b""}"\n'
        "2025-01-01,1.50000000000000000000000,1,\n"
    )
    reading = read(bill(tmp_path, text))
    assert reading.tallies == [2, 1]
    assert [row["billed_cost"] for row in reading.rows] == [
        Decimal("0.000000000000001776"), Decimal("0.123456789012345678"), Decimal("1.5"),
    ]
    assert [row["tags"] for row in reading.rows] == [{"x_outlay_bad_tags": "true"}, {"a": "b"}, {}]


def test_absent_columns_are_one_notice_and_foreign_ones_another(tmp_path: Path) -> None:
    reading = read(bill(tmp_path, "ChargePeriodStart,BilledCost,EffectiveCost,ListCost,Id\n2025-01-01,1,1,1,7\n"))
    absent, foreign = reading.notices
    assert "ContractedCost, BillingAccountId" in absent
    assert "BilledCost" not in absent
    assert foreign.endswith("left out: Id")
    assert "billing_currency" not in reading.rows[0]


def test_version_1_4_without_the_names_that_it_removed_lacks_nothing(tmp_path: Path) -> None:
    names = (
        "BilledCost,EffectiveCost,ListCost,ContractedCost,BillingAccountId,BillingAccountName,BillingCurrency,"
        "BillingPeriodStart,BillingPeriodEnd,ChargePeriodStart,ChargePeriodEnd,ChargeCategory,ChargeClass,"
        "ChargeDescription,InvoiceIssuerName,PricingQuantity,PricingUnit,ServiceProviderName,HostProviderName,"
        "ServiceCategory,ServiceName"
    )
    row = "1,1,1,1,a,b,EUR,2026-01-01,2026-02-01,2026-01-01,2026-01-02,Usage,,d,i,1,h,P,H,Compute,S"
    reading = read(bill(tmp_path, f"{names}\n{row}\n"))
    assert reading.notices == []
    assert reading.rows[0]["billing_currency"] == "EUR"


@pytest.mark.parametrize(("header", "missing"), [
    ("BilledCost,EffectiveCost,ListCost,ChargePeriodEnd,ChargeCategory,PricingUnit", "ChargePeriodStart"),
    ("ChargePeriodStart,ChargePeriodEnd,ChargeCategory,PricingUnit,PricingQuantity,ConsumedUnit", "cost columns"),
])
def test_what_is_no_bill_is_recognised_and_refused_with_what_is_missing(
    tmp_path: Path, header: str, missing: str
) -> None:
    assert recognised(bill(tmp_path, header + "\n"))
    with pytest.raises(FileError, match=missing):
        Focus().projections(Table(dict.fromkeys(header.split(","), "VARCHAR"), "csv"))


@pytest.mark.parametrize("text", [
    "", "\n\n", "hello", '{"resourceSpans": []}', "time,model,input_tokens\n2025-01-01,m,1\n", "[1, 2]",
    "Date,ResourceId,ResourceName,Tags,PublisherName,ServiceName,BillingAccountId,BillingCurrency,AvailabilityZone\n",
])
def test_other_files_are_not_taken_for_bills(tmp_path: Path, text: str) -> None:
    assert not recognised(bill(tmp_path, text))


def test_broken_files_are_not_recognised_and_do_not_raise(tmp_path: Path) -> None:
    whole = gzip.compress((V1_0 * 1000).encode())
    (tmp_path / "cut.csv.gz").write_bytes(whole[:20])
    (tmp_path / "cut.parquet").write_bytes(b"PAR1\x00\x01")
    assert not recognised(tmp_path / "cut.csv.gz")
    assert not recognised(tmp_path / "cut.parquet")
    (tmp_path / "bill.csv.gz").write_bytes(whole)
    assert recognised(tmp_path / "bill.csv.gz")
    assert recognised(bill(tmp_path, V1_0, "utf16.csv", "utf-16"))


def native() -> pa.Table:
    start = datetime(2025, 1, 1)
    return pa.table({
        "ChargePeriodStart": pa.array([start, start], pa.timestamp("ns", "UTC")),
        "ChargePeriodEnd": pa.array([start, None], pa.timestamp("ms")),
        "BilledCost": pa.array([0.1, 1e-7], pa.float64()),
        "EffectiveCost": pa.array([Decimal("0.1"), None], pa.decimal128(38, 9)),
        "ListCost": pa.array([Decimal("1.25"), Decimal("-3")], pa.decimal128(38, 18)),
        "PricingQuantity": pa.array([7, None], pa.int64()),
        "BillingAccountId": pa.array([1234, 1234], pa.int64()),
        "Tags": pa.array([[("team", "search"), ("gone", None)], None], pa.map_(pa.string(), pa.string())),
        "SkuPriceDetails": pa.array([{"ModelId": "m", "TokenDirection": "Output"}, None]),
        "x_Discounts": pa.array([[("edp", 0.5)], None], pa.map_(pa.string(), pa.float64())),
    })


def test_parquet_types_mean_the_same_as_text(tmp_path: Path) -> None:
    path = tmp_path / "bill.parquet"
    pq.write_table(native(), path)
    assert recognised(path)
    first, second = read(path).rows
    assert first["charge_period_start"] == first["charge_period_end"] == datetime(2025, 1, 1)
    assert (first["billed_cost"], second["billed_cost"]) == (Decimal("0.1"), Decimal("0.0000001"))
    assert (first["effective_cost"], second["effective_cost"]) == (Decimal("0.1"), None)
    assert (first["list_cost"], second["list_cost"]) == (Decimal("1.25"), Decimal(-3))
    assert first["pricing_quantity"] == Decimal(7)
    assert first["billing_account_id"] == "1234"
    assert (first["model"], first["token_type"]) == ("m", "output")
    assert first["tags"] == {"team": "search", "x_Discounts": '{"edp":0.5}'}
    assert second["tags"] == {}


@pytest.mark.parametrize("tags", [
    pa.array(['{"team": "search"}']),
    pa.array([{"team": "search"}]),
    pa.array([[{"key": "team", "value": "search"}]]),
    pa.array([[{"key": "team", "value": "search", "inherited": True}]]),
])
def test_tags_of_every_shape_that_parquet_has(tmp_path: Path, tags: pa.Array) -> None:
    path = tmp_path / "bill.parquet"
    pq.write_table(pa.table({"ChargePeriodStart": [datetime(2025, 1, 1)], "BilledCost": [1.0], "Tags": tags}), path)
    assert [row["tags"] for row in read(path).rows] == [{"team": "search"}]


def test_every_cell_is_a_field_of_a_charge_and_has_its_type(tmp_path: Path) -> None:
    types = {column.name: column.sql_type for column in columns(Charge)}
    for table in (native(), pa.table({name: pa.array([], pa.string()) for name in _all_names()})):
        path = tmp_path / "typed.parquet"
        pq.write_table(table, path)
        described = duckdb.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall()
        (projection,) = Focus().projections(Table({row[0]: row[1] for row in described}, "parquet"))
        for cell in projection.cells:
            (actual,) = duckdb.execute(f"SELECT typeof({cell.sql}) FROM (FROM '{path}' UNION ALL BY NAME SELECT 1 AS n)"
                                       " LIMIT 1").fetchone() or ("",)
            assert actual.replace(" ", "") == types[cell.target].replace(" ", ""), cell.target
    assert {cell.target for cell in projection.cells} | {"tags"} == set(types)


def _all_names() -> list[str]:
    from outlay.sources import focus_columns as focus

    texts = [name for names in focus.TEXTS.values() for name in names]
    return [*focus.DECIMALS.values(), *focus.TIMES.values(), *focus.CURRENCIES.values(), *texts, "Tags", *focus.MODEL]


def _exact_amount(text: str | None) -> Decimal:
    cleaned = (text or "").replace("$", "").replace(",", "").strip()
    return Decimal(0) if cleaned in ("", "NULL", "null") else Decimal(cleaned)


def _samples(shared_dir: Path) -> list[Path]:
    return sorted((shared_dir / "data" / "focus").rglob("*.csv"))


def test_every_official_example_and_sample_is_read_to_the_cent(shared_dir: Path) -> None:
    read_files = 0
    for path in _samples(shared_dir):
        if path.parent.name == "native-exports":
            assert not recognised(path), path.name
            continue
        assert recognised(path), path.name
        reading = read(path)
        assert reading.rejects == [], path.name
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
        assert len(reading.rows) == len(rows)
        for field, name in COSTS.items():
            assert total(reading, field) == sum((_exact_amount(row.get(name)) for row in rows), Decimal(0)), path.name
        read_files += 1
    assert read_files >= 20


def test_the_anonymised_real_bill_sums_to_what_its_publisher_says(shared_dir: Path, tmp_path: Path) -> None:
    source = shared_dir / "data" / "focus" / "focus-1.0_sample_400.csv"
    packed = tmp_path / "sample.csv.gz"
    with source.open("rb") as plain, gzip.open(packed, "wb") as stream:
        shutil.copyfileobj(plain, stream)
    reading = read(packed)
    assert total(reading, "billed_cost") == Decimal("6.9585609178")
    assert {row["provider"] for row in reading.rows} == {"aws"}
    assert any(row["tags"].get("environment") == "dev" for row in reading.rows)


def test_the_draft_examples_give_models_and_token_types(shared_dir: Path) -> None:
    folder = shared_dir / "data" / "focus" / "spec-draft-ai-examples"
    found = [(row["model"], row["token_type"]) for path in sorted(folder.glob("*.csv")) for row in read(path).rows]
    assert found == [
        ("solora-reasoning-pro", "input"), ("solora-reasoning-pro", "output"),
        ("solora-atlas-5.5", "input"), ("solora-atlas-5.5", "output"),
        ("solora-atlas-5.4-mini", "input"), ("solora-atlas-5.4-mini", "output"),
    ]

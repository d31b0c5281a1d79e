"""Cost lines as FOCUS 1.2: costs untouched, values that the specification allows, prices that multiply."""

from __future__ import annotations

import gzip
import importlib.util
import json
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cost_lines import AWS, DAY, OPENAI, contrary_lines, gpu, line, lines, money, table, tokens
from hypothesis import given, settings
from hypothesis import strategies as st

from outlay.accounting.focus_export import focus_table, unpriced
from outlay.accounting.focus_file import write_focus
from outlay.accounting.focus_schema import EXPORT_INPUT, EXPORT_OUTPUT
from outlay.accounting.focus_services import SERVICE_SUBCATEGORIES, allowed_service
from outlay.accounting.unit_prices import plain, pricing
from outlay.errors import FileError, UsageError
from outlay.sources.base import Table
from outlay.sources.focus import Focus
from outlay.sources.inputfile import InputFile


def exported(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    result = focus_table(table(list(rows)))
    assert result.schema == EXPORT_OUTPUT
    return result.to_pylist()


def test_every_cost_is_what_the_lines_say() -> None:
    rows = lines() + contrary_lines()
    result = exported(*rows)
    effective = (row.get("effective_cost", row.get("billed_cost")) or 0 for row in rows)
    assert sum(row["EffectiveCost"] for row in result) == sum(effective)
    assert sum(row["BilledCost"] for row in result) == sum(row.get("billed_cost") or 0 for row in rows)


def test_lines_without_any_cost_are_left_out_and_counted() -> None:
    rows = table([line(service_name="a"), line(effective_cost=money("1"))])
    assert unpriced(rows) == 1
    assert focus_table(rows).num_rows == 1
    empty = focus_table(table([line(effective_cost=money("1"))]).slice(0, 0))
    assert empty.num_rows == 0
    assert empty.schema == EXPORT_OUTPUT


def test_metered_tokens_are_priced_by_the_million_and_not_billed() -> None:
    (row,) = exported(tokens("cache_read", "1234567", "1.543208750000000000", "1.25"))
    assert row["BilledCost"] == 0
    assert row["EffectiveCost"] == row["ListCost"] == row["ContractedCost"] == Decimal("1.54320875")
    assert (row["ConsumedQuantity"], row["ConsumedUnit"]) == (Decimal(1234567), "Tokens")
    assert (row["PricingQuantity"], row["PricingUnit"]) == (Decimal("1.234567"), "1000000 Tokens")
    assert row["ListUnitPrice"] == row["ContractedUnitPrice"] == Decimal("1.25")
    assert (row["ServiceCategory"], row["ServiceSubcategory"]) == ("AI and Machine Learning", "Generative AI")
    assert row["SkuMeter"] == "Cache Read Input Tokens"
    assert json.loads(row["SkuPriceDetails"]) == {
        "x_ModelId": "gpt-4o", "x_TokenDirection": "Input", "x_TokenCacheAction": "Read"}
    assert row["SkuPriceId"] == row["SkuId"] + "@1.25"
    assert (row["x_Team"], row["x_Model"], row["x_TokenType"], row["x_Basis"]) == (
        "search", "gpt-4o", "cache_read", "metered")
    assert json.loads(row["Tags"]) == {"prompt": "v3"}


def test_parts_of_gpu_time_add_up_to_the_bill() -> None:
    rows = exported(gpu("used", "10.5", "3.1", "job-1"), gpu("idle", "3.25", "1.1", "job-1"),
                    gpu("unallocated", "10.25", "3.3"))
    assert [row["x_Part"] for row in rows] == ["used", "idle", "unallocated"]
    assert [row["x_RunId"] for row in rows] == ["job-1", "job-1", None]
    assert sum(row["BilledCost"] for row in rows) == Decimal("7.5")
    assert sum(row["ConsumedQuantity"] for row in rows) == 24
    assert {row["PricingCategory"] for row in rows} == {"Dynamic"}


def test_an_absent_currency_is_no_currency_and_a_virtual_one_keeps_its_name() -> None:
    rows = exported(line(billed_cost=money("1")), line(billed_cost=money("1"), billing_currency="Credits"),
                    line(billed_cost=money("1"), billing_currency="EUR"))
    assert [(row["BillingCurrency"], row["x_Currency"]) for row in rows] == [
        ("XXX", None), ("XXX", "Credits"), ("EUR", None)]


def test_a_provider_is_its_own_issuer_under_any_of_its_names() -> None:
    rows = exported(line(**AWS, billed_cost=money("1")), line(**OPENAI, billed_cost=money("1")),
                    line(**{**AWS, "invoice_issuer_name": "A Reseller"}, billed_cost=money("1")))
    assert [(row["ProviderName"], row["InvoiceIssuerName"]) for row in rows] == [
        ("Amazon Web Services", "Amazon Web Services"), ("OpenAI", "OpenAI"), ("Amazon Web Services", "A Reseller")]


def test_periods_are_whole_where_a_line_does_not_say_them() -> None:
    december = datetime(2024, 12, 31, 22)
    (row,) = exported(line(billed_cost=money("1")) | {"charge_period_start": december})
    assert row["ChargePeriodStart"] == december.replace(tzinfo=UTC)
    assert row["ChargePeriodEnd"] == row["BillingPeriodEnd"] == datetime(2025, 1, 1, tzinfo=UTC)
    assert row["BillingPeriodStart"] == datetime(2024, 12, 1, tzinfo=UTC)


def test_a_service_has_one_category_and_only_such_as_the_specification_allows() -> None:
    rows = exported(
        line(service_name="S", service_category="Databases", service_subcategory="Caching", billed_cost=money("1")),
        line(service_name="S", service_category="Database", billed_cost=money("1")),
        line(service_name="S", billed_cost=money("1")),
        line(service_name="T", service_category="Compute", service_subcategory="Caching", billed_cost=money("1")),
        line(billed_cost=money("1")),
    )
    assert [(row["ServiceCategory"], row["ServiceSubcategory"]) for row in rows] == [
        *[("Databases", "Caching")] * 3, ("Compute", "Other (Compute)"), ("Other", "Other (Other)")]
    for category, subcategories in SERVICE_SUBCATEGORIES.items():
        assert all(allowed_service(category, name) == (category, name) for name in subcategories)


def test_what_the_specification_forbids_is_not_written() -> None:
    tax, credit, unused, purchase, odd = exported(
        line(charge_category="Tax", billed_cost=money("1"), pricing_quantity=money("1"), pricing_unit="Unit",
             sku_id="s", consumed_quantity=money("1"), consumed_unit="Unit"),
        line(charge_category="Credit", billed_cost=money("-1"), charge_class="Refund"),
        line(billed_cost=money("0"), effective_cost=money("1"), commitment_discount_id="c", consumed_unit="Hours",
             commitment_discount_status="Unused", consumed_quantity=money("1")),
        line(charge_category="Purchase", charge_frequency="Usage-Based", billed_cost=money("12"),
             effective_cost=money("0")),
        line(charge_category="Fee", charge_frequency="Daily", pricing_category="Spot", billed_cost=money("1"),
             region_name="no region", resource_type="no resource", capacity_reservation_status="Used"),
    )
    for name in ("PricingQuantity", "PricingUnit", "ListUnitPrice", "SkuId", "SkuPriceId", "SkuMeter",
                 "PricingCategory", "ConsumedQuantity"):
        assert tax[name] is None
    assert credit["PricingQuantity"] is None
    assert credit["ChargeClass"] is None
    assert (unused["ConsumedQuantity"], unused["ConsumedUnit"]) == (None, None)
    assert purchase["ChargeFrequency"] == "One-Time"
    assert (purchase["ContractedCost"], purchase["ListCost"], purchase["EffectiveCost"]) == (12, 12, 0)
    assert (odd["ChargeCategory"], odd["ChargeFrequency"], odd["PricingCategory"]) == (
        "Usage", "Usage-Based", "Standard")
    assert odd["RegionName"] is odd["ResourceType"] is odd["CapacityReservationStatus"] is None


def test_foreign_columns_and_lines_without_a_start_are_mistakes_of_the_caller() -> None:
    with pytest.raises(ValueError, match="colour"):
        focus_table(pa.table({"charge_period_start": [DAY], "colour": ["red"]}))
    with pytest.raises(ValueError, match="charge_period_start is null"):
        focus_table(pa.table({"charge_period_start": pa.nulls(1, pa.timestamp("us")),
                              "billed_cost": pa.array([Decimal(1)], EXPORT_INPUT.field("billed_cost").type)}))


amount = st.decimals(-10**9, 10**9, places=12, allow_nan=False, allow_infinity=False)


@settings(max_examples=150)
@given(cost=amount, ratio=st.sampled_from(["1", "1.25", "3"]), quantity=st.none() | amount, stated=st.none() | amount)
def test_prices_are_never_negative_and_multiply_to_the_costs(
    cost: Decimal, ratio: str, quantity: Decimal | None, stated: Decimal | None
) -> None:
    listed = cost * Decimal(ratio)
    found = pricing(list_cost=listed, contracted_cost=cost, quantity=quantity, unit="Hours", list_price=stated,
                    contracted_price=stated)
    for price, total in ((found.list_price, listed), (found.contracted_price, cost)):
        assert price is not None
        assert price >= 0
        # What the official validator allows, and beyond it what a price of 18 decimals can reach.
        off = abs(price * found.quantity - total)
        assert off <= max(Decimal("1e-9") * max(abs(total), 1), abs(found.quantity) * Decimal("1e-18"))


def test_a_stated_price_stays_where_it_is_the_price_of_the_cost() -> None:
    found = pricing(list_cost=money("7.5"), contracted_cost=money("6"), quantity=money("3"), unit="Hours",
                    list_price=money("2.5"), contracted_price=money("9"))
    assert (found.quantity, found.unit, found.list_price, found.contracted_price) == (3, "Hours", Decimal("2.5"), 2)


@pytest.mark.parametrize(("value", "text"), [("0E-18", "0"), ("1E-18", "0.000000000000000001"), ("2.500", "2.5"),
                                             ("1E+3", "1000"), ("-10", "-10")])
def test_decimals_are_written_plainly(value: str, text: str) -> None:
    assert plain(Decimal(value)) == text


@pytest.mark.parametrize("name", ["export.parquet", "export.csv", "export.csv.gz"])
def test_an_export_reads_back_as_the_same_bill(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    result = focus_table(table(lines()))
    assert write_focus([result.slice(0, 5), result.slice(5)], path) == result.num_rows
    assert [each.name for each in tmp_path.iterdir()] == [name]
    assert Focus().recognises(InputFile(path, name))
    scan = f"'{path}'" if name.endswith(".parquet") else f"read_csv('{path}', all_varchar=true)"
    described = duckdb.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()
    (projection,) = Focus().projections(Table({row[0]: row[1] for row in described}, "csv"))
    assert projection.notices == ()
    cells = ", ".join(f"{cell.sql} AS {cell.target}" for cell in projection.cells)
    back = duckdb.sql(f"SELECT {cells}, {projection.tags} AS tags FROM {scan}").to_arrow_table().to_pylist()
    back.sort(key=lambda row: (row["effective_cost"], row["charge_description"]))
    written = sorted(result.to_pylist(), key=lambda row: (row["EffectiveCost"], row["ChargeDescription"]))
    for read, wrote in zip(back, written, strict=True):
        assert read["effective_cost"] == wrote["EffectiveCost"]
        assert read["list_unit_price"] == wrote["ListUnitPrice"]
        assert read["charge_period_start"] == wrote["ChargePeriodStart"].replace(tzinfo=None)
        assert (read["model"], read["token_type"]) == (wrote["x_Model"], wrote["x_TokenType"])
        assert dict(read["tags"]).get("x_Team") == wrote["x_Team"]


def test_csv_writes_times_and_amounts_as_the_specification_does(tmp_path: Path) -> None:
    write_focus(focus_table(table([line(billed_cost=money("0.000000000000000001"))])), tmp_path / "e.csv.gz")
    with gzip.open(tmp_path / "e.csv.gz", "rt") as stream:
        names, values = (text.strip().replace('"', "").split(",") for text in stream)
    row = dict(zip(names, values, strict=True))
    assert row["ChargePeriodStart"] == "2025-06-03T00:00:00Z"
    assert row["BilledCost"] == "0.000000000000000001"
    assert row["Tags"] == ""


def test_a_file_is_replaced_only_by_a_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "export.parquet"
    path.write_bytes(b"before")
    result = focus_table(table(lines()))

    def broken() -> Any:
        yield result
        raise OSError(28, "No space left on device")

    with pytest.raises(FileError, match="No space left"):
        write_focus(broken(), path)
    assert path.read_bytes() == b"before"
    assert [each.name for each in tmp_path.iterdir()] == ["export.parquet"]
    with pytest.raises(UsageError, match="neither"):
        write_focus(result, tmp_path / "export.xlsx")
    write_focus(result, path)
    assert pq.read_schema(path).metadata[b"focus_version"] == b"1.2"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    path = Path(__file__).parents[2] / "scripts" / "validate_focus.py"
    spec = importlib.util.spec_from_file_location("validate_focus", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["validate_focus"] = module
    spec.loader.exec_module(module)
    return module


REPORT = """
=== Validation Results ===
Total: 6 | Pass: 1 | Fail: 5 | Skipped: 1
\N{CROSS MARK} BilledCost-C-000-M: FAIL  (violations=1, msg=...)
\N{CROSS MARK} BilledCost-C-003-M: FAIL  (violations=1, msg=...)
\N{CROSS MARK} ChargeCategory-C-003-M: FAIL  (violations=1)
\N{CROSS MARK} InvoiceId-C-004-C: FAIL  (violations=8)
\N{CROSS MARK} RegionName-C-004-C: FAIL  (violations=2)
[PASS] ListCost-C-003-M: PASS
[SKIP] ListCost-C-005-M: SKIPPED

--- Failures ---
- BilledCost-C-003-M: violations=1; BilledCost MUST NOT be NULL. [Upstream dependency failed: BilledCost-C-004-M]
  MustSatisfy: BilledCost MUST NOT be null.
  Sample violations:
    BilledCost='nan'
- BilledCost-C-000-M: violations=1; BilledCost-C-000-M: AND failed - failed child rules: [BilledCost-C-003-M]
- ChargeCategory-C-003-M: violations=1; ChargeCategory-C-003-M: OR failed - all child rules failed: [check_value#1]
- InvoiceId-C-004-C: violations=8; InvoiceId MUST be NULL.
"""


def test_the_validators_report_is_read_for_causes_not_for_what_follows_from_them(script: ModuleType) -> None:
    verdict = script.read_report(REPORT)
    assert verdict.passed == 1
    assert [each.rule for each in verdict.broken] == [
        "BilledCost-C-003-M", "ChargeCategory-C-003-M", "InvoiceId-C-004-C", "RegionName-C-004-C"]
    assert verdict.broken[0].examples == ("BilledCost='nan'",)
    noise = script.known_noise()
    assert [script.excuse(each, noise) is not None for each in verdict.broken] == [False, False, True, False]
    assert all(entry["reason"] and ("rule" in entry) != ("message" in entry) for entry in noise)


@pytest.mark.parametrize("which", ["good", "contrary", "broken"])
def test_the_official_validator_has_nothing_against_an_export(tmp_path: Path, repository: Path, which: str) -> None:
    python = repository / ".venv-focus" / "bin" / "python"
    if not python.exists():
        pytest.skip("needs focus-validator: no .venv-focus, which make validate-focus makes where Python 3.12 is")
    result = focus_table(table(lines() + (contrary_lines() if which != "good" else [])))
    if which == "broken":
        place = result.schema.get_field_index("ListCost")
        emptied = pa.array([None, *result["ListCost"].to_pylist()[1:]], result.schema.field(place).type)
        result = result.set_column(place, result.schema.field(place), emptied)
    write_focus(result, tmp_path / "export.parquet")
    done = subprocess.run([python, repository / "scripts" / "validate_focus.py", tmp_path / "export.parquet"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == (1 if which == "broken" else 0), done.stdout + done.stderr
    assert ("FAILED ListCost-C-003-M" in done.stdout) == (which == "broken")

"""GPU hours, machines, storage and egress; and what `prices show` and `prices check` say."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import pytest

from outlay.errors import UsageError
from outlay.prices import PriceBook, load_book
from outlay.prices.gpus import Gpu, gpu
from outlay.prices.resources import GPU_FILES, flats, offers, shapes

ON = date(2026, 11, 23)


def own(tmp_path: Path, text: str) -> PriceBook:
    path = tmp_path / "prices.yaml"
    path.write_text(text, encoding="utf-8")
    return load_book(path)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("NVIDIA H100 80GB HBM3", Gpu("H100", 80, "SXM")),
        ("nvidia_h100_80gb_hbm3", Gpu("H100", 80, "SXM")),
        ("NVIDIA H100 PCIe", Gpu("H100", 80, "PCIE")),
        ("NVIDIA H100 NVL", Gpu("H100", 94, "NVL")),
        ("H100", Gpu("H100")),
        ("NVIDIA-A100-SXM4-80GB", Gpu("A100", 80, "SXM")),
        ("NVIDIA A100-PCIE-40GB", Gpu("A100", 40, "PCIE")),
        ("NVIDIA A100 80GB PCIe", Gpu("A100", 80, "PCIE")),
        ("gpu:a100_80gb", Gpu("A100", 80)),
        ("Tesla V100-SXM2-16GB", Gpu("V100", 16, "SXM")),
        ("Tesla T4", Gpu("T4")),
        ("NVIDIA L4", Gpu("L4")),
        ("NVIDIA L40S", Gpu("L40S")),
        ("NVIDIA A10G", Gpu("A10G")),
        ("NVIDIA A10", Gpu("A10")),
        ("NVIDIA H200", Gpu("H200")),
        ("NVIDIA B200", Gpu("B200")),
        ("NVIDIA GH200 480GB", Gpu("GH200")),
        ("NVIDIA RTX PRO 6000 Blackwell Server Edition", Gpu("RTX PRO 6000")),
        ("NVIDIA RTX 6000 Ada Generation", Gpu("RTX 6000 ADA")),
        ("NVIDIA RTX A6000", Gpu("A6000")),
        ("NVIDIA GeForce RTX 4090", Gpu("RTX 4090")),
        ("AMD Instinct MI300X", Gpu("MI300X")),
        ("NVIDIA A100-SXM4-80GB MIG 1g.10gb", None),
        ("1g.10gb", None),
        ("a potato", None),
    ],
)  # fmt: skip
def test_an_accelerator_has_one_name(name: str, expected: Gpu | None) -> None:
    assert gpu(name) == expected


def test_a_listed_gpu_hour() -> None:
    found = load_book().gpu_hour("NVIDIA H100 80GB HBM3", provider="aws", region="us-east-1", on=ON)
    assert found is not None
    assert (found.value, found.unit) == (Decimal("6.88"), "GPU-hour")  # $55.04 an hour of p5.48xlarge, 8 GPUs
    assert found.checked == date(2026, 7, 20) and "aws" in found.source


def test_without_a_provider_it_is_a_median_and_says_so() -> None:
    found = load_book().gpu_hour("H200", on=ON)
    assert found is not None and found.basis.startswith("median of") and found.basis.endswith("providers")
    listed = [offer.per_gpu_hour for offer in offers() if offer.gpu.family == "H200" and offer.market == "on_demand"]
    assert min(listed) < found.value < max(listed)


def test_markets_are_apart_and_what_is_not_listed_is_unknown() -> None:
    book = load_book()
    spot = book.gpu_hour("H100", provider="coreweave", market="spot", on=ON)
    full = book.gpu_hour("H100", provider="coreweave", on=ON)
    assert spot is not None and full is not None and spot.value < full.value
    assert book.gpu_hour("H100", provider="crusoe", market="spot", on=ON) is None
    assert book.gpu_hour("H100", provider="nobody", on=ON) is None
    assert book.gpu_hour("a potato", on=ON) is None
    assert book.gpu_hour("NVIDIA A100-SXM4-80GB MIG 1g.10gb", on=ON) is None
    with pytest.raises(UsageError, match="market"):
        book.gpu_hour("H100", market="cheap")


def test_memory_decides_the_price() -> None:
    book = load_book()
    small = book.gpu_hour("NVIDIA A100-SXM4-40GB", provider="gcp", region="us-central1", on=ON)
    large = book.gpu_hour("NVIDIA A100-SXM4-80GB", provider="gcp", region="us-central1", on=ON)
    assert small is not None and large is not None and small.value < large.value


@pytest.mark.parametrize(
    ("name", "provider", "region", "value", "gpu_type", "count"),
    [
        ("p5.48xlarge", "aws", "us-east-1", "55.04", "H100 80GB SXM", 8),
        ("Standard_ND96isr_H100_v5", "azure", "East US", "98.32", "H100 80GB SXM", 8),
        ("ND96isr_H100_v5", None, "eastus", "98.32", "H100 80GB SXM", 8),
        ("BM.GPU.H100.8", "Oracle", "us-ashburn-1", "80", "H100 80GB SXM", 8),
        ("gpu_8x_h100_sxm5", "Lambda Labs", None, "31.92", "H100 80GB SXM", 8),
    ],
)
def test_a_machine_and_what_is_in_it(
    name: str, provider: str | None, region: str | None, value: str, gpu_type: str, count: int
) -> None:
    found = load_book().instance(name, provider=provider, region=region, on=ON)
    assert found is not None
    assert (found.value, found.gpu_type, found.gpu_count) == (Decimal(value), gpu_type, count)


def test_a_machine_in_an_unlisted_region_is_a_median() -> None:
    found = load_book().instance("Standard_ND96isr_H100_v5", provider="azure", region="moonbase1", on=ON)
    assert found is not None and found.basis.startswith("median of") and found.region is None
    assert load_book().instance("m5.large", provider="aws", on=ON) is None


def test_own_prices_and_discounts_win(tmp_path: Path) -> None:
    book = own(tmp_path, """
gpus:
  - {gpu: H100, per_hour: 2.10, provider: coreweave, market: reserved, from: 2026-01-01, until: 2027-01-01}
  - {gpu: H100, per_hour: 1.00, provider: our-datacentre}
instances:
  - {instance: p5.48xlarge, per_hour: 40.00, provider: aws, market: reserved}
  - {instance: dgx-7, per_hour: 16, gpu: A100-SXM4-80GB, gpus: 8}
discounts:
  - {provider: aws, service: storage, percent: 10}
  - {provider: gcp, percent: 25, until: 2026-01-01}
""")
    mine = book.gpu_hour("NVIDIA H100 80GB HBM3", provider="coreweave", market="reserved", on=ON)
    assert mine is not None and (mine.value, mine.basis) == (Decimal("2.10"), "your own price")
    assert book.gpu_hour("H100", provider="coreweave", market="reserved", on=date(2027, 1, 1)) is None
    cellar = book.gpu_hour("h100", provider="our-datacentre", on=ON)
    assert cellar is not None and cellar.value == 1
    reserved = book.instance("p5.48xlarge", provider="aws", market="reserved", on=ON)
    assert reserved is not None and (reserved.value, reserved.gpu_count) == (Decimal("40.00"), 8)
    dgx = book.instance("dgx-7", on=ON)
    assert dgx is not None and (dgx.value, dgx.gpu_type, dgx.gpu_count) == (16, "A100-SXM4-80GB", 8)
    part = book.gpu_hour("A100", on=ON)
    assert part is not None and part.value == 2
    cheaper = book.storage("object", "aws", on=ON)
    assert cheaper is not None and cheaper.value == Decimal("0.0207") and "less your discount" in cheaper.basis
    over = book.egress("internet", "gcp", on=ON)
    assert over is not None and over.value == Decimal("0.12") and over.basis == "listed"


def test_storage_egress_and_vector_stores() -> None:
    book = load_book()
    assert [price.value for price in (book.storage("snapshot", "aws", on=ON), book.storage("vector", "pinecone", on=ON),
                                      book.egress("cross_region", "aws", on=ON)) if price] == [
        Decimal("0.05"), Decimal("0.33"), Decimal("0.02")]  # fmt: skip
    middle = book.storage("object", on=ON)
    assert middle is not None and middle.basis.startswith("median of")
    assert book.storage("snapshot", "pinecone", on=ON) is None
    with pytest.raises(UsageError, match="storage"):
        book.storage("tape")


def test_every_shipped_figure_has_a_public_source_and_a_day() -> None:
    for item in (*offers(), *flats()):
        assert item.source.source.startswith("https://")
        assert date(2026, 1, 1) <= item.source.checked <= ON
    assert all(offer.per_hour > 0 and offer.gpus > 0 for offer in offers())
    assert all(flat.price >= 0 for flat in flats())
    for name in (*GPU_FILES, "storage.yaml"):  # a page in front of the copy that was read was not read itself
        text = (files("outlay.prices") / "data" / name).read_text(encoding="utf-8")
        assert ", as kept in" not in text and ", as transcribed in" not in text
    priced = {offer.instance.lower() for offer in offers() if offer.instance is not None}
    assert set(shapes()) == priced


def test_no_gpu_price_is_absurd() -> None:
    for offer in offers():
        assert Decimal("0.05") < offer.per_gpu_hour < 60, offer
    for name in ("gpus_aws.yaml", "storage.yaml", "tiers.yaml"):
        assert (files("outlay.prices") / "data" / name).is_file()


def test_show_a_model() -> None:
    rows = load_book().show("gpt-4o", provider="openai", on=datetime(2026, 11, 20))
    plain = {row.kind: (row.price, row.unit) for row in rows if not row.conditions}
    assert plain == {
        "input": (Decimal("2.5"), "million tokens"),
        "output": (Decimal("10"), "million tokens"),
        "cache_read": (Decimal("1.25"), "million tokens"),
    }
    assert {row.conditions for row in rows} >= {"", "batch tier"}
    assert all(row.source.startswith("https://") and row.checked for row in rows)


def test_show_says_under_which_conditions() -> None:
    book = load_book()
    tiered = {row.conditions for row in book.show("gemini-2.5-pro", provider="gcp.gemini", on=ON)}
    assert {"input up to 200,000 tokens", "input above 200,000 tokens"} <= tiered
    clocked = {row.conditions for row in book.show("deepseek-chat", provider="deepseek", on=ON)}
    assert "00:30-16:30 UTC" in clocked
    assert [row.price for row in book.show("whisper-1", provider="openai", on=ON)] == [None]
    assert book.show("nobody-knows-this") == []


def test_show_own_prices(tmp_path: Path) -> None:
    book = own(tmp_path, "tokens: [{model: our-model, per_million: {input: 0.5}}, {model: gpt-4o, "
                         "provider: openai, per_million: {input: 2}}]")  # fmt: skip
    mine = [row for row in book.show("our-model", on=ON) if not row.conditions.startswith("you pay, batch")]
    assert [(row.kind, row.price) for row in mine] == [("input", Decimal("0.5")), ("output", None)]
    paid = [row for row in book.show("gpt-4o", provider="openai", on=ON) if row.conditions == "you pay"]
    assert [(row.kind, row.price) for row in paid][:1] == [("input", Decimal(2))]
    assert str(tmp_path) in paid[0].source


def test_show_gpus_machines_and_storage() -> None:
    book = load_book()
    assert {row.provider for row in book.show("H200", on=ON)} >= {"aws", "azure", "oci", "coreweave", "crusoe"}
    machine = book.show("p5.48xlarge", on=ON)
    assert [(row.name, row.price, row.unit) for row in machine if row.kind == "on_demand"] == [
        ("8 x H100 80GB SXM", Decimal("55.04"), "hour")
    ]
    assert {row.kind for row in book.show("snapshot", on=ON)} == {"storage"}


def test_check_lists_what_is_older_than_ninety_days() -> None:
    book = load_book()
    fresh = book.check(date(2026, 5, 1))
    assert (fresh.stale, fresh.exit_code) == ((), 0)
    later = book.check(date(2028, 1, 1))
    assert later.exit_code == 1 and len(later.stale) == later.sources
    some = book.check(ON)
    assert some.exit_code == 1 and 0 < len(some.stale) < some.sources
    assert all(row.age_days is None or row.age_days > 90 for row in some.stale)
    assert list(some.stale) == sorted(some.stale, key=lambda row: row.checked or date.min)

"""GPU time and money in parts: every second and every dollar once, whoever says whose it was."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from made_ledger import at, made_ledger, node_hours, readings
from outlay.facts import Charge, Fact, Run, Sample
from outlay.ledger.store import Store
from outlay.prices.book import PriceBook, load_book

COSTS = ("billed_cost", "effective_cost", "list_cost", "contracted_cost")


def run(run_id: str, started: datetime, ended: datetime | None, gpus: int | None, nodes: str | None,
        **columns: object) -> Run:
    values: dict[str, object] = {
        "run_id": run_id, "scheduler": "slurm/north", "kind": "training", "started": started, "ended": ended,
        "observed": at(3), "gpus": gpus, "nodes": nodes, "state": "running" if ended is None else "completed",
        "partition": "h100",
    } | columns
    return Run(**values)  # type: ignore[arg-type]


def hours(store: Store, by: str = "part", where: str = "true") -> dict[object, float]:
    """GPU-hours by a column of `gpu_day`."""
    rows = store.con.execute(f"SELECT {by}, sum(gpu_s) / 3600 FROM gpu_day WHERE {where} GROUP BY 1").fetchall()
    return {key: round(value, 6) for key, value in rows}


def dollars(store: Store, by: str = "part", cost: str = "effective_cost") -> dict[object, Decimal]:
    return dict(store.con.execute(f"SELECT {by}, sum({cost}) FROM gpu_day GROUP BY 1").fetchall())


def total(store: Store, table: str, cost: str) -> Decimal | None:
    value: Decimal | None = store.con.execute(f"SELECT sum({cost}) FROM {table}").fetchall()[0][0]
    return value


def test_four_parts_of_a_billed_node(tmp_path: Path) -> None:
    facts: list[Fact] = [
        *node_hours("n1", at(0), at(1), "16"),
        run("1", at(0), at(0, 12), 4, "n1"),
        *readings("n1", range(4), at(0), at(0, 6), 75, run_id="1"),
        *readings("n1", range(4, 8), at(0), at(1), 0),
    ]
    with made_ledger(tmp_path, facts) as store:
        # The run held 4 of 8 devices for 12 of 24 hours, was read for 6 of them, and worked three quarters of those.
        assert hours(store) == {"used": 18, "idle": 6, "unknown": 24, "unallocated": 144}
        assert dollars(store) == {"used": 36, "idle": 12, "unknown": 48, "unallocated": 288}
        assert total(store, "cost_day", "effective_cost") == 384


def test_samples_that_name_no_run_belong_to_the_busiest_devices(tmp_path: Path) -> None:
    facts: list[Fact] = [
        *node_hours("n1", at(0), at(1), "8"),
        run("a", at(0), at(0, 10), 2, "n1"),
        run("b", at(0, 4, ), at(0, 10.5), 1, "n1"),
        *readings("n1", (0, 1), at(0), at(0, 10), 80),
        *readings("n1", (2,), at(0, 4), at(0, 10.5), 50),
        *readings("n1", (0, 1), at(0, 10), at(1), 0),
        *readings("n1", (2,), at(0), at(0, 4), 0),
        *readings("n1", (2,), at(0, 10.5), at(1), 0),
        *readings("n1", (3,), at(0), at(1), 0),
    ]
    with made_ledger(tmp_path, facts) as store:
        assert hours(store, "run_id") == {"a": 20, "b": 6.5, None: 69.5}
        assert hours(store) == pytest.approx({"used": 16 + 3.25, "idle": 4 + 3.25, "unallocated": 69.5})
        free = store.con.execute("SELECT device, sum(read_s) / 3600 FROM gpu_hour WHERE NOT allocated GROUP BY 1")
        assert dict(free.fetchall()) == pytest.approx({"n1/0": 14, "n1/1": 14, "n1/2": 17.5, "n1/3": 24})


def test_two_runs_share_a_node_without_labels_in_proportion(tmp_path: Path) -> None:
    facts: list[Fact] = [
        run("a", at(0), at(1), 3, "n1"), run("b", at(0), at(1), 1, "n1"), *readings("n1", range(4), at(0), at(1), 40)]
    with made_ledger(tmp_path, facts) as store:
        rows = store.con.execute("SELECT run_id, sum(read_s) / 3600, sum(busy_s) / 3600 FROM gpu_hour GROUP BY 1")
        assert {run_id: (read, round(busy, 6)) for run_id, read, busy in rows.fetchall()} == {
            "a": (72, 28.8), "b": (24, 9.6)}


def test_a_labelled_run_beside_an_unlabelled_one(tmp_path: Path) -> None:
    facts: list[Fact] = [
        run("a", at(0), at(1), 2, "n1"), run("b", at(0), at(1), 1, "n1"),
        *readings("n1", (0, 1), at(0), at(1), 90, run_id="a"),
        *readings("n1", (2,), at(0), at(1), 20), *readings("n1", (3,), at(0), at(1), 0),
    ]
    with made_ledger(tmp_path, facts) as store:
        assert hours(store, "run_id") == {"a": 48, "b": 24, None: 24}
        assert hours(store, "part", "run_id = 'b'") == pytest.approx({"used": 4.8, "idle": 19.2})


def test_without_a_scheduler_all_is_allocated(tmp_path: Path) -> None:
    facts: list[Fact] = [
        *node_hours("n1", at(0), at(1), "4"), *readings("n1", range(2), at(0), at(0, 12), 50)]
    with made_ledger(tmp_path, facts) as store:
        assert hours(store) == {"used": 12, "idle": 12, "unknown": 24}
        assert dollars(store) == {"used": 24, "idle": 24, "unknown": 48}


def test_an_idle_node_of_a_scheduled_pool_is_unallocated(tmp_path: Path) -> None:
    facts: list[Fact] = [
        run("a", at(0), at(1), 1, "n1"), *readings("n1", (0,), at(0), at(1), 50),
        *readings("n2", (0,), at(0), at(1), 0),
        *readings("other", (0,), at(0), at(1), 0, pool="laptops"),
    ]
    with made_ledger(tmp_path, facts) as store:
        assert hours(store, "part", "node = 'n2'") == {"unallocated": 24}
        assert hours(store, "part", "node = 'other'") == {"idle": 24}


def test_a_node_is_there_only_in_billed_hours(tmp_path: Path) -> None:
    facts: list[Fact] = [
        *node_hours("n1", at(0, 1), at(0, 7), "8"), *node_hours("n1", at(1, 1), at(1, 7), "8"),
        run("a", at(0, 1), at(0, 5), 8, "n1"), run("b", at(1, 1), at(1, 7), 8, "n1")]
    with made_ledger(tmp_path, facts) as store:
        assert hours(store) == {"unknown": 80, "unallocated": 16}
        assert hours(store, "basis") == {"billed": 96}


def test_without_a_bill_only_what_was_held_or_read_counts(tmp_path: Path) -> None:
    facts: list[Fact] = [
        run("a", at(0), at(0, 2), 4, "n1"), run("b", at(2), at(2, 2), 4, "n1"),
        *readings("n1", range(4), at(0), at(0, 3), 100)]
    book = load_book()
    price = book.gpu_hour("NVIDIA H100 80GB HBM3", region=None, market="on_demand")
    assert price is not None
    with made_ledger(tmp_path, facts) as store:
        assert hours(store) == {"used": 8, "unallocated": 4, "unknown": 8}
        assert hours(store, "basis") == {"metered": 20}
        assert total(store, "gpu_day", "effective_cost") == 20 * price.value
        assert total(store, "gpu_day", "billed_cost") is None


def test_the_price_book_is_asked_for_market_and_region(tmp_path: Path) -> None:
    def cost(kind: str, name: str, **columns: object) -> Decimal | None:
        (tmp_path / name).mkdir()
        facts = [run("a", at(0), at(0, 2), 4, "n1", gpu_type=kind, **columns)]
        with made_ledger(tmp_path / name, facts) as store:
            return total(store, "gpu_day", "effective_cost")

    book = load_book()
    spot = book.gpu_hour("H100", region="us-east-1", market="spot")
    demand = book.gpu_hour("H100", region="us-east-1", market="on_demand")
    assert cost("H100", "demand", region="us-east-1") == (None if demand is None else 8 * demand.value)
    assert cost("H100", "spot", region="us-east-1", market="spot") == (None if spot is None else 8 * spot.value)
    assert cost("Unheard-of 9000", "none") is None


def test_unpriced_time_is_counted_and_costs_nothing_known(tmp_path: Path) -> None:
    with made_ledger(tmp_path, [run("a", at(0), at(0, 2), 4, "n1", gpu_type="Unheard-of 9000")]) as store:
        assert hours(store) == {"unknown": 8}
        assert store.con.execute("SELECT sum(unpriced), sum(effective_cost) FROM cost_day").fetchall() == [(1, None)]


@pytest.mark.parametrize("unit, quantity, held", [
    ("Hours", "1", 6), ("Hrs", "1", 6), ("GPU-Hours", "4", 6), ("Seconds", "3600", 6), (None, None, 6)])
def test_billed_hours_in_any_unit(tmp_path: Path, unit: str | None, quantity: str | None, held: float) -> None:
    facts: list[Fact] = [
        *node_hours("n1", at(0), at(0, 6), "8", consumed_unit=unit,
                    consumed_quantity=None if quantity is None else Decimal(quantity)),
        # The licence of the same hours is another article, not more hours.
        *node_hours("n1", at(0), at(0, 6), "1", sku_id="licence"),
        *readings("n1", range(4), at(0), at(0, 6), 100, run_id="a")]
    with made_ledger(tmp_path, facts) as store:
        assert sum(hours(store).values()) == 4 * held
        assert total(store, "gpu_day", "effective_cost") == 54


def test_a_bill_for_a_month_is_spread_over_its_days(tmp_path: Path) -> None:
    month = Charge(
        charge_period_start=at(0), charge_period_end=at(30), billed_cost=Decimal("100.000000000000000001"),
        effective_cost=Decimal("100.000000000000000001"), billing_currency="USD", provider="coreweave",
        resource_id="n1", service_category="Compute", charge_category="Usage")
    facts = [month, run("a", at(29, 12), at(30), 8, "n1", observed=at(30))]
    with made_ledger(tmp_path, facts) as store:
        assert total(store, "gpu_day", "effective_cost") == Decimal("100.000000000000000001")
        assert hours(store) == {"unknown": 96, "unallocated": 30 * 192 - 96}
        days = store.con.execute("SELECT count(DISTINCT day) FROM gpu_day").fetchall()
        assert days == [(30,)]


def test_credits_and_days_without_hours_are_not_lost(tmp_path: Path) -> None:
    def credit(day: int, amount: str) -> Charge:
        return Charge(charge_period_start=at(day), charge_period_end=at(day + 1), billed_cost=Decimal(amount),
                      effective_cost=Decimal(amount), list_cost=None, billing_currency="USD", provider="aws",
                      resource_name="n1", service_category="Compute", charge_category="Credit",
                      consumed_quantity=Decimal(0), consumed_unit="Hours")

    facts: list[Fact] = [*node_hours("n1", at(0), at(1), "8"), run("a", at(0), at(0, 12), 8, "n1"),
                         credit(0, "-12.34"), credit(5, "-0.01")]
    with made_ledger(tmp_path, facts) as store:
        for cost in COSTS:
            assert total(store, "gpu_day", cost) == total(store, "charge", cost), cost
            assert total(store, "cost_day", cost) == total(store, "charge", cost), cost


def test_disks_and_models_of_a_node_are_not_gpu_time(tmp_path: Path) -> None:
    facts: list[Fact] = [
        *node_hours("n1", at(0), at(0, 1), "8"), run("a", at(0), at(0, 1), 8, "n1"),
        *node_hours("n1", at(0), at(0, 1), "0.5", service_category="Storage", sku_id="disk"),
        *node_hours("n1", at(0), at(0, 1), "3", service_category="AI and Machine Learning", model="gpt-4o",
                    provider="openai", sku_id="tokens")]
    with made_ledger(tmp_path, facts) as store:
        assert total(store, "gpu_day", "effective_cost") == 8
        assert total(store, "cost_day", "effective_cost") == Decimal("11.5")


def test_two_currencies_are_split_each_for_itself(tmp_path: Path) -> None:
    facts: list[Fact] = [
        *node_hours("n1", at(0), at(1), "8"),
        *node_hours("n1", at(0), at(1), "1", billing_currency="EUR", sku_id="tax"),
        run("a", at(0), at(0, 12), 8, "n1")]
    with made_ledger(tmp_path, facts) as store:
        assert dollars(store, "currency") == {"USD": 192, "EUR": 24}
        assert sum(hours(store).values()) == 192


def test_time_is_counted_once_however_many_prices_it_has(tmp_path: Path) -> None:
    facts: list[Fact] = [
        *node_hours("n1", at(0), at(0, 8), "8"), *node_hours("n1", at(0, 8), at(1), "4", pricing_category="Committed"),
        *node_hours("n1", at(0), at(1), "1", charge_category="Tax", service_name="Tax"),
        run("a", at(0), at(0, 12), 8, "n1")]
    with made_ledger(tmp_path, facts) as store:
        assert hours(store) == {"unknown": 96, "unallocated": 96}
        assert hours(store, "market") == pytest.approx({"on_demand": 64, "reserved": 128})
        assert total(store, "gpu_day", "effective_cost") == 64 + 64 + 24


def test_the_bill_says_the_market(tmp_path: Path) -> None:
    facts: list[Fact] = [
        *node_hours("spot", at(0), at(0, 1), "2", pricing_category="Dynamic"),
        *node_hours("held", at(0), at(0, 1), "2", pricing_category="Committed"),
        *node_hours("said", at(0), at(0, 1), "2", pricing_category=None),
        *(run(name, at(0), at(0, 1), 8, name, market="spot" if name == "said" else None)
          for name in ("spot", "held", "said"))]
    with made_ledger(tmp_path, facts) as store:
        rows = store.con.execute("SELECT DISTINCT node, market FROM gpu_day ORDER BY 1").fetchall()
        assert rows == [("held", "reserved"), ("said", "spot"), ("spot", "spot")]


def test_a_running_run_lasts_until_its_scheduler_was_read(tmp_path: Path) -> None:
    facts: list[Fact] = [
        run("stale", at(0), None, 2, "n1", observed=at(1), scheduler="slurm/old"),
        run("fresh", at(0), None, 2, "n2", observed=at(2)),
        run("silent", at(0), None, 2, "n3", observed=None, scheduler="ray"),
        run("labelled", at(0), None, 2, "n4", observed=at(1), scheduler="slurm/old"),
        *readings("n4", range(2), at(0), at(1, 12), 50, run_id="labelled"),
        *readings("n5", (0,), at(0), at(3), 50),
        # A bill that ends in the future says nothing about how long a run lasted.
        Charge(charge_period_start=at(0), charge_period_end=at(30), billed_cost=Decimal(1), charge_category="Usage"),
    ]
    with made_ledger(tmp_path, facts) as store:
        held = hours(store, "run_id", "run_id IS NOT NULL")
        assert held == {"stale": 48, "fresh": 96, "silent": 144, "labelled": pytest.approx(72, abs=1)}


def test_samples_place_and_count_what_the_scheduler_does_not(tmp_path: Path) -> None:
    facts: list[Fact] = [
        run("nowhere", at(0), at(1), 2, None, account="search"),
        run("uncounted", at(0), at(1), None, "n2", account="vision"),
        run("renamed", at(0), at(1), 2, "n3", account="vision"),
        run("uneven", at(0), at(1), 6, "n4,n5", account="evals"),
        *readings("n1", range(2), at(0), at(1), 50, run_id="nowhere"),
        *readings("n2", range(3), at(0), at(1), 50, run_id="uncounted"),
        *readings("n3.example", range(2), at(0), at(1), 50, run_id="renamed"),
        *readings("n4", range(4), at(0), at(1), 50, run_id="uneven"),
        *readings("n5", range(2), at(0), at(1), 50, run_id="uneven"),
    ]
    with made_ledger(tmp_path, facts) as store:
        assert hours(store, "run_id") == {"nowhere": 48, "uncounted": 72, "renamed": 48, "uneven": 144}
        assert hours(store, "node") == {"n1": 48, "n2": 72, "n3.example": 48, "n4": 96, "n5": 48}
        assert set(hours(store)) == {"used", "idle"}
        assert hours(store, "team") == {"search": 48, "vision": 120, "evals": 144}


def test_runs_that_only_samples_know(tmp_path: Path) -> None:
    facts: list[Fact] = [
        *node_hours("n1", at(0), at(1), "4"), *readings("n1", (0,), at(0), at(1), 50, run_id="pod-1"),
        *readings("n1", (1,), at(0), at(1), 0)]
    with made_ledger(tmp_path, facts) as store:
        assert hours(store) == {"used": 12, "idle": 12, "unallocated": 24}
        assert dollars(store, "run_id") == {"pod-1": 48, None: 48}


def test_a_run_on_no_known_node_is_metered(tmp_path: Path) -> None:
    with made_ledger(tmp_path, [run("a", at(0), at(1), 2, None)]) as store:
        assert hours(store) == {"unknown": 48}
        assert hours(store, "node") == {None: 48}


def test_cpu_runs_have_no_gpu_time(tmp_path: Path) -> None:
    with made_ledger(tmp_path, [run("a", at(0), at(1), 0, "cpu-1"), *node_hours("cpu-1", at(0), at(1), "1")]) as store:
        assert hours(store) == {}
        assert total(store, "cost_day", "effective_cost") == 24


def test_readings_without_length_stand_for_their_usual_distance(tmp_path: Path) -> None:
    facts: list[Sample] = [
        *readings("n1", (0,), at(0), at(0, 6), 50, every_s=600, seconds=None),
        # Nothing was read for 12 hours: a gap, not one long reading.
        *readings("n1", (0,), at(0, 18), at(1), 100, every_s=600, seconds=None)]
    with made_ledger(tmp_path, facts) as store:
        assert hours(store) == pytest.approx({"used": 9, "idle": 3})


def test_two_exporters_of_one_device_are_one_device(tmp_path: Path) -> None:
    facts: list[Sample] = [
        *readings("n1", (0,), at(0), at(1), 40, every_s=300),
        *readings("n1", (0,), at(0, 1 / 3600), at(1, 1 / 3600), 60, every_s=60)]
    with made_ledger(tmp_path, facts) as store:
        assert hours(store) == pytest.approx({"used": 12, "idle": 12}, rel=1e-3)


def test_active_multiprocessors_stand_in_for_utilisation(tmp_path: Path) -> None:
    with made_ledger(tmp_path, readings("n1", (0,), at(0), at(1), None, sm_active=25)) as store:
        assert hours(store) == {"used": 6, "idle": 18}


def test_a_replaced_device_makes_no_ninth(tmp_path: Path) -> None:
    facts: list[Fact] = [
        *node_hours("n1", at(0), at(3), "8"), *readings("n1", range(7), at(0), at(3), 50, run_id="a", every_s=3600),
        *readings("n1", (7,), at(0), at(1, 5), 50, run_id="a", every_s=3600),
        *readings("n1", (8,), at(1, 4), at(3), 50, run_id="a", every_s=3600)]
    with made_ledger(tmp_path, facts) as store:
        assert sum(hours(store).values()) == pytest.approx(8 * 72, abs=1)


def random_facts(rng: random.Random) -> Iterable[Fact]:
    """Three nodes over three days: odd bills with holes, runs that overlap, samples with and without runs."""
    for number in range(3):
        node = f"n{number}"
        for day in range(3):
            if rng.random() < 0.8:
                first, last = sorted(rng.sample(range(25), 2))
                price = f"{rng.uniform(0.01, 60):.{rng.randint(1, 18)}f}"
                yield from node_hours(node, at(day, first), at(day, last), price, list_cost=None,
                                      sku_id=rng.choice(["a", "b"]))
        for place in range(rng.randint(0, 5)):
            start = at(rng.uniform(0, 2.5))
            yield run(f"{number}-{place}", start, start + timedelta(minutes=rng.randint(1, 3000)), rng.randint(1, 8),
                      rng.choice([node, f"{node},n{(number + 1) % 3}", None]), observed=at(9))
        for device in range(rng.randint(0, 8)):
            since = at(rng.uniform(0, 2))
            until, util = since + timedelta(hours=rng.randint(1, 30)), rng.randint(0, 100)
            yield from readings(node, (device,), since, until, util,
                                run_id=rng.choice([None, f"{number}-0", "unheard-of"]), every_s=rng.choice([300, 900]))


@pytest.mark.parametrize("seed", range(8))
def test_parts_always_add_up_to_the_bill(tmp_path: Path, seed: int) -> None:
    with made_ledger(tmp_path, random_facts(random.Random(seed))) as store:
        for cost in COSTS:
            charged = total(store, "charge", cost)
            assert total(store, "(FROM cost_day WHERE basis = 'billed')", cost) == charged
        known = store.con.execute("SELECT count(*) FROM gpu_day WHERE gpu_s <= 0 OR part NOT IN "
                                  "('used', 'idle', 'unallocated', 'unknown')").fetchall()
        assert known == [(0,)]
        # Nothing is used that was not read, and no device has more than its time.
        used, = store.con.execute("SELECT sum(gpu_s) FROM gpu_day WHERE part = 'used'").fetchall()[0]
        busy, = store.con.execute("SELECT sum(busy_s) FROM gpu_hour").fetchall()[0]
        assert (used or 0) <= (busy or 0) + 1
        most, = store.con.execute(
            "SELECT max(s) FROM (SELECT sum(read_s) AS s FROM gpu_hour GROUP BY hour, device)").fetchall()[0]
        assert (most or 0) <= 3600 + 900


def test_the_book_is_not_asked_for_what_is_billed(tmp_path: Path) -> None:
    class NoPrices(PriceBook):
        def gpu_hour(self, *_: object, **__: object) -> None:  # type: ignore[override]
            raise AssertionError("the bill says it")

    facts: list[Fact] = [*node_hours("n1", at(0), at(1), "8"), run("a", at(0), at(1), 8, "n1")]
    with made_ledger(tmp_path, facts, book=NoPrices()) as store:
        assert dollars(store) == {"unknown": 192}

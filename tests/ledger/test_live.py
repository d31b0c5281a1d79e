"""What arrives live: once, whole, with its cursor; and the days made again alone are as if all were made again."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from made_calls import calls
from made_ledger import START, made_ledger
from outlay.attribution.rules import Attribution
from outlay.facts import Call, Charge, Fact, Reject, Run, Sample
from outlay.ledger.arrow import facts_table
from outlay.ledger.derive import make_current
from outlay.ledger.importing import remove_import
from outlay.ledger.live import Arrival, Kept, cursor_of, keep
from outlay.ledger.store import Store
from outlay.prices.book import load_book

BOOK = load_book()
NOW = START + timedelta(days=3, hours=12)
DERIVED = ("cost_day", "gpu_day", "gpu_hour", "reconciled")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    early = Run(run_id="1", scheduler="slurm/a", state="completed", started=START, ended=START + timedelta(hours=1),
                observed=START + timedelta(hours=2), nodes="node-1", gpus=1, gpu_type="NVIDIA H100 80GB HBM3")
    with made_ledger(tmp_path, [*calls(24), *samples(START, 24 * 60), early]) as made:
        yield made


def samples(since: datetime, count: int, every_s: float = 60) -> Iterator[Sample]:
    for number in range(count):
        for device in range(4):
            yield Sample(time=since + timedelta(seconds=every_s * number), seconds=every_s, node="node-1",
                         device=f"gpu-{device}", gpu_type="NVIDIA H100 80GB HBM3", util=float(10 * device))


def arrive(store: Store, facts: Iterable[Fact], source: str = "otlp", authority: str = "sdk_span",
           cursor: str | None = None, rejects: tuple[Reject, ...] = (), now: datetime = NOW) -> Kept:
    by_kind: dict[type, list[Fact]] = {}
    for fact in facts:
        by_kind.setdefault(type(fact), []).append(fact)
    tables = {kind: facts_table(kind, values) for kind, values in by_kind.items()}
    arrival = Arrival(source, tables, authority, (source, cursor) if cursor else None, rejects)
    return keep(store, arrival, attribution=Attribution(), book=BOOK, now=now)


def current(store: Store, **more: Any) -> bool:
    return make_current(store, attribution=Attribution(), book=BOOK, **more)


def rows(store: Store, table: str) -> list[tuple[Any, ...]]:
    """What a table says, floats rounded: sums of seconds may differ in their last digit by the order of rows."""
    return sorted(
        (tuple(round(cell, 6) if isinstance(cell, float) else cell for cell in row)
         for row in store.con.execute(f"SELECT * FROM {table}").fetchall()), key=repr)


def made_again(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    store.set_meta("derived", "stale")
    assert current(store)
    return {name: rows(store, name) for name in DERIVED}


def summed(store: Store) -> list[tuple[Any, ...]]:
    return store.con.execute("SELECT day, team, model_key, sum(calls), sum(errors), sum(input_tokens), sum(cost) "
                             "FROM call_day GROUP BY ALL HAVING sum(calls) <> 0 ORDER BY ALL").fetchall()


def fresh_calls(count: int, name: str = "r", **more: Any) -> list[Call]:
    return list(calls(count, since=NOW, every=timedelta(seconds=1), response_id=lambda n: f"{name}{n}", **more))


def test_what_comes_twice_counts_once_and_the_cursor_comes_with_it(store: Store) -> None:
    batch = fresh_calls(50)
    assert arrive(store, batch, cursor="1") == Kept(50, 0, 0, 0)
    assert arrive(store, [*batch, *fresh_calls(3, "s")], cursor="2") == Kept(3, 50, 0, 0)
    assert cursor_of(store, "otlp") == "2"
    assert store.con.execute("SELECT count(*) FROM call").fetchall() == [(24 + 53,)]
    assert store.con.execute("SELECT rows, added, duplicates FROM imports WHERE stamp = 'live'").fetchall() == [
        (103, 53, 50)]


def test_one_import_a_day_and_source(store: Store) -> None:
    arrive(store, fresh_calls(2, "a"))
    arrive(store, fresh_calls(2, "b"), source="gateway", authority="gateway")
    arrive(store, fresh_calls(2, "c"))
    arrive(store, fresh_calls(2, "d"), now=NOW + timedelta(days=1))
    assert store.con.execute("SELECT name, added FROM imports WHERE stamp = 'live' ORDER BY import_id").fetchall() == [
        ("otlp, received 2026-09-04", 4), ("gateway, received 2026-09-04", 2), ("otlp, received 2026-09-05", 2)]


def test_the_more_authoritative_reading_stands_and_gives_way_when_it_is_undone(store: Store) -> None:
    arrive(store, fresh_calls(10, output_tokens=10))
    current(store)
    before = summed(store)
    assert arrive(store, fresh_calls(10, output_tokens=30), "gateway", "gateway") == Kept(10, 0, 10, 0)
    assert arrive(store, fresh_calls(10, output_tokens=99)) == Kept(0, 10, 0, 0)
    assert store.con.execute("SELECT sum(output_tokens) FROM call WHERE time >= ?", [NOW]).fetchall() == [(300,)]
    current(store)
    assert summed(store) != before
    (number,) = store.con.execute("SELECT import_id FROM imports WHERE source = 'gateway'").fetchall()[0]
    remove_import(store, number)
    assert store.con.execute("SELECT sum(output_tokens) FROM call WHERE time >= ?", [NOW]).fetchall() == [(990,)]


def test_a_call_read_again_with_more_output_replaces_itself(store: Store) -> None:
    arrive(store, fresh_calls(5, output_tokens=1))
    assert arrive(store, fresh_calls(5, output_tokens=8)) == Kept(5, 0, 5, 0)
    assert store.con.execute("SELECT count(*) FROM call_shadow").fetchall() == [(0,)]
    current(store)
    assert store.con.execute("SELECT sum(output_tokens) FROM call_day WHERE day >= ?", [NOW.date()]).fetchall() == [
        (40,)]


def test_rollups_equal_what_is_made_from_the_calls(store: Store) -> None:
    chance = random.Random(3)
    for turn in range(30):
        batch = fresh_calls(20, f"x{chance.randrange(6)}-", tags={"team": chance.choice("abc")},
                            status=lambda _: chance.choice(["ok", "error"]),
                            output_tokens=lambda _: chance.randrange(50))
        source, authority = chance.choice([("otlp", "sdk_span"), ("gateway", "gateway")])
        arrive(store, batch, source, authority)
        if turn % 5 == 0:
            current(store)
    found = summed(store)
    from outlay.ledger import rollups

    rollups.remake_all(store.con)
    assert summed(store) == found


@pytest.mark.parametrize("since", [NOW, START + timedelta(hours=3)], ids=["a new day", "a day that is there"])
def test_days_made_again_alone_are_as_if_all_were(store: Store, since: datetime) -> None:
    arrive(store, calls(40, since=since, every=timedelta(minutes=1), response_id=lambda n: f"q{n}",
                        model="gpt-4o-mini"))
    arrive(store, [
        Run(run_id="7", scheduler="slurm/a", state="running", started=since, observed=since + timedelta(hours=2),
            nodes="node-1", gpus=2, gpu_type="NVIDIA H100 80GB HBM3", tags={"team": "vision"}),
        *samples(since.replace(hour=20), 60)], source="slurm")
    assert current(store)
    alone = {name: rows(store, name) for name in DERIVED}
    assert not current(store)
    assert alone == made_again(store)
    assert any(row[1] == "gpu" for row in alone["cost_day"])


def test_what_no_one_asked_for_yet_waits(store: Store) -> None:
    arrive(store, [*fresh_calls(4), *samples(NOW, 5)])
    before = rows(store, "gpu_day")
    assert current(store, topics=("cost",))
    assert rows(store, "gpu_day") == before
    assert current(store, topics=("cost", "gpu"))
    assert rows(store, "gpu_day") != before
    assert not current(store)


def test_a_scheduler_that_is_new_speaks_of_earlier_days_too(store: Store) -> None:
    arrive(store, [Run(run_id="7", scheduler="slurm/b", state="running", started=NOW, nodes="node-1", gpus=2,
                       observed=NOW + timedelta(hours=2), gpu_type="NVIDIA H100 80GB HBM3")], source="slurm")
    assert current(store)
    assert {name: rows(store, name) for name in DERIVED} == made_again(store)


def test_a_bill_over_several_days_makes_all_again(tmp_path: Path) -> None:
    bill = Charge(
        billing_currency="USD", billed_cost=Decimal(9), effective_cost=Decimal(9), charge_period_start=START,
        charge_period_end=START + timedelta(days=5), provider="openai", model="gpt-4o", service_name="API")
    with made_ledger(tmp_path, [bill, *calls(48)]) as made:
        arrive(made, fresh_calls(30))
        assert current(made)
        after = {name: rows(made, name) for name in DERIVED}
        assert after == made_again(made)
        total = made.con.execute("SELECT sum(billed_cost) FROM cost_day").fetchall()
        assert total[0][0] == 9


def test_rejected_rows_are_counted_and_can_be_looked_at(store: Store) -> None:
    arrive(store, fresh_calls(1), rejects=(Reject(None, "startTimeUnixNano", "is missing", "span x"),))
    ((number, path),) = store.con.execute(
        "SELECT rejected, rejects_file FROM imports WHERE stamp = 'live'").fetchall()
    assert number == 1
    assert '"field": "startTimeUnixNano"' in Path(path).read_text()


def test_a_batch_that_cannot_be_kept_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from outlay.ledger import live

    def broken(*_: Any) -> None:
        raise RuntimeError("pulled")

    monkeypatch.setattr(live, "_count_in", broken)
    with pytest.raises(RuntimeError, match="pulled"):
        arrive(store, fresh_calls(9), cursor="5")
    monkeypatch.undo()
    assert cursor_of(store, "otlp") is None
    assert store.con.execute("SELECT count(*) FROM call").fetchall() == [(24,)]
    assert arrive(store, fresh_calls(9), cursor="5") == Kept(9, 0, 0, 0)

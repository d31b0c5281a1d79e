"""Whatever was imported and taken back, and in which order: the ledger holds what it would hold of the rest alone."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import hypothesis.strategies as st
from fault_ledger import call_days, call_days_anew, facts, rows
from hypothesis import HealthCheck, given, settings

import outlay
from outlay.api import Ledger
from outlay.facts import Call, Charge, Fact, Output, Run, Sample, Usage
from outlay.ledger.importing import import_file, remove_import
from outlay.sources.base import RowSource
from outlay.sources.inputfile import InputFile

START = datetime(2026, 3, 1)


class Made(RowSource):
    """Facts that a test made; the file is only their name. One code for all: what differs is the authority."""

    code = "made"
    title = "Facts made in a test"
    facts = (Call, Charge, Usage, Run, Sample, Output)

    def __init__(self, made: tuple[Fact, ...], authority: str) -> None:
        self.made = made
        self.authority = authority  # type: ignore[misc]

    def recognises(self, file: InputFile) -> bool:
        return False

    def read(self, file: InputFile):  # type: ignore[no-untyped-def]
        yield from self.made


@dataclass(frozen=True)
class Export:
    """One file."""

    name: str
    made: tuple[Fact, ...]
    authority: str


def day(number: int, hour: int = 0) -> datetime:
    return START + timedelta(days=number, hours=hour)


#: Few values, so that files share rows, days and identities.
small = st.integers(0, 3)
calls = st.builds(
    lambda number, shift, tokens, team: Call(
        time=day(number + shift), provider="openai", model="gpt-4o", response_id=f"r{number}",
        input_tokens=100, output_tokens=tokens, tags={"team": f"team-{team}"}),
    # The same call may be told days apart by different sources.
    small, st.sampled_from((0, 0, 0, 3)), st.sampled_from((0, 10, 20)), st.integers(0, 1))
nameless = st.builds(
    lambda number: Call(time=day(number), provider="openai", model="gpt-4o", input_tokens=7, output_tokens=1), small)
usage = st.builds(
    lambda number, tokens: Usage(start=day(number), end=day(number + 1), provider="openai", model="gpt-4o-mini",
                                 requests=tokens, input_tokens=tokens, output_tokens=1),
    small, st.integers(1, 3))
charges = st.builds(
    lambda number, cost, period, account: Charge(
        charge_period_start=day(number), charge_period_end=day(number + 1), billing_period_start=day(period),
        billing_currency="USD", invoice_issuer_name="AWS", provider="aws", billing_account_id=f"acc-{account}",
        service_name="EC2", billed_cost=Decimal(cost), effective_cost=Decimal(cost), list_cost=Decimal(cost)),
    small, st.integers(1, 2), st.sampled_from((0, 0, 0, 30)), st.sampled_from((0, 0, 0, 1)))
runs = st.builds(
    lambda number, seen, state: Run(
        run_id=f"run-{number}", scheduler="slurm/north", state=state, started=day(number), gpus=1,
        observed=None if seen is None else day(number, seen)),
    small, st.sampled_from((None, 1, 2, 3)), st.sampled_from(("running", "completed")))
samples = st.builds(
    lambda number, util: Sample(time=day(number), seconds=60.0, node="n", device="GPU-1", util=util),
    small, st.sampled_from((10.0, 20.0)))
outputs = st.builds(
    lambda number, count: Output(time=day(number), kind="tickets", count=Decimal(count), output_id=f"o{number}"),
    small, st.integers(1, 2))


def exports(kinds: st.SearchStrategy[Fact]) -> st.SearchStrategy[Export]:
    """Files of these; those of one name are exports of which the later restates the earlier."""
    return st.builds(Export, st.sampled_from(("a", "a", "b", "c")), st.lists(kinds, min_size=1, max_size=6).map(tuple),
                     st.sampled_from(("spend_log", "sdk_span", "gateway")))


files = exports(calls) | exports(st.one_of(calls, nameless)) | exports(charges) | exports(
    st.one_of(usage, runs, samples, outputs)) | exports(st.one_of(calls, charges, usage, runs))


class History:
    """A ledger, and what is still imported in it."""

    def __init__(self, template: Path, place: Path) -> None:
        shutil.copytree(template, place / "store")
        self.place = place
        self.ledger = outlay.open(place / "store")
        self.present: list[tuple[int, Export]] = []
        self.written = 0

    def add(self, export: Export) -> None:
        self.written += 1
        path = self.place / f"{export.name}.made"
        path.write_text(str(self.written))
        done = import_file(
            self.ledger.store, InputFile(path, path.name), Made(export.made, export.authority),
            attribution=self.ledger.settings.attribution, book=self.ledger.book)
        assert done.import_id
        self.present.append((done.import_id, export))

    def take_back(self, which: int) -> None:
        if self.present:
            import_id, _ = self.present.pop(which % len(self.present))
            remove_import(self.ledger.store, import_id)


def cost_days(ledger: Ledger) -> list[tuple[object, ...]]:
    """What questions see of the money; by these it is attributed, and nothing is there twice."""
    ledger.ask()
    return rows(ledger, "SELECT day, kind, basis, provider, service, model, account, team, sum(billed_cost), "
                        "sum(effective_cost), sum(list_cost) FROM cost_day GROUP BY ALL ORDER BY ALL")


events = st.lists(st.tuples(files, st.none()) | st.tuples(st.none(), st.integers(0, 9)), min_size=2, max_size=8)


def check(template: Path, story: list[tuple[Export | None, int | None]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        (place / "one").mkdir()
        (place / "other").mkdir()
        lived, fresh = History(template, place / "one"), History(template, place / "other")
        with lived.ledger as ledger, fresh.ledger as other:
            for export, which in story:
                if export is not None:
                    lived.add(export)
                elif which is not None:
                    lived.take_back(which)
                assert call_days(ledger) == call_days_anew(ledger)
            for _, export in lived.present:
                fresh.add(export)
            assert facts(ledger) == facts(other)
            assert call_days(ledger) == call_days(other)
            assert cost_days(ledger) == cost_days(other)


@settings(max_examples=6, suppress_health_check=[HealthCheck.too_slow])
@given(story=events)
def test_only_what_is_still_imported_counts(empty_store: Path, story: list[tuple[Export | None, int | None]]) -> None:
    check(empty_store, story)


def bill(name: str, *numbers: int) -> tuple[Export, None]:
    made = tuple(Charge(charge_period_start=day(number), charge_period_end=day(number + 1), billing_period_start=START,
                        billing_currency="USD", invoice_issuer_name="AWS", provider="aws", billed_cost=Decimal(number))
                 for number in numbers)
    return Export(name, made, "provider"), None


def gone(which: int) -> tuple[None, int]:
    return None, which


def test_a_row_that_two_exports_share_when_one_is_restated(empty_store: Path) -> None:
    """The restated row comes from the other export until the restatement is taken back, and is never there twice."""
    for last in range(3):
        check(empty_store, [bill("a", 1, 2), bill("b", 2, 3), bill("a", 1, 2, 4), gone(last)])
    check(empty_store, [bill("a", 1, 2), bill("b", 2, 3), bill("a", 1), gone(2), gone(0)])
    check(empty_store, [bill("a", 1, 2), bill("a", 1, 3), bill("a", 2), gone(1), gone(1)])


def test_a_call_that_is_told_weeks_apart(empty_store: Path) -> None:
    """The rollup follows a row that gives way, and that comes back, to its own day."""
    def told(number: int, authority: str) -> tuple[Export, None]:
        made = Call(time=day(number), provider="openai", model="gpt-4o", response_id="r", input_tokens=5)
        return Export(authority, (made,), authority), None

    check(empty_store, [told(0, "spend_log"), told(20, "gateway")])
    check(empty_store, [told(0, "spend_log"), told(20, "gateway"), gone(1)])
    check(empty_store, [told(0, "spend_log"), told(20, "gateway"), told(9, "sdk_span"), gone(1)])

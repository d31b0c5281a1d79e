"""Ledgers made in a test: facts go in through an import, as those of a file do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from outlay.attribution.rules import Attribution
from outlay.detectors.base import Context, Detector
from outlay.detectors.thresholds import thresholds
from outlay.facts import KINDS, Charge, Fact, Sample
from outlay.facts.finding import Finding
from outlay.facts.window import Window
from outlay.ledger.derive import make_current
from outlay.ledger.importing import import_file
from outlay.ledger.store import Store
from outlay.prices.book import PriceBook, load_book
from outlay.questions.ask import Ask
from outlay.sources.base import RowSource
from outlay.sources.inputfile import InputFile

#: A Tuesday.
START = datetime(2026, 9, 1)


class MadeFacts(RowSource):
    """Facts that a test made. The file is only their name."""

    code = "made"
    title = "Facts made in a test"
    facts = tuple(KINDS)

    def __init__(self, facts: Iterable[Fact]) -> None:
        self._facts = tuple(facts)

    def recognises(self, file: InputFile) -> bool:
        return False

    def read(self, file: InputFile) -> Iterator[Fact]:
        yield from self._facts


def made_ledger(path: Path, facts: Iterable[Fact], *, book: PriceBook | None = None) -> Store:
    """An open store of the facts, derived tables included."""
    book = book or load_book()
    store, name = Store(path / "store"), path / "made"
    name.write_text("made", "utf-8")
    import_file(store, InputFile(name, "made"), MadeFacts(facts), attribution=Attribution(), book=book)
    make_current(store, attribution=Attribution(), book=book)
    return store


def found(store: Store, detector: Detector, window: Window, **own: float) -> tuple[Finding, ...]:
    """What a detector finds, with its default thresholds and those of `own`."""
    limits = thresholds(detector.code, {detector.code: own})
    return tuple(detector.find(Context(Ask(store.con), window, load_book(), limits)))


def at(day: float, hour: float = 0) -> datetime:
    """A moment: days and hours after START."""
    return START + timedelta(days=day, hours=hour)


def window(days: float) -> Window:
    return Window(START, at(days))


def node_hours(node: str, since: datetime, until: datetime, usd_hour: str, **columns: object) -> Iterator[Charge]:
    """The bill of a machine, one row an hour."""
    while since < until:
        price = Decimal(usd_hour)
        values: dict[str, object] = {
            "charge_period_start": since, "charge_period_end": since + timedelta(hours=1), "billed_cost": price,
            "effective_cost": price, "list_cost": price, "contracted_cost": price, "billing_currency": "USD",
            "provider": "aws", "resource_name": node, "service_category": "Compute", "service_name": "EC2",
            "charge_category": "Usage", "consumed_quantity": Decimal(1), "consumed_unit": "Hours",
            "pricing_category": "Standard", "sku_id": "box",
        } | columns
        yield Charge(**values)  # type: ignore[arg-type]
        since += timedelta(hours=1)


def readings(
    node: str, devices: Iterable[int], since: datetime, until: datetime, util: float | None, *,
    run_id: str | None = None, every_s: float = 1800, **columns: object,
) -> Iterator[Sample]:
    """Samples of a node's devices, each at the same utilisation all the time."""
    chosen = tuple(devices)
    while since < until:
        for device in chosen:
            values: dict[str, object] = {
                "time": since, "seconds": every_s, "node": node, "device": f"{node}/{device}", "util": util,
                "gpu_type": "NVIDIA H100 80GB HBM3", "pool": "h100", "run_id": run_id,
            } | columns
            yield Sample(**values)  # type: ignore[arg-type]
        since += timedelta(seconds=every_s)

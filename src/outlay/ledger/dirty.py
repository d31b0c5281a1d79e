"""Which days of the derived tables do not hold what arrived last.

Two topics: `cost` (calls and usage, which only `cost_day` needs) and `gpu` (samples and runs, which the tables of
accelerators need, too).
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from outlay.facts import Call, Run, Sample, Usage

if TYPE_CHECKING:
    from outlay.ledger.schema import Kind
    from outlay.ledger.store import Store

TOPICS = ("cost", "gpu")
#: By topic, the first and the last moment of what arrived.
Touched = dict[str, tuple[datetime, datetime]]


def topic(kind: Kind) -> str | None:
    """The topic of a kind; None: nothing is derived from it."""
    return {Call: "cost", Usage: "cost", Sample: "gpu", Run: "gpu"}.get(kind.fact)


def mark(store: Store, touched: Touched) -> None:
    """Adds to what is to be made again; part of the transaction that is open."""
    for name, (since, until) in touched.items():
        known = of(store, name)
        if known is not None:
            since, until = min(since, known[0]), max(until, known[1])
        store.set_meta(f"dirty_{name}", f"{since.isoformat()}/{until.isoformat()}")


def of(store: Store, name: str) -> tuple[datetime, datetime] | None:
    """The span that is to be made again; None: none is."""
    text = store.meta(f"dirty_{name}")
    if not text:
        return None
    since, _, until = text.partition("/")
    return datetime.fromisoformat(since), datetime.fromisoformat(until)


def clear(store: Store, names: tuple[str, ...]) -> None:
    """Says that these topics are current; part of the transaction that is open."""
    for name in names:
        store.set_meta(f"dirty_{name}", "")

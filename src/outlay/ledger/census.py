"""What one pass over staged rows tells: how many there are, from when to when, and what prices they need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from outlay.facts import Call, Usage
from outlay.ledger.identity import NAMELESS_CALL
from outlay.ledger.schema import Kind
from outlay.prices.pricetable import Key, Shape

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class Census:
    """Good rows and refused ones; the times of the good ones; how many calls have no id of their own; the combinations
    that are priced alike, None for kinds that have no tokens; rows for which each tally is true."""

    rows: int
    refused: int
    since: datetime | None
    until: datetime | None
    nameless: int = 0
    prices: tuple[Key, ...] | None = None
    tallies: tuple[int, ...] = ()

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """The times of the first and the last good row."""
        return (self.since, self.until) if self.since and self.until else None


def take_census(
    con: duckdb.DuckDBPyConnection, kind: Kind, relation: str, problem: str | None = None, tallies: Sequence[str] = ()
) -> Census:
    """Counts `relation`, which has the columns of the kind's fact. `tallies`: SQL over its rows; `problem`: its column
    that is NULL in good rows."""
    refused = 0
    found = _count(con, kind, relation, f"count({problem})" if problem else "0", tallies)
    if found.refused:
        # Rare, and a second pass is cheaper than leaving rows out of every figure of the first.
        refused = found.refused
        found = _count(con, kind, f"(SELECT * FROM {relation} WHERE {problem} IS NULL)", "0", tallies)
    return replace(found, refused=refused)


def _count(
    con: duckdb.DuckDBPyConnection, kind: Kind, relation: str, refused: str, tallies: Sequence[str]
) -> Census:
    priced = kind.fact in (Call, Usage)
    shape = Shape(usage=kind.fact is Usage, time_column=kind.time)
    counted = [
        "count(*)", refused, f'min(s."{kind.time}")', f'max(s."{kind.time}")',
        f"count(*) FILTER ({NAMELESS_CALL})" if kind.fact is Call else "0",
        *(f"count(*) FILTER ({tally})" for tally in tallies),
    ]
    keys = ["s.provider", "s.model", "s.service_tier", f"max({shape.context})"] if priced else []
    rows = con.execute(
        f"SELECT {', '.join([*counted, *keys])} FROM {relation} s {'GROUP BY ALL' if priced else ''}").fetchall()
    prices = tuple(
        Key(provider, model, tier, row[2], row[3], context)
        for row in rows if priced
        for provider, model, tier, context in [row[len(counted) :]] if model is not None and row[2] is not None)
    return Census(
        sum(row[0] for row in rows), sum(row[1] for row in rows),
        min((row[2] for row in rows if row[2] is not None), default=None),
        max((row[3] for row in rows if row[3] is not None), default=None),
        sum(row[4] for row in rows), prices if priced else None,
        tuple(sum(row[5 + place] for row in rows) for place, _ in enumerate(tallies)))

"""Prices millions of calls in one pass: each (provider, model, service tier) is resolved once, the rest is SQL.

Costs equal genai-prices' `calc_price`, its total rounded once, half-even, to 12 decimals; see `pricetable` for how.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from outlay.prices.book import PriceBook
from outlay.prices.effective import Schedule
from outlay.prices.library import find
from outlay.prices.pricetable import Key, Row, Shape, Table, fill
from outlay.prices.rate import Step
from outlay.prices.spans import Span

if TYPE_CHECKING:
    import duckdb

Steps = tuple[tuple[Span, tuple[Step, ...]], ...]


@dataclass(frozen=True, slots=True)
class PricePlan:
    """SQL that prices a staged table whose alias is `s`.

    `join` goes after `FROM <staged> s`; it never multiplies rows. `list_cost` (public prices) and `cost` (after the
    user's own prices and discounts) are the same text where the user has none that match. Both are NULL where the
    price is unknown, where a row has no token counts at all, and where its counts contradict each other (more cached
    tokens than input). `model_key` is the price book's id of the model, else the raw name.
    """

    join: str
    list_cost: str
    cost: str
    model_key: str


def plan_token_prices(
    con: duckdb.DuckDBPyConnection, staged: str, book: PriceBook, time_column: str = "time",
    keys: Iterable[Key] | None = None,
) -> PricePlan:
    """Makes the temp tables `<staged>_prices...` on `con` and returns the SQL that prices `staged`.

    `staged`: a table or view with the columns of `facts.Call` (`time_column="time"`; costs are DECIMAL(18,12), a cost
    of a million dollars or more is NULL) or of `facts.Usage` (`time_column="start"`; costs are DECIMAL(38,18), rounded
    to 12 decimals). A bucket's context tier is that of `context_tokens`, else of the mean input of its requests, else
    the lowest; a per-request fee is charged `requests` times, and is unknown where the bucket does not say how many.
    NULL counts are 0. `keys`: what the rows hold, where the caller knows; else one pass over (provider, model,
    service_tier) is made here.
    """
    shape = Shape(usage=time_column == "start", time_column=time_column)
    listed: list[Row] = []
    paid: list[Row] = []
    for key in _keys(con, staged, shape) if keys is None else keys:
        found = book.schedule(key.provider, key.model, key.service_tier)
        if found is None:
            continue
        listed += _rows(key, found, found.listed)
        if found.paid is not None:
            paid += _rows(key, found, found.paid)
    list_table = Table(f"{staged}_prices", "p", listed, shape)
    join, list_cost = list_table.create(con), list_table.cost()
    if not paid:
        return PricePlan(join, list_cost, list_cost, "coalesce(p.model_key, s.model)")
    own_table = Table(f"{staged}_own_prices", "o", paid, shape)
    join = f"{join} {own_table.create(con)}"
    cost = f"CASE WHEN o.model_key IS NULL THEN {list_cost} ELSE {own_table.cost()} END"
    return PricePlan(join, list_cost, cost, "coalesce(p.model_key, o.model_key, s.model)")


def register_model_keys(con: duckdb.DuckDBPyConnection, staged: str, book: PriceBook) -> tuple[str, str]:
    """For billed lines: the LEFT JOIN (alias `k`) and the `model_key` expression of `PricePlan`, without any cost.

    `staged` needs the columns provider and model. Makes the temp table `<staged>_model_keys` on `con`.
    """
    pairs = con.execute(f'SELECT DISTINCT provider, model FROM "{staged}" WHERE model IS NOT NULL').fetchall()
    known = ((provider, model, find(provider, model)) for provider, model in pairs)
    name = f"{staged}_model_keys"
    rows = ((provider, model, found.info.id) for provider, model, found in known if found is not None)
    fill(con, name, "provider VARCHAR, model VARCHAR, model_key VARCHAR", rows)
    join = f'LEFT JOIN "{name}" k ON s.provider IS NOT DISTINCT FROM k.provider AND s.model = k.model'
    return join, "coalesce(k.model_key, s.model)"


def _keys(con: duckdb.DuckDBPyConnection, staged: str, shape: Shape) -> list[Key]:
    rows = con.execute(
        f"SELECT s.provider, s.model, s.service_tier, min(s.{shape.time_column}), max(s.{shape.time_column}), "
        f'max({shape.context}) FROM "{staged}" s '
        f"WHERE s.model IS NOT NULL AND s.{shape.time_column} IS NOT NULL GROUP BY ALL"
    ).fetchall()
    return [Key(*row) for row in rows]


def _rows(key: Key, found: Schedule, pieces: Steps) -> Iterator[Row]:
    """Only what the staged rows can reach: an ordinary month has one price a model."""
    for span, steps in pieces:
        if not span.meets(key.first, key.last):
            continue
        since = None if span.since is not None and span.since <= key.first else span.since
        until = None if span.until is not None and span.until > key.last else span.until
        for step in steps:
            if step.above < key.context or step.above < 0:
                upto = None if step.upto is not None and step.upto >= key.context else step.upto
                yield Row(key, replace(span, since=since, until=until), replace(step, upto=upto), found.model_key)

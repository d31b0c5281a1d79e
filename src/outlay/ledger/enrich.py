"""Staged rows become ledger rows: identity, price, attribution and origin are added in one query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outlay.attribution.rules import Attribution
from outlay.attribution.sql import NOTHING, AttributionSql, attribution_sql, literal
from outlay.facts import Call, Charge, Output, Usage
from outlay.ledger.identity import NAMELESS_CALL, content_id, named_call_id, output_id, usage_id
from outlay.ledger.plaintags import kept_map, kept_tags
from outlay.ledger.schema import DIMENSIONS, Kind

if TYPE_CHECKING:
    import duckdb

    from outlay.ledger.staging import Relation
    from outlay.prices.book import PriceBook
    from outlay.prices.pricetable import Key


@dataclass(frozen=True, slots=True)
class Origin:
    """Where rows come from."""

    import_id: int
    source: str
    authority: int
    export: str


@dataclass(frozen=True, slots=True)
class Enriched:
    """`query` has exactly the columns of the kind's table, in order; those in `empty` are NULL in all rows."""

    query: str
    empty: frozenset[str]


def enriched(
    con: duckdb.DuckDBPyConnection, kind: Kind, staged: Relation, origin: Origin, attribution: Attribution,
    book: PriceBook,
) -> Enriched:
    """The ledger's rows of a staged relation."""
    if staged.tags is None:
        keys = tag_keys(con, staged.name)
        tags = {key: f"s.tags[{literal(key)}]" for key in keys}
    else:
        tags = {key: f"s.{column}" for key, column in staged.tags}
    rules = attribution_sql(attribution, kind.fact, tags)
    join, computed = computed_columns(
        con, kind, staged.name, book, literal(origin.export), str(origin.authority), staged.census.prices)
    if kind.fact is Call:
        computed |= kept_map(tags, PAID) if staged.tags is None else kept_tags(tags, PAID)
    values = {
        **computed,
        **PAID,
        "import_id": str(origin.import_id),
        "source": literal(origin.source),
        "authority": str(origin.authority),
    }
    parts = [attributed(relation, rules, identity) for relation, identity in _identified(kind, staged, origin.source)]
    query = f"SELECT {selected(kind, values)} FROM ({' UNION ALL '.join(parts)}) s {join}"
    return Enriched(query, staged.empty | empty_columns(rules))


def empty_columns(rules: AttributionSql) -> frozenset[str]:
    """Columns that these rules leave empty in every row."""
    return frozenset(name for name, sql in (*rules.dimensions, ("rule", rules.rule)) if sql.startswith(NOTHING))


#: Where a row that was attributed has its dimensions; the names of the table's columns may be taken.
PAID = {name: f"s.paid_{name}" for name in DIMENSIONS}


def attributed(relation: str, rules: AttributionSql, identity: str | None = None) -> str:
    """The rows of a relation with `rule` and the columns that `PAID` names, and, where an expression is given, `id`."""
    prepared = "".join(f", {sql} AS {name}" for name, sql in rules.prepared)
    named = f", {identity} AS id" if identity else ""
    dimensions = "".join(f", {sql} AS paid_{name}" for name, sql in rules.dimensions)
    return (f"SELECT s.*{dimensions} FROM (SELECT s.*, {rules.rule} AS rule{named} "
            f"FROM (SELECT s.*{prepared} FROM {relation} s) s) s")


def selected(kind: Kind, values: dict[str, str]) -> str:
    """The kind's columns in order: those of `values` as given, the others as the row `s` has them."""
    return ", ".join(
        f'CAST({values[name]} AS {sql_type}) AS "{name}"' if name in values else f's."{name}"'
        for name, sql_type in kind.layout
    )


def _identified(kind: Kind, staged: Relation, namespace: str) -> list[tuple[str, str | None]]:
    """The staged relation in parts of which each row has its identity computed in one way."""
    if kind.fact is not Call:
        return [(staged.name, _identity(kind, namespace))]
    own = content_id(Call, namespace)
    if not staged.census.nameless:
        return [(staged.name, named_call_id())]
    if staged.census.nameless == staged.census.rows:
        return [(staged.name, own)]
    return [(f"(SELECT * FROM {staged.name} WHERE NOT ({NAMELESS_CALL}))", named_call_id()),
            (f"(SELECT * FROM {staged.name} WHERE {NAMELESS_CALL})", own)]


def computed_columns(
    con: duckdb.DuckDBPyConnection, kind: Kind, relation: str, book: PriceBook, export: str, authority: str,
    prices: tuple[Key, ...] | None = None,
) -> tuple[str, dict[str, str]]:
    """The join and the expressions of the columns that only this kind has; `export`, `authority` are SQL; `prices`:
    what is to be priced, where that is known."""
    if kind.fact is Charge:
        # The price book's name of the model is what metered calls carry too, whatever version the bill names.
        from outlay.prices.tokens import register_model_keys

        join, model_key = register_model_keys(con, relation, book)
        return join, {"export": export, "model_key": model_key}
    if kind.fact in (Call, Usage):
        from outlay.prices.tokens import plan_token_prices

        plan = plan_token_prices(con, relation, book, time_column=kind.time, keys=prices)
        own = f"CASE WHEN {authority} >= {BELIEVED_AUTHORITY} THEN s.reported_cost END"
        return plan.join, {
            "cost": f"coalesce({own}, {plan.cost}, s.reported_cost)",
            "list_cost": f"coalesce({plan.list_cost}, s.reported_cost)",
            "model_key": plan.model_key,
        }
    return "", {}


#: From this authority on a source's own statement of a call's cost is believed before the price book: the gateway's,
#: which settled it.
BELIEVED_AUTHORITY = 40


def tag_keys(con: duckdb.DuckDBPyConnection, relation: str) -> frozenset[str]:
    """Every tag key that occurs in a relation."""
    rows = con.execute(
        f"SELECT DISTINCT unnest(keys) FROM (SELECT DISTINCT map_keys(tags) AS keys FROM {relation})"
    ).fetchall()
    return frozenset(str(key) for (key,) in rows)


def _identity(kind: Kind, namespace: str) -> str | None:
    if "id" not in kind.key:
        return None
    if kind.fact is Usage:
        return usage_id(namespace)
    if kind.fact is Output:
        return output_id(namespace)
    # A bill's row is the same whichever source or file it came through.
    return content_id(kind.fact, kind.table)

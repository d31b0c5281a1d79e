"""The tables of the ledger, derived from the facts so that each column is described once.

Every fact kind has an active table and a shadow of equal shape: rows that another import superseded or replaced wait
there and come back when that import is removed. `call_day`, `gpu_hour`, `gpu_day` and `cost_day` are derived and can
be rebuilt from the facts at any time.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from outlay.facts import Call, Capacity, Charge, Output, Progress, Run, Sample, Usage, columns

#: Raised when the layout changes; a store of another version is refused with the way out.
SCHEMA_VERSION = 2

#: What attribution adds to every fact.
DIMENSIONS = ("team", "owner", "project", "environment", "purpose", "stage")


class Keeps(Enum):
    """Which row stays when two rows have the same identity."""

    FIRST = "the earliest import"
    AUTHORITY = "the more authoritative source, then the earliest import"
    LATEST = "the latest reading"


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of fact is kept."""

    fact: type
    table: str
    keeps: Keeps
    #: Columns that identify a row; `id` is a hash computed at import.
    key: tuple[str, ...]
    #: The time that the row belongs to.
    time: str
    #: Columns that the import computes, with their types.
    computed: tuple[tuple[str, str], ...] = ()
    #: Columns with which the table of the rows begins, where it grows with what is needed (see `sparse`); `table` is
    #: then a view. Empty: it has all columns from the start.
    starts: tuple[str, ...] = ()

    @property
    def rows(self) -> str:
        """The table that holds the active rows: what is written to. `table` is what is read."""
        return f"{self.table}_row" if self.starts else self.table

    @property
    def fact_columns(self) -> tuple[str, ...]:
        return tuple(c.name for c in columns(self.fact))

    @property
    def layout(self) -> tuple[tuple[str, str], ...]:
        """Name and SQL type of every column of the active table."""
        own = tuple((c.name, c.sql_type) for c in columns(self.fact))
        identity = (("id", "UUID"),) if "id" in self.key else ()
        dims = (*((name, "VARCHAR") for name in DIMENSIONS), ("rule", "SMALLINT"))
        kept = (("import_id", "INTEGER"), ("source", "VARCHAR"), ("authority", "TINYINT"))
        return (*identity, *own, *self.computed, *dims, *kept)


_MODEL = (("model_key", "VARCHAR"),)
#: Which dimensions hold a tag of their own name that is therefore not in `tags`; see `plaintags`.
_PLAIN_TAGS = ("plain_tags", "SMALLINT")
KINDS: tuple[Kind, ...] = (
    Kind(Charge, "charge", Keeps.FIRST, ("id",), "charge_period_start", (("export", "VARCHAR"), *_MODEL)),
    Kind(Call, "call", Keeps.AUTHORITY, ("id",), "time",
         (("cost", "DECIMAL(18,12)"), ("list_cost", "DECIMAL(18,12)"), *_MODEL, _PLAIN_TAGS),
         starts=("id", "time", "response_id", "output_tokens", "import_id", "source", "authority")),
    Kind(Usage, "usage", Keeps.LATEST, ("id",), "start",
         (("cost", "DECIMAL(38,12)"), ("list_cost", "DECIMAL(38,12)"), *_MODEL)),
    Kind(Sample, "sample", Keeps.FIRST, ("device", "time"), "time"),
    Kind(Capacity, "capacity", Keeps.FIRST, ("pool", "unit", "time"), "time"),
    Kind(Progress, "progress", Keeps.FIRST, ("run_id", "time", "metric"), "time"),
    Kind(Run, "run", Keeps.LATEST, ("scheduler", "run_id"), "started"),
    Kind(Output, "output", Keeps.FIRST, ("id",), "time"),
)

#: Calls and tokens by day, for questions that need no single call. Money: DECIMAL, US dollars.
CALL_DAY: tuple[tuple[str, str], ...] = (
    ("day", "TIMESTAMP"), ("provider", "VARCHAR"), ("model", "VARCHAR"), ("model_key", "VARCHAR"),
    ("account", "VARCHAR"), ("team", "VARCHAR"), ("owner", "VARCHAR"), ("project", "VARCHAR"),
    ("environment", "VARCHAR"), ("stage", "VARCHAR"), ("agent", "VARCHAR"), ("task", "VARCHAR"),
    ("calls", "BIGINT"), ("errors", "BIGINT"), ("unpriced", "BIGINT"),
    ("input_tokens", "BIGINT"), ("output_tokens", "BIGINT"), ("cache_read_tokens", "BIGINT"),
    ("cache_write_tokens", "BIGINT"), ("reasoning_tokens", "BIGINT"), ("system_tokens", "BIGINT"),
    ("cost", "DECIMAL(38,12)"), ("list_cost", "DECIMAL(38,12)"),
)
CALL_DAY_KEYS = tuple(name for name, _ in CALL_DAY[: CALL_DAY.index(("calls", "BIGINT"))])

#: One accelerator, one hour, one run. `allocated`: a run had it, or nothing tells who did. Seconds; `busy_s` is seconds
#: x utilisation; `peak` is the highest reading, percent.
GPU_HOUR: tuple[tuple[str, str], ...] = (
    ("hour", "TIMESTAMP"), ("node", "VARCHAR"), ("device", "VARCHAR"), ("pool", "VARCHAR"), ("gpu_type", "VARCHAR"),
    ("run_id", "VARCHAR"), ("allocated", "BOOLEAN"), ("read_s", "DOUBLE"), ("busy_s", "DOUBLE"), ("peak", "DOUBLE"),
)

#: GPU time and money by day, node, run and part: used, idle, unallocated, unknown add up to the node's bill.
GPU_DAY: tuple[tuple[str, str], ...] = (
    ("day", "TIMESTAMP"), ("node", "VARCHAR"), ("pool", "VARCHAR"), ("gpu_type", "VARCHAR"), ("run_id", "VARCHAR"),
    ("scheduler", "VARCHAR"), ("part", "VARCHAR"), ("gpu_s", "DOUBLE"), ("basis", "VARCHAR"),
    ("currency", "VARCHAR"), ("provider", "VARCHAR"), ("service", "VARCHAR"), ("region", "VARCHAR"),
    ("account", "VARCHAR"), ("market", "VARCHAR"),
    *((name, "VARCHAR") for name in DIMENSIONS),
    ("billed_cost", "DECIMAL(38,18)"), ("effective_cost", "DECIMAL(38,18)"), ("list_cost", "DECIMAL(38,18)"),
    ("contracted_cost", "DECIMAL(38,18)"),
)

#: Every dollar once, by day: what the cost questions ask. `kind`: call, usage, charge, gpu. `basis`: billed,
#: reported or metered. `line` is the cost line that a person would recognise.
COST_DAY: tuple[tuple[str, str], ...] = (
    ("day", "TIMESTAMP"), ("kind", "VARCHAR"), ("basis", "VARCHAR"), ("currency", "VARCHAR"),
    ("provider", "VARCHAR"), ("service", "VARCHAR"), ("line", "VARCHAR"), ("model", "VARCHAR"),
    ("model_key", "VARCHAR"), ("account", "VARCHAR"), ("region", "VARCHAR"), ("category", "VARCHAR"),
    ("resource", "VARCHAR"), ("run_id", "VARCHAR"), ("agent", "VARCHAR"), ("task", "VARCHAR"), ("part", "VARCHAR"),
    *((name, "VARCHAR") for name in DIMENSIONS),
    ("unmetered", "BOOLEAN"), ("unpriced", "BIGINT"),
    ("billed_cost", "DECIMAL(38,18)"), ("effective_cost", "DECIMAL(38,18)"), ("list_cost", "DECIMAL(38,18)"),
    ("contracted_cost", "DECIMAL(38,18)"),
)

#: Metered against billed dollars of the same thing on one day. `counted`: all metering of it together; `spread`: what
#: of the bill goes to it; `factor` turns metered into counted dollars.
RECONCILED: tuple[tuple[str, str], ...] = (
    ("day", "TIMESTAMP"), ("provider", "VARCHAR"), ("model_key", "VARCHAR"), ("account", "VARCHAR"),
    ("metered", "DECIMAL(38,18)"), ("reported", "DECIMAL(38,18)"), ("billed", "DECIMAL(38,18)"),
    ("counted", "DECIMAL(38,18)"), ("spread", "DECIMAL(38,18)"), ("unmetered", "DECIMAL(38,18)"),
    # What a metered dollar of single calls is in each of the four costs; None: the bill does not state that cost.
    *((f"{name}_factor", "DECIMAL(38,18)") for name in ("billed", "effective", "list", "contracted")),
)

DERIVED: dict[str, tuple[tuple[str, str], ...]] = {
    "call_day": CALL_DAY, "gpu_hour": GPU_HOUR, "gpu_day": GPU_DAY, "cost_day": COST_DAY, "reconciled": RECONCILED,
}

#: One row an import. Counts are rows of the file.
IMPORTS: tuple[tuple[str, str], ...] = (
    ("import_id", "INTEGER"), ("name", "VARCHAR"), ("export", "VARCHAR"), ("sha256", "VARCHAR"),
    ("source", "VARCHAR"), ("imported_at", "TIMESTAMP"), ("bytes", "BIGINT"), ("rows", "BIGINT"),
    ("added", "BIGINT"), ("duplicates", "BIGINT"), ("replaced", "BIGINT"), ("rejected", "BIGINT"),
    ("since", "TIMESTAMP"), ("until", "TIMESTAMP"), ("notices", "VARCHAR[]"), ("rejects_file", "VARCHAR"),
    ("stamp", "VARCHAR"),
)

#: What an import of charges covers, so that a later one of the same export can replace it.
CHARGE_SCOPE: tuple[tuple[str, str], ...] = (
    ("import_id", "INTEGER"), ("export", "VARCHAR"), ("issuer", "VARCHAR"), ("account", "VARCHAR"),
    ("period", "TIMESTAMP"), ("since", "TIMESTAMP"), ("until", "TIMESTAMP"),
)

#: What people decided about findings, append-only: the latest row of a finding stands.
DECISION: tuple[tuple[str, str], ...] = (
    ("finding_id", "VARCHAR"), ("state", "VARCHAR"), ("reason", "VARCHAR"), ("until", "TIMESTAMP"),
    ("decided_at", "TIMESTAMP"), ("decided_by", "VARCHAR"),
)

#: Settings of the store itself: schema_version; derived, terms (fingerprints of what the derived tables
#: and the rows were made with); last_import (the highest number that an import ever had).
META: tuple[tuple[str, str], ...] = (("key", "VARCHAR"), ("value", "VARCHAR"))


def kind_of(fact: type) -> Kind:
    """The kind that keeps a fact type."""
    return next(kind for kind in KINDS if kind.fact is fact)


def tables() -> dict[str, tuple[tuple[str, str], ...]]:
    """Every table of a store, by name."""
    kept: dict[str, tuple[tuple[str, str], ...]] = {}
    for kind in KINDS:
        kept[kind.table] = kind.layout
        kept[f"{kind.table}_shadow"] = kind.layout
    return kept | DERIVED | {
        "imports": IMPORTS, "charge_scope": CHARGE_SCOPE, "decision": DECISION, "meta": META,
    }


def ddl() -> tuple[str, ...]:
    """Statements that make a new store."""
    grown = {kind.table: kind for kind in KINDS if kind.starts}
    statements = [f"CREATE TABLE {name} ({columns_sql(layout)})" for name, layout in tables().items()
                  if name not in grown]
    for kind in grown.values():
        start = tuple(entry for entry in kind.layout if entry[0] in kind.starts)
        statements += [f"CREATE TABLE {kind.rows} ({columns_sql(start)})", row_view(kind, kind.starts)]
    return tuple(statements)


def row_view(kind: Kind, held: Collection[str]) -> str:
    """The statement that makes the view of a kind whose table has the columns `held`."""
    parts = ", ".join(f'"{name}"' if name in held else f'CAST(NULL AS {sql_type}) AS "{name}"'
                      for name, sql_type in kind.layout)
    return f"CREATE OR REPLACE VIEW {kind.table} AS SELECT {parts} FROM {kind.rows}"


#: Ids are all different; zstd makes them smaller than a dictionary does, in a third of the time.
_COMPRESSION = {"response_id": " USING COMPRESSION zstd"}


def columns_sql(layout: tuple[tuple[str, str], ...]) -> str:
    """Names and types, as a table is made of them."""
    return ", ".join(f'"{column}" {sql_type}{_COMPRESSION.get(column, "")}' for column, sql_type in layout)

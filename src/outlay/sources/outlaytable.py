"""A table whose columns already have the names of a fact's columns."""

from __future__ import annotations

from outlay.errors import FileError
from outlay.facts import KINDS, Call, Capacity, Fact, Output, Progress, Run, Sample, Usage, columns
from outlay.facts.column import TAGS
from outlay.sources.base import Cell, Check, Projection, Table, TableSource, Tally
from outlay.sources.filecolumns import FileColumn, find_column
from outlay.sources.formulasql import compile_formula
from outlay.sources.inputfile import InputFile
from outlay.sources.mappedtable import object_tags, text_of
from outlay.sources.mapping import Formula
from outlay.sources.tagcolumns import merged, tag_map

#: The columns by which a table is known as a kind of fact; the first whose columns are all there is it.
_SIGNS: tuple[tuple[type[Fact], tuple[str, ...]], ...] = (
    (Call, ("time", "model", "input_tokens")),
    (Usage, ("start", "model", "requests")),
    (Sample, ("time", "device", "util")),
    (Sample, ("time", "device", "sm_active")),
    (Capacity, ("time", "pool", "unit")),
    (Run, ("run_id", "scheduler")),
    (Output, ("time", "kind", "count")),
    (Progress, ("time", "run_id", "metric")),
)


class OutlayTable(TableSource):
    """A table (CSV, JSON lines or Parquet) whose columns have Outlay's own names; it needs no mapping.

    The kind of fact follows from the columns: a call has `time`, `model`, `input_tokens`; a usage bucket `start`,
    `model`, `requests`; a GPU sample `time`, `device`, `util` (or `sm_active`); pool capacity `time`, `pool`, `unit`
    (gpu or node); a run `run_id`, `scheduler`; a valuable output `time`, `kind`, `count`; progress of a run `time`,
    `run_id`, `metric`. All other columns of the kind are optional; [facts](facts.md) lists them. Columns that are not
    the fact's become tags under their own names (`team`, `project`, `owner`, `environment` and `purpose` say who
    pays); a column `tags` may hold an object of further ones. Valuable outputs may carry what they are worth in
    `value` with its `currency`.

    Times are UTC unless they name their zone. `input_tokens` includes cached tokens. Where names, units or times
    differ, write a mapping instead.
    """

    code = "outlay-table"
    title = "Table with Outlay's own column names (calls, usage, samples, capacity, runs, progress, outputs)"
    by_line = True
    facts = tuple(kind for kind in KINDS if any(kind is fact for fact, _ in _SIGNS))

    def recognises(self, file: InputFile) -> bool:
        try:
            names = file.column_names
        except FileError:
            return False
        return any(names.issuperset(signs) for _, signs in _SIGNS)

    def projections(self, table: Table) -> tuple[Projection, ...]:
        names = {name.strip() for name in table.columns}
        fact = next((fact for fact, signs in _SIGNS if names.issuperset(signs)), None)
        if fact is None:
            nearest, signs = max(_SIGNS, key=lambda sign: len(names & set(sign[1])) / len(sign[1]))
            absent = ", ".join(f"'{name}'" for name in signs if name not in names)
            raise FileError(f"has no column {absent}, without which no {nearest.__name__.lower()} can be read",
                            hint="Write a mapping of its columns (docs/sources.md).")
        cells: list[Cell] = []
        checks: list[Check] = []
        tallies: list[Tally] = []
        for column in columns(fact):
            if column.sql_type == TAGS:
                continue
            compiled = compile_formula(Formula(columns=(column.name,)), column, table, ())
            if compiled is not None:
                cells.append(compiled.cell)
                checks.extend(compiled.checks)
                tallies.extend(compiled.tallies)
        extra = _tag_columns(fact, table)
        objects = find_column(table, "tags")
        return (Projection(fact, tuple(cells), tuple(checks), tuple(tallies), _tags(extra, objects),
                           tag_columns=() if objects else tuple(extra.items())),)


def _tag_columns(fact: type[Fact], table: Table) -> dict[str, str]:
    own = {column.name for column in columns(fact)}
    extra = {}
    for name in table.columns:
        column = find_column(table, name)
        if column is not None and name.strip() not in own:
            extra[name.strip()] = text_of(column)
    return extra


def _tags(extra: dict[str, str], objects: FileColumn | None) -> str | None:
    if objects is None:
        return tag_map(extra) if extra else None
    if not objects.is_nested and not objects.is_text:
        raise FileError("column 'tags' holds no objects", hint="Name it otherwise, or write a mapping.")
    tags = object_tags(objects)
    return merged(tag_map(extra), tags) if extra else tags

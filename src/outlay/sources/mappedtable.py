"""Any table (CSV, JSON lines, Parquet) through a mapping of its columns."""

from __future__ import annotations

from outlay.errors import FileError
from outlay.facts import Notice, columns
from outlay.facts.column import TEXT, Column
from outlay.sources.base import Cell, Check, Projection, Table, TableSource, Tally
from outlay.sources.columnvalue import column_value
from outlay.sources.filecolumns import FileColumn, find_column
from outlay.sources.formulasql import compile_formula
from outlay.sources.inputfile import InputFile
from outlay.sources.mapping import ALL_KEYS, Mapping
from outlay.sources.sql_values import EMPTY_MAP, tags_sql
from outlay.sources.tagcolumns import merged, tag_map


class MappedTable(TableSource):
    """Any table as CSV, JSON lines or Parquet, through a small YAML file that says which column is what.

    What it gives is what the mapping names. A mapping for a gateway's own log of calls:

        source: my-gateway            # the name in `outlay imports list`, and the space of its rows' identity
        fact: call                    # call, usage, sample, capacity, run, progress, output or charge
        match: [ts, model_name]       # a file with these columns is this source; default: all columns used below
        columns:                      # the fact's column: the file's column
          time: ts
          model: model_name
          provider: {value: openai}                      # the same for all rows
          input_tokens: {sum: [fresh_tok, cached_tok]}   # an absent part counts as nothing
          cache_read_tokens: cached_tok
          output_tokens: usage.completion_tokens         # a field inside of a nested column
          duration_ms: {column: seconds, times: 1000, round: true}
          status: {column: error, default: ok}
        tags:                         # any names; team, project, owner, environment, purpose say who pays
          team: team_name
          environment: {value: production}
          "*": labels                 # every key of an object
        missing: ["-", "n/a"]         # texts that mean "no value", besides empty
        authority: gateway            # of two records of one call: gateway, provider, sdk_span, spend_log

    Arithmetic is `sum`, `subtract` (the first less the others), `times` (a column or a number) and `round`. Times are
    UTC unless they say otherwise: `{column: t, zone: Europe/Berlin}`, `{column: t, format: "%d/%m/%Y %H:%M"}`, or
    counted from a moment: `{column: t, epoch: milliseconds, from: 2026-05-01}` (from 1970 where nothing is said).

    `input_tokens` includes cached tokens. A row with a value of the wrong type, a negative count or an end before its
    start is refused and listed; a row that lacks an optional value is kept.
    """

    by_line = True

    def __init__(self, mapping: Mapping) -> None:
        self.mapping = mapping
        # One class serves every mapping, so what other sources say on the class is said on the instance.
        vars(self).update(
            code=mapping.source, title=mapping.title, facts=(mapping.fact,), authority=mapping.authority
        )

    def recognises(self, file: InputFile) -> bool:
        try:
            names = file.column_names
        except FileError:
            return False
        return all(name in names or name.split(".")[0] in names for name in self.mapping.match)

    def projections(self, table: Table) -> tuple[Projection, ...]:
        cells: list[Cell] = []
        checks: list[Check] = []
        tallies: list[Tally] = []
        absent = []
        by_name = {column.name: column for column in columns(self.mapping.fact)}
        for name, formula in self.mapping.columns.items():
            compiled = compile_formula(formula, by_name[name], table, self.mapping.missing)
            if compiled is None:
                absent.append(name)
                continue
            cells.append(compiled.cell)
            checks.extend(compiled.checks)
            tallies.extend(compiled.tallies)
        found, objects, untagged = self._tags(table)
        tags = merged(tag_map(found), objects) if found and objects else tag_map(found) if found else objects
        notices = tuple(Notice(f"No column for {name}: the file lacks one that the mapping names.")
                        for name in (*absent, *untagged))
        return (Projection(self.mapping.fact, tuple(cells), tuple(checks), tuple(tallies), tags, notices=notices,
                           tag_columns=() if objects else tuple(found.items())),)

    def _tags(self, table: Table) -> tuple[dict[str, str], str | None, list[str]]:
        """Tags that have a column each, the map of the others, and those whose column is absent."""
        found: dict[str, str] = {}
        objects, absent = None, []
        for name, formula in self.mapping.tags.items():
            if name == ALL_KEYS:
                column = find_column(table, formula.columns[0])
                objects = object_tags(column) if column else None
                if column is None:
                    absent.append(f"tag {name}")
                continue
            compiled = compile_formula(formula, Column(name, TEXT, False, ""), table, self.mapping.missing)
            if compiled is None:
                absent.append(f"tag {name}")
            else:
                found[name] = compiled.cell.sql
        return found, objects, absent


def object_tags(column: FileColumn) -> str:
    """A column that holds an object (map, struct or JSON text) as a map of tags; empty where it holds none."""
    return f"coalesce({tags_sql(column.sql, column.type).value}, {EMPTY_MAP})"


def text_of(column: FileColumn) -> str:
    """A column as the text of a tag."""
    return column_value(column, TEXT).sql

"""Splits shared cost lines over teams, in `cost_day`, so that the parts add up to the line to the last digit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outlay.attribution.shared import Split
from outlay.attribution.sql import literal, matches
from outlay.ledger.exact import split_sql
from outlay.ledger.schema import COST_DAY

if TYPE_CHECKING:
    import duckdb

_COSTS = ("billed_cost", "effective_cost", "list_cost", "contracted_cost")


def apply(con: duckdb.DuckDBPyConnection, splits: tuple[Split, ...]) -> None:
    """Applies every split, in order; a line that an earlier one has split is not split again."""
    for split in splits:
        condition = " AND ".join(matches(f"c.{column}", pattern) for column, pattern in split.when)
        con.execute(f"CREATE TEMP TABLE shared_line AS SELECT c.*, c.rowid AS line_no FROM cost_day c "
                    f"WHERE {condition}")
        con.execute(f"CREATE TEMP TABLE sharer AS {_sharers(split)}")
        # A line that nobody shares (no other cost to go by) stays where it is.
        con.execute("DELETE FROM cost_day WHERE rowid IN (SELECT line_no FROM shared_line) "
                    "AND EXISTS (SELECT 1 FROM sharer)")
        values = {name: split_sql(f"l.{name}", "s.weight", "l.line_no", "s.team") for name in _COSTS}
        values["team"] = "s.team"
        columns = ", ".join(values.get(name, f"l.{name}") for name, _ in COST_DAY)
        con.execute(f"INSERT INTO cost_day SELECT {columns} FROM shared_line l, sharer s")
        con.execute("DROP TABLE shared_line")
        con.execute("DROP TABLE sharer")


def _sharers(split: Split) -> str:
    """Teams and their weights, as exact numbers."""
    if split.by == "evenly":
        rows = ", ".join(f"({literal(team)}, 1::DECIMAL(38,6))" for team in split.among)
        return f"SELECT * FROM (VALUES {rows}) v(team, weight)"
    if split.by == "weights":
        rows = ", ".join(f"({literal(team)}, {weight}::DECIMAL(38,6))" for team, weight in split.weights)
        return f"SELECT * FROM (VALUES {rows}) v(team, weight)"
    among = f"AND team IN ({', '.join(literal(team) for team in split.among)})" if split.among else ""
    return ("SELECT team, CAST(sum(effective_cost) AS DECIMAL(38,6)) AS weight FROM cost_day WHERE team IS NOT NULL "
            f"AND rowid NOT IN (SELECT line_no FROM shared_line) {among} "
            "GROUP BY team HAVING sum(effective_cost) > 0")

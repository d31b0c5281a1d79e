"""Runs a question on a ledger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Ask:
    """A ledger that can be asked. Expressions are built on `questions.tables.table(name)`."""

    con: duckdb.DuckDBPyConnection

    def arrow(self, expression: Any) -> pa.Table:
        """The answer as an Arrow table."""
        import ibis

        # Compiling for the dialect and running it here spares loading Ibis' own backend, a fifth of a second.
        return self.con.sql(str(ibis.to_sql(expression, dialect="duckdb"))).to_arrow_table()

    def rows(self, expression: Any) -> Iterator[tuple[Any, ...]]:
        """The answer row by row, in the order of the expression's columns."""
        answer = self.arrow(expression)
        return zip(*(column.to_pylist() for column in answer.columns), strict=True) if answer.num_columns else iter(())

    def has(self, name: str) -> bool:
        """Whether the ledger table `name` holds any row."""
        return bool(self.con.execute(f'SELECT 1 FROM "{name}" LIMIT 1').fetchall())

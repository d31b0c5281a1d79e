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
    #: Answers by question, where they are remembered.
    known: dict[Any, Any] | None = None

    def remembering(self) -> Ask:
        """The same ledger, asked each question once: for as long as nothing in it changes."""
        return Ask(self.con, {})

    def arrow(self, expression: Any) -> pa.Table:
        """The answer as an Arrow table."""
        if self.known is None:
            return self._run(expression)
        question = expression.op()
        if question not in self.known:
            self.known[question] = self._run(expression)
        answer: pa.Table = self.known[question]
        return answer

    def table(self, expression: Any) -> Any:
        """The answer as a table to build further questions on: where answers are remembered it is made once, else it
        becomes part of each question. For answers of few rows."""
        import ibis

        if self.known is None:
            return expression
        name = ("table", expression.op())
        if name not in self.known:
            self.known[name] = ibis.memtable(self.arrow(expression), schema=expression.schema())
        return self.known[name]

    def _run(self, expression: Any) -> pa.Table:
        from outlay.questions.compiled import duckdb_sql

        given = _given(expression)
        for table in given:
            self.con.register(table.name, table.data.to_pyarrow(table.schema))
        try:
            # Compiling for the dialect and running it here spares loading Ibis' own backend, a fifth of a second.
            return self.con.sql(duckdb_sql(expression)).to_arrow_table()
        finally:
            for table in given:
                self.con.unregister(table.name)

    def rows(self, expression: Any) -> Iterator[tuple[Any, ...]]:
        """The answer row by row, in the order of the expression's columns; sums of whole numbers are `int`."""
        answer = self.arrow(expression)
        return zip(*map(_values, answer.columns), strict=True) if answer.num_columns else iter(())

    def has(self, name: str) -> bool:
        """Whether the ledger table `name` holds any row."""
        return bool(self.con.execute(f'SELECT 1 FROM "{name}" LIMIT 1').fetchall())


def _given(expression: Any) -> tuple[Any, ...]:
    """The tables of values that the question itself brings along (`ibis.memtable`)."""
    from ibis.expr.operations import InMemoryTable

    return tuple(expression.op().find(InMemoryTable))


def _values(column: pa.ChunkedArray) -> list[Any]:
    """DuckDB sums whole numbers in 128 bits, which Arrow has only as decimals without places."""
    import pyarrow as pa

    values: list[Any] = column.to_pylist()
    if pa.types.is_decimal(column.type) and column.type.scale == 0:
        return [None if value is None else int(value) for value in values]
    return values

"""What a source is: an outside format read into facts.

Two shapes. A `RowSource` parses a small or nested format in Python and yields facts, rejects and notices. A
`TableSource` describes a large, flat format (CSV, JSON lines, Parquet) as SQL expressions over the file's own columns,
which the ledger runs in bulk. Neither knows prices or the ledger.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from outlay.facts import Fact, Notice, Reject
from outlay.sources.inputfile import InputFile


class Source(ABC):
    """An outside format. The class docstring is its page in the user's documentation."""

    #: Stable name, used by `outlay import --as`.
    code: ClassVar[str]
    #: One line for lists.
    title: ClassVar[str]
    #: The kinds of fact that it yields.
    facts: ClassVar[tuple[type[Fact], ...]]
    #: Whose figures win when the same call is seen twice; see `outlay.facts.call.AUTHORITY`.
    authority: ClassVar[str] = "spend_log"
    #: Whether each line of a JSON-lines file stands for itself, so that a log that grows can be read on from its end.
    by_line: ClassVar[bool] = False
    #: The export that all files of a source of charges belong to, where their names do not tell; see `Charge`.
    export: ClassVar[str | None] = None

    @abstractmethod
    def recognises(self, file: InputFile) -> bool:
        """Whether the content (never the name) is this format. Must not raise on any content."""


class RowSource(Source):
    """A format that is parsed in Python, row by row, in constant memory where the format allows it."""

    @abstractmethod
    def read(self, file: InputFile) -> Iterator[Fact | Reject | Notice]:
        """Every fact of the file, and every row that is not one.

        Raises `FileError` only where the file as a whole cannot be read (nothing of it is kept then).
        """


@dataclass(frozen=True, slots=True)
class Cell:
    """How one column of a fact is computed from the file's columns.

    `sql` gives the target type, or NULL. Where `raw` (the text it was made from) is present and `sql` is NULL, the row
    is refused with `field` (the file's own column name) and `reason`. A `required` cell refuses a row without it.
    """

    target: str
    sql: str
    raw: str | None = None
    field: str = ""
    reason: str = "is not of the expected type"
    required: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """A row for which `refused_when` (SQL) is true is refused, naming `field` and `reason`."""

    refused_when: str
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Tally:
    """Rows for which `counted_when` (SQL over the file's columns) is true are kept; where there are any, the user gets
    a notice: their number and `message`, for example `rows have digits after the 18th decimal, which were rounded`."""

    counted_when: str
    message: str


@dataclass(frozen=True, slots=True)
class Projection:
    """One kind of fact made from every row (or from those for which `where` holds) of a flat file.

    `tags` is a SQL expression of type MAP(VARCHAR, VARCHAR), or None. Where every tag comes from a place of its own,
    `tag_columns` says the same: each key with the SQL of its text or NULL; it spares building the map. `notices` go to
    the user.
    """

    fact: type[Fact]
    cells: tuple[Cell, ...]
    checks: tuple[Check, ...] = ()
    tallies: tuple[Tally, ...] = ()
    tags: str | None = None
    where: str | None = None
    notices: tuple[Notice, ...] = ()
    tag_columns: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A flat file as DuckDB sees it: its columns in order, with their DuckDB types (all VARCHAR for CSV)."""

    columns: Mapping[str, str]
    #: csv, json or parquet
    format: str

    def quoted(self, name: str) -> str:
        """The column as a SQL identifier."""
        return '"' + name.replace('"', '""') + '"'


class TableSource(Source):
    """A flat format that is read in bulk."""

    @abstractmethod
    def projections(self, table: Table) -> tuple[Projection, ...]:
        """How the file's columns become facts.

        Raises `FileError` where a column that nothing can be said without is missing.
        """

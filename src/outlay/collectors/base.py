"""What a collector is: a source that is asked again and again, and remembers how far it came.

A collector never writes. It yields batches; each is kept in the ledger, in one transaction with its cursor, before the
next one is asked for. So a collector that is killed goes on where it was, and what it gives twice counts once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from outlay.collectors.settings import Entry
from outlay.errors import FileError, OutlayError
from outlay.facts import Fact, Reject

if TYPE_CHECKING:
    import pyarrow as pa

    from outlay.ledger.importing import Imported
    from outlay.sources.base import Source


class SourceDown(OutlayError):
    """A source cannot be reached, refuses us, or answers what it should not. It is asked again later."""

    code = "source_down"


@dataclass(frozen=True, slots=True)
class WholeFile:
    """A file that is imported as `outlay import` does it: all of it or nothing, and nothing twice. Of the imports that
    it `restates` those go away that speak of no time that it does not speak of. `told`: what became of it and which
    these are, before the next batch is asked for; where it failed nothing of it was kept."""

    path: Path
    name: str
    source: Source
    restates: tuple[int, ...]
    told: Callable[[Imported | FileError, tuple[int, ...]], None]


@dataclass(frozen=True, slots=True)
class Batch:
    """Facts that belong together, of any kinds. `cursor`: where to go on once they are kept; None: it stays.

    `rejects` have the place within the source as their line, where there is one. `until`: up to when the source is
    read, UTC, where it knows; the lag of the source is measured from it. `tables`: facts as Arrow, where they are many.
    `source`, `authority`: whose the facts are, where that is not the collector itself. `file`: one to be imported,
    alone in its batch. `kept`: facts that came with such a file before.
    """

    facts: tuple[Fact, ...] = ()
    cursor: str | None = None
    rejects: tuple[Reject, ...] = ()
    until: datetime | None = None
    tables: Mapping[type[Fact], pa.Table] = field(default_factory=dict)
    source: str = ""
    authority: str = ""
    file: WholeFile | None = None
    kept: int = 0

    @property
    def rows(self) -> int:
        """Facts."""
        return len(self.facts) + sum(int(table.num_rows) for table in self.tables.values()) + self.kept


class Collector(ABC):
    """A source that is asked again and again. The class docstring is its page in the user's documentation."""

    #: Stable name of the kind, as in the settings.
    code: ClassVar[str]
    #: One line for lists.
    title: ClassVar[str]
    #: Whose figures win when the same call is seen twice; see `outlay.facts.call.AUTHORITY`.
    authority: ClassVar[str] = "spend_log"

    #: Which one, where there are several: `slurm/north`. It names the cursor, so it must not change.
    name: str
    #: Seconds between two rounds.
    every_s: float

    @classmethod
    @abstractmethod
    def from_settings(cls, entry: Entry) -> Self:
        """The collector of an entry of the settings. Raises `SettingsError` naming the key at fault."""

    @abstractmethod
    def collect(self, cursor: str | None, now: datetime) -> Iterator[Batch]:
        """What is new since `cursor` (None: never asked before) up to `now`, UTC.

        It may block and runs in a thread of its own; requests must have time limits. Raises `SourceDown`.
        """

    def problems(self) -> tuple[str, ...]:
        """What is wrong with parts of the source as of the last round, for people, while the rest is read."""
        return ()

"""What a collector is: a source that is asked again and again, and remembers how far it came.

A collector never writes. It yields batches; each is kept in the ledger, in one transaction with its cursor, before the
next one is asked for. So a collector that is killed goes on where it was, and what it gives twice counts once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from outlay.collectors.settings import Entry
from outlay.errors import OutlayError
from outlay.facts import Fact, Reject


class SourceDown(OutlayError):
    """A source cannot be reached, refuses us, or answers what it should not. It is asked again later."""

    code = "source_down"


@dataclass(frozen=True, slots=True)
class Batch:
    """Facts that belong together, of any kinds. `cursor`: where to go on once they are kept; None: it stays.

    `rejects` have the place within the source as their line, where there is one. `until`: up to when the source is
    read, UTC, where it knows; the lag of the source is measured from it.
    """

    facts: tuple[Fact, ...] = ()
    cursor: str | None = None
    rejects: tuple[Reject, ...] = ()
    until: datetime | None = None


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

"""What a detector is: a class with a code, a documented rule and one method that returns findings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from outlay.facts.finding import Finding
from outlay.facts.window import Window

if TYPE_CHECKING:
    from outlay.prices.book import PriceBook
    from outlay.questions.ask import Ask


@dataclass(frozen=True, slots=True)
class Context:
    """What a detector may look at. `thresholds` are its own, from `thresholds.yaml` and the settings.

    The end of the window is the latest moment that the ledger knows of: work that has not ended by then still runs.
    """

    ask: Ask
    window: Window
    book: PriceBook
    thresholds: Mapping[str, float]


class Detector(ABC):
    """A rule that finds one kind of waste. Its docstring is its documentation: what it finds, why that costs, how the
    dollars are counted, what it leaves alone, how to end it."""

    #: Stable name, such as `idle-gpu`.
    code: ClassVar[str]
    #: One line for lists.
    title: ClassVar[str]
    #: The capability of the product that it serves, such as `F1`.
    capability: ClassVar[str]
    #: Ledger tables without which it can say nothing.
    needs: ClassVar[tuple[str, ...]]
    #: What to import where they are empty, for people.
    missing: ClassVar[str]

    @abstractmethod
    def find(self, context: Context) -> Iterable[Finding]:
        """Every finding of this kind in the window."""

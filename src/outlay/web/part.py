"""What a page is made of: parts, each a live region with its question and its template.

A part is asked once a tick for all who look at it, never once a page, and is rendered once. So what it shows may depend
on the query of the page alone, never on who looks: buttons that not everyone may press carry `data-may`, and the page
hides them from the others (the server refuses them anyhow).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from outlay.prices.book import PriceBook
    from outlay.questions.ask import Ask
    from outlay.settings import Settings


@dataclass(frozen=True, slots=True)
class View:
    """What the question of a part may look at. `now`: naive UTC, the server's injected clock. `outside`: what is known
    beside the ledger (health of collectors, open alerts, budgets of the state), by name of its value's class."""

    ask: Ask
    settings: Settings
    book: PriceBook
    now: datetime
    outside: Mapping[str, Any] = field(default_factory=dict)


#: The state of a page, which is its URL: names and values in order, without empty ones.
Query = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table for a spreadsheet: exact values, none of them rounded for people."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One live region. `code` is its element's id, such as `now-figures`.

    `ask` runs in a thread of its own and gives a frozen value, which `template` renders as `m` (beside it only `query`
    and `now`). `every_s`: how often it is asked while someone looks and the ledger has changed. `csv`: what `ask` gave,
    as the table that `/csv/<code>` sends.
    """

    code: str
    template: str
    ask: Callable[[View, Query], Any]
    every_s: float = 2.0
    csv: Callable[[Any], Sheet] | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page. `knows`: the names in its URL that it understands, each with a text for people. `key`: pressed after
    `g`, it opens the page. `inside`: the page under which it stands in the navigation, where that is another."""

    path: str
    code: str
    title: str
    template: str
    parts: tuple[Part, ...]
    knows: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    inside: str = ""

    def query(self, given: Mapping[str, str]) -> Query:
        """What of the URL's query this page understands, in one order."""
        return tuple((name, given[name].strip()) for name in sorted(self.knows) if given.get(name, "").strip())

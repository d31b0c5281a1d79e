"""What a rule says: something that holds now and that somebody should know of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class Severity(StrEnum):
    """info: to be read some time; warn: today; page: now, whatever the hour."""

    INFO = "info"
    WARN = "warn"
    PAGE = "page"

    @property
    def rank(self) -> int:
        """0 to 2, the worst last."""
        return tuple(Severity).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One thing that holds now, in the words in which people are told of it.

    `key` is the same for as long as it is the same cause. `title` stands alone: what, how much, when. `cause` says why.
    `amount` so far, in `currency`; None: unknown, or it has none. `since`: naive UTC. `link`: a path of the product,
    such as `/budgets`. `action`: the one thing to do, a sentence; `command`: what does it, as typed into a shell.
    `step`: grows where it gets worse by a known measure, such as the next threshold of a budget.
    `group`: conditions of one rule and group are one alert about `count` things. `covers`: keys of other conditions
    that have the same cause and are not told beside this one.
    """

    rule: str
    key: str
    severity: Severity
    team: str | None
    owner: str | None
    title: str
    cause: str
    amount: Decimal | None
    currency: str
    since: datetime
    link: str
    action: str = ""
    command: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    step: int = 0
    count: int = 1
    group: str = ""
    covers: tuple[str, ...] = ()

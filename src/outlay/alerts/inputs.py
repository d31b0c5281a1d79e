"""What rules look at: frozen values that were asked for once, each with None where it could not be asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from outlay.alerts.unusual import Unusual
from outlay.facts.finding import Finding
from outlay.governance.burns import Burns
from outlay.questions.known_runs import KnownRun


class SourceHealth(Protocol):
    """How a source fares, as the runner of collectors says it. `state`: ok, down, failed or starting, since `since`;
    `until`: up to when its facts are known."""

    @property
    def name(self) -> str: ...
    @property
    def code(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def since(self) -> datetime: ...
    @property
    def last_ok(self) -> datetime | None: ...
    @property
    def until(self) -> datetime | None: ...
    @property
    def last_error(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Driver:
    """What most of a budget went to, such as `docs-search, gpt-4o`."""

    name: str
    cost: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Money is in `currency`, findings' claims too. None: it was not asked yet, or the question failed; what rests on
    it is then neither opened nor resolved. `drivers`: by budget, largest first. `runs`: what is known of runs that
    findings and budgets speak of, by id. `now`: when they were put together."""

    now: datetime | None = None
    currency: str = "USD"
    burns: Burns | None = None
    findings: tuple[Finding, ...] | None = None
    unusual: tuple[Unusual, ...] | None = None
    health: tuple[SourceHealth, ...] | None = None
    drivers: Mapping[str, tuple[Driver, ...]] = field(default_factory=dict)
    runs: Mapping[str, KnownRun] = field(default_factory=dict)
    #: From which share of a budget on, in percent, somebody is paged.
    page_at: int = 80

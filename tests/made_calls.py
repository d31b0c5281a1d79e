"""Model calls as tests make them: a pattern repeated in time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from made_ledger import START, found, made_ledger, window
from outlay.detectors.base import Detector
from outlay.facts import Call, Fact
from outlay.facts.finding import Finding

#: US dollars a token, as the providers list them.
GPT_4O = {"input": Decimal("0.0000025"), "output": Decimal("0.00001")}
GPT_4O_MINI = {"input": Decimal("0.00000015"), "output": Decimal("0.0000006")}
SONNET = {"input": Decimal("0.000003"), "output": Decimal("0.000015"), "cache_read": Decimal("0.0000003"),
          "cache_write": Decimal("0.00000375")}
MONTH = Decimal(730)


def calls(
    count: int, *, since: datetime = START, every: timedelta = timedelta(hours=1), tags: dict[str, str] | None = None,
    **columns: Any | Callable[[int], Any],
) -> Iterator[Call]:
    """`count` calls; a column that is a function is given the call's number."""
    defaults = {"provider": "openai", "model": "gpt-4o", "operation": "chat", "status": "ok", "input_tokens": 100,
                "output_tokens": 10}
    for number in range(count):
        values = {name: value(number) if callable(value) else value for name, value in (defaults | columns).items()}
        yield Call(time=since + every * number, tags=tags or {"team": "search", "owner": "ana"}, **values)


def prompts_of(findings: tuple[Finding, ...]) -> set[str]:
    """The names that findings about prompts are about."""
    return {part.removeprefix("prompt ") for finding in findings for part in finding.subject.split(", ")
            if part.startswith("prompt ")}


def finds(
    path: Path, detector: Detector, days: float, facts: Iterable[Fact], **own: float
) -> tuple[Finding, ...]:
    """What a detector finds in a ledger of the facts, in a window of `days` from START; `own`: changed thresholds."""
    place = path / f"ledger-{len(list(path.iterdir()))}"
    place.mkdir()
    with made_ledger(place, facts) as store:
        return found(store, detector, window(days), **own)

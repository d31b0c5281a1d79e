"""Sources that tell nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from outlay.accounting.figures import instant
from outlay.alerts.condition import Condition, Severity
from outlay.alerts.inputs import Inputs, SourceHealth
from outlay.alerts.rules.base import Rule
from outlay.web.links import source_link

#: A source that cannot be reached is asked again a few times first: restarts take minutes.
PATIENCE = timedelta(minutes=10)


class SourceSilent(Rule):
    """A source cannot be reached, or its collector failed: figures that come from it stand still.

    **It holds** from ten minutes after it was last read on, for as long as it cannot be.

    **How loud**: warn.

    **It silences** what would only look so because nothing is heard: `endpoint-without-traffic` and `idle-now` neither
    open nor resolve while a source that they rest on is silent.

    **End it** by mending the source; it is asked again by itself, and what was missed is read then.
    """

    code = "source-silent"
    title = "A source tells nothing"
    needs = ("health",)
    calm_minutes = 2

    def conditions(self, inputs: Inputs) -> Iterable[Condition]:
        for source in silent(inputs):
            since = source.last_ok or source.since
            yield Condition(
                rule=self.code, key=f"source:{source.name}", severity=Severity.WARN, team=None, owner=None,
                title=f"Source {source.name} has told nothing since {instant(since)} UTC.",
                cause=f"{_reason(source)} Figures that rest on it stand still, and are too low by what it has to tell.",
                amount=None, currency=inputs.currency, since=since, link=source_link(source.name),
                action="Mend the source; it is asked again by itself, and what was missed is read then.",
                facts=(("State", source.state),
                       *((("Known until", f"{instant(source.until)} UTC"),) if source.until is not None else ())))


def silent(inputs: Inputs) -> tuple[SourceHealth, ...]:
    """Sources that cannot be read for longer than a restart takes."""
    if inputs.now is None:
        return ()
    return tuple(source for source in inputs.health or () if source.state in ("down", "failed")
                 and inputs.now - (source.last_ok or source.since) >= PATIENCE)


def _reason(source: SourceHealth) -> str:
    text = " ".join(source.last_error.split()).rstrip(".")
    return f"{text[:1].upper()}{text[1:]}." if text else "It cannot be read."

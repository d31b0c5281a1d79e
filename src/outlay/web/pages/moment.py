"""What all pages begin with: the moment that they speak of, and what is judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from outlay.accounting.assess import decided
from outlay.accounting.digest import ranked
from outlay.ledger.decisions import decisions
from outlay.questions.windows import latest_fact

if TYPE_CHECKING:
    from outlay.accounting.assessment import Assessment, Counted
    from outlay.web.part import View

#: A ledger whose newest fact is older than this is looked at as it was then.
_STALE = timedelta(days=1)
#: What a finding says of its run, in a word or two.
WORDS = {"zombie-run": "no progress", "idle-gpu": "idle", "idle-endpoint": "no traffic"}


@dataclass(frozen=True, slots=True)
class Moment:
    """What a page takes for now (naive UTC). `behind`: how much older than the clock that is, where nothing came for a
    day; `empty`: the ledger knows nothing at all."""

    at: datetime
    behind: timedelta | None = None
    empty: bool = False


def moment(view: View) -> Moment:
    """Now, or the last moment that the ledger knows of where that is more than a day ago."""
    latest = latest_fact(view.ask)
    if latest is None:
        return Moment(view.now, empty=True)
    if view.now - latest < _STALE:
        return Moment(view.now)
    return Moment(latest + timedelta(microseconds=1), view.now - latest)


def assessment(view: View) -> Assessment | None:
    """The assessment of the last thirty days, with people's decisions as they stand now; None before the first."""
    found: Assessment | None = view.outside.get("assessment")
    if found is None:
        return None
    known = decisions(view.ask.con)
    return replace(found, findings=decided(
        (replace(each, state="open") for each in found.findings), known, view.now)) if known else found


@dataclass(frozen=True, slots=True)
class Judged:
    """What findings say of single runs, by run id, the dearest first. `ready` False: nothing is judged yet."""

    ready: bool
    of_run: Mapping[str, Counted]

    def word(self, run_id: str) -> str:
        """`no progress`; "" where nothing stands against the run."""
        found = self.of_run.get(run_id)
        return "" if found is None else WORDS[found.finding.code]


def judged(view: View) -> Judged:
    """Runs that get nowhere, as findings say that are not ignored."""
    whole = assessment(view)
    if whole is None:
        return Judged(False, {})
    found: dict[str, Counted] = {}
    for each in ranked(whole.findings).live:
        pots = {claim.pot for claim in each.finding.claims}
        if each.finding.code in WORDS and len(pots) == 1 and (pot := pots.pop()).startswith("run:"):
            found.setdefault(pot.removeprefix("run:"), each)
    return Judged(True, found)

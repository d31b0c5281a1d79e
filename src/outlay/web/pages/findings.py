"""Findings: what costs and should not, and what people decided about each."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from outlay.accounting.assessment import Counted
from outlay.accounting.digest import ranked
from outlay.ledger.decisions import Decision, decisions
from outlay.web.pages.moment import assessment
from outlay.web.part import Page, Part, Query, Sheet, View

#: What the page can show: what stands, and what was decided.
STATES = ("open", "accepted", "ignored")


@dataclass(frozen=True, slots=True)
class Findings:
    """Findings of one state, the dearest first. `ready` False: nothing is judged yet. `counts` by state; `saving`,
    `share`: of all that are not ignored, overlaps counted once."""

    ready: bool
    state: str
    findings: tuple[Counted, ...]
    counts: tuple[tuple[str, int], ...]
    saving: Decimal
    share: float
    decided: tuple[tuple[str, Decision], ...]
    #: The one that is asked for by its id, whatever its state.
    asked: str = ""

    def decision(self, finding_id: str) -> Decision | None:
        """What was decided about a finding."""
        return dict(self.decided).get(finding_id)


def findings(view: View, query: Query) -> Findings:
    """Asks for findings as they stand now."""
    asked = dict(query).get("id", "")
    state = dict(query).get("state", "open")
    state = state if state in STATES else "open"
    whole = assessment(view)
    if whole is None:
        return Findings(False, state, (), (), Decimal(0), 0.0, (), asked)
    order = ranked(whole.findings)
    every = (*order.live, *order.ignored)
    counts = tuple((name, sum(each.state == name for each in every)) for name in STATES)
    live = [each for each in every if each.state != "ignored"]
    share = float(whole.wasted / whole.spent) if whole.spent else 0.0
    one = next((each for each in every if each.finding.id == asked), None)
    state = one.state if one is not None else state
    shown = (one,) if one is not None else () if asked else tuple(each for each in every if each.state == state)
    return Findings(True, state, shown, counts, sum((each.month for each in live), Decimal(0)), share,
                    tuple(decisions(view.ask.con).items()), asked)


def sheet(part: Findings) -> Sheet:
    return Sheet(("id", "detector", "state", "month", "so_far", "owner", "team", "title", "confidence", "action",
                  "command"), tuple(
        (each.finding.id, each.finding.code, each.state, each.month, each.so_far, each.finding.owner,
         each.finding.team, each.finding.title, str(each.finding.confidence), each.finding.action,
         each.finding.command) for each in part.findings))


FINDINGS = Page("/findings", "findings", "Findings", "live/findings.html.j2", (
    Part("findings-list", "live/findings_list.html.j2", findings, every_s=5, csv=sheet),
), {"state": "open, accepted or ignored", "id": "one finding"}, key="f")

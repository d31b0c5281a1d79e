"""F7: spend that no team answers for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal

from outlay.accounting.figures import percent, period
from outlay.accounting.money import dollars
from outlay.accounting.untagged import suggested_owners
from outlay.attribution.suggest import Suggested
from outlay.detectors.base import Context, Detector
from outlay.detectors.endcommand import costs_shown
from outlay.facts.finding import Confidence, Finding
from outlay.questions.costs import totals_by
from outlay.questions.untagged import UntaggedLine, untagged_lines

_SHOWN = 10
_CURRENCY = "USD"


class UntaggedSpend(Detector):
    """Spend without a team, above the goal of 5%.

    **It finds** what the window cost and no team is named for - by a tag, by a rule, by the account, or by the calls
    that explain a bill of a model provider - where it is more than 5% of all spend.

    **It costs** because what nobody answers for, nobody turns off. It is not waste as such.

    **The dollars**: none are claimed. The amount, its share, and the ten largest lines are the evidence, each with
    the team to which what is tagged alike points.

    **It leaves alone** a smaller share: chasing the last lines costs more than knowing them is worth.

    **End it** by tagging the largest resources, or by a rule in `outlay.yaml` where the tag cannot be set.
    """

    code = "untagged"
    title = "Spend without a team"
    capability = "F7"
    needs = ("cost_day",)
    missing = "Import a bill, model calls or runs."

    def find(self, context: Context) -> Iterator[Finding]:
        limit = context.thresholds
        ask, window = context.ask, context.window
        spent = totals_by(ask, "team", window, "effective", _CURRENCY)
        total, nobodys = sum(spent.values(), Decimal(0)), spent.get(None, Decimal(0))
        if total <= 0 or nobodys < Decimal(limit["min_so_far"]) or float(nobodys / total) <= limit["goal_share"]:
            return
        lines = untagged_lines(ask, window, _CURRENCY)[:_SHOWN]
        yield _finding(context, nobodys, total, suggested_owners(ask, window, _CURRENCY, lines))


def _finding(
    context: Context, nobodys: Decimal, total: Decimal, lines: Sequence[tuple[UntaggedLine, Suggested | None]]
) -> Finding:
    share, goal = float(nobodys / total), context.thresholds["goal_share"]
    largest = tuple(
        (_name(line), f"{dollars(line.cost)}; " + (
            f"likely {found.team}, {found.evidence}" if found else "nothing tagged looks the same"))
        for line, found in lines)
    return Finding(
        code=UntaggedSpend.code, capability=UntaggedSpend.capability, subject="spend without a team",
        title=f"{dollars(nobodys)} has no team, {percent(share)} of spend; the goal is {percent(goal)}.",
        owner=None, team=None,
        evidence=(("Without a team", dollars(nobodys)), ("Of all spend", percent(share)),
                  ("Goal", percent(goal)), *largest, ("Period", period(context.window))),
        period=context.window,
        claims=(),
        confidence=Confidence.HIGH,
        action="Tag the largest resources with their team, or name it in a rule of outlay.yaml.",
        command=costs_shown("resource,line", context.window, team=None),
        change=_rule(lines),
    )


def _name(line: UntaggedLine) -> str:
    return line.resource or line.line or "unknown"


def _rule(lines: Sequence[tuple[UntaggedLine, Suggested | None]]) -> str:
    """A rule for the largest line whose team is likely; in words where none is."""
    for line, found in lines:
        if line.resource and found:
            # Ids of the clouds are paths (arn:..., /subscriptions/..., //compute...); names are not.
            column = "resource_id" if line.resource.startswith(("arn:", "/")) else "resource_name"
            return ("a rule in outlay.yaml, under attribution: rules:\n"
                    f"- {{when: {{{column}: {json.dumps(line.resource)}}}, set: {{team: {json.dumps(found.team)}}}}}")
    largest = _name(lines[0][0]) if lines else "the largest line"
    return f"a tag `team` on {largest}, or a rule for it in outlay.yaml, under attribution: rules:"

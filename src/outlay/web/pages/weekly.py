"""The week: what the weekly message says, as a page, from the same figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from outlay.alerts.weekly import WEEK, Summary, headline, summarise
from outlay.web.pages.moment import Moment, moment
from outlay.web.part import Page, Part, Query, Sheet, View

#: Rows of each table; the CSV has all findings.
SHOWN = 10


@dataclass(frozen=True, slots=True)
class Weekly:
    """`summary` None: nothing is known, or `problem` says what is wrong with the week that was asked for. `before`,
    `after`: first days of the weeks beside it, `after` None where that has not ended."""

    moment: Moment
    summary: Summary | None = None
    problem: str = ""
    before: datetime | None = None
    after: datetime | None = None

    @property
    def answer(self) -> str:
        """The first line of the message."""
        when = "last week" if self.after is None else "in this week"
        return headline(self.summary.week, when) if self.summary is not None else ""


def weekly(view: View, query: Query) -> Weekly:
    """Asks for the seven days that begin with the day `week`, by default the last seven whole days."""
    now, asked = moment(view), dict(query).get("week", "")
    if now.empty:
        return Weekly(now)
    tonight = now.at.replace(hour=0, minute=0, second=0, microsecond=0)
    if now.behind is not None:
        tonight += timedelta(days=1)  # the last day that is known is whole
    until = tonight
    if asked:
        try:
            until = datetime.strptime(asked, "%Y-%m-%d") + WEEK
        except (ValueError, OverflowError):
            return Weekly(now, problem=f"{asked!r} is not a day such as {tonight - WEEK:%Y-%m-%d}.")
    if until > tonight:
        return Weekly(now, problem=f"The week from {asked} on has not ended.")
    after = until if until + WEEK <= tonight else None
    return Weekly(now, summarise(view, until), "", until - 2 * WEEK, after)


def sheet(part: Weekly) -> Sheet:
    """Every figure of the page, a row each."""
    columns = ("what", "name", "amount", "of", "owner", "team")
    if part.summary is None:
        return Sheet(columns, ())
    week, why = part.summary.week, part.summary.explained
    rows: list[tuple[object, ...]] = [
        ("spent", "", week.spent, week.previous, None, None), ("wasted", "", week.wasted, week.spent, None, None),
        ("saved a month if acted upon", "", week.saving_month, None, None, None)]
    rows += [("change", f"{each.dimension} {each.value}", each.change, each.before.cost, each.owner, None)
             for each in (why.causes if why is not None else ())]
    rows += [("finding, a month", each.finding.title, each.month, each.so_far, each.finding.owner, each.finding.team)
             for each in part.summary.findings]
    rows += [("budget", each.budget.name, each.spent, each.budget.amount, None, None)
             for each in part.summary.budgets]
    return Sheet(columns, tuple(rows))


WEEKLY = Page("/weekly", "weekly", "Week", "live/weekly.html.j2", (
    Part("weekly-summary", "live/weekly_summary.html.j2", weekly, every_s=60, csv=sheet),
), {"week": "the first of its seven days, such as 2026-11-16"}, inside="alerts")

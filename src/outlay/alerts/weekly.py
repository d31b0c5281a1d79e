"""The weekly summary: what the last seven days cost, what of it bought nothing, and what to do first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from outlay.accounting.assess import assess
from outlay.accounting.assessment import Assessment, Counted
from outlay.accounting.change import DIMENSIONS, Amount, Explained, Slice, explain
from outlay.accounting.figures import percent, period, signed_percent
from outlay.accounting.money import change, dollars
from outlay.alerts.compose import Voice
from outlay.alerts.condition import Severity
from outlay.alerts.message import Button, Message, joined
from outlay.facts.window import Window
from outlay.governance.burn import Burn
from outlay.governance.burns import burns
from outlay.ledger.dollars import dollar_rates
from outlay.questions.costs import CostQuery, costs
from outlay.state.alerts import new_id
from outlay.state.outbox import WAITING, Delivery, is_known, put_deliveries
from outlay.web.links import weekly_link

if TYPE_CHECKING:
    from outlay.alerts.configured import Weekly
    from outlay.state.database import State
    from outlay.web.part import View

WEEK = timedelta(days=7)
#: A summary that is later than this is left out: the server was away, and the next one comes.
_LATE = timedelta(days=2)
#: Findings and budgets that a message names.
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Summary:
    """Seven whole days (UTC), why they cost another amount than the seven before (None: these are not known), and every
    budget in its present period."""

    week: Assessment
    budgets: tuple[Burn, ...]
    explained: Explained | None = None

    @property
    def findings(self) -> tuple[Counted, ...]:
        """What can be saved, the dearest first."""
        return tuple(sorted((each for each in self.week.findings if each.state != "ignored" and each.month > 0),
                            key=lambda each: -each.month))

    @property
    def pressing(self) -> tuple[Burn, ...]:
        """Budgets that reached a threshold, the furthest first."""
        return tuple(sorted((burn for burn in self.budgets if burn.passed), key=lambda burn: -burn.share))

    @property
    def saved(self) -> tuple[Counted, ...]:
        """Findings that people accepted: what is being ended."""
        return tuple(each for each in self.findings if each.state == "accepted")


def due(weekly: Weekly, now: datetime) -> datetime:
    """The latest moment at which a summary was due, naive UTC."""
    local = now.replace(tzinfo=UTC).astimezone(ZoneInfo(weekly.zone)).replace(tzinfo=None)
    day = local.date() - timedelta(days=(local.weekday() - weekly.day) % 7)
    at = datetime.combine(day, weekly.at)
    at -= WEEK if at > local else timedelta(0)
    return at.replace(tzinfo=ZoneInfo(weekly.zone)).astimezone(UTC).replace(tzinfo=None)


def put_weekly(state: State, view: View, weekly: Weekly, voice: Voice, now: datetime) -> bool:
    """Puts the summary that is due at `now` into the outbox, once for each notifier. Whether there was one to put."""
    at = due(weekly, now)
    if now - at > _LATE:
        return False
    keys = {name: f"weekly-{at:%Y-%m-%d}-{name}"[:200] for name in weekly.notify}
    with state.begin() as connection:
        missing = [name for name in weekly.notify if not is_known(connection, keys[name])]
    if not missing:
        return False
    body = summary_message(summarise(view, view.now - (now - at)), now, voice).as_json()
    deliveries = tuple(Delivery(
        id=new_id(), alert=None, number=0, route="weekly", notifier=name, kind="summary", idempotency_key=keys[name],
        body=body, state=WAITING, tries=0, due_at=now, next_at=now, last_error="", created_at=now)
        for name in missing)
    with state.begin() as connection:
        return put_deliveries(connection, deliveries) > 0


def summarise(view: View, at: datetime) -> Summary:
    """What the seven whole days before `at` were."""
    until = at.replace(hour=0, minute=0, second=0, microsecond=0)
    window = Window(until - WEEK, until)
    week = assess(view.ask, window, view.settings, view.book, 0)
    why = _explained(view, window) if week.previous is not None else None
    return Summary(week, burns(view.ask, view.settings, view.now, as_of=view.now).burns, why)


def _explained(view: View, window: Window) -> Explained:
    """Which few runs, agents, projects, models and teams explain the change from the week before. Days know dollars
    alone, so that price and volume are not told apart."""
    found: dict[tuple[str | None, ...], list[Decimal]] = {}
    for place, asked in enumerate((Window(window.since - WEEK, window.since), window)):
        query = CostQuery(DIMENSIONS, asked, currency=view.settings.currency,
                          dollar_rates=dollar_rates(view.settings.rates))
        for row in costs(view.ask, query, as_of=view.now).rows:
            found.setdefault(tuple(row[:len(DIMENSIONS)]), [Decimal(0), Decimal(0)])[place] += row[-2]
    return explain([Slice("charge", of, None, Amount(before), Amount(after)) for of, (before, after) in found.items()])


def summary_message(summary: Summary, now: datetime, voice: Voice) -> Message:
    """The summary as a message: the answer first, then findings by what they save, then budgets by how far they are."""
    week, currency = summary.week, summary.week.currency
    findings, pressing = summary.findings, summary.pressing[:_NAMED]
    causes = summary.explained.causes[:_NAMED] if summary.explained is not None else ()
    why = "; ".join(f"{each.dimension} {each.value} {change(each.change, currency)}" for each in causes)
    more = f", and {len(findings) - _NAMED} more findings" if len(findings) > _NAMED else ""
    saving = f"Acting on all findings saves {dollars(week.saving_month, currency)} a month{more}." if findings else (
        "No finding says that any of it can be saved.")
    return Message(
        kind="summary", headline=headline(week), at=now, severity=Severity.INFO, amount=week.spent, currency=currency,
        since=week.window.since,
        lines=joined((
            f"What changed: {why}." if why else "",
            *(f"{dollars(each.month, currency)} a month: {each.finding.title}" for each in findings[:_NAMED]), saving,
            *(f"Budget {burn.budget.name}: {dollars(burn.spent, currency)} of "
              f"{dollars(burn.budget.amount, currency)} ({percent(burn.share)})." for burn in pressing))),
        facts=(("Week", period(week.window)), *(
            (f"Team {line.label}", dollars(line.cost, currency)) for breakdown in week.breakdowns
            if breakdown.dimension == "team" for line in breakdown.lines[:_NAMED])),
        buttons=(Button("The week", f"{voice.public_url}{weekly_link(week.window.since)}"),
                 Button("Findings", f"{voice.public_url}/findings"))
        if voice.public_url else (),
        organisation=voice.organisation, sample=voice.sample)


def headline(week: Assessment, when: str = "last week") -> str:
    """`AI cost $84,204 last week, -$4,100 (-4.6%) against the week before; 31% of it bought nothing.`"""
    against = ", the first week that is known"
    if week.previous is not None:
        difference = week.spent - week.previous
        share = f" ({signed_percent(float(difference / week.previous))})" if week.previous else ""
        against = f", {change(difference, week.currency)}{share} against the week before"
    wasted = f"; {percent(week.wasted_share)} of it bought nothing" if week.wasted else ""
    return f"AI cost {dollars(week.spent, week.currency)} {when}{against}{wasted}."

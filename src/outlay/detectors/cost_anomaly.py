"""F10: days that cost far more than usual."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median

from outlay.accounting.figures import day as day_text
from outlay.accounting.figures import percent
from outlay.accounting.money import dollars
from outlay.detectors.base import Context, Detector
from outlay.detectors.callmoney import CallMoney
from outlay.detectors.endcommand import costs_shown
from outlay.detectors.spikecause import Cause, call_cause, charge_cause
from outlay.detectors.spikes import SpikeRule, spikes
from outlay.facts.finding import Claim, Confidence, Finding
from outlay.facts.window import HOURS_PER_MONTH, Window
from outlay.questions.daily_spend import (
    DAY,
    Series,
    call_parts,
    charge_parts,
    dearest_trace,
    model_days,
    output_days,
    series_days,
    whole_days,
)

_Outputs = Mapping[tuple[str | None, str | None, str], Mapping[datetime, float]]


@dataclass(frozen=True, slots=True)
class _Event:
    """Days in a row that cost too much. `usual`: what these days would have cost; `before`: usual days."""

    series: Series
    days: tuple[datetime, ...]
    before: tuple[datetime, ...]
    cost: Decimal
    usual: Decimal

    @property
    def excess(self) -> Decimal:
        return self.cost - self.usual


class CostAnomaly(Detector):
    """Days out of the ordinary: spikes of inference and of single lines of a bill.

    **It finds** days on which a team's project cost at least twice as much for model calls as usual, or a line of the
    bill did (team, project, service and meter). Usual is the median of the unremarkable days of the four weeks
    before, or of the same weekdays among them where that is more. Days in a row are one finding, and it names the
    cause: more calls, longer calls, dearer tokens, a larger quantity, or a higher unit price, and of which model or
    resource.

    **It costs** because a retry loop, a backfill without a limit or a leaked key runs until someone looks.

    **The dollars** are the cost of these days minus what usual days would have cost. A month: 0 for what is over; for
    what still goes on at the end of the window the excess of a day x 730 / 24.

    **It leaves alone** what comes back every week or month; steady growth, since each day is also compared with the
    dearest of the days before; a rise that lasts longer than a week, which is a new level and stands in the trend;
    the start of something new; a rise by as much as valuable outputs rose; a day that one single agent run made dear,
    which `runaway-agent` judges; GPU time, which the findings about runs and nodes judge; and purchases, taxes and
    credits.

    **End it** by finding what called (the cause says where), stopping it, and giving its key a daily limit.
    """

    code = "cost-anomaly"
    title = "Days out of the ordinary"
    capability = "F10"
    needs = ("cost_day",)
    missing = "Import two weeks or more of a bill, of model calls, or of a provider's usage report."

    def find(self, context: Context) -> Iterator[Finding]:
        rule = _rule(context.thresholds)
        window = context.window
        since = window.since.replace(hour=0, minute=0, second=0, microsecond=0)
        known = Window(since - timedelta(days=rule.history), window.until)
        series = series_days(
            context.ask, known, least=rule.least, times=rule.times_usual, min_days=rule.active)
        outputs = output_days(context.ask, known) if series else {}
        money = CallMoney(context)
        for each, days in series.items():
            whole = days if each.model is None else model_days(context.ask, known, each.model)
            for event in _events(each, days, whole, window, rule, outputs):
                if event.days[-1] >= since and _excess(event, whole) >= rule.least:
                    finding = _finding(context, money, event)
                    if finding is not None:
                        yield finding


def _rule(limit: Mapping[str, float]) -> SpikeRule:
    return SpikeRule(
        history=int(limit["history_days"]), active=int(limit["active_days"]), times_usual=limit["times_usual"],
        times_highest=limit["times_highest"], spread=limit["spread"], least=limit["min_excess"],
        lasting=int(limit["lasting_days"]), periodic=limit["periodic_share"])


def _events(
    series: Series, costs: Mapping[datetime, Decimal], whole: Mapping[datetime, Decimal], window: Window,
    rule: SpikeRule, outputs: _Outputs,
) -> Iterator[_Event]:
    days = whole_days(whole, window.until)
    # What no log explains has no usual day where all was explained until then; the model that it belongs to has.
    own = sum(cost > 0 for cost in costs.values()) > rule.active
    for spike in spikes([float((costs if own else whole).get(day, 0)) for day in days], rule):
        span = range(spike.first, spike.last + 1)
        rise = max(1.0, _output_rise(series, outputs, [days[n] for n in span], [days[n] for n in spike.before]))
        cost = sum((costs.get(days[n], Decimal(0)) for n in span), Decimal(0))
        usual = sum((Decimal(repr(each)) for each in spike.usual), Decimal(0)) if own else len(span) * median(
            costs.get(days[n], Decimal(0)) for n in spike.before)
        usual *= Decimal(rise)
        if cost - usual >= Decimal(rule.least) and cost >= usual * Decimal(rule.times_usual):
            yield _Event(series, tuple(days[n] for n in span), tuple(days[n] for n in spike.before), cost, usual)


def _excess(event: _Event, whole: Mapping[datetime, Decimal]) -> float:
    """What these days cost above usual of all of it: a log that is missing for a day moves dollars of a model to the
    bill's own lines, and makes none."""
    usual = median(whole.get(day, Decimal(0)) for day in event.before)
    return float(sum((whole.get(day, Decimal(0)) for day in event.days), Decimal(0)) - usual * len(event.days))


def _output_rise(
    series: Series, outputs: _Outputs, days: Sequence[datetime], usual: Sequence[datetime]
) -> float:
    """How many times the usual outputs these days made, by the kind that rose most; 0 where none are known."""
    rises = [0.0]
    for (team, project, _), counts in outputs.items():
        if team == series.team and project in (None, series.project):
            before = median(counts.get(day, 0.0) for day in usual)
            if before > 0:
                rises.append(sum(counts.get(day, 0.0) for day in days) / len(days) / before)
    return max(rises)


def _finding(context: Context, money: CallMoney, event: _Event) -> Finding | None:
    series, last = event.series, event.days[-1]
    going_on = context.window.until - last <= DAY
    a_month = HOURS_PER_MONTH / Decimal(24 * len(event.days)) if going_on else Decimal(0)
    if series.line is None:
        parts = call_parts(context.ask, series, event.days, event.before)
        metered = sum((part.cost for part in parts), Decimal(0))
        # Calls are metered and the event is counted, by the bill where there is one: what compares is the share.
        run = dearest_trace(context.ask, series, event.days) / metered * event.cost if metered else Decimal(0)
        if not parts or (run * 2 >= event.excess and event.excess - run < Decimal(context.thresholds["min_excess"])):
            return None
        cause = call_cause(parts, len(event.days), len(event.before))
        claims = _call_claims(money, cause, event, a_month)
    else:
        charges = charge_parts(context.ask, series, event.days, event.before, context.window)
        cause = charge_cause(series.line, charges, len(event.days), len(event.before))
        claims = _line_claims(cause, event, a_month)
    calls_of = series.line or f"Model calls of {series.team or 'no team'}"
    name = f"Project {series.project}" if series.project else calls_of
    when = day_text(event.days[0]) if len(event.days) == 1 else f"{day_text(event.days[0])} to {day_text(last)}"
    what = f", {series.line}" if series.line and series.project else ""
    limit = max(event.usual / len(event.days) * Decimal(context.thresholds["times_usual"]),
                Decimal(context.thresholds["min_excess"]))
    return Finding(
        code=CostAnomaly.code, capability=CostAnomaly.capability, subject=_subject(event),
        title=f"{name}{what} cost {dollars(event.cost)} on {when}, usually {dollars(event.usual)}: {cause.words}.",
        owner=cause.owner, team=series.team,
        evidence=(
            ("Cost", dollars(event.cost)), ("Usual", dollars(event.usual)),
            ("Above usual", f"{dollars(event.excess)}, {percent(float(event.excess / event.cost))} of it"),
            ("Cause", cause.words), *cause.evidence, ("Compared with", f"{len(event.before)} days before"),
            ("Days", when),
        ),
        period=Window(event.days[0], last + DAY),
        claims=claims,
        confidence=Confidence.MEDIUM if going_on else Confidence.HIGH,
        assumption="It goes on as on these days." if going_on else "",
        action=f"Find what made {cause.words}, stop it if it still runs, and limit a day to {dollars(limit)}.",
        command=_command(event),
        change=f"a budget of {dollars(limit)} a day for the keys of these calls (LiteLLM: max_budget: {limit:.0f}, "
               "budget_duration: 1d)" if series.line is None else "",
    )


def _command(event: _Event) -> str:
    """What shows who made it: the keys and users of calls, the resources of a line."""
    series, days = event.series, Window(event.days[0], event.days[-1] + DAY)
    if series.line is None:
        return costs_shown("api_key,user,model", days, team=series.team, project=series.project)
    return costs_shown("line,resource", days, team=series.team)


def _subject(event: _Event) -> str:
    series = event.series
    parts = (("line", series.line), ("project", series.project), ("team", series.team))
    named = ", ".join(f"{what} {name}" for what, name in parts if name) or "model calls"
    return f"{named}, {event.days[0]:%Y-%m-%d}"


def _call_claims(money: CallMoney, cause: Cause, event: _Event, a_month: Decimal) -> tuple[Claim, ...]:
    """The excess by what each slice of the calls has of it."""
    claims = []
    for calls, share in cause.shares:
        so_far, spent = event.excess * share, money.spent(calls)
        month = so_far * a_month
        claims.append(Claim(calls.pot, so_far, month, max(spent, so_far), max(spent * a_month, month)))
    return tuple(claims)


def _line_claims(cause: Cause, event: _Event, a_month: Decimal) -> tuple[Claim, ...]:
    """The excess by what each resource has of it."""
    claims = []
    for (resource, spent), share in cause.resources:
        so_far = event.excess * share
        pot = f"resource:{resource or event.series.line}"
        claims.append(Claim(pot, so_far, so_far * a_month, max(spent, so_far), max(spent, so_far) * a_month))
    return tuple(claims)

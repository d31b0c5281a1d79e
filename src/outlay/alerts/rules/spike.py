"""Far more model calls than usual."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

from outlay.accounting.figures import instant, percent
from outlay.accounting.money import dollars
from outlay.alerts.condition import Condition, Severity
from outlay.alerts.inputs import Inputs
from outlay.alerts.rules.base import Rule
from outlay.alerts.unusual import Unusual
from outlay.detectors.endcommand import costs_shown
from outlay.detectors.surprises import Moved
from outlay.facts.window import Window
from outlay.questions.costs import DIMENSIONS
from outlay.web.links import explore_link

#: From so many times the usual calls, at so many dollars an hour above usual, on somebody is woken.
_PAGES_TIMES, _PAGES_AN_HOUR = 3.0, 50.0
#: How long before it began its hours are shown, and how many hours in all.
_BEFORE, _SHOWN = timedelta(days=2), timedelta(days=7)
#: Names of series and parts where the question about costs has others.
_ASKED = {"key": "api_key", "prompt version": "prompt_version"}


class Spike(Rule):
    """Far more model calls than usual: a retry storm, a backfill, a leaked key, or simply success.

    **It holds** from the first complete hour on in which the calls of a team, project, run, endpoint or model leave the
    band of the same hours of the week before (`docs/performance.md` says how often that is right), until less than
    half of the rise is left. One cause that shows in several series is one alert; its first line names the series that
    showed it first, and the cause the key, agent, user, prompt or run that made most of it.

    **How loud**: warn; page from 3 times the usual calls and $50 an hour above usual on.

    **It leaves alone** series younger than a week, daily and weekly rhythm, and less than $1 an hour.

    **End it** by limiting what it names, or by letting it be: acknowledged, it is told no more.
    """

    code = "spike"
    title = "Far more model calls than usual"
    needs = ("unusual",)
    calm_minutes = 30

    def conditions(self, inputs: Inputs) -> Iterable[Condition]:
        for each in inputs.unusual or ():
            if each.moved is Moved.MORE:
                hours = (each.until - each.since).total_seconds() / 3600
                loud = each.times >= _PAGES_TIMES and (each.cost - each.usual) / hours >= _PAGES_AN_HOUR
                title = (f"{series_name(each)} takes {each.times:.1f} times its usual calls since "
                         f"{instant(each.since)} UTC.")
                yield unusual_condition(self.code, each, Severity.PAGE if loud else Severity.WARN, title)


def unusual_condition(rule: str, each: Unusual, severity: Severity, title: str) -> Condition:
    """Metered dollars: what it cost above usual since it began."""
    hours = Decimal(int((each.until - each.since).total_seconds())) / 3600
    above = Decimal(repr(round(each.cost - each.usual, 6)))
    money = f"It costs {dollars(abs(above) / hours)} an hour {'more' if above > 0 else 'less'} than usual."
    made = f"{percent(each.parts[0][2])} of it is {each.parts[0][0]} {each.parts[0][1]}." if each.parts else (
        "No single key, user, agent, prompt or run made most of it.")
    also = f" It shows in {', '.join(f'{kind} {name}' for kind, name in each.also)}, too." if each.also else ""
    what = f"{each.parts[0][0]} {each.parts[0][1]}" if each.parts else series_name(each, "what calls")
    window = Window(each.since, each.until)
    return Condition(
        rule=rule, key=f"{each.moved.name.lower()}:{each.dimension}:{each.name}:{each.seen:%Y-%m-%dT%H}",
        severity=severity, team=each.team, owner=each.owner, title=title, cause=f"{made} {money}{also}",
        amount=max(above, Decimal(0)), currency="USD", since=each.since,
        link=_link(each), action=f"Look at {what}, and limit it if nobody wants it.",
        command=_command(each, window),
        facts=tuple((f"Most of it, by {kind}", f"{name}, {percent(share)}") for kind, name, share in each.parts[:4]))


def series_name(each: Unusual, prefix: str = "") -> str:
    """`Team search`."""
    name = f"{each.dimension} {each.name}"
    return f"{prefix} {name}" if prefix else f"{name[:1].upper()}{name[1:]}"


def _link(each: Unusual) -> str:
    """Its hours: from two days before it began, at most the week that the page shows by hours. An endpoint has no
    dollars of its own: there, the part that made most of it, else every model."""
    known = [(_ASKED.get(kind, kind), name) for kind, name in
             ((each.dimension, each.name), *((kind, name) for kind, name, _ in each.parts))]
    of = next(((kind, name) for kind, name in known if kind in DIMENSIONS), None)
    since = max(each.since - _BEFORE, each.until - _SHOWN).replace(minute=0, second=0, microsecond=0)
    return explore_link(of[0] if of else "model", (of,) if of else (), every="hour", since=f"{since:%Y-%m-%dT%H:%M}",
                        until=f"{each.until:%Y-%m-%dT%H:%M}")


def _command(each: Unusual, window: Window) -> str:
    """What shows who made it; the cost question does not know endpoints."""
    if each.dimension not in DIMENSIONS:
        return ""
    by = next((_ASKED.get(kind, kind) for kind, _, _ in each.parts if _ASKED.get(kind, kind) in DIMENSIONS), "api_key")
    return costs_shown(by, window, **{each.dimension: each.name})

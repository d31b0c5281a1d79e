"""`outlay alerts`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from outlay.cli.changing import changing
from outlay.cli.session import Place, say_json
from outlay.cli.suggesting import Suggesting
from outlay.errors import NotFound, UsageError

if TYPE_CHECKING:
    from outlay.alerts.compose import Voice
    from outlay.alerts.notifiers.base import Notifier
    from outlay.settings import Settings

_LENGTH = re.compile(r"(\d{1,4})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_LATELY = timedelta(days=7)


@click.group(cls=Suggesting)
def alerts() -> None:
    """What people were told of: list it, look after it, silence it, try the ways by which it is sent."""


@alerts.command("list")
@click.option("--all", "everything", is_flag=True, help="Also alerts that ended in the last 7 days.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def list_alerts(place: Place, everything: bool, as_json: bool) -> None:
    """List alerts that stand, what could not be sent, and silences."""
    from outlay.alerts.listing import listed
    from outlay.cli.render_alerts import listing_text

    with changing(place) as (connection, _, now, settings):
        found = listed(connection, now, since=now - _LATELY if everything else now, currency=settings.currency)
    if as_json:
        say_json(found.as_json())
    else:
        click.echo(listing_text(found))


@alerts.command()
@click.argument("alert")
@click.pass_obj
def ack(place: Place, alert: str) -> None:
    """Look after an alert: it is repeated no more, save where it gets worse. ALERT is its id, or how that begins."""
    from outlay.alerts.keeping import acknowledge

    with changing(place) as (connection, who, now, settings):
        done = acknowledge(connection, alert, who, _voice(settings), now)
    click.echo(f"{who.name} looks after: {_shown(done.title)}" if done else "Somebody looks after it already.")


@alerts.command()
@click.argument("alert", required=False)
@click.option("--rule", help="Of this rule, or of rules like budget-*.")
@click.option("--team", help="Of this team; `none`: of no team.")
@click.option("--owner", help="Of this owner.")
@click.option("--key", help="With this key, or a pattern such as finding:idle-gpu-*.")
@click.option("--for", "length", metavar="LENGTH", required=True, help="For how long: 30m, 8h, 7d.")
@click.option("--reason", required=True, help="Why; others will ask.")
@click.pass_obj
def silence(
    place: Place, alert: str | None, rule: str | None, team: str | None, owner: str | None, key: str | None,
    length: str, reason: str,
) -> None:
    """Keep alerts from being sent for a while; they are listed all the same. ALERT names one of them by its id."""
    from glob import escape

    from outlay.alerts.keeping import silence as keep_silence
    from outlay.alerts.silencing import made_silence
    from outlay.state.alerts import alert_of

    asked = [(name, value) for name, value in (("rule", rule), ("team", team), ("owner", owner), ("key", key))
             if value is not None]
    with changing(place) as (connection, who, now, _):
        if alert is not None:
            named = alert_of(connection, alert)
            if named is None:
                raise NotFound(f"there is no alert {alert!r}", hint="See `outlay alerts list`.")
            asked.append(("key", escape(named.key)))
        made = made_silence(asked, now + _length(length), reason, who.name, now)
        keep_silence(connection, made, who)
    click.echo(f"Silence {made.id[:8]} holds until {made.until:%Y-%m-%d %H:%M} UTC. "
               f"`outlay alerts unsilence {made.id[:8]}` ends it.")


@alerts.command()
@click.argument("silence")
@click.pass_obj
def unsilence(place: Place, silence: str) -> None:
    """End a silence before its time. SILENCE is its id, or how that begins."""
    from outlay.alerts.keeping import unsilence as end

    with changing(place) as (connection, who, now, _):
        ended = end(connection, silence, who, now)
    click.echo(f"Silence {ended.id[:8]} has ended.")


@alerts.command()
@click.option("--notifier", help="Through this one.")
@click.option("--route", help="Through those of this route.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def test(place: Place, notifier: str | None, route: str | None, as_json: bool) -> None:
    """Send a message that is marked as a test, and print what the receiver answers; by default through all notifiers.

    It goes out at once, without outbox, routes' hours or silences. Exits 1 where one of them did not take it.
    """
    from uuid import uuid4

    from outlay.alerts.compose import trial
    from outlay.alerts.notifiers.base import Sending
    from outlay.errors import OutlayError
    from outlay.ledger.store import default_store
    from outlay.questions.windows import now
    from outlay.settings import load_settings

    settings = load_settings(place.config, place.store or default_store())
    rows = []
    for each in _chosen(settings, notifier, route):
        message = trial(each.name, now(), _voice(settings))
        try:
            sent = each.send(message, Sending(f"test-{uuid4().hex}"))
            rows.append({"notifier": each.name, "kind": each.code, "sent": True, "answer": _shown(sent.answer)})
        except OutlayError as error:
            rows.append({"notifier": each.name, "kind": each.code, "sent": False, "answer": _shown(str(error))})
    if as_json:
        say_json({"schema": "outlay.alerts-test/1", "rows": rows})
    for row in rows if not as_json else ():
        click.echo(f"{'sent' if row['sent'] else '! not sent'}  {row['notifier']} ({row['kind']}): {row['answer']}")
    if not all(row["sent"] for row in rows):
        click.get_current_context().exit(1)


def _chosen(settings: Settings, notifier: str | None, route: str | None) -> list[Notifier]:
    known = {each.name: each for each in settings.alerts.notifiers}
    names = list(known)
    if route is not None:
        routes = {each.name: each for each in settings.alerts.routes}
        if route not in routes:
            raise NotFound(f"there is no route {route!r}", hint=f"One of {', '.join(routes)}." if routes else _NONE)
        names = list(routes[route].notify)
    if notifier is not None:
        names = [notifier]
    if not names or any(name not in known for name in names):
        raise NotFound(f"there is no notifier {notifier!r}" if notifier else "there is no notifier",
                       hint=f"One of {', '.join(known)}." if known else _NONE)
    return [known[name] for name in names]


_NONE = "Set some in outlay.yaml under `alerts:` (docs/alerts.md)."


def _voice(settings: Settings) -> Voice:
    from outlay.alerts.compose import voice_of

    return voice_of(settings)


def _length(text: str) -> timedelta:
    match = _LENGTH.fullmatch(text.strip())
    if match is None or int(match[1]) == 0:
        raise UsageError(f"{text!r} is not a length of time", where="--for", hint="For example 30m, 8h or 7d.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _shown(text: str) -> str:
    from outlay.cli.render_table import one_line

    return one_line(text)

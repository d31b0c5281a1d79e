"""`outlay people`, `outlay tokens` and `outlay audit`: who may do what, and who did."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from outlay.cli.changing import changing
from outlay.cli.session import Place, say_json
from outlay.cli.suggesting import Suggesting
from outlay.errors import UsageError

if TYPE_CHECKING:
    from outlay.settings import Settings

_AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
_ROLE = click.Choice(["viewer", "engineer", "lead", "finance", "admin"])
_LASTS = re.compile(r"(\d+)d")


@click.group(cls=Suggesting)
def people() -> None:
    """Who may sign in, and as what."""


@people.command("list")
@_AS_JSON
@click.pass_obj
def list_people(place: Place, as_json: bool) -> None:
    """List everyone with their role and teams."""
    from outlay.cli.render_table import one_line, table_text
    from outlay.state.people import people as everyone

    with changing(place) as (connection, _, _, _):
        found = everyone(connection)
    if as_json:
        say_json({"schema": "outlay.people/1", "rows": [
            {"name": each.name, "role": each.role, "teams": list(each.teams), "email": each.email,
             "disabled": each.disabled_at is not None} for each in found]})
    elif not found:
        click.echo("Nobody yet. `outlay up` makes the first admin; `outlay people add NAME` further people.")
    else:
        rows = [(one_line(each.name), each.role, one_line(", ".join(each.teams)) or "none",
                 "disabled" if each.disabled_at else "") for each in found]
        click.echo(table_text(("name", "role", "teams", ""), rows))


@people.command()
@click.argument("name")
@click.option("--role", type=_ROLE, default="viewer", show_default=True, help="What they may do (docs/access.md).")
@click.option("--team", "teams", multiple=True, help="A team of theirs; may be given several times.")
@click.option("--email", help="Where messages to them go.")
@click.pass_obj
def add(place: Place, name: str, role: str, teams: tuple[str, ...], email: str | None) -> None:
    """Add a person, and print the link with which they sign in."""
    from outlay.state.people import add as add_person
    from outlay.state.people import new_link

    with changing(place) as (connection, who, now, settings):
        person = add_person(connection, name, role, teams, email, who=who, now=now)
        secret = new_link(connection, person, who=who, now=now)
    click.echo(f"{name} is {role}. They sign in, once and within a day, with:\n  {_link(settings, secret)}")


@people.command()
@click.argument("name")
@click.pass_obj
def link(place: Place, name: str) -> None:
    """Print a link that signs a person in; it works once, for a day."""
    from outlay.state.people import named, new_link

    with changing(place) as (connection, who, now, settings):
        secret = new_link(connection, named(connection, name), who=who, now=now)
    click.echo(_link(settings, secret))


@people.command()
@click.argument("name")
@click.argument("role", type=_ROLE)
@click.option("--team", "teams", multiple=True, help="Their teams from now on; by default as they were.")
@click.pass_obj
def role(place: Place, name: str, role: str, teams: tuple[str, ...]) -> None:
    """Give a person another role."""
    from outlay.state.people import change

    with changing(place) as (connection, who, now, _):
        change(connection, name, who=who, now=now, role=role, teams=teams or None)
    click.echo(f"{name} is {role}.")


@people.command()
@click.argument("name")
@click.pass_obj
def disable(place: Place, name: str) -> None:
    """Sign a person out everywhere and let them in no more; their tokens end, too."""
    from outlay.state.people import disable as disable_person

    with changing(place) as (connection, who, now, _):
        disable_person(connection, name, who=who, now=now)
    click.echo(f"{name} is signed out and cannot sign in.")


@click.group(cls=Suggesting)
def tokens() -> None:
    """Tokens with which programs read the API and send facts."""


@tokens.command("list")
@_AS_JSON
@click.pass_obj
def list_tokens(place: Place, as_json: bool) -> None:
    """List tokens: whose, what for, until when; never the token itself."""
    from outlay.cli.render_table import one_line, table_text
    from outlay.state.tokens import tokens as every

    with changing(place) as (connection, _, now, _):
        found = every(connection)
    if as_json:
        say_json({"schema": "outlay.tokens/1", "rows": [
            {"id": each.id, "name": each.name, "person": each.person.name, "scopes": list(each.scopes),
             "expires_at": _iso(each.expires_at), "last_used_at": _iso(each.last_used_at),
             "good": each.holds(now)} for each in found]})
    elif not found:
        click.echo("No tokens. `outlay tokens create NAME --scope read` makes one.")
    else:
        rows = [(one_line(each.name), one_line(each.person.name), ", ".join(each.scopes),
                 f"{each.expires_at:%Y-%m-%d}" if each.expires_at else "never",
                 f"{each.last_used_at:%Y-%m-%d}" if each.last_used_at else "never",
                 "" if each.holds(now) else "ended") for each in found]
        click.echo(table_text(("name", "person", "for", "expires", "last used", ""), rows))


@tokens.command()
@click.argument("name")
@click.option("--for", "person", metavar="PERSON", help="Whose token; by default your own.")
@click.option("--scope", "scopes", multiple=True, default=("read",), show_default=True,
              type=click.Choice(["read", "write", "ingest"]), help="What it may be used for.")
@click.option("--lasts", default="90d", show_default=True, metavar="DAYS", help="30d, 90d ... or never.")
@click.pass_obj
def create(place: Place, name: str, person: str | None, scopes: tuple[str, ...], lasts: str) -> None:
    """Make a token and print it: it can be seen this once."""
    from outlay.state.people import named
    from outlay.state.tokens import create as create_token

    match = _LASTS.fullmatch(lasts)
    if lasts != "never" and match is None:
        raise UsageError(f"{lasts!r} is not a number of days", where="--lasts", hint="For example 90d, or never.")
    length = timedelta(days=int(match[1])) if match else None
    with changing(place) as (connection, who, now, _):
        secret, _ = create_token(connection, name, named(connection, person or who.name), scopes, length, who=who,
                                 now=now)
    click.echo(secret)


@tokens.command()
@click.argument("name")
@click.pass_obj
def revoke(place: Place, name: str) -> None:
    """End a token, by its name or id."""
    from outlay.state.tokens import revoke as revoke_token

    with changing(place) as (connection, who, now, _):
        revoke_token(connection, name, who=who, now=now)
    click.echo(f"Token {name} is ended.")


@click.command()
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="So many, newest first.")
@_AS_JSON
@click.pass_obj
def audit(place: Place, limit: int, as_json: bool) -> None:
    """The record of every change: when, who, how, what."""
    from outlay.cli.render_table import one_line, table_text
    from outlay.state.audit import changes

    with changing(place) as (connection, _, _, _):
        found = changes(connection, limit=limit)
    if as_json:
        say_json({"schema": "outlay.audit/1", "rows": [
            {"number": each.number, "at": _iso(each.at), "who": each.who, "how": each.how, "action": each.action,
             "subject": each.subject, "before": each.before, "after": each.after} for each in found]})
    elif not found:
        click.echo("Nothing has been changed yet.")
    else:
        rows = [(f"{each.at:%Y-%m-%d %H:%M}", one_line(each.who), each.how, each.action, one_line(each.subject))
                for each in found]
        click.echo(table_text(("when (UTC)", "who", "how", "what", "of"), rows))


def _link(settings: Settings, secret: str) -> str:
    return f"{settings.public_url or 'http://127.0.0.1:7717'}/sign-in?token={secret}"


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.isoformat()}Z"

"""`outlay budgets`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from outlay.cli.changing import changing
from outlay.cli.session import NOTHING, Place, say_json
from outlay.cli.suggesting import Suggesting
from outlay.errors import NotFound, UsageError

if TYPE_CHECKING:
    from outlay.governance.burns import Burns

_NONE = ("No budget is set. Say what may be spent, or declare it in outlay.yaml:\n"
         "  outlay budgets set search --for team=search --amount 80000")


@click.group(cls=Suggesting)
def budgets() -> None:
    """What may be spent, what is, and where it will end."""


@budgets.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def list_budgets(place: Place, as_json: bool) -> None:
    """List budgets with what is spent of them in the present period: the latest that the ledger knows of."""
    found, empty = _burns(place)
    if as_json:
        say_json(found.as_json())
    elif not found.burns:
        click.echo(_NONE)
    else:
        click.echo(NOTHING if empty else _text(found))


@budgets.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def show(place: Place, name: str, as_json: bool) -> None:
    """Show one budget: when it passed which threshold, and what each day cost."""
    found, _ = _burns(place)
    chosen = tuple(each for each in found.burns if each.budget.name == name)
    if not chosen:
        names = ", ".join(each.budget.name for each in found.burns)
        raise NotFound(f"there is no budget {name!r}", hint=f"One of {names}." if names else _NONE)
    found = replace(found, burns=chosen,
                    unknown=tuple(entry for entry in found.unknown if entry["budget"] == name))
    if as_json:
        from outlay.questions.answer import plain

        body = found.as_json()
        body["rows"][0]["passed"] = [{"percent": percent, "day": plain(day)} for percent, day in chosen[0].passed]
        body["rows"][0]["days"] = [{"day": plain(day), "cost": plain(cost)} for day, cost in chosen[0].days]
        say_json(body)
    else:
        click.echo(_text(found) + "\n" + _details(found))


@budgets.command("set")
@click.argument("name")
@click.option("--amount", required=True, help="What may be spent in each period, in the reporting currency.")
@click.option("--for", "scope", multiple=True, metavar="DIMENSION=VALUE",
              help="What it is for: team=search, model='gpt-*'; repeat it to narrow. Without: everything.")
@click.option("--period", default="month", show_default=True, help="day, week, month, quarter or year.")
@click.option("--threshold", default="50,80,100", show_default=True, metavar="PERCENT,...",
              help="At which shares of it somebody is told.")
@click.option("--owner", default="", help="Who answers for it.")
@click.option("--note", default="", help="Why it is what it is; others will ask.")
@click.option("--dry-run", is_flag=True, help="Say what it would change and where spending stands, and change nothing.")
@click.pass_obj
def set_budget(
    place: Place, name: str, amount: str, scope: tuple[str, ...], period: str, threshold: str, owner: str, note: str,
    dry_run: bool,
) -> None:
    """Set a budget, or change the one of that name. A server that runs holds to it within a second.

    What outlay.yaml declares is changed there.
    """
    from outlay.cli.render_table import one_line
    from outlay.governance.burns import scope_text
    from outlay.governance.inforce import asked_budget
    from outlay.state.budgets import kept_budgets, put_budget

    with changing(place) as (connection, who, now, settings):
        made = asked_budget(settings, name, _scope(scope), amount, period, threshold)
        before = next((each for each in kept_budgets(connection) if each.budget.name == made.name), None)
        if not dry_run:
            put_budget(connection, made, who, now, owner=owner.strip(), note=note.strip())
    verb = "changes" if before else "sets"
    what = (f"budget {one_line(made.name)}: {made.amount:,f} {settings.currency} a {made.period} for "
            f"{one_line(scope_text(made))}, told of at {', '.join(f'{each}%' for each in made.thresholds)}")
    if before is not None:
        what += (f"; it was {before.budget.amount:,f} a {before.budget.period} for "
                 f"{one_line(scope_text(before.budget))}")
    click.echo(f"It {verb} {what}." if dry_run else f"{verb[:-1].capitalize()} {what}.")
    if dry_run:
        from outlay.governance.inforce import in_force

        with place.ledger() as ledger:
            ledger.settings = in_force(replace(ledger.settings, budgets=()), [made])
            click.echo(NOTHING if ledger.is_empty else _text(ledger.budgets()))
        click.echo("Nothing was changed.")


@budgets.command()
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Say what would go, and change nothing.")
@click.pass_obj
def remove(place: Place, name: str, dry_run: bool) -> None:
    """Remove a budget that somebody set. The record of changes keeps it (`outlay audit`)."""
    from outlay.cli.render_table import one_line
    from outlay.state.budgets import drop_budget, kept_budgets

    with changing(place) as (connection, who, now, settings):
        known = [each for each in kept_budgets(connection) if each.budget.name == name]
        gone = known[0] if dry_run and known else drop_budget(connection, name, who, now)
    what = f"budget {one_line(name)} of {gone.budget.amount:,f} {settings.currency} a {gone.budget.period}"
    click.echo(f"It would remove {what}. Nothing was changed." if dry_run else f"Removed {what}.")


def _scope(pairs: tuple[str, ...]) -> dict[str, str]:
    scope: dict[str, str] = {}
    for pair in pairs:
        name, equal, value = pair.partition("=")
        if not equal or not value.strip() or name.strip() in scope:
            raise UsageError(f"{pair!r} is not one dimension with its value", where="--for",
                             hint="For example --for team=search, each dimension once.")
        scope[name.strip()] = value.strip()
    return scope


def _burns(place: Place) -> tuple[Burns, bool]:
    from outlay.state.budgets import kept_budgets

    with changing(place) as (connection, *_):
        kept = [each.budget for each in kept_budgets(connection)]
    with place.ledger() as ledger:
        return ledger.budgets(kept), ledger.is_empty


def _text(found: Burns) -> str:
    from outlay.accounting.figures import moment, percent
    from outlay.accounting.money import dollars
    from outlay.cli.render_table import one_line, table_text
    from outlay.governance.burns import scope_text

    currency = found.currency
    rows = [
        (one_line(each.budget.name), one_line(scope_text(each.budget)), f"{each.period.since:%Y-%m-%d}",
         f"{each.budget.period}", dollars(each.budget.amount, currency), dollars(each.spent, currency),
         percent(each.share), "?" if each.predicted is None else dollars(each.predicted, currency), each.state.value)
        for each in found.burns
    ]
    heads = ("budget", "for", "since", "period", "amount", "spent", "share", "at this pace", "state")
    lines = [table_text(heads, rows),
             f"Known until {moment(found.known_until)}, effective cost, {currency}; periods of the calendar in UTC."]
    for entry in found.unknown:
        what = (f"{dollars(entry['cost'], entry['currency'])}, which no rate converts" if "currency" in entry
                else f"{entry['unpriced']:,} without a known price" if "unpriced" in entry else "")
        if what:
            lines.append(f"? not in {one_line(entry['budget'])}: {what}")
    return "\n".join(lines)


def _details(found: Burns) -> str:
    from outlay.accounting.figures import day
    from outlay.accounting.money import dollars
    from outlay.cli.render_table import table_text

    each = found.burns[0]
    passed = dict(each.passed)
    lines = [f"{percent}% {f'passed on {day(passed[percent])}' if percent in passed else 'not passed'}"
             for percent in each.budget.thresholds]
    rows = [(f"{when:%Y-%m-%d}", dollars(cost, found.currency)) for when, cost in each.days]
    return "\n".join(["", *lines, "", table_text(("day", "cost"), rows) if rows else "Nothing was spent yet."])

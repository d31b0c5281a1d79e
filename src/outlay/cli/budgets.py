"""`outlay budgets`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from outlay.cli.session import NOTHING, Place, say_json
from outlay.cli.suggesting import Suggesting
from outlay.errors import NotFound

if TYPE_CHECKING:
    from outlay.governance.burns import Burns

_NONE = ("No budget is set. Name what may be spent in outlay.yaml, then look again:\n"
         "  budgets:\n"
         "    - {name: search, team: search, amount: 80000, period: month}")


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


def _burns(place: Place) -> tuple[Burns, bool]:
    with place.ledger() as ledger:
        return ledger.budgets(), ledger.is_empty


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

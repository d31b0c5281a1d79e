"""`outlay imports`."""

from __future__ import annotations

from typing import Any

import click

from outlay.accounting.figures import plural
from outlay.cli.session import NOTHING, Place, say_json
from outlay.cli.suggesting import Suggesting
from outlay.errors import NotFound
from outlay.questions.importlist import COLUMNS, import_json, import_list, import_rows


@click.group(cls=Suggesting)
def imports() -> None:
    """What was imported, and how to take it back."""


@imports.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def list_imports(place: Place, as_json: bool) -> None:
    """List every import: rows, period, what was rejected."""
    with place.ledger() as ledger:
        rows, found = import_rows(ledger.store.con), import_list(ledger.store.con)
    if as_json:
        say_json(found)
        return
    if not rows:
        click.echo(NOTHING)
        return
    from outlay.cli.render_table import table_text

    click.echo(table_text(
        ("import", "file", "source", "rows", "added", "known", "replaced", "rejected", "from", "to"),
        [(str(row[0]), row[1], row[2], *(f"{count:,}" for count in row[4:9]), _day(row[9]), _day(row[10]))
         for row in rows]))


@imports.command()
@click.argument("number", type=int)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def show(place: Place, number: int, as_json: bool) -> None:
    """Show one import: what it brought, what it says, where its rejects are."""
    with place.ledger() as ledger:
        rows = [row for row in import_rows(ledger.store.con) if row[0] == number]
    if not rows:
        raise NotFound(f"there is no import {number}", hint="See `outlay imports list`.")
    if as_json:
        say_json({"schema": "outlay.imports/1", "rows": [import_json(rows[0])]})
        return
    for name, value in zip(COLUMNS, rows[0], strict=True):
        if isinstance(value, list):
            for notice in value:
                click.echo(f"{name:<13} {notice}")
        elif value not in (None, ""):
            click.echo(f"{name:<13} {value}")


@imports.command()
@click.argument("number", type=int)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def remove(place: Place, number: int, as_json: bool) -> None:
    """Undo one import exactly: what it had replaced comes back."""
    from outlay.ledger.importing import remove_import

    with place.ledger() as ledger, ledger.store.alone():
        taken = remove_import(ledger.store, number)
    if as_json:
        say_json({"schema": "outlay.imports/1", "rows": [{"import_id": number, "removed": taken}]})
    else:
        click.echo(f"Import {number} is undone: {plural(taken, 'row')} gone; what they had replaced is back.")


def _day(moment: Any) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d}"

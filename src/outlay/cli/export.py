"""`outlay export`."""

from __future__ import annotations

from pathlib import Path

import click

from outlay.cli.session import Place, say_json
from outlay.cli.suggesting import Suggesting
from outlay.errors import UsageError


@click.group(cls=Suggesting)
def export() -> None:
    """Write the ledger in formats that others read."""


@export.command()
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--since", metavar="WHEN", help="All that is known (the default), 30d, a day or a time.")
@click.option("--until", metavar="WHEN", help="A day or a time; by default now, or the latest fact that was imported.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def focus(place: Place, target: Path, since: str | None, until: str | None, as_json: bool) -> None:
    """Write FOCUS 1.2 as .parquet, .csv or .csv.gz: every dollar once, our own columns as x_."""
    if not target.name.endswith((".parquet", ".csv", ".csv.gz")):
        raise UsageError("must end in .parquet, .csv or .csv.gz", where=str(target))
    from outlay.accounting.focus_export import focus_table, unpriced
    from outlay.accounting.focus_file import write_focus
    from outlay.accounting.focus_rows import focus_rows
    from outlay.questions.windows import earliest_fact, resolve

    with place.ledger() as ledger:
        ask = ledger.ask()
        first = earliest_fact(ask)
        window = resolve(ask, since or (first.date().isoformat() if first else None), until)
        rows = focus_rows(ask.con, window, ledger.book)
    left_out = unpriced(rows)
    written = write_focus(focus_table(rows), target)
    if as_json:
        say_json({"schema": "outlay.export.focus/1", "window": window.as_json(),
                  "totals": {"rows": written}, "unknown": [{"unpriced_rows": left_out}] if left_out else []})
        return
    click.echo(f"{written:,} rows of FOCUS 1.2 are in {target}.")
    if left_out:
        click.echo(f"? {left_out:,} lines have no known price and are left out.")

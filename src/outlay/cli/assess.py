"""`outlay assess`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from outlay.cli.session import NOTHING, Place, say_json
from outlay.errors import OutlayError


@click.command()
@click.option("--since", metavar="WHEN", help="30d (the default), 24h, a day or a time.")
@click.option("--until", metavar="WHEN", help="A day or a time; by default now, or the latest fact that was imported.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write the report as one HTML file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def assess(place: Place, since: str | None, until: str | None, html: Path | None, as_json: bool) -> None:
    """What AI cost, who caused it, what of it was waste, and what to do, in dollars."""
    with place.ledger() as ledger:
        empty = ledger.is_empty
        assessment = ledger.assess(since=since, until=until)
    if html is not None:
        from outlay.web.report import report_html

        try:
            html.write_text(report_html(assessment), encoding="utf-8")
        except OSError as error:
            raise OutlayError(f"cannot be written: {error.strerror}", where=str(html)) from error
    if as_json:
        from outlay.accounting.assessment_json import assessment_json

        say_json(assessment_json(assessment))
        return
    from outlay.cli.render_assessment import assessment_text

    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    click.echo(NOTHING if empty else assessment_text(assessment, colour=colour))
    if html is not None:
        click.echo(f"\nThe report is {html.resolve()}")

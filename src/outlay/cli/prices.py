"""`outlay prices`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING

import click

from outlay.cli.session import Place, say_json
from outlay.cli.suggesting import Suggesting
from outlay.errors import NotFound
from outlay.questions.answer import plain
from outlay.questions.windows import now

if TYPE_CHECKING:
    from outlay.prices.book import PriceBook


@click.group(cls=Suggesting)
def prices() -> None:
    """What is charged for tokens, accelerators and storage, from which source, checked when."""


@prices.command()
@click.argument("name")
@click.option("--provider", metavar="ID", help="Only as this provider sells it, such as openai or aws.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def show(place: Place, name: str, provider: str | None, as_json: bool) -> None:
    """Show every price of a model, GPU, machine or kind of storage: gpt-4o, H100, p5.48xlarge, object."""
    rows = _book(place).show(name, provider=provider)
    if not rows:
        raise NotFound(f"no price of {name!r} is known",
                       hint="State your own in a price file (docs/prices.md); until then its cost is unknown.")
    if as_json:
        say_json({"schema": "outlay.prices/1", "currency": "USD",
                  "rows": [{key: plain(value) for key, value in asdict(row).items()} for row in rows]})
        return
    from outlay.cli.render_table import table_text

    sources = list(dict.fromkeys(row.source for row in rows))
    click.echo(table_text(
        ("provider", "name", "what", "price", "unit", "when", "checked", "source"),
        [(row.provider or "", row.name, row.kind, "unknown" if row.price is None else f"${plain(row.price)}", row.unit,
          row.conditions, _checked(row.checked), f"[{sources.index(row.source) + 1}]") for row in rows]))
    click.echo(_numbered(sources))


@prices.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def check(place: Place, as_json: bool) -> None:
    """List figures whose source was last checked more than 90 days ago. Exit status 1: something is stale."""
    found = _book(place).check(now().date())
    if as_json:
        say_json({"schema": "outlay.prices.check/1", "as_of": found.today.isoformat(),
                  "totals": {"sources": found.sources, "figures": found.figures, "stale": len(found.stale)},
                  "rows": [{key: plain(value) for key, value in asdict(row).items()} for row in found.stale]})
    elif found.stale:
        from outlay.cli.render_table import table_text

        click.echo(table_text(
            ("what", "provider", "figures", "checked", "days ago", "source"),
            [(row.what, row.provider or "", row.figures, _checked(row.checked), row.age_days, f"[{number}]")
             for number, row in enumerate(found.stale, 1)]))
        click.echo(_numbered([row.source for row in found.stale]))
        click.echo(f"{len(found.stale)} of {found.sources} sources were checked more than 90 days ago; "
                   f"{found.figures:,} figures were looked at.")
    else:
        click.echo(f"Nothing is stale: {found.figures:,} figures of {found.sources} sources.")
    sys.exit(found.exit_code)


def _checked(day: date | None) -> str:
    return day.isoformat() if day else "unknown"


def _numbered(sources: Sequence[str]) -> str:
    """Sources are long: they stand below the table, which names them by number."""
    return "\n".join(f"[{number}] {source}" for number, source in enumerate(sources, 1))


def _book(place: Place) -> PriceBook:
    from outlay.ledger.store import default_store
    from outlay.settings import load_settings

    return load_settings(place.config, place.store or default_store()).book()

"""`outlay config`."""

from __future__ import annotations

import click

from outlay.cli.session import Place, say_json
from outlay.cli.suggesting import Suggesting


@click.group(cls=Suggesting)
def config() -> None:
    """The settings: `outlay.yaml` and the environment."""


@config.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def check(place: Place, as_json: bool) -> None:
    """Read the settings as the server would, and say what is wrong with them. Exit status 2: something is."""
    from outlay.collectors.registry import collectors
    from outlay.ledger.store import default_store
    from outlay.settings import load_settings

    settings = load_settings(place.config, place.store or default_store())
    settings.book()
    settings.sources()
    asked = collectors(settings.collectors)
    if as_json:
        say_json({"schema": "outlay.config/1", "rows": [{"collector": each.name, "kind": each.code} for each in asked],
                  "budgets": [each.name for each in settings.budgets]})
        return
    click.echo("The settings are good.")
    for each in asked:
        click.echo(f"  collector {each.name}: {each.title}, every {each.every_s:g} s")
    for budget in settings.budgets:
        click.echo(f"  budget {budget.name}: {budget.amount:,} a {budget.period}")


@config.command()
def example() -> None:
    """Print an outlay.yaml with every setting, commented out."""
    from outlay.settings import SETTINGS

    for setting in SETTINGS:
        if setting.name == "sample":
            continue
        for line in _folded(setting.doc):
            click.echo(f"# {line}")
        click.echo(f"# {setting.name}: {setting.example}\n")


def _folded(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, 96)

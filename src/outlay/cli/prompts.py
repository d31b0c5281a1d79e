"""`outlay prompts`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from outlay.cli.session import Place, say_json
from outlay.cli.suggesting import Suggesting


@click.group(cls=Suggesting)
def prompts() -> None:
    """What prompt files cost, every call."""


@prompts.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--calls-per-day", type=click.IntRange(min=1), help="Calls that carry each prompt, a day.")
@click.option("--model", default="gpt-4o", show_default=True, help="The model whose tokenizer and price count.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def audit(place: Place, paths: tuple[Path, ...], calls_per_day: int | None, model: str, as_json: bool) -> None:
    """Tokens and dollars of every prompt file, and what is said twice. Exit status 1: a file could not be read."""
    from outlay.ledger.store import default_store
    from outlay.settings import load_settings
    from outlay.tokens.audit import audit_prompts
    from outlay.tokens.audittext import audit_json, audit_text

    settings = load_settings(place.config, place.store or default_store())
    found = audit_prompts(paths, model=model, prices=settings.book(), calls_per_day=calls_per_day)
    if as_json:
        say_json(audit_json(found))
    else:
        click.echo(audit_text(found))
    sys.exit(1 if found.rejected else 0)

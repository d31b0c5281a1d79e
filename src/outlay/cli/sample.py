"""`outlay sample`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option("--seed", default=1, show_default=True, help="Another seed writes another month.")
def sample(directory: Path, seed: int) -> None:
    """Write the sample month as files: bills, usage, runs, GPU metrics, prompts. Generated; nobody's data."""
    from outlay.sample import write_sample

    write_sample(directory, seed=seed)
    click.echo(f"The sample month is in {directory}. Import it with: outlay import {directory}")

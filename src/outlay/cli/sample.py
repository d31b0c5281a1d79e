"""`outlay sample`."""

from __future__ import annotations

import shlex
from pathlib import Path

import click


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option("--seed", default=1, show_default=True, help="Another seed writes another month.")
def sample(directory: Path, seed: int) -> None:
    """Write the sample month as files: bills, usage, runs, GPU metrics, prompts. Generated; nobody's data."""
    from outlay.sample import write_sample

    write_sample(directory, seed=seed)
    click.echo(f"The sample month is in {directory}. It has settings of its own; give it a store of its own, too:\n"
               f"  export OUTLAY_STORE={shlex.quote(str(directory / '.store'))} "
               f"OUTLAY_CONFIG={shlex.quote(str(directory / 'outlay.yaml'))}\n"
               f"  outlay import {shlex.quote(str(directory))}\n"
               "  outlay assess --html report.html")

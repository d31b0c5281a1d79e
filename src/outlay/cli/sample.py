"""`outlay sample`."""

from __future__ import annotations

import shlex
from pathlib import Path

import click


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option("--seed", default=1, show_default=True, help="Another seed writes another month.")
@click.option("--live", is_flag=True, help="Thirty days that end tonight, known up to now; `outlay up` then gives the "
              "rest of today as its time comes.")
def sample(directory: Path, seed: int, live: bool) -> None:
    """Write the sample month as files: bills, usage, runs, GPU metrics, prompts. Generated; nobody's data."""
    from outlay.sample import write_sample

    if live:
        from outlay.questions.windows import now
        from outlay.sample.live import write_live_sample

        write_live_sample(directory, now(), seed=seed)
    else:
        write_sample(directory, seed=seed)
    click.echo(f"The sample month is in {directory}. It has settings of its own; give it a store of its own, too:\n"
               f"  export OUTLAY_STORE={shlex.quote(str(directory / '.store'))} "
               f"OUTLAY_CONFIG={shlex.quote(str(directory / 'outlay.yaml'))}\n"
               f"  outlay import {shlex.quote(str(directory))}\n"
               "  outlay assess --html report.html")

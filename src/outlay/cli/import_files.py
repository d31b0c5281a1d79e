"""`outlay import`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from outlay.accounting.figures import plural
from outlay.cli.input_paths import named_files
from outlay.cli.left_alone import LeftAlone, left_alone, left_alone_lines
from outlay.cli.session import Place, say_json
from outlay.errors import FileError, OutlayError, StoreError, UnrecognisedFile

if TYPE_CHECKING:
    from outlay.api import Ledger
    from outlay.ledger.importing import Imported


@click.command("import")
@click.argument("paths", nargs=-1, required=True)
@click.option("--as", "as_source", metavar="NAME", help="Read the files as this source, whatever they look like.")
@click.option("--export", metavar="NAME", help="Name of the export that the bills belong to: a later file of the same "
              "export replaces what it restates. By default the file's name.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def import_files(place: Place, paths: tuple[str, ...], as_source: str | None, export: str | None,
                 as_json: bool) -> None:
    """Read files and folders into the ledger, each recognised by its content; - reads standard input.

    A file is kept whole or not at all; its good rows are kept and its bad rows listed. A file that was imported before
    changes nothing, and rows that stand in several files count once. Exit status 1: something was rejected.
    """
    results: list[Imported] = []
    failures: list[OutlayError] = []
    unknown: list[LeftAlone] = []
    with place.ledger() as ledger, named_files(paths, ledger.store.scratch) as files:
        for file in files:
            try:
                done = _import_one(ledger, file.path, file.name, as_source, export, as_json)
            except UnrecognisedFile as error:
                if file.chosen:
                    failures.append(error)
                else:
                    unknown.append(left_alone(file.path, file.name, error))
                continue
            except FileError as error:
                failures.append(error)
                continue
            except StoreError as error:
                # What stopped this file would stop the next ones, too.
                failures.append(error)
                break
            results.append(done)
            if not as_json:
                click.echo(_line(done))
    if as_json:
        say_json(_report(results, failures, unknown))
    else:
        _close(results, failures, unknown)
    if failures and (not results or isinstance(failures[-1], StoreError)):
        sys.exit(3)
    sys.exit(1 if failures or any(done.rejected for done in results) else 0)


def _import_one(ledger: Ledger, path: Path, name: str, as_source: str | None, export: str | None,
                quiet: bool) -> Imported:
    if quiet or not sys.stderr.isatty():
        return ledger.import_file(path, name=name, as_source=as_source, export=export)
    from rich.console import Console

    with Console(stderr=True).status(f"Reading {name}") as status:
        read = 0

        def advance(rows: int) -> None:
            nonlocal read
            read += rows
            status.update(f"Reading {name}: {read:,} rows")

        return ledger.import_file(path, name=name, as_source=as_source, export=export, advance=advance)


def _line(done: Imported) -> str:
    if done.already is not None:
        return (f"{done.name}: already imported as {done.already}; nothing changed "
                f"(`outlay imports remove {done.already}` first, to read it anew)")
    parts = [f"{done.added:,} added"]
    if done.duplicates:
        parts.append(f"{done.duplicates:,} already known")
    if done.replaced:
        parts.append(f"{plural(done.replaced, 'older row')} replaced")
    if done.rejected:
        parts.append(f"! {done.rejected:,} rejected")
    lines = [f"{done.name}: {done.source}, import {done.import_id}: {', '.join(parts)}"]
    lines += [f"  {notice}" for notice in done.notices]
    lines += [f"  line {reject.line}: {reject.field or 'row'} {reject.reason}"
              + (f": {reject.raw}" if reject.raw else "") for reject in done.rejects[:5]]
    if done.rejected > 5:
        lines.append(f"  ... {done.rejected - 5:,} more")
    if done.rejected:
        lines.append(f"  all of them: {done.rejects_file}")
    return "\n".join(lines)


def _close(results: list[Imported], failures: list[OutlayError], unknown: list[LeftAlone]) -> None:
    for line in left_alone_lines(unknown):
        click.echo(line)
    for error in failures:
        click.echo(f"outlay: {error}", err=True)
    added = sum(done.added for done in results)
    click.echo(f"{plural(len(results), 'file')} read, {plural(added, 'row')} added.")


def _report(results: list[Imported], failures: list[OutlayError], unknown: list[LeftAlone]) -> dict[str, object]:
    return {
        "schema": "outlay.import/1",
        "rows": [asdict(done) for done in results],
        "totals": {"added": sum(done.added for done in results)},
        "unknown": [asdict(file) for file in unknown],
        "rejected": sum(done.rejected for done in results),
        "failed": [error.as_json()["error"] for error in failures],
    }

"""`outlay`: the commands, each loaded when it is asked for, so that `outlay --help` answers at once."""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from outlay import __version__
from outlay.cli.suggesting import Suggesting
from outlay.errors import OutlayError

#: Command, the module and name that hold it, and the line that `outlay --help` shows.
COMMANDS: tuple[tuple[str, str, str], ...] = (
    ("up", "outlay.cli.up:up", "Serve the dashboard and receive what happens."),
    ("agent", "outlay.cli.agent:agent", "Read a GPU host, and send that to a server."),
    ("status", "outlay.cli.status:status", "Whether a server keeps the store, and how its sources are."),
    ("import", "outlay.cli.import_files:import_files", "Read bills, usage, logs and metrics into the ledger."),
    ("imports", "outlay.cli.imports:imports", "List, show and undo imports."),
    ("assess", "outlay.cli.assess:assess", "What AI cost, who caused it, what was waste, what to do."),
    ("costs", "outlay.cli.costs:costs", "Cost by any dimensions, over time."),
    ("findings", "outlay.cli.findings:findings", "List, show, accept and ignore findings."),
    ("budgets", "outlay.cli.budgets:budgets", "What may be spent, what is, and where it will end."),
    ("alerts", "outlay.cli.alerts:alerts", "List, acknowledge and silence alerts; try the ways they are sent."),
    ("prompts", "outlay.cli.prompts:prompts", "What prompt files cost."),
    ("prices", "outlay.cli.prices:prices", "What is charged, from which source, and what is stale."),
    ("export", "outlay.cli.export:export", "Write the ledger in formats that others read."),
    ("people", "outlay.cli.people:people", "Who may sign in, and as what."),
    ("tokens", "outlay.cli.people:tokens", "Tokens with which programs read the API and send facts."),
    ("audit", "outlay.cli.people:audit", "The record of every change."),
    ("config", "outlay.cli.config:config", "Check the settings; print an example of all of them."),
    ("sample", "outlay.cli.sample:sample", "Write the sample month as files."),
)


class _Commands(Suggesting):
    """Commands by name, imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name, _, _ in COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for name, place, _ in COMMANDS:
            if name == cmd_name:
                module, _, attribute = place.partition(":")
                command: click.Command = getattr(import_module(module), attribute)
                return command
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, _, line in COMMANDS])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="outlay")
@click.option("--store", type=click.Path(path_type=Path, file_okay=False), envvar="OUTLAY_STORE",
              help="Directory of the ledger; by default the user's data directory.")
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), envvar="OUTLAY_CONFIG",
              help="Settings file; by default ./outlay.yaml, else the store's own.")
@click.pass_context
def outlay(ctx: click.Context, store: Path | None, config: Path | None) -> None:
    """FinOps for AI: what AI costs, who caused it, what of it is waste, and what ends it."""
    from outlay.cli.session import Place

    ctx.obj = Place(store, config)


def main() -> None:
    """Runs the command line and exits: 0 done, 1 done with rejected rows or a failed check, 2 wrong usage, 3 failed."""
    wants_json = "--json" in sys.argv[1:]
    try:
        code = outlay.main(standalone_mode=False)
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except click.exceptions.Abort:
        click.echo("Stopped; nothing half-done was kept.", err=True)
        code = 130
    except click.ClickException as error:
        code = _complain({"code": "usage", "message": error.format_message(), "where": "", "hint": ""}, wants_json,
                         error, 2)
    except OutlayError as error:
        code = _complain(error.as_json()["error"], wants_json, None, error.exit_code, str(error))
    except BrokenPipeError:
        # Whoever read our output has had enough; the interpreter must not try to flush into the closed pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code if isinstance(code, int) else 0)


def _complain(
    error: dict[str, str], wants_json: bool, shown: click.ClickException | None, code: int, text: str = ""
) -> int:
    if wants_json:
        body: dict[str, Any] = {"error": error}
        click.echo(json.dumps(body))
    elif shown is not None:
        shown.show()
    else:
        click.echo(f"outlay: {text}", err=True)
    return code

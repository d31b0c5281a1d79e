"""`outlay up`."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from outlay.api import Ledger
    from outlay.cli.session import Place


@click.command("up")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=7717, show_default=True,
              help="Port; a busy one moves up to the next free one.")
@click.option("--no-sign-in", is_flag=True, help="Ask nobody who they are; only where no other machine can reach it.")
@click.pass_obj
def up(place: Place, host: str, port: int, no_sign_in: bool) -> None:
    """Serve the dashboard and receive what happens, until Ctrl-C.

    One process owns the store; the other commands go on working, as its clients.
    """
    from outlay.server.access import check_bind
    from outlay.server.run import serve

    check_bind(host, not no_sign_in)
    with place.ledger(own=True) as ledger:
        serve(ledger, host, port, say=click.echo, signs_in=not no_sign_in)
        _leave(ledger)


def _leave(ledger: Ledger) -> NoReturn:
    """Ends the process at once. A thread that is in the middle of a question cannot be ended, and the interpreter, when
    it takes itself apart, falls over it (SIGABRT). What was to be kept is on disk by now."""
    import duckdb

    try:
        ledger.close()
    except duckdb.Error as error:
        logging.getLogger("outlay.server").info("a question was still being asked: %s", error)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)

"""`outlay agent`."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from outlay.errors import UsageError

if TYPE_CHECKING:
    from outlay.agent.sending import Door
    from outlay.collectors.settings import Secret

_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0}


@click.command()
@click.option("--server", metavar="URL", envvar="OUTLAY_SERVER", help="Address of `outlay up`.")
@click.option("--token-file", type=click.Path(path_type=Path, dir_okay=False), envvar="OUTLAY_TOKEN_FILE",
              help="File with a token of scope ingest; else the variable OUTLAY_TOKEN holds it.")
@click.option("--every", default="15s", show_default=True, metavar="TIME", help="How often the host is read.")
@click.option("--spool", type=click.Path(path_type=Path, file_okay=False), envvar="OUTLAY_SPOOL",
              help="Folder for what is not delivered yet; by default in the user's state directory.")
@click.option("--spool-mb", type=click.IntRange(1), default=64, show_default=True,
              help="How much may wait there; the oldest is dropped first.")
@click.option("--node", metavar="NAME", help="Name of this host, as bills and schedulers call it; by default its own.")
@click.option("--pool", metavar="NAME", default="", help="Cluster or partition that the host belongs to.")
@click.option("--ca", type=click.Path(path_type=Path, dir_okay=False, exists=True),
              help="Certificates to trust beside the system's.")
@click.option("--plain-http", is_flag=True, help="Send over http:// to another machine, readable on the way.")
@click.option("--once", is_flag=True, help="Read once, deliver, and end.")
@click.option("--dry-run", is_flag=True, help="Read once and print what would be sent; nothing is sent or kept.")
def agent(server: str | None, token_file: Path | None, every: str, spool: Path | None, spool_mb: int, node: str | None,
          pool: str, ca: Path | None, plain_http: bool, once: bool, dry_run: bool) -> None:
    """Read this host's GPUs and who uses them, and send that to a server, until it is stopped.

    It needs the NVIDIA driver and the extra `agent`. What the server does not take waits on disk. Of processes the
    name, user and memory are sent, and the job, pod or container that they belong to; never their arguments.
    """
    import socket

    name = node or socket.gethostname()
    every_s = _seconds(every)
    if dry_run:
        _print(name, pool)
        return
    if not server:
        raise UsageError("names no server", where="--server", hint="For example --server https://outlay.example.com")
    from outlay.agent.sending import Door

    door = Door.of(server, _token(token_file), ca, plain_http)
    _run(door, spool or _default_spool(), spool_mb << 20, name, pool, every_s, once)


def _run(door: Door, folder: Path, most_bytes: int, node: str, pool: str, every_s: float, single: bool) -> None:
    import logging
    import signal
    import threading
    from contextlib import closing

    from outlay.agent.message import message
    from outlay.agent.nvml import Nvml
    from outlay.agent.processes import Processes
    from outlay.agent.sending import Sender
    from outlay.agent.work import Reader, once, open_backlog, remember, remembered, work
    from outlay.questions.windows import now

    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    if door.token is not None:
        door.token.read()  # said now where it is not there, not when the first reading waits
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    with Nvml() as nvml:
        backlog = open_backlog(folder, most_bytes, node, now)
        try:
            reader = Reader(nvml, Processes(), node=node, pool=pool, every_s=every_s, clock=now,
                            runs=remembered(folder))
            if single:
                backlog.add(message(once(reader)).SerializeToString())
                remember(folder, reader.runs)
                with closing(Sender(door, backlog)) as sender:
                    while sender.deliver():
                        continue
                return
            logging.getLogger("outlay.agent").info("reading every %g s, sending to %s", every_s, door.url)
            work(reader, backlog, door, folder, every_s, stopping, Nvml)
        finally:
            backlog.close()


def _print(node: str, pool: str) -> None:
    from google.protobuf import json_format

    from outlay.agent.message import message
    from outlay.agent.nvml import Nvml
    from outlay.agent.processes import Processes
    from outlay.agent.work import ONCE_S, Reader, once
    from outlay.questions.windows import now

    with Nvml() as nvml:
        reading = once(Reader(nvml, Processes(), node=node, pool=pool, every_s=ONCE_S, clock=now))
    click.echo(json_format.MessageToJson(message(reading), indent=2))


def _token(path: Path | None) -> Secret | None:
    import os

    from outlay.collectors.settings import Secret

    if path is not None:
        return Secret(file=path)
    return Secret(env="OUTLAY_TOKEN") if os.environ.get("OUTLAY_TOKEN") else None


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m)", text.strip())
    if match is None or float(match[1]) * _UNIT_S[match[2]] < 0.1:
        raise UsageError(f"{text!r} is not a time of at least 100ms", where="--every", hint="For example 15s or 1m.")
    return float(match[1]) * _UNIT_S[match[2]]


def _default_spool() -> Path:
    import os

    if os.geteuid() == 0:
        return Path("/var/lib/outlay-agent")
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "outlay-agent"

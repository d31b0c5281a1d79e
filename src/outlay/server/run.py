"""Runs the server: listens, tells the address, and stops gracefully."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from types import FrameType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from outlay.errors import UsageError
from outlay.ledger.spool import Spool
from outlay.questions.windows import now
from outlay.server.access import LOOPBACK
from outlay.state import people
from outlay.state.audit import Who
from outlay.state.database import open_state

if TYPE_CHECKING:
    import uvicorn

    from outlay.api import Ledger
    from outlay.state.database import State

#: How many ports above the one that was asked for are tried.
_PORTS = 20
#: How long open requests have to end, seconds.
GRACE_S = 8


def serve(ledger: Ledger, host: str, port: int, say: Callable[[str], None], *, signs_in: bool = True) -> None:
    """Serves until SIGINT or SIGTERM. Raises `UsageError` where nothing can be listened on, `StateError`."""
    import uvicorn

    from outlay.server.access import Gate
    from outlay.server.drain import resume
    from outlay.server.signin import sign_in_routes
    from outlay.server.works import Works

    settings = ledger.settings
    with (open_state(settings.state or ledger.store.path) as state,
          Spool(ledger.store.path / "spool", resume(ledger)) as spool):
        works = Works(ledger, state, spool)
        listener = listen(host, port)
        address = settings.public_url or f"http://{_shown(host)}:{listener.getsockname()[1]}"
        app = works.application(list(sign_in_routes(state, settings, now)) if signs_in else [])
        gate = Gate(app, state if signs_in else None, now, _hosts(host, address), address.startswith("https:"),
                    open_ingest=host in LOOPBACK)
        config = uvicorn.Config(gate, log_level="warning", access_log=False, timeout_graceful_shutdown=GRACE_S,
                                http="httptools", lifespan="on", server_header=False)
        works.start(address)
        try:
            say(f"Outlay serves {address}")
            if signs_in:
                say(f"Sign in: {address}/sign-in?token={first_link(state)}")
            with _ending(server := uvicorn.Server(config), works.shared.end):
                server.run(sockets=[listener])
        finally:
            works.stop()


def first_link(state: State) -> str:
    """A link's secret for whoever starts the server: the first admin, who is made where there is none."""
    name = _user()
    who, moment = Who(name, "server"), now()
    with state.begin() as connection:
        admins = [each for each in people.people(connection) if each.role == "admin" and each.disabled_at is None]
        first = next((each for each in admins if each.name == name), admins[0] if admins else None)
        if first is None:
            first = people.add(connection, name, "admin", (), None, who=who, now=moment)
        return people.new_link(connection, first, who=who, now=moment)


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "admin"  # a process without a user entry, as in some containers


def _hosts(host: str, address: str) -> frozenset[str]:
    """Names under which the server may be called. Bound to every address of a machine, it cannot know them all."""
    if host in ("0.0.0.0", "::"):
        return frozenset({"*"})
    return frozenset({host, *(LOOPBACK if host in LOOPBACK else ()), urlsplit(address).hostname or host})


@contextmanager
def _ending(server: uvicorn.Server, end: Callable[[], None]) -> Iterator[None]:
    """SIGINT and SIGTERM end the streams and the server alone, which then writes what is queued; its own way is to send
    itself the signal again when it has stopped, which would end the process there."""
    import asyncio

    def ended(number: int, frame: FrameType | None) -> None:
        server.handle_exit(number, frame)
        with suppress(RuntimeError):  # the loop has not begun
            asyncio.get_running_loop().call_soon_threadsafe(end)

    server.capture_signals = nullcontext  # type: ignore[method-assign,assignment]
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(each, ended) for each in signals]
    try:
        yield
    finally:
        for each, handler in zip(signals, before, strict=True):
            signal.signal(each, handler)


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def listen(host: str, port: int) -> socket.socket:
    """A listening socket on `port`, or the next free one above it. Raises `UsageError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for tried in range(port, port + (_PORTS if port else 1)):
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, tried))
        except OSError as error:
            listener.close()
            if error.errno != 98:  # EADDRINUSE
                raise UsageError(f"cannot listen on {host}:{tried}: {error.strerror}", where="--host") from error
            continue
        listener.listen(256)
        return listener
    raise UsageError(f"ports {port} to {port + _PORTS - 1} are all in use", where="--port",
                     hint="Name another one with --port.")

"""Runs the server: listens, tells the address, and stops gracefully."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from outlay import __version__
from outlay.errors import UsageError
from outlay.ledger.spool import Spool
from outlay.questions.answer import plain
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
    from starlette.routing import Mount

    from outlay.collectors.registry import collectors
    from outlay.collectors.runner import Health, Runner
    from outlay.server.access import Gate
    from outlay.server.api import api, source_json
    from outlay.server.app import application, serving
    from outlay.server.assessing import Assessing
    from outlay.server.drain import Drain, resume
    from outlay.server.otlp import otlp_routes
    from outlay.server.owner import Owner
    from outlay.server.signin import sign_in_routes

    settings = ledger.settings
    asked = collectors(settings.collectors)
    with (open_state(settings.state or ledger.store.path) as state,
          Spool(ledger.store.path / "spool", resume(ledger)) as spool):
        listener = listen(host, port)
        owner = Owner(ledger)
        owner.warm()
        runner = Runner(asked, owner.put, owner.cursor_of, owner.clock)
        drain = Drain(spool, owner.writer, now, resume(ledger))

        def health() -> tuple[Health, ...]:
            return (*drain.health(), *runner.health())

        address = settings.public_url or f"http://{_shown(host)}:{listener.getsockname()[1]}"
        routes = sign_in_routes(state, settings, now) if signs_in else []
        shared = serving(owner)
        assessing = Assessing(owner.view, shared.ticks.changed)
        owner.watch(assessing.changed)
        owner.know(lambda: {"health": health(), "assessment": assessing.latest()})
        app = application(shared, [*routes, *otlp_routes(spool), Mount("/api/v1", api(shared, health))])
        gate = Gate(app, state if signs_in else None, now, _hosts(host, address), address.startswith("https:"),
                    open_ingest=host in LOOPBACK)
        config = uvicorn.Config(gate, log_level="warning", access_log=False, timeout_graceful_shutdown=GRACE_S,
                                http="httptools", lifespan="on", server_header=False)
        began = now()
        owner.start(lambda: {
            "url": address, "process": os.getpid(), "version": __version__, "since": plain(began),
            "waiting_bytes": drain.waiting_bytes, "spool_full": spool.waiting.full, "asked": shared.ticks.asked,
            "asked_s": round(shared.ticks.asked_s, 3),
            "sources": [source_json(each, now()) for each in health()]})
        drain.start()
        runner.start()
        assessing.start()
        try:
            say(f"Outlay serves {address}")
            if signs_in:
                say(f"Sign in: {address}/sign-in?token={first_link(state)}")
            with _ending(server := uvicorn.Server(config)):
                server.run(sockets=[listener])
        finally:
            assessing.stop()
            runner.stop(2)
            drain.stop(3)
            owner.stop(GRACE_S)


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
def _ending(server: uvicorn.Server) -> Iterator[None]:
    """SIGINT and SIGTERM end the server alone, which then writes what is queued; its own way is to send itself the
    signal again when it has stopped, which would end the process there."""
    server.capture_signals = nullcontext  # type: ignore[method-assign,assignment]
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(each, server.handle_exit) for each in signals]
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

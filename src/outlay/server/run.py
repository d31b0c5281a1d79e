"""Runs the server: listens, tells the address, and stops gracefully."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from outlay.errors import UsageError

if TYPE_CHECKING:
    from outlay.api import Ledger

#: How many ports above the one that was asked for are tried.
_PORTS = 20
#: How long open requests have to end, seconds.
GRACE_S = 8


def serve(ledger: Ledger, host: str, port: int, say: Callable[[str], None]) -> None:
    """Serves until SIGINT or SIGTERM. Raises `UsageError` where nothing can be listened on."""
    import uvicorn

    from outlay.collectors.registry import collectors
    from outlay.collectors.runner import Runner
    from outlay.server.app import application, serving
    from outlay.server.owner import Owner

    asked = collectors(ledger.settings.collectors)
    listener = listen(host, port)
    owner = Owner(ledger)
    owner.warm()
    runner = Runner(asked, owner.put, owner.cursor_of, owner.clock)
    owner.know(lambda: {"health": runner.health()})
    config = uvicorn.Config(
        application(serving(owner)), log_level="warning", access_log=False, timeout_graceful_shutdown=GRACE_S,
        http="httptools", lifespan="on")
    owner.start()
    runner.start()
    try:
        say(f"Outlay serves http://{_shown(host)}:{listener.getsockname()[1]}")
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        runner.stop(2)
        owner.stop(GRACE_S)


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

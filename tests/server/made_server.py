"""A real `outlay up` of a test: its own store and port, ended by its process id."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Server:
    """A server that runs. `url` is where."""

    def __init__(self, store: Path, *options: str, config: Path | None = None) -> None:
        self.store = store
        self.log = store.parent / f"up-{time.monotonic_ns()}.log"
        with self.log.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "outlay", "--store", str(store), *(["--config", str(config)] if config else []),
                 "up", "--port", "0", *options],
                stdout=out, stderr=subprocess.STDOUT, env={**os.environ, "PYTHONUNBUFFERED": "1"})
        self.url = self._url()
        self.port = int(self.url.rpartition(":")[2])

    def _url(self) -> str:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            found = re.search(r"serves (http\S+)", self.log.read_text())
            if found:
                return found[1]
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(f"no server: {self.log.read_text()}")

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)

    def stop(self, sign: signal.Signals = signal.SIGINT) -> int:
        """Ends it as Ctrl-C does; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(sign)
        return self.process.wait(30)


@contextmanager
def served(store: Path, *options: str, config: Path | None = None) -> Iterator[Server]:
    server = Server(store, *options, config=config)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()

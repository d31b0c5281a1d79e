"""A real PostgreSQL server of the tests: its own cluster in a directory of its own, reached over a socket there."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def programs() -> Path | None:
    """Where the server's programs are; Debian does not put them into the PATH."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    return next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)


class Postgres:
    """A cluster. `database` makes a new, empty database and gives its URL."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = itertools.count()

    def database(self) -> str:
        name = f"t{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name}")
        return f"postgresql://outlay@/{name}?host={self.folder}"

    def run(self, sql: str, database: str = "postgres") -> None:
        import psycopg

        with psycopg.connect(host=str(self.folder), user="outlay", dbname=database, autocommit=True) as connection:
            connection.execute(sql.encode())


@contextmanager
def postgres() -> Iterator[Postgres]:
    """The server, ended with the context. Skips where there is none on this machine."""
    found = programs()
    if found is None:
        pytest.skip("needs postgres: no initdb on this machine (Debian: apt-get install postgresql)")
    # Its socket's path must be short, and it refuses to run as root.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    if user:
        shutil.chown(folder, "postgres")
    data = folder / "data"

    def act(*words: str) -> None:
        subprocess.run([*user, *words], check=True, stdout=subprocess.DEVNULL, cwd=folder)

    try:
        act(str(found / "initdb"), "-D", str(data), "-U", "outlay", "-A", "trust", "-N", "--no-instructions")
        act(str(found / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log"), "-o",
            f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off", "start")
        try:
            yield Postgres(folder)
        finally:
            act(str(found / "pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)

"""Opens a store: the directory that holds a ledger, its lock and its files of rejected rows.

One process owns a store at a time. DuckDB itself refuses a second opening; the lock file beside it says who holds it,
so that the error can name the process.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from outlay.errors import StoreError, StoreLocked
from outlay.ledger.failures import damaged, in_users_terms
from outlay.ledger.schema import SCHEMA_VERSION, ddl

if TYPE_CHECKING:
    import duckdb

#: How long a locked store is waited for, seconds (DESIGN.md, one owner process per store).
LOCK_WAIT_S = 10.0
#: The socket over which the owner of a store lends connections.
SOCKET = "owner.sock"
#: DuckDB's own memory, below which it spills to disk. With Python, Arrow and allocation overhead the process stays
#: under 2.2 GB on an import of ten million calls (docs/performance.md).
MEMORY_LIMIT = "1500MB"


def default_store() -> Path:
    """The user's data directory: XDG_DATA_HOME on Linux, Application Support on macOS."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "outlay"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "outlay"


class Store:
    """An open store. Use it as a context manager; `con` is the one DuckDB connection."""

    #: Whether another process owns it and lends a connection.
    lent = False

    def __init__(self, path: Path, *, wait_s: float | None = None) -> None:
        """Opens `path`, making it where it does not exist.

        Raises `StoreLocked` when another process keeps it for longer than `wait_s` (by default `LOCK_WAIT_S`),
        `StoreError` when it cannot be read or is of another version.
        """
        self.path = path
        try:
            (path / "rejects").mkdir(parents=True, exist_ok=True)
            path.chmod(0o700)
            self._lock = _acquire(path / "lock", LOCK_WAIT_S if wait_s is None else wait_s)
        except OSError as error:
            raise StoreError(f"cannot be made: {error.strerror}", where=str(path),
                             hint="Name another directory with --store or OUTLAY_STORE.") from error
        try:
            self.con = self._open()
        except BaseException:
            self._lock.close()
            raise

    @property
    def scratch(self) -> Path:
        """Where copies lie that an import needs; emptied whenever the store is opened."""
        return self.path / "tmp"

    def _open(self) -> duckdb.DuckDBPyConnection:
        import duckdb

        file = self.path / "ledger.duckdb"
        # A process that was killed leaves what it spilled, and copies of files that it unpacked.
        shutil.rmtree(self.scratch, ignore_errors=True)
        with in_users_terms(self.path, str(file)):
            self.scratch.mkdir()
            try:
                con = duckdb.connect(str(file), config={"threads": os.cpu_count() or 2, "memory_limit": MEMORY_LIMIT})
            except duckdb.ProgrammingError as error:
                raise damaged(self.path, str(file), error) from error
            _set_up(con)
            con.execute(f"SET temp_directory = '{str(self.scratch).replace(chr(39), chr(39) * 2)}'")
            if not con.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'meta'").fetchall():
                with transaction(con):
                    for statement in ddl():
                        con.execute(statement)
                    con.execute("INSERT INTO meta VALUES ('schema_version', ?)", [str(SCHEMA_VERSION)])
            found = read_meta(con, "schema_version")
        if found != str(SCHEMA_VERSION):
            con.close()
            raise other_version(found, str(file))
        return con

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A further connection to the same ledger, for another thread: it sees what is committed."""
        con = self.con.cursor()
        _set_up(con)
        return con

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else writes for as long as the context lasts."""
        yield

    def refresh(self) -> None:
        """Has whoever owns the store make its derived tables current; nothing where that is this process."""

    def meta(self, key: str) -> str | None:
        """A setting of the store itself."""
        return read_meta(self.con, key)

    def set_meta(self, key: str, value: str) -> None:
        """Keeps a setting of the store itself; part of the transaction that is open."""
        self.con.execute("DELETE FROM meta WHERE key = ?", [key])
        self.con.execute("INSERT INTO meta VALUES (?, ?)", [key, value])

    def close(self) -> None:
        self.con.close()
        self._lock.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Beside(Store):
    """A store that this process has open already, over a connection of its own: for reading in another thread."""

    lent = True

    def __init__(self, store: Store) -> None:
        self.path = store.path
        self.con = store.cursor()

    def close(self) -> None:
        self.con.close()


def _set_up(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("SET TimeZone = 'UTC'")
    con.execute("SET enable_progress_bar = false")


def other_version(found: str | None, where: str) -> StoreError:
    """The store is of another version than this Outlay."""
    return StoreError(
        f"has layout version {found}; this Outlay reads version {SCHEMA_VERSION}", where=where,
        hint="Use the Outlay that wrote it, or import the original files into a new store.")


def read_meta(con: duckdb.DuckDBPyConnection, key: str) -> str | None:
    """A setting of the store behind `con`."""
    rows = con.execute("SELECT value FROM meta WHERE key = ?", [key]).fetchall()
    return str(rows[0][0]) if rows else None


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All of the block or none of it."""
    con.execute("BEGIN")
    try:
        yield
        con.execute("COMMIT")
    except BaseException:
        _roll_back(con)
        raise


def _roll_back(con: duckdb.DuckDBPyConnection) -> None:
    import duckdb

    try:
        con.execute("ROLLBACK")
    except duckdb.Error:
        # A failed COMMIT has already ended the transaction; the first error is the one to report.
        return


def _acquire(path: Path, wait_s: float) -> IO[bytes]:
    """Holds the lock file; its content names the holder for whoever comes next."""
    handle = path.open("a+b", buffering=0)
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                handle.seek(0)
                holder = handle.read().decode(errors="replace").strip() or "another process"
                handle.close()
                raise StoreLocked(f"is in use by {holder}", where=str(path.parent),
                                  hint="Wait for it to end, or name another store with --store.") from error
            time.sleep(0.05)
            continue
        with suppress(OSError):  # on a full disk the lock holds, too; it only cannot say who has it
            handle.truncate(0)
            handle.write(f"process {os.getpid()} ({' '.join(sys.argv[:3])})".encode(errors="replace"))
        return handle

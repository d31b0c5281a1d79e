"""Opens the state: SQLite in the store, or a PostgreSQL server by URL; brought to the newest layout first."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outlay.errors import OutlayError

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Connection, Engine

#: How long SQLite waits for another process that writes, milliseconds.
_BUSY_MS = 10_000


class StateError(OutlayError):
    """The state cannot be opened, read or written; nothing of what was asked for was done."""

    code = "state"


class State:
    """An open state. Use `begin` for everything; each use is one transaction."""

    def __init__(self, engine: Engine, where: str) -> None:
        self._engine = engine
        #: The file, or the server without its password.
        self.where = where

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """All of the block or none of it. Raises `StateError`."""
        with _in_users_terms(self.where), self._engine.begin() as connection:
            yield connection

    def close(self) -> None:
        self._engine.dispose()

    def __enter__(self) -> State:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_state(place: Path | str) -> State:
    """The state at `place`: a directory (its file `state.db`, made where it is not there), or the URL of a PostgreSQL
    database. Raises `StateError`."""
    from sqlalchemy import create_engine

    url = _url(place)
    where = url.render_as_string(hide_password=True) if url.host else str(url.database)
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": _BUSY_MS / 1000})
        _prepare_sqlite(engine)
    else:
        engine = create_engine(url, pool_pre_ping=True,
                               connect_args={"connect_timeout": 10, "options": "-c timezone=utc"})
    try:
        with _in_users_terms(where):
            _migrate(engine, where)
            if url.get_backend_name() == "sqlite":
                Path(str(url.database)).chmod(0o600)
    except BaseException:
        engine.dispose()
        raise
    return State(engine, where)


def _url(place: Path | str) -> URL:
    from sqlalchemy.engine import URL, make_url
    from sqlalchemy.exc import ArgumentError

    if isinstance(place, Path):
        return URL.create("sqlite", database=str(place.absolute() / "state.db"))
    try:
        url = make_url(place)
    except ArgumentError as error:
        raise StateError("is not a database's URL", where="state",
                         hint="For example postgresql://outlay@db.example.com/outlay") from error
    if url.get_backend_name() != "postgresql":
        raise StateError(f"{url.get_backend_name()} is not supported", where="state",
                         hint="Name a PostgreSQL database, or leave it out: then SQLite in the store is used.")
    return url.set(drivername="postgresql+psycopg")


def _prepare_sqlite(engine: Engine) -> None:
    from sqlalchemy import event

    def connected(connection: sqlite3.Connection, _: Any) -> None:
        # Transactions are begun below; the driver's own would begin them too late.
        connection.isolation_level = None
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", f"busy_timeout = {_BUSY_MS}"):
            connection.execute(f"PRAGMA {pragma}")

    def begun(connection: Connection) -> None:
        # Writers queue at the beginning of a transaction; a reader that turns writer in the middle could only fail.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)


def _migrate(engine: Engine, where: str) -> None:
    """Brings the layout forward to the newest; one that is newer than this Outlay is refused."""
    from alembic import command
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    scripts = ScriptDirectory.from_config(config)
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            # Two processes that start at once must not both migrate.
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7717)")
        found = MigrationContext.configure(connection).get_current_revision()
        if found == scripts.get_current_head():
            return
        if found is not None and found not in {script.revision for script in scripts.walk_revisions()}:
            raise StateError(f"has layout {found}, which this Outlay does not know", where=where,
                             hint="Use the Outlay that wrote it, or a newer one.")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def _in_users_terms(where: str) -> Iterator[None]:
    from sqlalchemy.exc import DBAPIError, NoSuchModuleError, SQLAlchemyError

    try:
        yield
    except ModuleNotFoundError as error:
        raise StateError(f"PostgreSQL needs the package {error.name}", where=where,
                         hint="Install Outlay with its extra: pip install 'outlay[postgres]'") from error
    except DBAPIError as error:
        text = " ".join(str(error.orig).split())
        raise StateError(f"the state cannot be used: {text}", where=where, hint=_hint(text)) from error
    except (NoSuchModuleError, SQLAlchemyError) as error:
        raise StateError(f"the state cannot be used: {type(error).__name__}", where=where) from error


def _hint(text: str) -> str:
    said = text.lower()
    if ("disk" in said and "full" in said) or "no space" in said:
        return "Free some space and try again; nothing was changed."
    if "locked" in said:
        return "Another process writes it for too long; try again."
    if "password" in said or "authentication" in said:
        return "Check user and password; a password can come from the environment variable PGPASSWORD."
    if "connect" in said or "resolve" in said or "refused" in said:
        return "Check that the server runs and can be reached from here."
    return ""

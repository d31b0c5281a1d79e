"""What goes wrong below the ledger, in terms that its user can act on."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from outlay.errors import FileError, StoreError

#: How DuckDB's messages tell that there is no more room for the ledger or for what it spills.
_FULL = ("no space left", "disk full", "file too large", "quota exceeded", "could not write all bytes",
         "max_temp_directory_size")


@contextmanager
def in_users_terms(store: Path, doing: str = "") -> Iterator[None]:
    """A full disk, too little memory, a damaged ledger and files that cannot be used, as errors with a way out.

    `doing` names what is read or written. Raises `StoreError` for these; faults of the program itself stay what they
    are. Transactions have undone whatever was written.
    """
    import duckdb

    where = doing or str(store)
    try:
        yield
    except BrokenPipeError:
        raise  # whoever reads our output has had enough
    except OSError as error:
        if is_full(error):
            raise _disk_full(store, where) from error
        raise StoreError(f"cannot be read or written: {error.strerror or error}", where=str(error.filename or where),
                         hint="Check that it is there and who may use it.") from error
    except duckdb.OutOfMemoryException as error:
        if is_full(error):
            raise _disk_full(store, where) from error
        raise StoreError("needs more memory than there is; nothing was changed", where=where,
                         hint="End other programs, or import the file in parts.") from error
    except (duckdb.ProgrammingError, duckdb.DataError, duckdb.IntegrityError, duckdb.NotSupportedError,
            duckdb.InterruptException):
        raise
    except duckdb.Error as error:
        if is_full(error):
            raise _disk_full(store, where) from error
        raise damaged(store, where, error) from error


@contextmanager
def file_at_fault(name: str) -> Iterator[None]:
    """What DuckDB says of a file that it reads, as `FileError`; what cannot be the file's fault stays what it is."""
    import duckdb

    try:
        yield
    except (duckdb.OutOfMemoryException, duckdb.FatalException, duckdb.InternalException, duckdb.InterruptException,
            duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException, duckdb.TransactionException):
        raise
    except duckdb.Error as error:
        if is_full(error) or "corrupt database" in str(error).lower():
            raise
        raise FileError(f"cannot be read: {first_line(error)}", where=name, hint=(
            "The file may be incomplete or damaged; fetch or export it again. Nothing of it was kept.")) from error


def damaged(store: Path, where: str, error: Exception) -> StoreError:
    """The ledger's own file cannot be used."""
    return StoreError(f"the ledger cannot be read or written: {first_line(error)}", where=where, hint=(
        f"Nothing was changed. If {store} is damaged, restore a backup of it, or import the files into a new store."))


def is_full(error: Exception) -> bool:
    """Whether there is no more room on a disk."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    text = str(error).lower()
    return any(sign in text for sign in _FULL)


def first_line(error: Exception) -> str:
    """DuckDB's message without its type before it and, on further lines, what it was doing."""
    return str(error).split("\n")[0].split(" Error: ", 1)[-1]


def _disk_full(store: Path, where: str) -> StoreError:
    return StoreError("the disk is full; nothing was changed", where=where,
                      hint=f"Free some space where {store} is and try again, or use a store elsewhere (--store).")

"""The one exception tree. A bad row of a user's file is a value (`facts.reject.Reject`), never an exception."""

from __future__ import annotations


class OutlayError(Exception):
    """Something the user can act on.

    `code` is stable and machine-readable, `message` says what is wrong, `where` names file, line, field or setting,
    `hint` is the way out. `exit_code` follows the product's contract: 2 wrong usage, 3 failed without effect.
    """

    code = "error"
    exit_code = 3

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def as_json(self) -> dict[str, dict[str, str]]:
        """The one error shape of `--json` and of the API."""
        return {"error": {"code": self.code, "message": self.message, "where": self.where, "hint": self.hint}}

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        hint = f"\n  {self.hint}" if self.hint else ""
        return f"{place}{self.message}{hint}"


class UsageError(OutlayError):
    """The command, option, setting or argument is wrong."""

    code = "usage"
    exit_code = 2


class SettingsError(UsageError):
    """`outlay.yaml`, a mapping file or a price file does not say what it must."""

    code = "settings"


class FileError(OutlayError):
    """A file cannot be read as what it is; nothing of it was kept."""

    code = "file"


class UnrecognisedFile(FileError):
    """No source knows the content of the file."""

    code = "unrecognised_file"


class StoreError(OutlayError):
    """The store cannot be opened, read or written."""

    code = "store"


class StoreLocked(StoreError):
    """Another process owns the store."""

    code = "store_locked"


class NotFound(OutlayError):
    """What was named does not exist."""

    code = "not_found"
    exit_code = 2

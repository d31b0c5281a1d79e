"""Secrets by reference: settings name where one is, never what it is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from outlay.errors import SettingsError

_HINT = "Name where it is: {env: NAME} or {file: path}."


@dataclass(frozen=True, slots=True)
class Secret:
    """`kind` is env or file, `name` the variable or path. Read each time it is used, so that it can be renewed."""

    kind: str
    name: str
    where: str

    def reveal(self) -> str:
        """The secret. Raises `SettingsError` where there is none; the message never has it."""
        if self.kind == "env":
            value = os.environ.get(self.name, "")
        else:
            try:
                value = Path(self.name).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                reason = error.strerror if isinstance(error, OSError) else "it is not text"
                raise SettingsError(f"cannot read {self.name}: {reason}", where=self.where) from error
        if not value.strip():
            what = f"the environment variable {self.name}" if self.kind == "env" else self.name
            raise SettingsError(f"{what} is empty or not set", where=self.where)
        return value.strip()


def parse_secret(value: Any, where: str, base: Path) -> Secret:
    """`{env: NAME}` or `{file: path}`, the path relative to `base`. Raises `SettingsError`; it does not repeat what was
    given, which may be the secret itself."""
    if not isinstance(value, Mapping) or len(value) != 1:
        raise SettingsError("a secret does not stand in the settings", where=where, hint=_HINT)
    (kind, name), = value.items()
    if kind not in ("env", "file") or not isinstance(name, str) or not name.strip():
        raise SettingsError("is no reference to a secret", where=where, hint=_HINT)
    return Secret(kind, name if kind == "env" else str(base / name), where)

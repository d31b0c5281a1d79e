"""The `collectors` section of the settings: what is asked again and again."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outlay.errors import SettingsError

if TYPE_CHECKING:
    from outlay.sources.base import Source

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_EXAMPLE = "For example: {kind: prometheus_query, name: north, url: 'http://prometheus:9090'}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the section, as its collector reads it. `where` names it for errors; `base`: where relative paths
    start; `own`: the user's own sources (mappings); `scratch`: where copies may lie for a moment."""

    kind: str
    name: str
    values: Mapping[str, Any]
    where: str
    base: Path
    own: Callable[[], tuple[Source, ...]] = tuple
    scratch: Path | None = None

    def only(self, *known: str) -> None:
        """Raises `SettingsError` for a key that the collector does not know."""
        names = ("kind", "name", *known)
        for key in self.values:
            if key not in names:
                close = difflib.get_close_matches(str(key), names, 1)
                raise SettingsError(f"unknown key {key!r}", where=self.where,
                                    hint=f"Did you mean {close[0]!r}?" if close else f"One of {', '.join(names)}.")

    def text(self, key: str, default: str | None = None) -> str:
        """A text. Raises `SettingsError` where there is none, and no default."""
        value = self.values.get(key, default)
        if not isinstance(value, str) or not value.strip():
            raise SettingsError("must be a text", where=f"{self.where}.{key}")
        return value.strip()

    def path(self, key: str) -> Path:
        """A path, relative to the settings file."""
        return self.base / Path(self.text(key)).expanduser()

    def seconds(self, key: str, default: str, least: float = 0.1) -> float:
        """A duration such as `15s`, `5m`, `7d`, in seconds."""
        value = self.values.get(key, default)
        match = _DURATION.fullmatch(str(value).strip())
        if match is None or float(match[1]) * _UNIT_S[match[2]] < least:
            raise SettingsError(f"{value!r} is not a duration of at least {least:g} s", where=f"{self.where}.{key}",
                                hint="For example 15s, 5m, 12h or 7d.")
        return float(match[1]) * _UNIT_S[match[2]]

    def whole(self, key: str, default: int, least: int = 0) -> int:
        """A whole number."""
        value = self.values.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise SettingsError(f"must be a whole number, {least} or more", where=f"{self.where}.{key}")
        return value

    def flag(self, key: str, default: bool) -> bool:
        """true or false."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            raise SettingsError("must be true or false", where=f"{self.where}.{key}")
        return value

    def texts(self, key: str, default: Sequence[str] = ()) -> tuple[str, ...]:
        """A text, or a list of them."""
        value = self.values.get(key, list(default))
        items = value if isinstance(value, list) else [value]
        if not all(isinstance(item, str) and item.strip() for item in items):
            raise SettingsError("must be a text or a list of texts", where=f"{self.where}.{key}")
        return tuple(item.strip() for item in items)

    def secret(self, key: str) -> Secret | None:
        """A secret by reference; None where there is none."""
        return None if key not in self.values else secret(self.values[key], f"{self.where}.{key}", self.base)


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret is; what it is never stands in settings, logs or errors."""

    env: str = ""
    file: Path | None = None

    def read(self) -> str:
        """The secret. Raises `SettingsError` where it is not there."""
        if self.file is None:
            found = os.environ.get(self.env, "")
            where = f"environment variable {self.env}"
        else:
            where = str(self.file)
            try:
                found = self.file.read_text("utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise SettingsError("cannot be read", where=where) from error
        if not found.strip():
            raise SettingsError("holds no secret", where=where)
        return found.strip()


def secret(value: Any, where: str, base: Path) -> Secret:
    """A reference to a secret: `{env: NAME}` or `{file: path}`. Raises `SettingsError`."""
    if isinstance(value, Mapping) and len(value) == 1:
        [(kind, name)] = value.items()
        if kind == "env" and isinstance(name, str) and name:
            return Secret(env=name)
        if kind == "file" and isinstance(name, str) and name:
            return Secret(file=base / Path(name).expanduser())
    raise SettingsError("a secret is named, not written here", where=where,
                        hint="Say {env: NAME_OF_A_VARIABLE} or {file: /path/to/it}.")


def parse_entries(section: object, where: str, base: Path) -> tuple[Entry, ...]:
    """The entries of a `collectors` section. Raises `SettingsError` naming the entry at fault."""
    if section is None:
        return ()
    if not isinstance(section, list):
        raise SettingsError("must be a list", where=f"{where}: collectors", hint=_EXAMPLE)
    entries: list[Entry] = []
    for number, value in enumerate(section, start=1):
        place = f"{where}: collectors[{number}]"
        if not isinstance(value, Mapping):
            raise SettingsError("must be a mapping", where=place, hint=_EXAMPLE)
        kind, name = value.get("kind"), value.get("name", value.get("kind"))
        if not isinstance(kind, str) or not kind:
            raise SettingsError("a collector has a kind", where=f"{place}.kind", hint=_EXAMPLE)
        if not isinstance(name, str) or not name.strip():
            raise SettingsError("must be a text", where=f"{place}.name")
        if name.strip() in [entry.name for entry in entries]:
            raise SettingsError(f"another collector is called {name.strip()!r}, too", where=f"{place}.name",
                                hint="Its name is how its place in the source is kept; give each one of its own.")
        entries.append(Entry(kind, name.strip(), value, place, base))
    return tuple(entries)

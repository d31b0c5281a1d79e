"""Files of folders as they lie there, and what is remembered of each: up to where it was read, and what was wrong."""

from __future__ import annotations

import glob
import json
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

#: Endings of files that somebody is still writing under another name.
_UNFINISHED = (".tmp", ".part", ".partial", ".crdownload", ".swp", "~")
#: A file that is gone is remembered for so long: a folder may be away for a while.
_REMEMBERED_S = 7 * 86400


@dataclass(frozen=True, slots=True)
class Look:
    """A file as the file system shows it. Equal looks: nobody has touched it in between."""

    size: int
    modified_ns: int
    changed_ns: int
    inode: int

    @classmethod
    def at(cls, path: Path) -> Look:
        """Raises `OSError`."""
        found = path.stat()
        return cls(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


@dataclass(frozen=True, slots=True)
class Known:
    """What is remembered of a file. `look`: as it was when it was read last. Of a log: `offset`, `lines` that were
    read, and `head`, the hash of its first `head_bytes`. Of a whole file: the `imports` that have what it gave, the
    latest last. `problem`: what was wrong; `gone_s`: since when it is not there, seconds since 1970."""

    look: Look | None = None
    offset: int = 0
    lines: int = 0
    head: str = ""
    head_bytes: int = 0
    imports: tuple[int, ...] = ()
    problem: str = ""
    gone_s: float | None = None


@dataclass(slots=True)
class Memory:
    """Every file by its name; travels as the collector's cursor."""

    files: dict[str, Known] = field(default_factory=dict)

    def cursor(self) -> str:
        rows = {}
        for name, known in self.files.items():
            row = {key: value for key, value in asdict(known).items() if value not in (None, 0, "", ())}
            if known.look is not None:
                row["look"] = [known.look.size, known.look.modified_ns, known.look.changed_ns, known.look.inode]
            rows[name] = row
        return json.dumps({"files": rows}, separators=(",", ":"))

    @classmethod
    def of(cls, cursor: str | None) -> Memory:
        """What `cursor` wrote."""
        rows: dict[str, dict[str, Any]] = json.loads(cursor)["files"] if cursor else {}
        return cls({name: Known(**{**row, "look": Look(*row["look"]) if "look" in row else None,
                                   "imports": tuple(row.get("imports", ()))}) for name, row in rows.items()})

    def forget(self, present: set[str], now_s: float) -> None:
        """Notes what is gone, and forgets what has been for long; what it gave is kept."""
        for name, known in list(self.files.items()):
            if name in present:
                if known.gone_s is not None:
                    self.files[name] = replace(known, gone_s=None)
            elif known.gone_s is None:
                self.files[name] = replace(known, gone_s=now_s, problem="")
            elif now_s - known.gone_s > _REMEMBERED_S:
                del self.files[name]

    def claimed(self, import_id: int, but: str) -> bool:
        """Whether another file that is there has the same content as the import."""
        return any(import_id in known.imports[-1:] and known.gone_s is None
                   for name, known in self.files.items() if name != but)


@dataclass(frozen=True, slots=True)
class Pattern:
    """Files to be watched: a file, a folder with everything in it, or a pattern (`*`, `?`, `**`)."""

    text: str

    @property
    def root(self) -> Path:
        """The folder that everything it means lies in."""
        path = Path(self.text)
        if not glob.has_magic(self.text):
            return path if path.is_dir() else path.parent
        parts = []
        for part in path.parts:
            if glob.has_magic(part):
                break
            parts.append(part)
        return Path(*parts) if parts else Path()

    def files(self) -> Iterator[Path]:
        """Every file in order of the names, but those that are hidden or unfinished. Raises `OSError` where the folder
        cannot be looked into."""
        os.scandir(self.root).close()
        if glob.has_magic(self.text):
            found = sorted(glob.glob(self.text, recursive=True))  # noqa: PTH207 - a text with a root of its own
        else:
            found = _inside(self.text) if Path(self.text).is_dir() else [self.text]
        for name in found:
            path = Path(name)
            if not name.endswith(_UNFINISHED) and not path.name.startswith(".") and _is_file(path):
                yield path

    def leads_out(self, path: Path) -> bool:
        """Whether a link leads out of the folder."""
        return not path.resolve().is_relative_to(self.root.resolve())


def _inside(folder: str) -> list[str]:
    found: list[str] = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [f"{place}/{name}" for name in names]
    return sorted(found)


def _is_file(path: Path) -> bool:
    """A file, also one that cannot be looked at: that is to be said."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except PermissionError:
        return True
    except OSError:
        return False


class Stillness:
    """Which files nobody writes any more."""

    def __init__(self, settle_s: float) -> None:
        self._settle_s = settle_s
        self._since: dict[str, tuple[Look, float]] = {}

    def still_s(self, name: str, look: Look) -> float:
        """How long it has looked so, seconds: by its own time, else (it may be another clock's) since we look at it."""
        before = self._since.get(name)
        if before is None or before[0] != look:
            before = self._since[name] = (look, time.monotonic())
        return max(time.time() - max(look.modified_ns, look.changed_ns) / 1e9, time.monotonic() - before[1])

    def is_still(self, name: str, look: Look) -> bool:
        return self.still_s(name, look) >= self._settle_s

    def forget(self, present: set[str]) -> None:
        for name in self._since.keys() - present:
            del self._since[name]

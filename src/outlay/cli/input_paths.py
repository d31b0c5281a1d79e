"""The files that a user names: folders are gone through, standard input and pipes are kept until they can be read."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Named:
    """A file, its name for people, and whether the user named it (one found in a folder may be anything)."""

    path: Path
    name: str
    chosen: bool


@contextmanager
def named_files(texts: tuple[str, ...], scratch: Path) -> Iterator[Iterator[Named]]:
    """Every file in the order of `texts`, where `-` is standard input. Copies of what can be read only once lie in
    `scratch` until the end; they are made when it is their turn."""
    with tempfile.TemporaryDirectory(prefix="outlay-", dir=scratch) as directory:
        yield _files(texts, Path(directory))


def _files(texts: tuple[str, ...], directory: Path) -> Iterator[Named]:
    for place, text in enumerate(texts):
        path = Path(text).expanduser()
        if text == "-":
            yield Named(_kept(Path("/dev/stdin"), directory / str(place)), "-", True)
        elif path.is_dir():
            yield from (Named(found, str(found), False) for found in _inside(path))
        elif path.is_fifo() or path.is_char_device():
            yield Named(_kept(path, directory / str(place)), text, True)
        else:
            yield Named(path, text, True)


def _inside(folder: Path) -> Iterator[Path]:
    """Every file of a folder and of those in it, in order of their names, but those that are hidden."""
    for found in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in found.relative_to(folder).parts)
        if found.is_file() and not hidden:
            yield found


def _kept(source: Path, target: Path) -> Path:
    """What comes out of a pipe, as a file: sources look at a file more than once."""
    with target.open("wb") as out:
        if source == Path("/dev/stdin"):
            shutil.copyfileobj(sys.stdin.buffer, out)
        else:
            with source.open("rb") as stream:
                shutil.copyfileobj(stream, out)
    return target

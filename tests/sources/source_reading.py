"""How the tests of sources read a file: facts, rejects and notices apart."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from outlay.facts import Fact, Notice, Reject
from outlay.sources.base import RowSource
from outlay.sources.inputfile import InputFile

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Read:
    facts: list[Fact]
    rejects: list[Reject]
    notices: list[Notice]


def read(source: RowSource, path: Path) -> Read:
    found = Read([], [], [])
    for item in source.read(InputFile(path, path.name)):
        if isinstance(item, Reject):
            found.rejects.append(item)
        elif isinstance(item, Notice):
            found.notices.append(item)
        else:
            found.facts.append(item)
    return found


def read_text(source: RowSource, directory: Path, text: str) -> Read:
    path = directory / "input"
    path.write_text(text, encoding="utf-8")
    return read(source, path)


def sample(source: RowSource, name: str) -> Read:
    found = read(source, DATA / name)
    assert not found.rejects
    return found

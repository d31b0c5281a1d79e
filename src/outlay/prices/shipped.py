"""The price files that come with Outlay: YAML under `data/`, every block with its source and the day of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from importlib.resources import files

from outlay.prices.yamlfile import Entry, read_yaml


@dataclass(frozen=True, slots=True)
class Source:
    """A public page or repository path, and the day on which it showed the figures."""

    source: str
    checked: date


def shipped_entries(name: str, key: str) -> Iterator[Entry]:
    """The list `key` of a file under `data/`."""
    text = (files("outlay.prices") / "data" / name).read_text(encoding="utf-8")
    yield from Entry.of(read_yaml(text, name), name).entries(key)


def source_of(entry: Entry) -> Source:
    checked = entry.day("checked")
    if checked is None:
        raise entry.fault("checked", "is missing", "Add the day on which the source showed it: 2026-01-31.")
    return Source(entry.required_text("source"), checked)

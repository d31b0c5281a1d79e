"""Files damaged at random: each is read as far as it goes, or refused in words; nothing else ever happens."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fault_families import FAMILIES, Family
from fault_ledger import call_days, call_days_anew, open_copy, put

from outlay.api import Ledger
from outlay.errors import FileError


def _cut(source: random.Random, data: bytearray) -> None:
    del data[source.randrange(len(data)) :]


def _cut_beginning(source: random.Random, data: bytearray) -> None:
    del data[: source.randrange(len(data))]


def _lose(source: random.Random, data: bytearray) -> None:
    begin = source.randrange(len(data))
    del data[begin : begin + source.randrange(1, 60)]


def _repeat(source: random.Random, data: bytearray) -> None:
    begin = source.randrange(len(data))
    data[begin:begin] = data[begin : begin + source.randrange(1, 200)]


def _noise(source: random.Random, data: bytearray) -> None:
    for _ in range(source.randrange(1, 8)):
        data[source.randrange(len(data))] = source.randrange(256)


def _signs(source: random.Random, data: bytearray) -> None:
    """What means something to one format or another."""
    for _ in range(source.randrange(1, 5)):
        sign = source.choice((b'"', b"'", b",", b"{", b"}", b"[", b"]", b"\n", b"\r", b"\\", b"\0", b"|", b"-", b"NaN",
                              b"1e999", b"null", b"\\ud800", b"9" * 25, b"\x1f", b"\xff", b"\t"))
        place = source.randrange(len(data))
        data[place : place + source.choice((0, 0, len(sign)))] = sign


def _digits(source: random.Random, data: bytearray) -> None:
    """Other numbers, in the places of numbers."""
    places = [place for place, byte in enumerate(data) if 48 <= byte <= 57]
    for place in source.sample(places, min(len(places), source.randrange(1, 10))):
        data[place] = source.choice(b"0123456789-.eE ")


DAMAGES: tuple[Callable[[random.Random, bytearray], None], ...] = (
    _cut, _cut_beginning, _lose, _repeat, _noise, _signs, _digits)


@pytest.fixture(scope="module")
def worn(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Iterator[Ledger]:
    """One ledger for all that can be read of the damaged files."""
    with open_copy(empty_store, tmp_path_factory.mktemp("worn") / "store") as ledger:
        yield ledger
        assert call_days(ledger) == call_days_anew(ledger)
        assert ledger.costs(by=["provider"], since="2025-01-01", until="2027-01-01").answer.rows


def damage_and_import(family: Family, seed: int, ledger: Ledger, path: Path) -> None:
    source = random.Random(f"{family.name} {seed}")
    data = bytearray(family.file(range(6)))
    for damage in source.choices(DAMAGES, k=source.choice((1, 1, 1, 2, 3))):
        if data:
            damage(source, data)
    try:
        done = put(ledger, path, bytes(data), as_source=source.choice((None, family.source)))
    except FileError as error:
        assert error.where.startswith(str(path))
        assert error.hint
        assert "\n" not in error.message
    else:
        assert done.already or done.added + done.duplicates + done.rejected <= done.rows
        assert all(reject.reason for reject in done.rejects)
        assert all(reject.line for reject in done.rejects)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_some_damage(family: Family, worn: Ledger, tmp_path: Path) -> None:
    for seed in range(5):
        damage_and_import(family, seed, worn, tmp_path / f"in.{family.suffix}")

"""Ledgers for tests of faults."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_ledger import open_copy

import outlay
from outlay.api import Ledger


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store without anything in it, to be copied."""
    path = tmp_path_factory.mktemp("empty") / "store"
    outlay.open(path).close()
    return path


@pytest.fixture
def ledger(tmp_path: Path, empty_store: Path) -> Iterator[Ledger]:
    with open_copy(empty_store, tmp_path / "store") as opened:
        yield opened

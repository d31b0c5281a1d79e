"""What every command starts with: the store, the settings and the prices."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from outlay.api import Ledger


NOTHING = "Nothing is imported yet. `outlay import FILE...` reads bills, usage, logs and metrics."


@dataclass(frozen=True, slots=True)
class Place:
    """Where the store and the settings are, as the options and the environment say."""

    store: Path | None
    config: Path | None

    @contextmanager
    def ledger(self, *, own: bool = False) -> Iterator[Ledger]:
        """The store, open; lent by the server that keeps it, unless it must be one's `own`. Raises `StoreLocked`,
        `StoreError`, `SettingsError`."""
        from outlay.api import open as open_ledger
        from outlay.ledger.failures import in_users_terms

        with open_ledger(self.store, config=self.config, own=own) as ledger, in_users_terms(ledger.store.path):
            yield ledger


def say_json(value: Mapping[str, Any]) -> None:
    """One object on standard output."""
    click.echo(json.dumps(value, ensure_ascii=False))

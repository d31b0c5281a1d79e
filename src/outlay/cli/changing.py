"""What commands that change the state start with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from outlay.cli.session import Place
    from outlay.settings import Settings
    from outlay.state.audit import Who


@contextmanager
def changing(place: Place) -> Iterator[tuple[Connection, Who, datetime, Settings]]:
    """The state in one transaction, with who acts and when."""
    import getpass

    from outlay.ledger.store import default_store
    from outlay.questions.windows import now
    from outlay.settings import load_settings
    from outlay.state.audit import Who
    from outlay.state.database import open_state

    store = place.store or default_store()
    settings = load_settings(place.config, store)
    store.mkdir(parents=True, exist_ok=True)
    with open_state(settings.state or store) as state, state.begin() as connection:
        yield connection, Who(getpass.getuser(), "cli"), now(), settings

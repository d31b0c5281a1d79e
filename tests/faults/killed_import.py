"""Imports a file, and kills itself without warning just before the N-th statement: STORE FILE N.

Not a test: tests start it as a process of its own. Where the import has fewer statements, it ends as any other.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import outlay


class Deadly:
    """A connection that counts what it is asked to do."""

    def __init__(self, con: Any, last: int) -> None:
        self.con = con
        self.left = last

    def execute(self, *arguments: Any) -> Any:
        self.left -= 1
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.con.execute(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.con, name)


with outlay.open(sys.argv[1]) as ledger:
    ledger.store.con = Deadly(ledger.store.con, int(sys.argv[3]))  # type: ignore[assignment]
    ledger.import_file(Path(sys.argv[2]))
    print(int(sys.argv[3]) - ledger.store.con.left)  # type: ignore[attr-defined]

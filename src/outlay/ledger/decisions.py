"""What people decided about findings: facts of their own, appended and never changed."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from outlay.ledger.store import Store, transaction

if TYPE_CHECKING:
    import duckdb

STATES = ("open", "accepted", "ignored")


@dataclass(frozen=True, slots=True)
class Decision:
    """`until` None: for good."""

    finding_id: str
    state: str
    reason: str
    until: datetime | None
    decided_at: datetime
    decided_by: str

    def holds(self, at: datetime) -> bool:
        return self.until is None or at < self.until


def decide(
    store: Store, finding_id: str, state: str, reason: str, until: datetime | None, by: str | None = None
) -> Decision:
    """Records a decision, by default by the person whose process this is."""
    decision = Decision(finding_id, state, reason, until, datetime.now(UTC).replace(tzinfo=None), by or _person())
    with transaction(store.con):
        store.con.execute("INSERT INTO decision VALUES (?, ?, ?, ?, ?, ?)", [
            decision.finding_id, decision.state, decision.reason, decision.until, decision.decided_at,
            decision.decided_by])
    return decision


def decisions(con: duckdb.DuckDBPyConnection) -> dict[str, Decision]:
    """The latest decision on each finding."""
    rows = con.execute("SELECT * FROM decision ORDER BY decided_at").fetchall()
    return {str(row[0]): Decision(*row) for row in rows}


def _person() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A process without a user entry, as in some containers.
        return "unknown"

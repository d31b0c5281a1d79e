"""What was accepted and is not yet in the ledger: durable before it is acknowledged, read in order, deleted behind the
ledger's cursor.
"""

from outlay.ledger.spool.entry import Cursor, Parcel, Spooled
from outlay.ledger.spool.spool import Spool, SpoolFull, SpoolLimits, Waiting

__all__ = ["Cursor", "Parcel", "Spool", "SpoolFull", "SpoolLimits", "Spooled", "Waiting"]

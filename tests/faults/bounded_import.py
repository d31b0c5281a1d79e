"""Imports a file with little memory for DuckDB and says what it took: STORE FILE SOURCE LIMIT.

Not a test: tests start it as a process of its own, because a process's peak never falls again.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

import outlay
import outlay.ledger.store


def peak_bytes() -> int:
    """The most memory that this process ever had in use (resident)."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not getrusage: on Linux a process begins with the peak of the one that started it.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS


outlay.ledger.store.MEMORY_LIMIT = sys.argv[4]
with outlay.open(sys.argv[1]) as ledger:
    done = ledger.import_file(sys.argv[2], as_source=sys.argv[3])
print(json.dumps({"rows": done.rows, "added": done.added, "duplicates": done.duplicates, "rejected": done.rejected,
                  "peak": peak_bytes()}))

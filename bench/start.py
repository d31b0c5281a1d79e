"""How long `outlay --help` takes, against Python starting to do nothing. Bar: 150 ms."""

from __future__ import annotations

import subprocess
import sys
import time


def best(command: list[str], times: int = 15) -> float:
    """Milliseconds, the best of `times`."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        subprocess.run(command, capture_output=True, check=True)
        taken.append((time.perf_counter() - start) * 1000)
    return min(taken)


plain = best([sys.executable, "-c", ""])
shown = best([sys.executable, "-m", "outlay", "--help"])
imported = best([sys.executable, "-c", "import outlay"])
print(f"outlay --help: best of 15 {shown:.0f} ms (bar 150), {shown / plain:.1f} x `python -c ''` ({plain:.0f} ms); "
      f"import outlay {imported:.0f} ms")

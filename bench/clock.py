"""Wall time and peak memory, best of several, in a process of its own so that peaks do not add up."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measured:
    """`seconds`: the best; `peak_mb`: the largest resident size of any run."""

    seconds: float
    peak_mb: float


def fresh(module: str, *arguments: str, times: int = 1) -> Measured:
    """Runs `python -m module arguments` `times` times; the module prints {"seconds": ...} as its last line."""
    best, peak = float("inf"), 0.0
    for _ in range(times):
        done = subprocess.run([sys.executable, "-m", module, *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{module} {' '.join(arguments)} failed:\n{done.stderr[-2000:]}")
        said = json.loads(done.stdout.strip().splitlines()[-1])
        best, peak = min(best, said["seconds"]), max(peak, said["peak_mb"])
    return Measured(best, peak)


def report(work: Callable[[], object]) -> None:
    """Runs `work` and prints what `fresh` reads."""
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb}))


def percentile(times: list[float], share: float) -> float:
    """The value that `share` of the times do not exceed."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

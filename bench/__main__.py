"""`python -m bench` runs every bench at a small size; each script takes --rows for the real one."""

from __future__ import annotations

import subprocess
import sys

#: Bench and the arguments of a small run. The bars are measured with the scripts' defaults.
BENCHES: tuple[tuple[str, ...], ...] = (
    ("bench.start",),
    ("bench.import_calls", "--rows", "1000000", "--times", "1"),
    ("bench.questions", "--rows", "5000000", "--times", "5"),
    ("bench.gpus", "--rows", "2000000", "--times", "5"),
    ("bench.assess", "--rows", "2000000"),
    ("bench.anomalies", "--seeds", "2"),
)

for module, *arguments in BENCHES:
    print(f"\n== python -m {module} {' '.join(arguments)}", flush=True)
    done = subprocess.run([sys.executable, "-m", module, *arguments], check=False)
    if done.returncode:
        sys.exit(done.returncode)

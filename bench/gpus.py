"""GPU questions on twenty million samples: heatmap of 128 GPUs x 168 h and three-part cost, p95 warm.

Bars: heatmap 50 ms, three-part cost 250 ms. Reference: DuckDB summing one column of all samples.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from datetime import datetime
from pathlib import Path

import outlay
from bench.clock import percentile
from bench.questions import timed
from bench.samples import write_samples
from outlay.facts.window import Window
from outlay.questions.gpus import gpu_parts, heatmap


def main() -> None:
    """Builds a store, asks, prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--times", type=int, default=20)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="outlay-bench-") as name:
        base = Path(name)
        files = write_samples(base, args.rows)
        with outlay.open(base / "store") as ledger:
            start = time.perf_counter()
            for file in files:
                ledger.import_file(file)
            print(f"{args.rows:,} samples, runs and bills imported in {time.perf_counter() - start:.1f} s", flush=True)
            start = time.perf_counter()
            ask = ledger.ask()
            print(f"GPU time and cost derived in {time.perf_counter() - start:.1f} s", flush=True)
            window = Window(datetime(2026, 9, 1), datetime(2026, 9, 8))
            reference = percentile(timed(
                lambda: ask.con.execute("SELECT sum(util) FROM sample").fetchall(), args.times), .5)
            print(f"reference: sum(util) over every sample, p50 {reference:.0f} ms")
            for title, bar, work in (
                ("heatmap 128 GPUs x 168 h", 50, lambda: heatmap(ask, window, 3600)),
                ("cost in parts", 250, lambda: gpu_parts(ask, window)),
            ):
                taken = timed(work, args.times)
                p50, p95 = percentile(taken, .5), percentile(taken, .95)
                print(f"{title}: p50 {p50:.0f} ms, p95 {p95:.0f} ms (bar {bar}), {p50 / reference:.2f} x reference",
                      flush=True)


if __name__ == "__main__":
    main()

"""Questions on fifty million calls over thirty days: p95 of warm answers, with DuckDB's own full scan as reference.

Bars, p95 warm: cost by day and team from the rollup 50 ms; top model x project of the last 24 h and 5-minute buckets of
6 h 50 ms; any exact 30-day question on raw calls 1 s; restating one day at most 5 s, the rollup equal to raw before and
after.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import outlay
from bench import calls
from bench.clock import percentile
from outlay.api import Ledger
from outlay.facts.window import Window
from outlay.ledger import rollups
from outlay.questions.costs import CostQuery, cost_expr
from outlay.questions.windows import latest_fact

CHUNK = 10_000_000


def main() -> None:
    """Builds the store (or takes one that `--keep` left) and prints one line a question."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000_000)
    parser.add_argument("--keep", type=Path, help="build the store here, and use it again where it exists")
    parser.add_argument("--times", type=int, default=20)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="outlay-bench-") as name:
        base = args.keep or Path(name)
        build(base, args.rows)
        with outlay.open(base / "store", config=base / "outlay.yaml") as ledger:
            ask_all(ledger, args.times)
            restate(ledger, base)


def build(base: Path, rows: int) -> None:
    """Imports `rows` calls in chunks, in time order, as months of logs come."""
    if (base / "store" / "ledger.duckdb").exists():
        return
    base.mkdir(parents=True, exist_ok=True)
    calls.settings(base / "outlay.yaml")
    chunks = max(1, rows // CHUNK)
    with outlay.open(base / "store", config=base / "outlay.yaml") as ledger:
        for number in range(chunks):
            file = base / f"calls-{number}.parquet"
            size = rows // chunks
            calls.write_calls(file, size, first=number * size, days=30 // chunks,
                              start=f"2026-09-{1 + number * (30 // chunks):02d}")
            start = time.perf_counter()
            ledger.import_file(file)
            print(f"imported {size:,} calls into {number * size:,} in {time.perf_counter() - start:.1f} s", flush=True)
            file.unlink()
        start = time.perf_counter()
        ledger.ask()
        print(f"derived tables made in {time.perf_counter() - start:.1f} s", flush=True)


def ask_all(ledger: Ledger, times: int) -> None:
    """Each question warm, against the reference: DuckDB counting and summing one column of all calls."""
    ask = ledger.ask()
    end = latest_fact(ask)
    assert end is not None
    midnight = end.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    month = Window(midnight - timedelta(days=30), midnight)
    reference = timed(lambda: ask.con.execute("SELECT count(*), sum(cost) FROM call").fetchall(), times)
    print(f"reference: sum(cost) over every call, p50 {percentile(reference, .5):.0f} ms")
    day = Window(end - timedelta(hours=24), end)
    six = Window(end - timedelta(hours=6), end)
    raw = month
    questions: tuple[tuple[str, float, CostQuery], ...] = (
        ("cost by day and team, 30 days (rollup)", 50, CostQuery(("team",), month, every="day")),
        ("cost by team and model, 30 days (rollup)", 50, CostQuery(("team", "model"), month)),
        ("model x project, last 24 h (raw)", 50, CostQuery(("model", "project"), day, reconciled=False)),
        ("5-minute buckets, last 6 h (raw)", 50, CostQuery((), six, every="5m", reconciled=False)),
        ("cost by API key, 30 days (raw)", 1000, CostQuery(("api_key",), raw, reconciled=False)),
        ("cost by status, 30 days (raw)", 1000, CostQuery(("status", "operation"), raw, reconciled=False)),
        ("cost by hour and team, 30 days (raw)", 1000, CostQuery(("team",), raw, every="hour", reconciled=False)),
    )
    for name, bar, query in questions:
        expression = cost_expr(query)
        taken = timed(lambda expression=expression: ask.arrow(expression), times)
        print(f"{name}: p50 {percentile(taken, .5):.0f} ms, p95 {percentile(taken, .95):.0f} ms (bar {bar:.0f}), "
              f"{percentile(taken, .5) / percentile(reference, .5):.2f} x reference", flush=True)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


def restate(ledger: Ledger, base: Path) -> None:
    """Removes and re-imports one day's import; the rollup equals the calls before and after."""
    con = ledger.store.con
    check(ledger, "before")
    file = base / "one-day.parquet"
    count = con.execute("SELECT count(*) FROM call").fetchall()[0][0] // 30
    calls.write_calls(file, count, first=10**9, days=1, start="2026-09-30")
    ledger.import_file(file)
    start = time.perf_counter()
    rollups.remake_days(con, "2026-09-30", "2026-09-30")
    print(f"one day ({count * 2:,} calls) restated in the rollup in {time.perf_counter() - start:.1f} s (bar 5)")
    check(ledger, "after")
    from outlay.ledger.importing import remove_import

    number = con.execute("SELECT max(import_id) FROM imports").fetchall()[0][0]
    start = time.perf_counter()
    remove_import(ledger.store, number)
    print(f"the import of {count:,} calls undone in {time.perf_counter() - start:.1f} s")
    check(ledger, "after the undo")
    file.unlink()


def check(ledger: Ledger, when: str) -> None:
    """Fails where the rollup and the calls differ in any figure."""
    sums = "count(*), sum(input_tokens), sum(output_tokens), sum(cost)"
    rolled = "sum(calls), sum(input_tokens), sum(output_tokens), sum(cost)"
    raw = ledger.store.con.execute(f"SELECT {sums} FROM call").fetchall()[0]
    summed = ledger.store.con.execute(f"SELECT {rolled} FROM call_day").fetchall()[0]
    if tuple(raw) != tuple(summed):
        raise SystemExit(f"rollup differs {when}: {raw} {summed}")
    print(f"rollup equals raw exactly {when}")


def timed(work: Callable[[], object], times: int) -> list[float]:
    """Milliseconds of `times` runs after one to warm up."""
    work()
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append((time.perf_counter() - start) * 1000)
    return taken


if __name__ == "__main__":
    main()

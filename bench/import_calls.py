"""Import of ten million calls against DuckDB's own CREATE TABLE AS from the same file.

Bars: whole path (identity, duplicates, price, 50 rules, rollup, commit) at most 2.5x for Parquet and 2x for JSON lines;
memory at most 2.2 GB; the same file again under 1 s.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from bench import calls
from bench.clock import fresh, report


def main() -> None:
    """Parent: prints the table. Children (`ctas`, `whole`, `again`): one measured piece of work."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", nargs="?", choices=["ctas", "whole", "again"])
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("directory", nargs="?", type=Path)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--times", type=int, default=3)
    args = parser.parse_args()
    if args.work is None:
        measure(args.rows, args.times)
    elif args.work == "ctas":
        report(lambda: ctas(args.file, args.directory))
    else:
        report(lambda: whole(args.file, args.directory))


def ctas(file: Path, directory: Path) -> None:
    """The reference: DuckDB reads the file into a new table of a database on disk."""
    import duckdb

    con = duckdb.connect(str(directory / "ctas.duckdb"), config={"threads": 2, "memory_limit": "1500MB"})
    con.execute("SET preserve_insertion_order = false")
    reader = "read_parquet" if file.suffix == ".parquet" else "read_json"
    con.execute(f"CREATE TABLE t AS SELECT * FROM {reader}('{file}')")
    con.close()


def whole(file: Path, directory: Path) -> None:
    """The product's own path, as `outlay import` runs it."""
    import outlay

    with outlay.open(directory / "store", config=directory / "outlay.yaml") as ledger:
        print(ledger.import_file(file), file=sys.stderr)


def measure(rows: int, times: int) -> None:
    """Best of `times`, reference and product alternating."""
    for suffix, bar in ((".parquet", 2.5), (".jsonl", 2.0)):
        with tempfile.TemporaryDirectory(prefix="outlay-bench-") as name:
            file = Path(name) / f"calls{suffix}"
            calls.write_calls(file, rows)
            plain, product = [], []
            for number in range(times):
                base = Path(name) / str(number)
                base.mkdir()
                calls.settings(base / "outlay.yaml")
                plain.append(fresh("bench.import_calls", "ctas", str(file), str(base)))
                product.append(fresh("bench.import_calls", "whole", str(file), str(base)))
                again = fresh("bench.import_calls", "again", str(file), str(base))
                for leftover in sorted(base.rglob("*"), reverse=True):
                    if leftover.is_file():
                        leftover.unlink()
            best_plain, best = min(p.seconds for p in plain), min(p.seconds for p in product)
            ratios = sorted(b.seconds / a.seconds for a, b in zip(plain, product, strict=True))
            print(f"{suffix[1:]:8} {rows:,} calls: CREATE TABLE AS {best_plain:.1f} s, whole import {best:.1f} s, "
                  f"ratio of the bests {best / best_plain:.2f} (bar {bar}), "
                  f"pairs {', '.join(f'{r:.2f}' for r in ratios)}; "
                  f"peak {max(p.peak_mb for p in product):,.0f} MB (bar 2,253); same file again {again.seconds:.2f} s "
                  "(bar 1)", flush=True)


if __name__ == "__main__":
    main()

"""A file of every family that is larger than all memory that its import takes: every row of it arrives.

DuckDB has little memory (`LIMIT`) and spills; Python, DuckDB's code and Arrow take some 200 MB whatever is imported. So
the files have some 600 MB. Where a format has texts that are not read, such as what was said in a session, they are
long; where it has none, a column that is kept, or one that nobody knows, is.

What does grow with a file is held to by its rows, not its bytes: the responses of a Claude Code session stay until its
end, and so do GPU readings. And a page of a provider's report is read whole: a report larger than memory is many pages,
as their APIs give it; what one page takes is in `test_page_of_a_report_is_read_whole`.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from fault_families import FAMILIES, Family, Row, as_csv, iso
from fault_ledger import rows

import outlay

pytestmark = pytest.mark.slow

#: What DuckDB may take.
LIMIT = "300MB"
#: Bytes of a file, unpacked.
SIZE = 600_000_000
#: Rows that are made at a time.
BATCH = 2_000
DRIVER = Path(__file__).with_name("bounded_import.py")
#: Compresses to no less than half: the texts of rows are taken from all over it.
TEXT = random.Random(1).randbytes(2_000_000).hex()


@dataclass(frozen=True)
class Large:
    """How a file of a family is made large, and what is counted of it."""

    #: The column of the family's table whose sum is looked at, and what a row adds to it.
    column: str
    figure: Callable[[Row], int | Decimal]
    rows: int
    #: The column with a long text; empty: long lines of conversation stand between the rows.
    text: str
    #: What is different in the row of a number, so that so many rows are different facts.
    own: Callable[[int], Row] = lambda number: {}
    #: Of a written file: lines before and behind the rows, and what stands between two rows.
    head: int = 0
    foot: int = 0
    between: bytes = b""

    def row(self, family: Family, number: int) -> Row:
        # A bill has a row a day: as many days as there are until 2080, then again.
        return family.row(number % 20_000 if family.table == "charge" else number) | self.own(number)


def counted(*names: str) -> Callable[[Row], int]:
    return lambda row: sum(row[name] for name in names)


def amount(name: str, unit: str = "1") -> Callable[[Row], Decimal]:
    return lambda row: Decimal(str(row[name])) * Decimal(unit)


def said_to_claude(text: str) -> Row:
    return {"type": "user", "sessionId": "s-1", "uuid": "u-0", "cwd": "/home/ana/shop", "timestamp": iso(0),
            "message": {"role": "user", "content": text}}


def said_to_codex(text: str) -> Row:
    content = [{"type": "input_text", "text": text}]
    return {"timestamp": iso(0), "type": "response_item",
            "payload": {"type": "message", "role": "user", "content": content}}


SAID = {"claude-code": said_to_claude, "codex": said_to_codex}
#: Rows of files that DuckDB reads, and of those that are read one by one.
BULK, SINGLE = 300_000, 60_000

_FOCUS: dict[str, Any] = {"column": "billed_cost", "figure": amount("BilledCost"), "rows": BULK,
                          "text": "ChargeDescription", "own": lambda number: {"ResourceId": f"i-{number}"}}
_CALLS: dict[str, Any] = {"column": "input_tokens", "figure": counted("input_tokens"), "rows": BULK,
                          "text": "conversation"}
_LITELLM: dict[str, Any] = {"column": "input_tokens", "figure": counted("prompt_tokens"), "rows": SINGLE,
                            "text": "messages"}
_OPENAI: dict[str, Any] = {"column": "input_tokens", "figure": counted("input_tokens"), "rows": SINGLE, "text": "note"}
_ANTHROPIC: dict[str, Any] = {"column": "input_tokens", "rows": SINGLE, "text": "note"}
_COSTS: dict[str, Any] = {"column": "billed_cost", "rows": SINGLE, "text": "note"}
_DCGM: dict[str, Any] = {"column": "util", "figure": lambda row: int(row["value"]), "rows": SINGLE, "text": "err_msg"}

LARGE = {
    "focus-csv": Large(**_FOCUS, head=1),
    "focus-csv-gz": Large(**_FOCUS, head=1),
    "focus-parquet": Large(**_FOCUS),
    "table-csv": Large(**_CALLS, head=1),
    "table-jsonl": Large(**_CALLS),
    "table-parquet": Large(**_CALLS),
    "openai-usage-json": Large(**_OPENAI, between=b"\n"),
    "openai-usage-csv": Large(**_OPENAI, head=1),
    "openai-costs-json": Large(**_COSTS, figure=amount("amount.value"), between=b"\n",
                               own=lambda number: {"project_id": f"proj-{number}"}),
    "openai-costs-csv": Large(**_COSTS, figure=amount("amount_value"), head=1,
                              own=lambda number: {"project_id": f"proj-{number}"}),
    "anthropic-usage-json": Large(**_ANTHROPIC, between=b"\n",
                                  figure=counted("uncached_input_tokens", "cache_read_input_tokens")),
    "anthropic-usage-csv": Large(**_ANTHROPIC, head=1,
                                 figure=counted("usage_input_tokens_no_cache", "usage_input_tokens_cache_read")),
    "anthropic-costs-json": Large(**_COSTS, figure=amount("amount", "0.01"), between=b"\n",
                                  own=lambda number: {"workspace_id": f"w-{number}"}),
    "anthropic-costs-csv": Large(**_COSTS, figure=amount("cost_usd"), head=1,
                                 own=lambda number: {"workspace": f"Search {number}"}),
    "litellm-csv": Large(**_LITELLM, head=1),
    "litellm-jsonl": Large(**_LITELLM),
    "otlp": Large("input_tokens", counted("gen_ai.usage.input_tokens"), SINGLE, "gen_ai.input.messages"),
    "claude-code": Large("input_tokens", counted("input_tokens", "cache_read_input_tokens"), SINGLE, ""),
    "codex": Large("input_tokens", counted("input_tokens"), SINGLE, "", head=2),
    "sacct-text": Large("gpus", lambda row: int(row["AllocTRES"].rpartition("=")[2]), SINGLE, "SubmitLine", head=1,
                        own=lambda number: {"AllocTRES": f"cpu=8,gres/gpu={number % 8 + 1}"}),
    "sacct-json": Large("gpus", counted("gpus"), SINGLE, "submit_line", head=1, foot=1, between=b",",
                        own=lambda number: {"gpus": number % 8 + 1}),
    "dcgm-json": Large(**_DCGM, head=1, foot=1, between=b","),
    "dcgm-openmetrics": Large(**_DCGM, head=1, foot=1),
}


def text(number: int, length: int) -> str:
    """Of two numbers, two texts."""
    at = number * 7919 % (len(TEXT) - length)
    return TEXT[at : at + length]


def batches(family: Family, large: Large) -> Iterator[list[Row]]:
    """All rows, some at a time."""
    for first in range(0, large.rows, BATCH):
        made = [large.row(family, number) for number in range(first, first + BATCH)]
        if large.text:
            for number, row in enumerate(made, start=first):
                row[large.text] = text(number, SIZE // large.rows)
        yield made


def written(family: Family, large: Large, batch: list[Row], first: int) -> bytes:
    """The lines of a batch, alone; those of the first one with the head of the file."""
    # What is compressed is the file, not its batches.
    lines = (as_csv if family.suffix == "csv.gz" else family.write)(batch).splitlines(keepends=True)
    if not large.text:
        said = SAID[family.name]
        between = [json.dumps(said(text(first + place, SIZE // large.rows))).encode() + b"\n"
                   for place in range(len(batch))]
        lines[large.head :] = [line for pair in zip(between, lines[large.head :], strict=True) for line in pair]
    head, foot = (0 if not first else large.head), (large.foot if first + len(batch) < large.rows else 0)
    return (large.between if first else b"") + b"".join(lines[head : len(lines) - foot])


def write_text(family: Family, large: Large, path: Path) -> int | Decimal:
    """Writes the file and gives the sum of its figure."""
    total: int | Decimal = 0
    first = 0
    with gzip.open(path, "wb", 1) if path.suffix == ".gz" else path.open("wb") as out:
        for batch in batches(family, large):
            total += sum(map(large.figure, batch))
            out.write(written(family, large, batch, first))
            first += len(batch)
    return total


def write_parquet(family: Family, large: Large, path: Path) -> int | Decimal:
    """As `write_text`; a row group for each batch."""
    total: int | Decimal = 0
    writer = None
    for batch in batches(family, large):
        total += sum(map(large.figure, batch))
        table = pq.read_table(io.BytesIO(family.write(batch)))
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()
    return total


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Path]:
    """A directory that is gone after the test, however it ends: pytest would keep some gigabytes for a while."""
    yield tmp_path
    shutil.rmtree(tmp_path)


def imported(store: Path, file: Path, source: str) -> dict[str, int]:
    """What an import in a process of its own came to, and its peak of memory in bytes."""
    done = subprocess.run([sys.executable, str(DRIVER), str(store), str(file), source, LIMIT],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_file_larger_than_memory(family: Family, room: Path) -> None:
    """Sizes are those of the file; of one that is compressed, unpacked."""
    large = LARGE[family.name]
    file, store = room / f"large.{family.suffix}", room / "store"
    total = (write_parquet if family.suffix == "parquet" else write_text)(family, large, file)
    size = SIZE if file.suffix == ".gz" else file.stat().st_size
    assert size >= SIZE
    done = imported(store, file, family.source)
    print(f"{family.name}: {size / 1e6:.0f} MB, peak {done['peak'] / 1e6:.0f} MB")
    assert (done["rows"], done["added"], done["rejected"]) == (large.rows, large.rows, 0)
    with outlay.open(store) as ledger:
        [found] = rows(ledger, f"SELECT count(*), CAST(sum({large.column}) AS VARCHAR) FROM {family.table}")
    assert (found[0], Decimal(found[1])) == (large.rows, total)
    assert done["peak"] < size


REPORTS = [family for family in FAMILIES if family.name.endswith(("usage-json", "costs-json"))]


@pytest.mark.parametrize("family", REPORTS, ids=lambda family: family.name)
def test_page_of_a_report_is_read_whole(family: Family, room: Path) -> None:
    """One page of some 40 MB takes eight times as much at most, beside DuckDB's memory and the 150 MB of Python."""
    large, file = LARGE[family.name], room / "page.json"
    page = family.write([large.row(family, number) for number in range(160_000)])
    file.write_bytes(page)
    done = imported(room / "store", file, family.source)
    print(f"{family.name}: page of {len(page) / 1e6:.0f} MB, peak {done['peak'] / 1e6:.0f} MB")
    assert (done["added"], done["rejected"]) == (160_000, 0)
    assert done["peak"] < 450_000_000 + 8 * len(page)

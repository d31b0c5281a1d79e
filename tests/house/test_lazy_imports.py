"""`import outlay` and `outlay --help` stay fast because nothing heavy is imported for them."""

import subprocess
import sys

import pytest

HEAVY = {"duckdb", "genai_prices", "ibis", "jinja2", "numpy", "pandas", "polars", "pyarrow", "quicktok", "rich"}
LOADED = "\nimport sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
COMMAND = "from outlay.cli.main import outlay\noutlay({!r}.split(), standalone_mode=False)"


@pytest.mark.parametrize(
    "code",
    [
        "import outlay, outlay.errors",
        COMMAND.format("--help"),
        COMMAND.format("costs --help"),
        COMMAND.format("prompts audit --help"),
    ],
)
def test_nothing_heavy_is_imported(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", code + LOADED], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert HEAVY.isdisjoint(done.stdout.splitlines()[-1].split())

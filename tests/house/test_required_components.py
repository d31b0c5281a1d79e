"""A skip for a missing component is a skip on a laptop and a failure where OUTLAY_REQUIRE names the component."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SUITE = """
import pytest

def test_browser():
    pytest.skip("needs browser: chromium is not installed")

@pytest.mark.skipif(True, reason="needs shared: not here")
def test_shared():
    pass

def test_runs():
    pass
"""

MODULE = """
import pytest

pytest.skip("needs browser: not for this module either", allow_module_level=True)
"""


def suite(folder: Path, repository: Path, required: str) -> str:
    (folder / "test_made_suite.py").write_text(SUITE)
    (folder / "test_made_module.py").write_text(MODULE)
    (folder / "conftest.py").write_text((repository / "tests" / "conftest.py").read_text())
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "."],
        cwd=folder,
        env={**os.environ, "OUTLAY_REQUIRE": required},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


@pytest.mark.parametrize(
    ("required", "last"),
    [
        ("", "1 passed, 3 skipped"),
        ("slurm", "1 passed, 3 skipped"),
        ("shared", "1 passed, 2 skipped, 1 error"),
    ],
)
def test_a_skip_fails_where_its_component_is_required(
    tmp_path: Path, repository: Path, required: str, last: str
) -> None:
    assert last in suite(tmp_path, repository, required).splitlines()[-1]


def test_a_whole_module_may_not_be_left_out(tmp_path: Path, repository: Path) -> None:
    out = suite(tmp_path, repository, "browser,shared")
    assert "OUTLAY_REQUIRE=browser,shared, yet: Skipped: needs browser: not for this module either" in out

"""What every test may use: the data of others beside the repository, and the rule for components that must be there.

A test that cannot run says `pytest.skip("needs COMPONENT: why it is not here")`. Where the environment variable
OUTLAY_REQUIRE names that component (comma-separated, as `.ci/run` does for what it installs), the skip is a failure:
a gate whose tests were silently left out is no gate.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from made_postgres import Postgres

REPOSITORY = Path(__file__).resolve().parents[1]
REQUIRED = frozenset(filter(None, os.environ.get("OUTLAY_REQUIRE", "").split(",")))

# A first example may load a library; a busy machine may be slow. Neither is a fault of the product.
settings.register_profile("outlay", deadline=None)
settings.load_profile("outlay")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the working tree."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Public data of others, kept beside the repository and never in it; OUTLAY_SHARED names another place."""
    place = Path(os.environ.get("OUTLAY_SHARED") or REPOSITORY.parent / "shared")
    if not (place / "data").is_dir():
        pytest.skip("needs shared: no ../shared/data beside the repository, and OUTLAY_SHARED names none")
    return place


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser that Playwright drives (`executable_path`); it brings none of its own."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("needs browser: no chromium on this machine (Debian: apt-get install chromium)")
    return found


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL server, for the tests of this process."""
    from made_postgres import postgres as postgres_server

    with postgres_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def state_place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Where an empty state is: on SQLite, and on a real PostgreSQL."""
    if request.param == "sqlite":
        return tmp_path
    server: Postgres = request.getfixturevalue("postgres")
    return server.database()


def _missing(report: pytest.TestReport | pytest.CollectReport) -> str | None:
    """The required component for whose absence this report was skipped, and why."""
    if not report.skipped or not isinstance(report.longrepr, tuple):
        return None
    named = re.search(r"needs ([\w-]+)", reason := str(report.longrepr[2]))
    return reason if named and named[1] in REQUIRED else None


def _fail_when_required(report: pytest.TestReport | pytest.CollectReport) -> None:
    if reason := _missing(report):
        report.outcome = "failed"
        report.longrepr = f"OUTLAY_REQUIRE={','.join(sorted(REQUIRED))}, yet: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _fail_when_required(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _fail_when_required(report)
    return report

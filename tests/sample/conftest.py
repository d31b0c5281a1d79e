"""The sample month, written once for all tests here."""

from collections.abc import Iterator

import pytest
from samplemonth import Month, open_month


@pytest.fixture(scope="session")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Month]:
    opened = open_month(tmp_path_factory.mktemp("sample"), 1)
    yield opened
    opened.con.close()

"""What all tests of the server share."""

from __future__ import annotations

import pytest

from outlay.server import pages


@pytest.fixture(autouse=True)
def _patient_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of an application in this process waits for its figures, however busy the machine is."""
    monkeypatch.setattr(pages, "FIRST_S", 60.0)

from datetime import datetime
from decimal import Decimal

import pytest

from outlay.accounting import figures
from outlay.facts.window import Window

MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("share", "written"),
    [
        (0.0, "0%"),
        (0.0004, "<0.1%"),
        (0.0784, "7.8%"),
        (0.0996, "10%"),
        (0.41, "41%"),
        (1.0, "100%"),
        (-0.018, f"{MINUS}1.8%"),
    ],
)
def test_percent(share: float, written: str) -> None:
    assert figures.percent(share) == written


def test_signed_percent() -> None:
    assert figures.signed_percent(0.042) == "+4.2%"
    assert figures.signed_percent(-0.018) == f"{MINUS}1.8%"


@pytest.mark.parametrize(
    ("count", "written"),
    [
        ("0", "0"),
        ("0.5", "0.5"),
        ("12.345", "12.34"),
        ("99999", "99,999"),
        ("412000", "412K"),
        ("999999", "1.0M"),
        ("4100000", "4.1M"),
        ("812000000", "812M"),
        ("2e9", "2.0B"),
    ],
)
def test_quantity(count: str, written: str) -> None:
    assert figures.quantity(Decimal(count)) == written


def test_times() -> None:
    assert figures.instant(datetime(2026, 8, 18, 14, 32)) == "18 Aug 14:32"
    assert figures.duration(720) == "30 days"
    assert figures.duration(1.47) == "1 h 28 min"
    assert figures.duration(36) == "36 h"
    assert figures.duration(0.25) == "15 min"


@pytest.mark.parametrize(
    ("since", "until", "written"),
    [
        (datetime(2026, 8, 1), datetime(2026, 8, 31), "1 Aug to 30 Aug 2026"),
        (datetime(2026, 8, 1), datetime(2026, 8, 2), "1 Aug 2026"),
        (datetime(2025, 12, 20), datetime(2026, 1, 5), "20 Dec 2025 to 4 Jan 2026"),
        (datetime(2026, 8, 1, 3), datetime(2026, 8, 2, 4, 5), "1 Aug 03:00 to 2 Aug 2026 04:05"),
    ],
)
def test_a_window_of_whole_days_names_its_last_day(since: datetime, until: datetime, written: str) -> None:
    assert figures.period(Window(since, until)) == written


def test_names_cannot_command_a_terminal() -> None:
    assert figures.printable("run-\x1b[31m\x9b\u202eevil\ud800") == "run-\ufffd[31m\ufffd\ufffdevil\ufffd"
    assert figures.printable("実験 é\tx") == "実験 é\tx"

"""The end of a month at its pace: a middle, and an interval that holds what it says."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import Decimal

from outlay.accounting.pace import forecast

NOW = datetime(2026, 9, 16, 12)
END = datetime(2026, 10, 1)


def days(costs: list[float]) -> list[tuple[datetime, Decimal]]:
    first = datetime(2026, 9, 16) - timedelta(days=len(costs))
    return [(first + timedelta(days=place), Decimal(str(cost))) for place, cost in enumerate(costs)]


def test_an_even_pace_ends_where_it_leads_with_no_doubt() -> None:
    said = forecast(Decimal(1550), days([100.0] * 15), NOW, END)
    assert said is not None
    assert said.end == said.low == said.high == Decimal(1550) + Decimal("14.5") * 100


def test_the_last_week_is_the_pace() -> None:
    said = forecast(Decimal(0), days([10.0] * 8 + [100.0] * 7), NOW, END)
    assert said is not None and said.a_day == 100 and said.low < said.end < said.high


def test_too_few_days_say_nothing() -> None:
    assert forecast(Decimal(10), days([1.0, 2.0, 3.0]), NOW, END) is None
    assert forecast(Decimal(10), [], NOW, END) is None


def test_a_period_that_is_over_is_what_it_was() -> None:
    said = forecast(Decimal(10), days([5.0, 1.0, 9.0, 4.0]), END, END)
    assert said is not None and said.end == said.low == said.high == 10


def test_the_interval_holds_about_eight_times_of_ten() -> None:
    draw = random.Random(4)
    held = 0
    for _ in range(400):
        world = [draw.gauss(100, 20) for _ in range(43)]
        said = forecast(Decimal(0), days(world[:28]), datetime(2026, 9, 16), END)
        assert said is not None
        held += said.low <= Decimal(str(sum(world[28:]))) <= said.high
    assert 0.72 < held / 400 < 0.88

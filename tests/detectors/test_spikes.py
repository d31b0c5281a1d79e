"""Which days are out of the ordinary, on series of plain numbers."""

import itertools
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlay.detectors.spikes import SpikeRule, spikes

RULE = SpikeRule(history=28, active=7, times_usual=2, times_highest=1.5, spread=6, least=50, lasting=7, periodic=0.7)


def days(values: list[float], rule: SpikeRule = RULE) -> list[tuple[int, int]]:
    return [(spike.first, spike.last) for spike in spikes(values, rule)]


def test_a_day_far_above_the_others_is_one() -> None:
    values = [200.0 + day % 3 for day in range(30)]
    values[21] = 1500
    (spike,) = spikes(values, RULE)
    assert (spike.first, spike.last, spike.usual) == (21, 21, (201,))
    assert spike.before == tuple(range(21))


def test_days_in_a_row_are_one_event() -> None:
    values = [100.0] * 30
    values[15:18] = [400, 900, 300]
    assert days(values) == [(15, 17)]


def test_two_events_are_two_and_do_not_hide_each_other() -> None:
    values = [100.0] * 40
    values[15] = values[25] = 900
    assert days(values) == [(15, 15), (25, 25)]


def test_what_still_goes_on_is_one() -> None:
    assert days([100.0] * 20 + [900, 950]) == [(20, 21)]


@pytest.mark.parametrize("growth", [1.02, 1.08, 1.25])
def test_steady_growth_is_none(growth: float) -> None:
    assert days([100 * growth**day for day in range(40)]) == []


def test_a_new_level_is_none() -> None:
    assert days([100.0] * 20 + [300.0] * 20) == []


def test_a_new_level_is_what_later_days_are_compared_with() -> None:
    values = [100.0] * 20 + [300.0] * 20
    values[33] = 1200
    assert days(values) == [(33, 33)]


def test_weekdays_and_weekends_are_none() -> None:
    assert days([500.0 if day % 7 < 5 else 20.0 for day in range(42)]) == []


def test_a_weekly_job_is_none() -> None:
    assert days([800.0 if day % 7 == 6 else 100.0 for day in range(42)]) == []


def test_a_monthly_job_is_none() -> None:
    assert days([900.0 if day % 30 == 12 else 100.0 for day in range(70)]) == []


def test_what_has_begun_lately_is_none() -> None:
    assert days([0.0] * 25 + [100, 300, 900, 2500, 4000]) == []
    assert days([10, 50, 400, 900]) == []


def test_what_happens_now_and_then_is_none() -> None:
    values = [0.0] * 60
    for day in (3, 17, 22, 41, 58):
        values[day] = 700
    assert days(values) == []


def test_little_money_and_half_as_much_again_are_none() -> None:
    quiet = [10.0] * 30
    quiet[20] = 55
    busy = [100.0] * 30
    busy[20] = 190
    assert days(quiet) == days(busy) == []


def test_what_varies_a_lot_anyway_needs_a_larger_rise() -> None:
    rng = random.Random(7)
    values = [rng.choice([40.0, 400.0, 160.0, 250.0]) for _ in range(40)]
    values[30] = 650
    assert days(values) == []
    values[30] = 4000
    assert days(values) == [(30, 30)]


@given(st.lists(st.floats(0, 1e6), max_size=80))
def test_events_lie_apart_are_short_and_exceed_what_is_usual(values: list[float]) -> None:
    found = spikes(values, RULE)
    for spike in found:
        assert 0 <= spike.first <= spike.last < len(values)
        assert spike.last - spike.first < RULE.lasting
        for day, usual in zip(range(spike.first, spike.last + 1), spike.usual, strict=True):
            assert values[day] >= 2 * usual
            assert values[day] - usual >= RULE.least
    assert all(one.last + 1 < other.first for one, other in itertools.pairwise(found))
    # Days before a spike are judged without it: what comes later changes nothing but habits.
    rule = replace(RULE, periodic=float("inf"))
    until = len(values) // 2
    early = [spike for spike in spikes(values, rule) if spike.last < until - rule.lasting]
    assert early == [spike for spike in spikes(values[:until], rule) if spike.last < until - rule.lasting]

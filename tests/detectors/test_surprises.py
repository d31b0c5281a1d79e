"""Hours out of the ordinary: each cause by its name, once, and nothing where all is as usual."""

from __future__ import annotations

import numpy as np
import pytest

from outlay.detectors.surprises import DAY, WEEK, Moved, Surprise, SurpriseRule, surprises

DAYS = 21
HOURS = DAYS * DAY
#: A Monday afternoon of the third week.
AT = 2 * WEEK + 14


def traffic(seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Calls, errors and dollars of one series that is busy by day and on weekdays."""
    rng = np.random.default_rng(seed)
    hour = np.arange(HOURS)
    day = 0.3 + np.exp(-0.5 * ((hour % DAY - 14) / 4) ** 2)
    week = np.where(hour // DAY % 7 >= 5, 0.5, 1.0)
    calls = np.round(4000 * day * week * np.exp(rng.normal(0, 0.05, HOURS)))
    errors = np.round(calls * 0.01)
    return calls[None], errors[None], (calls * 0.0125 * np.exp(rng.normal(0, 0.03, HOURS)))[None]


def found(
    calls: np.ndarray, errors: np.ndarray, cost: np.ndarray, rule: SurpriseRule | None = None
) -> list[tuple[Moved, int]]:
    """What moved, and how many hours after `AT` it was seen."""
    return [(each.moved, each.hour - AT) for each in surprises(calls, errors, cost, rule)]


@pytest.mark.parametrize("seed", range(5))
def test_days_and_weeks_as_usual_are_no_surprise(seed: int) -> None:
    assert found(*traffic(seed)) == []


def test_a_spike_is_seen_within_two_hours_and_told_once() -> None:
    calls, errors, cost = traffic()
    for series in (calls, errors, cost):
        series[0, AT:AT + 5] *= 4
    seen = surprises(calls, errors, cost)
    assert [(each.moved, each.series) for each in seen] == [(Moved.MORE, 0)]
    assert AT <= seen[0].hour <= AT + 2
    assert seen[0].cost / seen[0].usual == pytest.approx(4, rel=0.2)


def test_a_lasting_rise_is_told_once_and_becomes_usual() -> None:
    calls, errors, cost = traffic()
    for series in (calls, errors, cost):
        series[0, AT:] *= 1.7
    seen = found(calls, errors, cost)
    assert [moved for moved, _ in seen] == [Moved.MORE]
    assert 0 <= seen[0][1] <= 4


def test_an_outage_is_fewer_calls() -> None:
    calls, errors, cost = traffic()
    for series in (calls, errors, cost):
        series[0, AT:AT + 12] *= 0.05
    seen = found(calls, errors, cost)
    assert [moved for moved, _ in seen] == [Moved.FEWER]
    assert 0 <= seen[0][1] <= 3


def test_a_dearer_call_is_the_price_and_not_the_volume() -> None:
    calls, errors, cost = traffic()
    cost[0, AT:AT + 48] *= 1.4
    seen = found(calls, errors, cost)
    assert [moved for moved, _ in seen] == [Moved.PRICE]
    assert 0 <= seen[0][1] <= 4


def test_retries_are_errors_that_bring_more_calls() -> None:
    calls, errors, cost = traffic()
    calls[0, AT:AT + 6] *= 1.5
    cost[0, AT:AT + 6] *= 1.5
    errors[0, AT:AT + 6] = calls[0, AT:AT + 6] * 0.3
    assert (Moved.ERRORS, 0) in found(calls, errors, cost)


def test_errors_without_more_calls_are_no_cost_anomaly() -> None:
    calls, errors, cost = traffic()
    errors[0, AT:AT + 6] = calls[0, AT:AT + 6] * 0.3
    assert found(calls, errors, cost) == []


def test_the_start_of_something_new_is_no_surprise() -> None:
    calls, errors, cost = traffic()
    for series in (calls, errors, cost):
        series[0, :AT] = 0
    assert found(calls, errors, cost) == []


def test_pennies_are_no_surprise() -> None:
    calls, errors, cost = traffic()
    for series in (calls, errors, cost):
        series[0, AT:AT + 5] *= 4
    assert found(calls, errors, cost / 1000) == []
    assert found(calls, errors, cost / 1000, SurpriseRule(least=0.0)) != []


def test_an_hour_is_judged_by_the_past_alone() -> None:
    calls, errors, cost = traffic()
    for series in (calls, errors, cost):
        series[0, AT:AT + 5] *= 4
    whole = surprises(calls, errors, cost)
    until = AT + 3
    cut = surprises(calls[:, :until], errors[:, :until], cost[:, :until])
    assert cut == tuple(each for each in whole if each.hour < until) != ()


def test_series_do_not_touch_each_other() -> None:
    one, other = traffic(1), traffic(2)
    for series in other:
        series[0, AT:AT + 5] *= 4
    both = surprises(*(np.vstack(pair) for pair in zip(one, other, strict=True)))
    alone = surprises(*other)
    assert both == tuple(Surprise(1, each.hour, each.moved, each.cost, each.usual) for each in alone) != ()


@pytest.mark.parametrize("hours", [0, 1, DAY, DAY + 1, HOURS])
def test_nothing_at_all(hours: int) -> None:
    empty = np.zeros((2, hours))
    assert surprises(empty, empty, empty) == ()
    assert surprises(empty[:0], empty[:0], empty[:0]) == ()


def test_calls_that_cost_nothing_have_no_price() -> None:
    calls, errors, cost = traffic()
    assert found(calls, errors, np.zeros_like(cost)) == []


def test_shapes_that_differ() -> None:
    calls, errors, cost = traffic()
    with pytest.raises(ValueError, match="shapes differ"):
        surprises(calls, errors, cost[:, 1:])

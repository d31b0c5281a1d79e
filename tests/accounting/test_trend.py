"""What bought nothing lies in the trend on the days for which it is claimed."""

from datetime import datetime, timedelta
from decimal import Decimal

from outlay.accounting.assess import _shares, _trend
from outlay.accounting.assessment import Counted
from outlay.facts.finding import Claim, Confidence, Finding
from outlay.facts.window import Window
from outlay.questions.answer import Answer

START = datetime(2026, 9, 1)
WINDOW = Window(START, START + timedelta(days=4))


def at(days: float) -> datetime:
    return START + timedelta(days=days)


def daily(amount: str = "100") -> Answer:
    rows = tuple((at(day), Decimal(amount), Decimal(0)) for day in range(4))
    return Answer("t", at(4), WINDOW, "USD", "effective", ("period", "cost", "estimated"), rows, {}, (), 0)


def counted(*claims: Claim, left: str | None = None) -> Counted:
    finding = Finding(
        code="idle-gpu", capability="F1", subject="node n1", title="Node n1 is free.", owner=None, team=None,
        evidence=(), period=WINDOW, claims=claims, confidence=Confidence.HIGH, action="Give it back.")
    so_far = finding.so_far if left is None else Decimal(left)
    return Counted(finding, so_far, finding.month)


def claim(amount: str, span: Window | None) -> Claim:
    return Claim("node:n1", Decimal(amount), Decimal(0), Decimal(amount), Decimal(0), span=span)


def test_it_lies_on_its_own_days_by_their_hours() -> None:
    trend = _trend(daily(), [counted(claim("30", Window(at(2.5), at(4))))], WINDOW)
    assert [round(day.wasted, 9) for day in trend] == [0, 0, 10, 20]


def test_without_days_of_its_own_it_is_spread_over_the_period() -> None:
    trend = _trend(daily(), [counted(claim("40", None))], WINDOW)
    assert [day.wasted for day in trend] == [10, 10, 10, 10]


def test_what_others_claim_too_is_counted_once() -> None:
    trend = _trend(daily(), [counted(claim("30", Window(at(0), at(1))), claim("10", Window(at(3), at(4))), left="20")],
                   WINDOW)
    assert [day.wasted for day in trend] == [15, 0, 0, 5]


def test_no_day_wastes_more_than_it_cost() -> None:
    trend = _trend(daily("5"), [counted(claim("30", Window(at(3), at(4))))], WINDOW)
    assert [day.wasted for day in trend] == [0, 0, 0, 5]


def test_shares_add_up_also_where_a_span_is_a_moment_or_reaches_beyond_the_window() -> None:
    for span in (Window(at(1), at(1)), Window(at(-5), at(9)), Window(at(0.3), at(3.1))):
        assert round(sum(share for _, share in _shares(span, WINDOW)), 20) == 1

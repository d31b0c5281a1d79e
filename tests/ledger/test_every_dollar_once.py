"""Metered, reported and billed dollars of the same thing are one amount, and the parts add up to the last digit."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from made_ledger import MadeFacts, at, made_ledger
from outlay.attribution.rules import Attribution, parse_attribution
from outlay.attribution.shared import parse_splits
from outlay.facts import Call, Charge, Usage
from outlay.facts.window import Window
from outlay.ledger.derive import Rate, make_current
from outlay.ledger.importing import import_file
from outlay.ledger.store import Store
from outlay.prices.book import load_book
from outlay.questions.ask import Ask
from outlay.questions.costs import CostQuery, costs
from outlay.sources.inputfile import InputFile


def call(number: int, team: str, tokens: int = 1_000_000, **more: Any) -> Call:
    """A gpt-4o call: 2.50 dollars a million input tokens."""
    values: dict[str, Any] = {"time": at(0, 1), "provider": "openai", "model": "gpt-4o", "operation": "chat",
                              "response_id": f"r{number}", "input_tokens": tokens, "output_tokens": 0,
                              "tags": {"team": team}}
    return Call(**(values | more))


def bill(amount: str, **more: Any) -> Charge:
    """A day's bill of gpt-4o tokens."""
    cost = Decimal(amount)
    values: dict[str, Any] = {
        "charge_period_start": at(0), "charge_period_end": at(1), "billed_cost": cost, "effective_cost": cost,
        "list_cost": cost, "contracted_cost": cost, "billing_currency": "USD", "provider": "openai",
        "invoice_issuer_name": "OpenAI", "service_name": "API", "model": "gpt-4o-2024-08-06",
        "charge_category": "Usage", "service_category": "AI and Machine Learning"}
    return Charge(**(values | more))


def rows(store: Store, columns: str = "kind, basis, team, effective_cost") -> list[tuple[Any, ...]]:
    return store.con.execute(f"SELECT {columns} FROM cost_day ORDER BY ALL").fetchall()


def total(store: Store) -> Decimal:
    return Decimal(store.con.execute("SELECT sum(effective_cost) FROM cost_day").fetchall()[0][0])


def test_a_call_without_a_bill_is_metered(tmp_path: Path) -> None:
    with made_ledger(tmp_path, [call(1, "search")]) as store:
        assert rows(store) == [("call", "metered", "search", Decimal("2.5"))]
        assert rows(store, "billed_cost") == [(None,)]


def test_a_bill_is_spread_over_its_calls_in_proportion(tmp_path: Path) -> None:
    facts = [call(1, "search"), call(2, "vision", 3_000_000), bill("11.00")]
    with made_ledger(tmp_path, facts) as store:
        assert rows(store) == [
            ("call", "billed", "search", Decimal("2.75")), ("call", "billed", "vision", Decimal("8.25"))]
        assert rows(store, "billed_cost") == [(Decimal("2.75"),), (Decimal("8.25"),)]


def test_a_discount_is_spread_whole(tmp_path: Path) -> None:
    with made_ledger(tmp_path, [call(1, "search"), bill("1.00")]) as store:
        assert rows(store) == [("call", "billed", "search", Decimal("1"))]


def test_what_nobody_metered_stays_beside_the_calls(tmp_path: Path) -> None:
    """Calls take at most a quarter more than was metered; the rest of the bill is unmetered."""
    with made_ledger(tmp_path, [call(1, "search"), bill("100")]) as store:
        assert rows(store, "kind, team, unmetered, effective_cost") == [
            ("call", "search", False, Decimal("3.125")), ("charge", None, True, Decimal("96.875"))]


def test_a_bill_without_calls_stays_a_bill(tmp_path: Path) -> None:
    facts = [call(1, "search", model="gpt-4o-mini"), bill("7")]
    with made_ledger(tmp_path, facts) as store:
        assert rows(store, "kind, basis, unmetered, effective_cost") == [
            ("call", "metered", False, Decimal("0.15")), ("charge", "billed", False, Decimal("7"))]


def test_a_bill_of_another_day_does_not_match(tmp_path: Path) -> None:
    facts = [call(1, "search"), bill("7", charge_period_start=at(3), charge_period_end=at(4))]
    with made_ledger(tmp_path, facts) as store:
        assert total(store) == Decimal("9.5")


def test_a_months_row_follows_the_calls_of_its_days(tmp_path: Path) -> None:
    facts = [call(1, "search"), call(2, "search", 3_000_000, time=at(5, 2)),
             bill("11", charge_period_end=at(30))]
    with made_ledger(tmp_path, facts) as store:
        assert rows(store, "day, kind, effective_cost") == [
            (at(0), "call", Decimal("2.75")), (at(5), "call", Decimal("8.25"))]


def usage(tokens: int, **more: Any) -> Usage:
    return Usage(start=at(0), end=at(1), provider="openai", model="gpt-4o", requests=10, input_tokens=tokens,
                 output_tokens=0, **more)


def test_usage_that_holds_the_calls_counts_the_rest_alone(tmp_path: Path) -> None:
    """A provider's report of 4M tokens holds our 1M: 10 dollars in all, 2.50 of them with a team."""
    store = made_ledger(tmp_path, [call(1, "search"), usage(4_000_000)])
    # Only the provider's own report is known to hold every call; the fake source of this test is not such a report.
    assert total(store) == Decimal("12.5")
    store.con.execute("UPDATE usage SET source = 'openai-usage'")
    store.set_meta("derived", "stale")
    make_current(store, attribution=Attribution(), book=load_book())
    assert rows(store) == [("call", "metered", "search", Decimal("2.5")), ("usage", "reported", None, Decimal("7.5"))]
    store.close()


@pytest.mark.parametrize(("billed", "expected"), [("10.1", "10.1"), ("12.6", "12.6")])
def test_the_bill_decides_whether_usage_holds_the_calls(tmp_path: Path, billed: str, expected: str) -> None:
    """Calls 2.50, usage 10: a bill of 10 says that the calls are among the usage, one of 12.50 that they are not."""
    with made_ledger(tmp_path, [call(1, "search"), usage(4_000_000), bill(billed)]) as store:
        assert total(store) == Decimal(expected)
        assert {row[1] for row in rows(store)} == {"billed"}
        search = {row[0]: row[3] for row in rows(store)}["call"]
        assert abs(search - Decimal("2.5")) < Decimal("0.03")


def test_accounts_are_compared_where_both_sides_name_them(tmp_path: Path) -> None:
    facts = [call(1, "search", account="org-a"), call(2, "vision", account="org-b"),
             bill("5", billing_account_id="org-a"), bill("2", billing_account_id="org-b")]
    with made_ledger(tmp_path, facts) as store:
        assert rows(store, "team, account, effective_cost") == [
            ("search", "org-a", Decimal("3.125")), ("vision", "org-b", Decimal("2")), (None, "org-a", Decimal("1.875"))]


def test_an_unknown_price_is_unknown(tmp_path: Path) -> None:
    with made_ledger(tmp_path, [call(1, "search", model="in-house-9b"), call(2, "search")]) as store:
        counted = rows(store, "model_key, effective_cost, unpriced")
        assert ("gpt-4o", Decimal("2.5"), 0) in counted
        assert [row[2] for row in counted if row[0] == "in-house-9b"] == [1]


@given(st.lists(st.tuples(st.integers(1, 10**9), st.integers(0, 3)), min_size=1, max_size=12),
       st.decimals("0.01", "100000", places=2))
def test_the_parts_add_up_to_the_bill(tmp_path_factory: pytest.TempPathFactory, made: list[tuple[int, int]],
                                      amount: Decimal) -> None:
    facts: list[Any] = [call(i, f"team-{team}", tokens) for i, (tokens, team) in enumerate(made)]
    with made_ledger(tmp_path_factory.mktemp("bill"), [*facts, bill(str(amount))]) as store:
        assert total(store) == amount


def test_currencies_are_converted_by_a_dated_file_or_stay_apart(tmp_path: Path) -> None:
    euros = bill("10", billing_currency="EUR", model=None, service_category="Compute", provider="aws")
    later = bill("10", billing_currency="EUR", model=None, charge_period_start=at(9), charge_period_end=at(10),
                 service_category="Compute", provider="aws")
    unstated = bill("3", billing_currency=None, model=None, service_category="Compute", provider="aws")
    with made_ledger(tmp_path, [euros, later, unstated]) as store:
        assert sorted(rows(store, "currency, effective_cost")) == [
            ("EUR", Decimal(10)), ("EUR", Decimal(10)), ("unknown", Decimal(3))]
        rates = (Rate("EUR", date(2026, 9, 1), Decimal("1.10")), Rate("EUR", date(2026, 9, 8), Decimal("1.20")))
        make_current(store, attribution=Attribution(), book=load_book(), rates=rates)
        assert sorted(rows(store, "currency, effective_cost")) == [
            ("USD", Decimal("11")), ("USD", Decimal("12")), ("unknown", Decimal(3))]


@pytest.mark.parametrize(("split", "parts"), [
    ({"by": "evenly", "among": ["search", "vision", "ads"]}, {"search": "33.333333", "vision": "33.333333",
                                                               "ads": "33.333333"}),
    ({"by": "weights", "weights": {"search": 3, "vision": 1}}, {"search": "75", "vision": "25"}),
    ({"by": "proportion"}, {"search": "25", "vision": "75"}),
])
def test_shared_cost_is_split_and_adds_up(tmp_path: Path, split: dict[str, Any], parts: dict[str, str]) -> None:
    shared = bill("100", model=None, resource_name="shared-cluster", service_category="Compute", provider="aws")
    facts = [call(1, "search"), call(2, "vision", 3_000_000), shared]
    with made_ledger(tmp_path, facts) as store:
        splits = parse_splits([{"name": "cluster", "when": {"resource": "shared-*"}, **split}], "outlay.yaml")
        make_current(store, attribution=Attribution(), book=load_book(), splits=splits)
        got = dict(store.con.execute(
            "SELECT team, sum(effective_cost) FROM cost_day WHERE kind = 'charge' GROUP BY team").fetchall())
        assert sum(got.values()) == Decimal(100)
        assert {team: round(cost, 6) for team, cost in got.items()} == {
            team: round(Decimal(cost), 6) for team, cost in parts.items()} or split["by"] == "evenly"
        assert all(abs(got[team] - Decimal(cost)) < Decimal("0.000001") for team, cost in parts.items())


def test_a_bill_twice_and_a_restated_bill(tmp_path: Path) -> None:
    """A later file of the same export replaces issuer, account and period; undoing it brings the old rows back."""
    store, book = Store(tmp_path / "store"), load_book()

    def put(name: str, facts: list[Any]) -> Any:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        path.write_text(f"{name}{facts}", "utf-8")
        return import_file(store, InputFile(path, name), MadeFacts(facts), attribution=Attribution(), book=book)

    first = [bill("5", billing_period_start=at(0)), bill("6", billing_period_start=at(0), charge_period_start=at(1),
                                                         charge_period_end=at(2))]
    put("2026-09.csv", first)
    again = put("other-name.csv", first)
    assert (again.added, again.duplicates) == (0, 2)
    restated = put("2026-09.csv", [bill("5.5", billing_period_start=at(0), charge_period_end=at(2))])
    assert restated.added == 1
    amounts = "SELECT effective_cost FROM charge ORDER BY 1"
    # The copy under another name is another export: what it says still stands.
    assert [row[0] for row in store.con.execute(amounts).fetchall()] == [Decimal(5), Decimal("5.5"), Decimal(6)]
    from outlay.ledger.importing import remove_import

    remove_import(store, again.import_id)
    assert [row[0] for row in store.con.execute(amounts).fetchall()] == [Decimal("5.5")]
    remove_import(store, restated.import_id)
    assert [row[0] for row in store.con.execute(amounts).fetchall()] == [Decimal(5), Decimal(6)]
    store.close()


def test_rules_change_what_is_there(tmp_path: Path) -> None:
    """The first rule that matches wins; what it does not set falls to the tags; changing rules changes stored rows."""
    facts = [call(1, "search", api_key="batch-1"), call(2, "vision", api_key="web-1")]
    with made_ledger(tmp_path, facts) as store:
        rules = parse_attribution({"rules": [
            {"when": {"api_key": "BATCH-*"}, "set": {"team": "data", "project": "nightly"}},
            {"when": {"provider": "openai"}, "set": {"environment": "production"}}]})
        make_current(store, attribution=rules, book=load_book())
        got = store.con.execute('SELECT team, project, environment, rule FROM call ORDER BY response_id').fetchall()
        assert got == [("data", "nightly", None, 1), ("vision", None, "production", 2)]
        make_current(store, attribution=Attribution(), book=load_book())
        got = store.con.execute('SELECT team, project, environment, rule FROM call ORDER BY response_id').fetchall()
        assert got == [("search", None, None, None), ("vision", None, None, None)]


def test_more_output_is_the_same_call_read_later(tmp_path: Path) -> None:
    store, book = Store(tmp_path / "store"), load_book()
    for number, tokens in enumerate((5, 50, 20)):
        path = tmp_path / f"f{number}"
        path.write_text(str(number), "utf-8")
        facts = [call(1, "search", output_tokens=tokens, time=at(0, 1) + timedelta(seconds=number))]
        import_file(store, InputFile(path, path.name), MadeFacts(facts), attribution=Attribution(), book=book)
    assert store.con.execute("SELECT output_tokens FROM call").fetchall() == [(50,)]
    assert store.con.execute("SELECT sum(output_tokens), sum(calls) FROM call_day").fetchall() == [(50, 1)]
    store.close()


@pytest.mark.parametrize("cost", ["effective", "billed", "list", "contracted"])
def test_single_calls_have_each_cost_as_the_days_have_it(tmp_path: Path, cost: str) -> None:
    """A bill of four different costs, a part of it unmetered, and a day without a bill."""
    facts = [call(1, "search", user="ana"), call(2, "vision", 3_000_000, user="ben"),
             call(3, "search", time=at(1, 1), user="ana"),
             bill("9.00", billed_cost=Decimal("4.50"), list_cost=Decimal("18.00"), contracted_cost=Decimal("13.50")),
             bill("30.00", charge_period_start=at(2), charge_period_end=at(3), billed_cost=Decimal("27.00"),
                  list_cost=Decimal("60.00"), contracted_cost=Decimal("36.00")),
             call(4, "vision", time=at(2, 1), user="ben")]
    with made_ledger(tmp_path, facts) as store:
        by_day = store.con.execute(
            f"SELECT team, sum({cost}_cost) FROM cost_day WHERE kind = 'call' GROUP BY team ORDER BY team").fetchall()
        query = CostQuery(("user",), Window(at(0), at(30)), where=(("kind", ("call",)),), cost=cost)
        answer = costs(Ask(store.con), query, as_of=at(30))
    of_user = {user: amount for user, amount, _ in answer.rows}
    assert {"search": of_user["ana"], "vision": of_user["ben"]} == {
        team: pytest.approx(amount, abs=Decimal("1e-12")) for team, amount in by_day}
    expected = {"effective": "2.25", "billed": "1.125", "list": "4.5", "contracted": "3.375"}[cost]
    metered = Decimal("0") if cost == "billed" else Decimal("2.5")  # the day without a bill
    assert of_user["ana"] == Decimal(expected) + metered


def test_a_cost_that_the_bill_does_not_state_is_not_made_up(tmp_path: Path) -> None:
    with made_ledger(tmp_path, [call(1, "search", user="ana"), bill("2.00", list_cost=None)]) as store:
        query = CostQuery(("user",), Window(at(0), at(30)), where=(("kind", ("call",)),), cost="list")
        assert costs(Ask(store.con), query, as_of=at(30)).rows == ()

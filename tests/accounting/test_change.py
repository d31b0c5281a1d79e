"""Changes are split into parts that add up to them, and explained by the few things that moved most."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from outlay.accounting.change import DIMENSIONS, Amount, Effects, Slice, effects, explain


def amount(cost: str, units: str | None = None, tokens: str | None = None) -> Amount:
    return Amount(Decimal(cost), None if units is None else Decimal(units),
                  None if tokens is None else Decimal(tokens))


def part(before: Amount, after: Amount, kind: str = "call", owner: str | None = None, **of: str) -> Slice:
    return Slice(kind, tuple(of.get(name) for name in DIMENSIONS), owner, before, after)


def test_more_calls_are_volume() -> None:
    assert effects(amount("10", "100", "1000"), amount("15", "150", "1500")) == Effects(volume=Decimal(5))


def test_a_higher_price_is_price() -> None:
    assert effects(amount("10", "100", "1000"), amount("12", "100", "1000")) == Effects(price=Decimal(2))


def test_longer_calls_are_length() -> None:
    assert effects(amount("10", "100", "1000"), amount("13", "100", "1300")) == Effects(length=Decimal(3))


def test_what_begins_and_what_ends_is_volume() -> None:
    assert effects(amount("0", "0"), amount("7", "2")).volume == 7
    assert effects(amount("7", "2"), amount("0", "0")).volume == -7


def test_money_without_a_quantity_is_neither() -> None:
    assert effects(amount("10"), amount("12")) == Effects(other=Decimal(2))


COST = st.decimals(min_value=0, max_value=10**9, places=12)
UNITS = st.one_of(st.none(), st.decimals(min_value=0, max_value=10**6, places=3))
AMOUNT = st.builds(Amount, COST, UNITS, UNITS)
NAME = st.one_of(st.none(), st.sampled_from("abc"))
SLICE = st.builds(Slice, st.sampled_from(("call", "gpu", "charge")),
                  st.tuples(*(NAME for _ in DIMENSIONS)), NAME, AMOUNT, AMOUNT, COST)


@given(st.lists(SLICE, max_size=12))
def test_everything_adds_up_exactly(slices: list[Slice]) -> None:
    said = explain(slices)
    assert said.effects.total + said.estimate == said.change == said.after - said.before
    assert sum((cause.change for cause in said.causes), Decimal(0)) + said.rest + said.estimate == said.change
    for cause in said.causes:
        assert cause.effects.total == cause.change
    assert len(said.causes) <= 4


def test_a_run_explains_more_than_its_team() -> None:
    said = explain([
        part(amount("0", "0"), amount("1166", "300"), "gpu", "tomas", run="sweep", team="search", line="GPU H100"),
        part(amount("90", "10"), amount("100", "11"), run=None, team="search", line="calls"),
    ])
    first = said.causes[0]
    assert (first.dimension, first.value, first.began, first.owner) == ("run", "sweep", True, "tomas")
    assert first.also == (("team", "search"), ("line", "GPU H100"))


def test_a_team_whose_many_runs_all_grew_is_the_cause() -> None:
    said = explain([part(amount("10", "1"), amount("20", "2"), "gpu", run=f"r{number}", team="vision", line="GPU")
                    for number in range(10)] + [part(amount("10", "1"), amount("11", "1"), project="x", team="evals")])
    assert (said.causes[0].dimension, said.causes[0].value) == ("team", "vision")
    assert said.causes[0].change == 100


def test_a_job_of_every_night_is_no_news() -> None:
    nights = [part(amount("385", "56"), amount("0", "0"), "gpu", run="r1", project="embed", line="GPU"),
              part(amount("0", "0"), amount("390", "57"), "gpu", run="r2", project="embed", line="GPU")]
    said = explain([*nights, part(amount("0", "0"), amount("90", "9"), "gpu", run="r3", project="sft", line="GPU")])
    assert [(cause.dimension, cause.value, cause.change) for cause in said.causes] == [
        ("run", "r3", 90)]
    assert (said.rest, said.rest_slices) == (5, 2)


def test_a_move_to_a_dearer_model_is_no_price_effect() -> None:
    said = explain([
        part(amount("10", "1000", "100000"), amount("0", "0", "0"), model="small", project="inbox"),
        part(amount("0", "0", "0"), amount("50", "1000", "100000"), model="large", project="inbox"),
    ])
    assert said.effects.price == 0 and said.change == 40


def test_opposite_changes_are_both_causes_and_the_rest_is_said() -> None:
    slices = [part(amount("100", "1"), amount("180", "2"), project="a"),
              part(amount("100", "1"), amount("30", "1"), project="b")]
    slices += [part(amount("10", "1"), amount("10.1", "1"), project=f"p{number}") for number in range(20)]
    said = explain(slices)
    assert [(cause.value, cause.change) for cause in said.causes] == [("a", 80), ("b", -70)]
    assert (said.rest, said.rest_slices, said.rest_most) == (Decimal("2.0"), 20, Decimal("0.1"))


def test_a_bill_that_is_still_to_come_is_no_news() -> None:
    run = Slice("gpu", ("r", None, None, None, "vision", "GPU"), "ana", amount("40", "10"), amount("70", "10"),
                Decimal(30))
    said = explain([run])
    assert (said.change, said.estimate, said.causes, said.rest) == (30, 30, (), 0)


def test_nothing_changed() -> None:
    said = explain([part(amount("5", "1"), amount("5", "1"), project="a")])
    assert said.causes == () and said.change == 0 and said.rest_slices == 0
    assert explain([]).after == 0


def test_a_team_is_named_with_what_moved_most_in_it() -> None:
    said = explain([part(amount("10", "1"), amount("50", "5"), project="sft", team="vision", model="a"),
                    part(amount("10", "1"), amount("40", "4"), project="moe", team="vision", model="b"),
                    part(amount("10", "1"), amount("31", "4"), project="dpo", team="vision", model="b")])
    cause = said.causes[0]
    assert (cause.dimension, cause.value, cause.most) == ("team", "vision", ("model", "b", Decimal(51)))

"""F10: dear days, why they were dear, and days that only look so."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from made_bill import one_day

from made_ledger import at, found, made_ledger, window
from outlay.detectors.cost_anomaly import CostAnomaly
from outlay.facts import Call, Fact, Output, Usage
from outlay.facts.finding import Confidence, Finding
from outlay.facts.window import Window

#: Input tokens of gpt-4o for a hundred dollars, at $2.50 a million.
HUNDRED = 40_000_000


def of(path: Path, *facts: Fact, days: float = 30, **own: float) -> tuple[Finding, ...]:
    with made_ledger(path, facts) as store:
        return found(store, CostAnomaly(), window(days), **own)


def bucket(
    day: int, times: float = 1, *, tokens: float = 1, model: str = "gpt-4o", task: str = "extract", **tags: str
) -> Usage:
    """A day of 1,000 calls for $100, `times` as many, each `tokens` as long."""
    calls = round(1000 * times)
    return Usage(
        start=at(day), end=at(day + 1), provider="openai", model=model, requests=calls, task=task,
        input_tokens=round(HUNDRED * times * tokens), output_tokens=0,
        tags={"team": "growth", "project": "invoices", "owner": "ana"} | tags)


def month(special: dict[int, dict[str, object]], days: Iterable[int] = range(30)) -> Iterator[Usage]:
    for day in days:
        yield bucket(day, **special.get(day, {}))  # type: ignore[arg-type]


def test_a_retry_loop_is_found_with_its_calls(tmp_path: Path) -> None:
    (finding,) = of(tmp_path, *month({21: {"times": 9}}))
    assert (finding.so_far, finding.month) == (Decimal("800"), 0)
    assert finding.subject == "project invoices, team growth, 2026-09-22"
    assert finding.title == ("Project invoices cost $900 on 22 Sep, usually $100: "
                             "9.0 times the usual calls of gpt-4o, task extract.")
    assert (finding.owner, finding.team, finding.confidence) == ("ana", "growth", Confidence.HIGH)
    assert finding.period == Window(at(21), at(22))
    (claim,) = finding.claims
    assert (claim.pot, claim.pot_so_far) == ("calls:openai/gpt-4o/growth/invoices/extract", Decimal("3800"))
    assert dict(finding.evidence)["Calls a day"] == "9,000, usually 1,000"
    assert finding.command == ("outlay costs --by api_key,user,model --where team=growth --where project=invoices "
                               "--since 2026-09-22 --until 2026-09-23")
    assert finding.change.startswith("a budget of $200 a day") and "max_budget: 200" in finding.change


def test_days_in_a_row_are_one_finding(tmp_path: Path) -> None:
    (finding,) = of(tmp_path, *month({20: {"times": 4}, 21: {"times": 9}}))
    assert finding.so_far == Decimal("1100")
    assert "on 21 Sep to 22 Sep" in finding.title


def test_longer_calls_are_told_from_more_calls(tmp_path: Path) -> None:
    (finding,) = of(tmp_path, *month({21: {"tokens": 5}}))
    assert finding.so_far == Decimal("400")
    assert finding.title.endswith("5.0 times the usual tokens a call of gpt-4o, task extract.")


def test_a_model_that_is_not_used_otherwise_is_named(tmp_path: Path) -> None:
    (finding,) = of(tmp_path, *month({}), bucket(21, model="o1"))
    assert finding.so_far == Decimal("600")  # $15 a million instead of $2.50
    assert finding.title.endswith("calls of o1, task extract that are not made on usual days.")
    assert [claim.pot for claim in finding.claims] == ["calls:openai/o1/growth/invoices/extract"]


def test_what_goes_on_costs_a_month(tmp_path: Path) -> None:
    (finding,) = of(tmp_path, *month({28: {"times": 3}, 29: {"times": 5}}))
    assert finding.so_far == Decimal("600")
    assert finding.month.quantize(Decimal("0.01")) == Decimal("9125.00")  # 600 in 48 hours, x 730
    assert (finding.confidence, bool(finding.assumption)) == (Confidence.MEDIUM, True)


def test_days_before_the_window_are_what_is_usual(tmp_path: Path) -> None:
    with made_ledger(tmp_path, list(month({21: {"times": 9}}))) as store:
        assert len(found(store, CostAnomaly(), Window(at(20), at(30)))) == 1
        assert found(store, CostAnomaly(), Window(at(22), at(30))) == ()


def test_a_project_that_begins_and_one_that_grows_are_none(tmp_path: Path) -> None:
    new = [bucket(day, 3 * (day - 24), project="new") for day in range(25, 30)]
    growing = [bucket(day, 1.06**day, project="growing") for day in range(30)]
    assert of(tmp_path, *new, *growing, *month({})) == ()


def test_as_many_more_outputs_explain_a_rise(tmp_path: Path) -> None:
    def made(count: dict[int, int]) -> list[Output]:
        return [Output(time=at(day, 12), kind="invoice read", count=Decimal(count.get(day, 1000)),
                       tags={"team": "growth", "project": "invoices"}) for day in range(30)]

    assert of(tmp_path / "a", *month({21: {"times": 9}}), *made({21: 8600})) == ()
    (finding,) = of(tmp_path / "b", *month({21: {"times": 9}}), *made({21: 2000}))
    assert finding.so_far == Decimal("700")


def test_a_day_that_one_agent_run_made_dear_is_not_judged_here(tmp_path: Path) -> None:
    def run(traces: int) -> Iterator[Call]:
        for number in range(300):
            yield Call(time=at(21) + timedelta(minutes=number), provider="openai", model="gpt-4o", task="extract",
                       input_tokens=HUNDRED // 100, output_tokens=0, trace_id=f"trace-{number % traces}",
                       span_id=f"{number}", tags={"team": "growth", "project": "invoices"})

    assert of(tmp_path / "a", *month({}), *run(traces=1)) == ()
    (finding,) = of(tmp_path / "b", *month({}), *run(traces=100))
    assert finding.so_far == Decimal("300")


def billed(special: dict[int, tuple[str, str]]) -> Iterator[Fact]:
    """$100 a day for 10 units of one bucket and $20 of another; `special` has dollars and units of the first."""
    for day in range(30):
        usd, units = special.get(day, ("100", "10"))
        for name, cost, quantity in (("frames", usd, units), ("masks", "20", "2")):
            yield one_day(name, at(day), cost, meter="Requests-GET", service="S3", quantity=quantity,
                          tags={"team": "vision", "owner": "ben"})


def test_a_line_of_the_bill_names_resource_and_quantity(tmp_path: Path) -> None:
    (finding,) = of(tmp_path, *billed({21: ("700", "70")}))
    assert finding.so_far == Decimal("600")
    assert finding.title == (
        "S3, Requests-GET cost $720 on 22 Sep, usually $120: 7.0 times the usual quantity of frames.")
    assert finding.claims[0].pot == "resource:frames"
    assert (finding.owner, finding.team) == ("ben", "vision")


def test_a_dearer_unit_is_told_from_a_larger_quantity(tmp_path: Path) -> None:
    (finding,) = of(tmp_path, *billed({21: ("700", "10")}))
    assert finding.title.endswith("7.0 times the usual unit price of frames.")


def test_purchases_and_credits_are_none(tmp_path: Path) -> None:
    bought = [one_day("frames", at(21), usd, meter="Requests-GET", service="S3", charge_category=category,
                      tags={"team": "vision"}) for usd, category in (("9000", "Purchase"), ("-50", "Credit"))]
    assert of(tmp_path, *billed({}), *bought) == ()


def test_thresholds_of_the_settings_count(tmp_path: Path) -> None:
    assert of(tmp_path, *month({21: {"times": 9}}), min_excess=900) == ()


def model_bill(special: dict[int, str]) -> Iterator[Fact]:
    """The provider's bill of gpt-4o: $100 a day."""
    for day in range(30):
        usd = special.get(day, "100")
        yield one_day(None, at(day), usd, meter="gpt-4o input", service="OpenAI API", quantity=str(int(usd) * 400_000),
                      provider="openai", model="gpt-4o", service_category="AI and Machine Learning")


def test_a_bill_alone_tells_which_model(tmp_path: Path) -> None:
    (finding,) = of(tmp_path, *model_bill({21: "900"}))
    assert finding.so_far == Decimal("800")
    assert finding.title == (
        "gpt-4o calls cost $900 on 22 Sep, usually $100: 9.0 times the usual quantity of gpt-4o calls.")


def test_a_key_that_bypasses_the_log_is_found_on_the_bill(tmp_path: Path) -> None:
    (finding,) = of(tmp_path, *month({}), *model_bill({21: "900"}))
    assert finding.subject.startswith("line gpt-4o calls")
    # The log's calls are counted at up to a quarter more than metered.
    assert round(finding.so_far, 9) == Decimal("775")
    assert finding.title.startswith("gpt-4o calls cost $775 on 22 Sep, usually $0:")


def test_a_log_that_is_missing_for_a_day_is_none(tmp_path: Path) -> None:
    assert of(tmp_path, *month({}, days=[day for day in range(30) if day != 21]), *model_bill({})) == ()


def test_a_bill_above_what_was_metered_does_not_blame_the_rest_on_others(tmp_path: Path) -> None:
    run = [Call(time=at(21) + timedelta(minutes=number), provider="openai", model="gpt-4o", task="extract",
                input_tokens=HUNDRED // 20, output_tokens=0, trace_id="one", span_id=f"{number}",
                tags={"team": "growth", "project": "invoices"}) for number in range(300)]
    assert of(tmp_path, *month({}), *run, *model_bill(dict.fromkeys(range(30), "115") | {21: "1840"})) == ()

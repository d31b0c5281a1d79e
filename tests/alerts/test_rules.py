"""Each rule: when it holds, how loud it is, what it leaves alone; and one condition for one cause."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from alerts.made import DAY, NOW, Source, finding, keys, made_burn, made_burns
from outlay.alerts.condition import Severity
from outlay.alerts.evaluate import cannot_judge, evaluate
from outlay.alerts.inputs import Driver, Inputs
from outlay.alerts.rules.registry import RULES
from outlay.alerts.unusual import Unusual
from outlay.detectors.surprises import Moved
from outlay.facts.window import Window
from outlay.questions.known_runs import KnownRun

ALL = Inputs(burns=made_burns(), findings=(), unusual=(), health=(Source(),))


@pytest.mark.parametrize(
    ("spent", "severity", "step"),
    [("49.99", None, 0), ("50", "info", 50), ("79.99", "info", 50), ("80", "page", 80), ("100", "page", 100)])
def test_a_budget_is_told_of_at_its_thresholds(spent: str, severity: str | None, step: int) -> None:
    found = evaluate(replace(ALL, burns=made_burns(made_burn(spent))), NOW)
    burnt = [each for each in found if each.rule == "budget-burn"]
    assert [(each.severity, each.step) for each in burnt] == ([] if severity is None else [(severity, step)])


def test_a_budget_names_amount_cause_team_link_and_command() -> None:
    drivers = {"search": (Driver("docs-search, gpt-4o", Decimal(60)),)}
    (found,) = evaluate(replace(ALL, burns=made_burns(made_burn("120")), drivers=drivers), NOW)
    assert found.title == "Budget search is over: $120 of $100 (120%)."
    assert found.cause == "Most of it: docs-search, gpt-4o $60.00."
    assert (found.team, found.amount, found.link) == ("search", Decimal(120), "/budgets?name=search")
    assert found.action == "Stop or move docs-search, gpt-4o, or give the budget more."
    assert found.command == "outlay budgets show search"
    assert found.since == datetime(2026, 9, 14)


def test_a_budget_that_will_not_last_is_one_alert_with_its_threshold_once_that_pages() -> None:
    inputs = replace(ALL, burns=made_burns(made_burn("72")))
    assert [(each.rule, each.severity) for each in evaluate(inputs, NOW)] == [
        ("budget-predicted", "warn"), ("budget-burn", "info")]
    paged = evaluate(replace(ALL, burns=made_burns(made_burn("85"))), NOW)
    assert [each.rule for each in paged] == ["budget-burn"]
    assert paged[0].covers == ("predicted:search:2026-09-01",)
    assert "At this pace it is gone on 18 Sep" in paged[0].cause


def test_it_pages_from_where_the_settings_say() -> None:
    inputs = replace(ALL, burns=made_burns(made_burn("85")), page_at=100)
    assert {each.rule: each.severity for each in evaluate(inputs, NOW)} == {
        "budget-burn": "info", "budget-predicted": "warn"}


def test_a_run_over_its_cap_says_what_ends_it() -> None:
    scope = (("run", "4711"),)
    known = KnownRun("4711", "slurm/north", "sft-7b", "training", None, "dana", "vision", False)
    inputs = replace(ALL, burns=made_burns(made_burn("85", name="cap", scope=scope)), runs={"4711": known})
    (near,) = evaluate(inputs, NOW)
    assert (near.rule, near.severity, near.team, near.owner) == ("run-cap", "warn", "vision", "dana")
    assert near.title == "Run 4711 (sft-7b) has spent $85.00 of its cap of $100 (85%)."
    assert near.command == "scancel 4711"
    (over,) = evaluate(replace(inputs, burns=made_burns(made_burn("101", name="cap", scope=scope))), NOW)
    assert (over.severity, over.key) == (Severity.PAGE, near.key)
    assert evaluate(replace(inputs, runs={"4711": replace(known, ended=True)}), NOW) == ()


def test_what_goes_on_is_told_and_what_has_ended_is_not() -> None:
    ended = finding(subject="run slurm/north 2", command="", change="")
    (found,) = evaluate(replace(ALL, findings=(finding(), ended)), NOW)
    assert (found.rule, found.severity, found.owner, found.amount) == ("idle-now", "warn", "dana.okafor", Decimal(4140))
    assert found.cause == "Its GPUs stayed below 5%. It costs $11.92 an hour."
    assert found.since == NOW - 9 * DAY


def test_little_money_is_no_warning() -> None:
    (found,) = evaluate(replace(ALL, findings=(finding(so_far="99"),)), NOW)
    assert found.severity is Severity.INFO


def test_runs_of_one_sweep_are_one_alert_with_one_key() -> None:
    def run(number: int) -> KnownRun:
        return KnownRun(f"{number}", "slurm/north", f"trial-{number}", "trial", "sweep-7", "dana", "vision", False)

    findings = tuple(finding(subject=f"run slurm/north {number}", so_far=f"{number}00", command=f"scancel {number}")
                     for number in (1, 2, 3))
    inputs = replace(ALL, findings=findings, runs={f"{number}": run(number) for number in (1, 2, 3)})
    (found,) = evaluate(inputs, NOW)
    assert (found.count, found.amount) == (3, Decimal(600))
    assert found.title.endswith("and 2 more of slurm/north/sweep-7 like it.")
    assert found.command == "scancel 3\nscancel 2\nscancel 1"
    (alone,) = evaluate(replace(inputs, findings=findings[:1]), NOW)
    assert alone.key == found.key


def test_an_endpoint_without_traffic() -> None:
    (found,) = evaluate(replace(ALL, findings=(finding("idle-endpoint", "endpoint demo"),)), NOW)
    assert (found.rule, found.severity) == ("endpoint-without-traffic", "warn")


@pytest.mark.parametrize("code", ["idle-endpoint", "zombie-run", "idle-gpu"])
def test_a_silent_source_is_told_instead_of_what_rests_on_it(code: str) -> None:
    down = Source(state="down", last_ok=NOW - timedelta(minutes=30), last_error="http://node:9090: refused")
    inputs = replace(ALL, findings=(finding(code),), health=(down,))
    assert keys(evaluate(inputs, NOW)) == ["source:prometheus/north"]
    assert {"endpoint-without-traffic", "idle-now"} <= cannot_judge(inputs, NOW)


def test_a_source_is_given_some_patience() -> None:
    down = Source(state="down", last_ok=NOW - timedelta(minutes=9))
    assert evaluate(replace(ALL, health=(down,)), NOW) == ()
    never = Source(state="failed", since=NOW - timedelta(hours=2), last_ok=None, last_error="bad\nanswer.")
    (found,) = evaluate(replace(ALL, health=(never,)), NOW)
    assert found.title == "Source prometheus/north has told nothing since 15 Sep 10:00 UTC."
    assert found.cause.startswith("Bad answer. ")


def test_an_agent_runs_away_while_it_calls() -> None:
    evidence = (("Model calls", "1,200"), ("Usual run of this agent", "40 model calls"), ("Same tool", "grep, 95%"))
    made = finding("runaway-agent", "trace t1, agent triage", evidence=evidence, command="", change="max_turns=80",
                   period=Window(NOW - timedelta(hours=2), NOW - timedelta(minutes=5)))
    (found,) = evaluate(replace(ALL, findings=(made,)), NOW)
    assert (found.rule, found.severity, found.key) == ("runaway-agent", "page", "runaway-agent:triage")
    assert found.cause == "Usual run of this agent 40 model calls, same tool grep, 95%."
    over = replace(made, period=Window(NOW - timedelta(hours=3), NOW - timedelta(hours=1)))
    assert evaluate(replace(ALL, findings=(over,)), NOW) == ()


UNUSUAL = Unusual(
    "project", "docs-search", Moved.MORE, NOW - timedelta(hours=2), NOW - timedelta(hours=1), NOW, 60.0, 20.0, 2.3,
    "search", "ana", (("key", "ops-crawler", 0.61),), (("team", "search"),))


def test_a_spike_names_its_cause() -> None:
    (found,) = evaluate(replace(ALL, unusual=(UNUSUAL,)), NOW)
    assert found.title == "Project docs-search takes 2.3 times its usual calls since 15 Sep 10:00 UTC."
    assert found.cause == ("61% of it is key ops-crawler. It costs $20.00 an hour more than usual. "
                           "It shows in team search, too.")
    assert (found.severity, found.amount, found.team, found.owner) == ("warn", Decimal(40), "search", "ana")
    assert found.command.startswith("outlay costs --by api_key --where project=docs-search ")


def test_a_large_spike_pages() -> None:
    large = replace(UNUSUAL, times=3.5, cost=200.0)
    assert evaluate(replace(ALL, unusual=(large,)), NOW)[0].severity is Severity.PAGE


@pytest.mark.parametrize(
    ("moved", "times", "words", "severity"),
    [(Moved.PRICE, 1.4, "pays 1.4 times its usual price a call", "warn"),
     (Moved.ERRORS, 0.4, "has 40% failing calls", "warn"), (Moved.FEWER, 0.2, "has 20% of its usual calls", "info")])
def test_other_anomalies(moved: Moved, times: float, words: str, severity: str) -> None:
    (found,) = evaluate(replace(ALL, unusual=(replace(UNUSUAL, moved=moved, times=times),)), NOW)
    assert (found.rule, found.severity) == ("anomaly", severity)
    assert words in found.title


def test_a_line_of_a_bill_that_goes_on() -> None:
    made = finding("cost-anomaly", "line Egress, team search, 2026-09-14",
                   evidence=(("Cause", "2.0 times the usual quantity"), ("Above usual", "$400, 50% of it")))
    (found,) = evaluate(replace(ALL, findings=(made,)), NOW)
    assert (found.rule, found.cause) == ("anomaly", "2.0 times the usual quantity; above usual: $400, 50% of it.")
    calls = replace(made, subject="project chat, team search, 2026-09-14")
    assert evaluate(replace(ALL, findings=(calls,)), NOW) == ()


def test_what_is_not_known_is_not_judged() -> None:
    nothing = Inputs()
    assert evaluate(nothing, NOW) == ()
    assert cannot_judge(nothing, NOW) == {rule.code for rule in RULES}
    assert cannot_judge(ALL, NOW) == frozenset()


def test_every_rule_says_what_it_is() -> None:
    codes = [rule.code for rule in RULES]
    assert len(set(codes)) == len(codes)
    for rule in RULES:
        text = type(rule).__doc__ or ""
        assert all(word in text for word in ("**It holds**", "**How loud**", "**End it**")), rule.code

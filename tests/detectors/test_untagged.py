"""F7: spend without a team."""

from decimal import Decimal
from pathlib import Path

import yaml
from made_bill import daily

from made_ledger import found, made_ledger, window
from outlay.attribution.rules import parse_attribution
from outlay.detectors.untagged import UntaggedSpend
from outlay.facts import Fact
from outlay.facts.finding import Finding


def of(path: Path, *facts: Fact) -> tuple[Finding, ...]:
    with made_ledger(path, facts) as store:
        return found(store, UntaggedSpend(), window(30))


def test_the_amount_its_share_and_likely_teams(tmp_path: Path) -> None:
    facts = [*daily("db", "10", sub_account_id="search-dev", tags={"team": "search"}),
             *daily("poc", "6", sub_account_id="search-dev"), *daily("gone", "4", sub_account_id="lab")]
    (finding,) = of(tmp_path, *facts)
    evidence = dict(finding.evidence)
    assert finding.subject == "spend without a team"
    assert finding.title == "$300 has no team, 50% of spend; the goal is 5.0%."
    assert evidence["Without a team"] == "$300"
    assert evidence["poc"].startswith("$180; likely search, account search-dev bears its name")
    assert evidence["gone"] == "$120; nothing tagged looks the same"
    assert (finding.claims, finding.so_far, finding.month) == ((), Decimal(0), Decimal(0))


def test_the_change_is_a_rule_that_settings_take(tmp_path: Path) -> None:
    facts = [*daily("db", "10", sub_account_id="dev", tags={"team": "search"}),
             *daily('odd "name"', "6", sub_account_id="dev")]
    (finding,) = of(tmp_path, *facts)
    (rule,) = parse_attribution({"rules": yaml.safe_load(finding.change.partition("\n")[2])}).rules
    assert rule.when == (("resource_name", ('odd "name"',)),)
    assert rule.sets == (("team", "search"),)


def test_up_to_the_goal_nothing_is_said(tmp_path: Path) -> None:
    assert of(tmp_path, *daily("db", "95", tags={"team": "search"}), *daily("poc", "5")) == ()


def test_small_change_is_left_alone(tmp_path: Path) -> None:
    assert of(tmp_path, *daily("poc", "3")) == ()

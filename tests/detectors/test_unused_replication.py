"""F4: copies that nobody reads, and copies that look so."""

from decimal import Decimal
from pathlib import Path

from made_bill import daily, reads

from made_ledger import found, made_ledger, window
from outlay.detectors.unused_replication import UnusedReplication
from outlay.facts import Fact
from outlay.facts.finding import Confidence, Finding


def of(path: Path, *facts: Fact) -> tuple[Finding, ...]:
    with made_ledger(path, facts) as store:
        return found(store, UnusedReplication(), window(30))


def copy(name: str = "data-eu", **columns: object) -> list[Fact]:
    """Two dollars a day of storage and half a dollar of replication."""
    tags = {"replica_of": "data", "team": "vision", "owner": "ana", "environment": "demo"} | columns.pop("tags", {})
    moved = daily(name, "0.50", meter="InterRegion:eu-west-1", service="AWS Data Transfer", tags=tags, **columns)
    return [*daily(name, "2", tags=tags, region="eu-west-1", **columns), *moved]


def test_a_copy_without_reads_is_found_with_all_that_it_costs(tmp_path: Path) -> None:
    (finding,) = of(tmp_path, *copy(), *daily("data", "3"), *reads("data"))
    assert finding.subject == "replica data-eu"
    assert finding.so_far == Decimal("75")
    assert finding.month.quantize(Decimal("0.0001")) == Decimal("76.0417")  # 75 x 730 / 720
    assert (finding.owner, finding.team, finding.confidence) == ("ana", "vision", Confidence.HIGH)
    assert finding.title == "Replica data-eu cost $75.00, and nothing read it."
    assert {"Storage": "$60.00", "Transfer": "$15.00", "Replica of": "data"}.items() <= dict(finding.evidence).items()
    assert [claim.pot for claim in finding.claims] == ["resource:data-eu"]
    off, empty = finding.command.splitlines()
    # One rule is turned off: the bucket may be copied elsewhere for good reasons.
    assert off.startswith("aws s3api put-bucket-replication --bucket data ") and '"arn:aws:s3:::data-eu"' in off
    assert empty.startswith("aws s3api put-bucket-lifecycle-configuration --bucket data-eu ")
    assert finding.change == ""


def test_one_read_is_a_use(tmp_path: Path) -> None:
    (get,) = list(reads("data-eu", until=1))
    assert of(tmp_path, *copy(), *reads("data"), get) == ()


def test_a_line_for_no_requests_is_no_read(tmp_path: Path) -> None:
    assert len(of(tmp_path, *copy(), *reads("data"), *reads("data-eu", "0", quantity="0"))) == 1


def test_what_is_taken_out_of_a_copy_is_a_use(tmp_path: Path) -> None:
    out = daily("data-eu", "1", meter="DataTransfer-Out-Bytes", service="AWS Data Transfer")
    assert of(tmp_path, *copy(), *reads("data"), *out) == ()


def test_copies_for_disasters_are_left_alone(tmp_path: Path) -> None:
    for_disasters = copy("one", tags={"purpose": "disaster-recovery"})
    noted = copy("two", tags={"note": "cold standby of data, keep"})
    named = copy("data-dr-replica")
    assert of(tmp_path, *for_disasters, *noted, *named, *reads("data")) == ()


def test_a_bill_that_lists_no_reads_says_nothing(tmp_path: Path) -> None:
    elsewhere = reads("table", service="Amazon DynamoDB")
    assert of(tmp_path, *copy(), *daily("data", "3"), *elsewhere) == ()


def test_a_copy_that_is_still_being_filled_is_left_alone(tmp_path: Path) -> None:
    assert of(tmp_path, *copy(since=24), *reads("data")) == ()


def test_a_copy_that_was_deleted_costs_nothing_from_now_on(tmp_path: Path) -> None:
    (finding,) = of(tmp_path, *copy(until=10), *reads("data"))
    assert (finding.so_far, finding.month) == (Decimal("25"), 0)


def test_a_copy_that_began_in_the_window_counts_its_own_days(tmp_path: Path) -> None:
    (finding,) = of(tmp_path, *copy(since=10), *reads("data"))
    assert finding.so_far == Decimal("50")
    assert finding.month.quantize(Decimal("0.0001")) == Decimal("76.0417")


def test_a_name_alone_and_production_need_an_assumption(tmp_path: Path) -> None:
    named = daily("features-replica", "5")
    production = copy("data-prod-eu", tags={"environment": "production"})
    findings = {each.subject: each for each in of(tmp_path, *named, *production, *reads("data"))}
    assert {each.confidence for each in findings.values()} == {Confidence.MEDIUM}
    assert "name" in findings["replica features-replica"].assumption
    assert "disaster" in findings["replica data-prod-eu"].assumption


def test_a_bill_in_another_currency_is_not_counted_as_dollars(tmp_path: Path) -> None:
    assert of(tmp_path, *copy(billing_currency="EUR"), *reads("data")) == ()


def test_a_name_that_is_no_bucket_is_in_no_command(tmp_path: Path) -> None:
    (finding,) = of(tmp_path, *copy("data;rm -rf ~"), *reads("data"))
    assert (finding.command, finding.change) == ("", "no replication from data to data;rm -rf ~")

"""F6: transfer that recurs and is not explained."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from made_bill import daily, one_day

from made_ledger import at, found, made_ledger, window
from outlay.detectors.egress import UnexplainedEgress
from outlay.facts import Fact
from outlay.facts.finding import Confidence, Finding

TRANSFER = "AWS Data Transfer"


def of(path: Path, *facts: Fact) -> tuple[Finding, ...]:
    with made_ledger(path, facts) as store:
        return found(store, UnexplainedEgress(), window(30))


def moved(
    name: str, usd: str = "5", meter: str = "InterRegion:eu-west-1", *, until: float = 30, **tags: str
) -> Iterator[Fact]:
    return daily(name, usd, meter=meter, service=TRANSFER, until=until,
                 tags={"team": "search", "owner": "ana", "environment": "internal"} | tags)


def test_a_nightly_copy_is_found_with_its_transfer_alone(tmp_path: Path) -> None:
    (finding,) = of(tmp_path, *moved("emb-sync"), *daily("emb-sync", "2"))
    assert finding.so_far == Decimal("150")
    assert finding.month.quantize(Decimal("0.01")) == Decimal("152.08")
    assert finding.claims[0].pot_so_far == Decimal("210")
    assert finding.title == "emb-sync moved data to another region on 30 days for $150; nothing says why."
    assert (finding.owner, finding.team, finding.confidence) == ("ana", "search", Confidence.MEDIUM)
    assert finding.assumption


def test_an_hour_of_every_night_is_a_month_of_nights(tmp_path: Path) -> None:
    nights = [one_day("emb-sync", at(day, 2), "5", meter="InterRegion:eu-west-1", service=TRANSFER,
                      charge_period_end=at(day, 2) + timedelta(hours=1), tags={"environment": "internal"})
              for day in range(30)]
    (finding,) = of(tmp_path, *nights, *daily("data", "1"))
    assert finding.month.quantize(Decimal("0.01")) == Decimal("152.08")


@pytest.mark.parametrize("meter", [
    "USE1-EUW1-AWS-Out-Bytes", "Inter-Region Data Transfer Out", "Network Inter Region Data Transfer Out from Iowa"])
def test_clouds_call_it_by_many_names(tmp_path: Path, meter: str) -> None:
    (finding,) = of(tmp_path, *moved("emb-sync", meter=meter))
    assert dict(finding.evidence)["To other regions"] == "$150"


def test_explained_transfer_is_left_alone(tmp_path: Path) -> None:
    facts = [
        *moved("cdn", meter="DataTransfer-Out-Bytes", environment="production"),
        *moved("sync-prod", environment="prod"),
        *moved("audit-copy", purpose="quarterly audit"),
        *moved("noted", note="until the move of region is done"),
        *moved("replica", replica_of="data"),
    ]
    assert of(tmp_path, *facts) == ()


def test_a_move_of_some_days_is_no_habit(tmp_path: Path) -> None:
    assert of(tmp_path, *moved("migration", "200", until=4)) == ()


def test_transfer_within_a_region_is_not_meant(tmp_path: Path) -> None:
    within = moved("shuffle", meter="DataTransfer-Regional-Bytes")
    assert of(tmp_path, *within, *moved("upload", meter="DataTransfer-In-Bytes")) == ()


def test_without_an_environment_the_internet_is_customers_and_regions_are_a_question(tmp_path: Path) -> None:
    internet = daily("assets", "9", meter="DataTransfer-Out-Bytes", service=TRANSFER)
    regions = daily("shards", "9", meter="InterRegion:eu-west-1", service=TRANSFER)
    (finding,) = of(tmp_path, *internet, *regions)
    assert (finding.subject, finding.confidence) == ("transfer shards", Confidence.LOW)


def test_downloads_of_a_staging_system_are_found(tmp_path: Path) -> None:
    (finding,) = of(tmp_path, *moved("staging-dump", meter="DataTransfer-Out-Bytes", environment="staging"))
    assert "to the internet" in finding.title

"""F5: old snapshots and checkpoints, and those that have to stay."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from made_bill import daily

from made_ledger import at, found, made_ledger, window
from outlay.detectors.snapshot_bloat import SnapshotBloat
from outlay.facts import Fact
from outlay.facts.finding import Confidence, Finding


def of(path: Path, *facts: Fact, days: float = 30, **own: float) -> tuple[Finding, ...]:
    with made_ledger(path, facts) as store:
        return found(store, SnapshotBloat(), window(days), **own)


def version(name: str, age: int, source: str | None = "vol-1", kind: str = "snapshot", **tags: str) -> Iterator[Fact]:
    """A dollar a day from the first of the window; `age` days at its end."""
    created = (at(30) - timedelta(days=age)).date()
    stated = {"kind": kind, "created": created.isoformat(), "team": "vision", "owner": "ana"} | tags
    if source is not None:
        stated["source"] = source
    return daily(name, "1", since=max(0, 30 - age), meter="EBS:SnapshotUsage", service="Amazon Elastic Block Store",
                 resource_type="Snapshot", resource_id=f"arn:aws:ec2:eu-west-1:1234:snapshot/snap-{ord(name[0]):017x}",
                 region="eu-west-1", tags=stated)


def test_all_but_the_newest_of_a_source_are_found(tmp_path: Path) -> None:
    (finding,) = of(tmp_path, *version("a", 70), *version("b", 50), *version("c", 10), *version("d", 90, "vol-2"),
                    *version("e", 45, "vol-2"))
    assert finding.so_far == Decimal("90")  # a, b and d for 30 days each
    assert finding.month.quantize(Decimal("0.01")) == Decimal("91.25")
    assert sorted(claim.pot for claim in finding.claims) == ["resource:a", "resource:b", "resource:d"]
    assert finding.title == "3 snapshots older than 30 days cost $90.00; newer ones followed."
    assert (finding.owner, finding.team, finding.confidence) == ("ana", "vision", Confidence.HIGH)
    assert dict(finding.evidence)["Sources"] == "2"
    assert sorted(finding.command.splitlines()) == [
        f"aws ec2 delete-snapshot --region eu-west-1 --snapshot-id snap-{ord(name):017x}" for name in "abd"]
    assert finding.change == "only the newest kept by the snapshot schedule"


def test_younger_ones_wait(tmp_path: Path) -> None:
    assert of(tmp_path, *version("a", 30), *version("b", 12), *version("c", 3)) == ()


def test_each_kind_and_owner_has_a_finding_of_its_own(tmp_path: Path) -> None:
    facts = [*version("a", 70), *version("b", 5), *version("c", 70, "lm", "checkpoint"),
             *version("d", 5, "lm", "checkpoint"), *version("e", 70, "vol-9", owner="ben"),
             *version("f", 5, "vol-9", owner="ben")]
    assert {each.subject for each in of(tmp_path, *facts)} == {
        "old snapshots, team vision, owner ana", "old checkpoints, team vision, owner ana",
        "old snapshots, team vision, owner ben"}


def test_what_is_retained_stays(tmp_path: Path) -> None:
    facts = [*version("a", 70, retain="2028-01-01"), *version("b", 60, purpose="compliance"),
             *version("c", 50, note="release 4.2"), *version("d", 5)]
    assert of(tmp_path, *facts) == ()


def test_production_keeps_three(tmp_path: Path) -> None:
    facts = [fact for name, age in (("a", 90), ("b", 70), ("c", 50), ("d", 40))
             for fact in version(name, age, environment="production")]
    (finding,) = of(tmp_path, *facts)
    assert [claim.pot for claim in finding.claims] == ["resource:a"]


def test_without_tags_the_name_and_the_first_bill_tell(tmp_path: Path) -> None:
    def plain(name: str, since: int) -> Iterator[Fact]:
        return daily(name, "1", since=since, until=60, resource_type="Model checkpoint")

    facts = [*plain("llama-ft-v9", 0), *plain("llama-ft-v10", 0), *plain("llama-ft-v11", 40), *plain("other", 0)]
    with made_ledger(tmp_path, facts) as store:
        (finding,) = found(store, SnapshotBloat(), window(60))
    assert sorted(claim.pot for claim in finding.claims) == ["resource:llama-ft-v10", "resource:llama-ft-v9"]
    assert finding.confidence is Confidence.MEDIUM
    assert "save_total_limit" in finding.change


def test_v10_is_newer_than_v9_where_both_were_there_from_the_start(tmp_path: Path) -> None:
    facts = [*daily("ft-run-v9", "1", until=60, resource_type="Checkpoint"),
             *daily("ft-run-v10", "1", until=60, resource_type="Checkpoint")]
    with made_ledger(tmp_path, facts) as store:
        (finding,) = found(store, SnapshotBloat(), window(60))
    assert [claim.pot for claim in finding.claims] == ["resource:ft-run-v9"]


def test_random_ids_are_no_versions_of_one_another(tmp_path: Path) -> None:
    facts = [*daily("snap-0a1b2c3d4e5f60718", "9", until=60, resource_type="Snapshot"),
             *daily("snap-0a1b2c3d4e5f60719", "9", until=60, resource_type="Snapshot")]
    with made_ledger(tmp_path, facts) as store:
        assert found(store, SnapshotBloat(), window(60)) == ()


def test_a_broken_date_falls_back_to_the_first_bill(tmp_path: Path) -> None:
    # Both are on the bill for 30 days only: nothing shows that they are older.
    assert of(tmp_path, *version("a", 70, created="last spring"), *version("b", 5)) == ()


def test_little_money_is_left_alone(tmp_path: Path) -> None:
    assert of(tmp_path, *version("a", 70), *version("b", 5), min_so_far=40) == ()

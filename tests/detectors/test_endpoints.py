"""Idle endpoints, endpoints that are up around the clock, and what only looks like them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from made_ledger import at, found, made_ledger, node_hours, readings, window
from outlay.detectors.always_on import AlwaysOn
from outlay.detectors.idle_endpoint import IdleEndpoint
from outlay.facts import Call, Progress, Run
from outlay.facts.finding import Confidence


def endpoint(name: str, node: str, **more: Any) -> Run:
    values: dict[str, Any] = {
        "run_id": f"serve-{name}", "scheduler": "kubernetes/serve", "kind": "endpoint", "name": name, "endpoint": name,
        "started": at(0), "observed": at(10), "nodes": node, "gpus": 4, "state": "running",
        "tags": {"team": "search", "owner": "ana"}}
    return Run(**(values | more))


def requests(name: str, hours: list[int], count: float = 5) -> Iterator[Progress]:
    for hour in hours:
        yield Progress(time=at(0, hour), run_id=f"serve-{name}", metric="requests", value=count)


WORKING = [24 * day + hour for day in range(10) for hour in range(9, 17)]


def ledger(path: Path, run: Run, asked: list[Any]) -> Any:
    # Another endpoint that is asked at all hours shows that requests are counted at all.
    busy = [endpoint("busy", "srv-9"), *requests("busy", list(range(240))), *node_hours("srv-9", at(0), at(10), "1")]
    return made_ledger(path, [run, *asked, *node_hours("srv-1", at(0), at(10), "4"), *busy])


def test_an_endpoint_that_nobody_asks(tmp_path: Path) -> None:
    with ledger(tmp_path, endpoint("demo", "srv-1"), list(requests("demo", [3, 50], 1))) as store:
        (finding,) = found(store, IdleEndpoint(), window(10))
        assert finding.subject == "endpoint demo"
        assert (finding.owner, finding.team) == ("ana", "search")
        assert finding.so_far == Decimal(960)
        assert finding.month == Decimal(4 * 730)
        assert found(store, AlwaysOn(), window(10)) == ()


def test_an_endpoint_without_a_single_reading_beside_others_that_have_them(tmp_path: Path) -> None:
    with ledger(tmp_path, endpoint("demo", "srv-1"), []) as store:
        (finding,) = found(store, IdleEndpoint(), window(10))
        assert finding.subject == "endpoint demo"
        assert finding.confidence is Confidence.MEDIUM
        assert finding.assumption


def test_one_that_reports_nothing_and_works_is_not_idle(tmp_path: Path) -> None:
    busy = readings("srv-1", range(4), at(0), at(10), 40, run_id="serve-demo", every_s=3600)
    with ledger(tmp_path, endpoint("demo", "srv-1"), list(busy)) as store:
        assert found(store, IdleEndpoint(), window(10)) == ()


@pytest.mark.parametrize("named", [
    {"run_id": "serve-demo"}, {"tags": {"endpoint": "demo"}}, {"model": "demo"}])
def test_calls_that_name_the_endpoint(tmp_path: Path, named: dict[str, Any]) -> None:
    def calls(count: int) -> list[Any]:
        values = {"model": "llama-3-8b", "provider": "vllm", "input_tokens": 9, "output_tokens": 9} | named
        return [Call(time=at(0, hour), response_id=f"r{hour}", **values) for hour in range(count)]

    for count, found_by in ((5, IdleEndpoint()), (60, AlwaysOn())):
        place = tmp_path / str(count)
        place.mkdir()
        with ledger(place, endpoint("demo", "srv-1"), calls(count)) as store:
            (finding,) = found(store, found_by, window(10))
            assert finding.confidence is (Confidence.HIGH if count == 5 else Confidence.MEDIUM)
            assert f"{count}" in dict(finding.evidence)["Requests"]


@pytest.mark.parametrize("run", [
    endpoint("standby", "srv-1", note="cold standby for ranker; keep"),
    endpoint("young", "srv-1", started=at(8)),
])
def test_what_may_be_without_traffic(tmp_path: Path, run: Run) -> None:
    with ledger(tmp_path, run, []) as store:
        assert found(store, IdleEndpoint(), window(10)) == ()
        assert found(store, AlwaysOn(), window(10)) == ()


def test_an_endpoint_that_has_ended_costs_nothing_from_now_on(tmp_path: Path) -> None:
    with ledger(tmp_path, endpoint("demo", "srv-1", ended=at(6)), []) as store:
        (finding,) = found(store, IdleEndpoint(), window(10))
        assert finding.month == 0


def test_nothing_is_said_where_nothing_counts_requests(tmp_path: Path) -> None:
    facts = [endpoint("demo", "srv-1"), *node_hours("srv-1", at(0), at(10), "4")]
    with made_ledger(tmp_path, facts) as store:
        assert found(store, IdleEndpoint(), window(10)) == ()


def test_an_endpoint_that_is_asked_in_working_hours(tmp_path: Path) -> None:
    with ledger(tmp_path, endpoint("label", "srv-1"), list(requests("label", WORKING))) as store:
        (finding,) = found(store, AlwaysOn(), window(10))
        assert finding.subject == "endpoint label"
        assert round(finding.so_far, 6) == Decimal(4 * 160)
        assert round(finding.month, 4) == round(Decimal(4 * 730 * 2) / 3, 4)
        assert found(store, IdleEndpoint(), window(10)) == ()


def test_a_nightly_endpoint_that_is_down_by_day(tmp_path: Path) -> None:
    nights = [endpoint("nightly", "srv-1", run_id=f"serve-nightly-{day}", started=at(day), ended=at(day, 6))
              for day in range(10)]
    asked = [Progress(time=at(day, hour), run_id=f"serve-nightly-{day}", metric="requests", value=9)
             for day in range(10) for hour in range(6)]
    bills = [line for day in range(10) for line in node_hours("srv-1", at(day), at(day, 6), "4")]
    with made_ledger(tmp_path, [*nights, *asked, *bills]) as store:
        assert found(store, AlwaysOn(), window(10)) == ()
        assert found(store, IdleEndpoint(), window(10)) == ()

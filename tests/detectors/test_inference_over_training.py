"""F12: inference above training that nobody optimised."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from made_bill import one_day

from made_ledger import at, found, made_ledger, node_hours, readings, window
from outlay.detectors.inference_over_training import InferenceOverTraining
from outlay.facts import Fact, Run, Usage
from outlay.facts.finding import Confidence, Finding

#: Input tokens for a hundred dollars of gpt-4o.
HUNDRED = 40_000_000


def of(path: Path, *facts: Fact) -> tuple[Finding, ...]:
    with made_ledger(path, facts) as store:
        return found(store, InferenceOverTraining(), window(30))


def spend(team: str, inference: int, training: int, **columns: object) -> Iterator[Fact]:
    """So many dollars of gpt-4o and of a training project."""
    yield Usage(start=at(3), end=at(4), requests=100, output_tokens=0, tags={"team": team},
                **{"provider": "openai", "model": "gpt-4o", "input_tokens": HUNDRED * inference // 100, **columns})
    yield one_day(f"train-{team}", at(3), str(training), meter="Training", service="SageMaker",
                  tags={"team": team, "stage": "training"})


def test_a_team_that_buys_answers_one_by_one_is_found(tmp_path: Path) -> None:
    (finding,) = of(tmp_path, *spend("support", 4000, 500, task="answer"))
    assert finding.subject == "inference of team support"
    assert finding.title == "Team support spent $4,000 on inference, 8.0 times its training; 0% of it is optimised."
    evidence = dict(finding.evidence)
    assert (evidence["Inference"], evidence["Training"]) == ("$4,000", "$500")
    assert evidence["Largest part"] == "gpt-4o, task answer, $4,000"
    assert (finding.team, finding.claims, finding.month, finding.confidence) == ("support", (), 0, Confidence.HIGH)
    assert finding.command == ("outlay costs --by task,model --where team=support --where stage=inference "
                               "--since 2026-09-01 --until 2026-10-01")


def test_teams_that_are_left_alone(tmp_path: Path) -> None:
    facts = [
        *spend("trains-more", 4000, 5000),
        *spend("small", 900, 100),
        *spend("batches", 4000, 500, service_tier="batch", input_tokens=HUNDRED * 80),
        *spend("caches", 4000, 500, cache_read_tokens=HUNDRED * 20),
        *spend("small-model", 4000, 500, model="gpt-4o-mini", input_tokens=HUNDRED * 17 * 40),
        Usage(start=at(3), provider="openai", model="gpt-4o", requests=9, input_tokens=HUNDRED * 90, output_tokens=0,
              tags={"team": "never-trains"}),
    ]
    assert of(tmp_path, *facts) == ()


def test_half_of_it_in_batches_is_enough_and_less_is_not(tmp_path: Path) -> None:
    def batches(dollars: int) -> Usage:
        return Usage(start=at(5), provider="openai", model="gpt-4o", requests=9, service_tier="batch", output_tokens=0,
                     input_tokens=HUNDRED * dollars // 100, tags={"team": "search"})

    assert of(tmp_path / "a", *spend("search", 4000, 500), batches(4100)) == ()
    (finding,) = of(tmp_path / "b", *spend("search", 4000, 500), batches(1000))
    assert dict(finding.evidence)["In batches or flex"] == "20%"


def endpoint(name: str, kind: str = "endpoint", **tags: str) -> Iterator[Fact]:
    """Thirty days of a machine at $5 an hour: $3,600."""
    node = f"node-{name}"
    yield Run(run_id=name, scheduler="kubernetes/k", kind=kind, name=name, started=at(0), observed=at(30), nodes=node,
              gpus=1, tags={"team": "growth"} | tags)
    yield from node_hours(node, at(0), at(30), "5", tags={"team": "growth"}, resource_type="g6")
    yield from readings(node, (0,), at(0), at(30), 70, run_id=name, every_s=3600)
    yield one_day("train", at(3), "500", meter="Training", service="SageMaker",
                  tags={"team": "growth", "stage": "training"})


def test_endpoints_count_and_quantised_ones_are_optimised(tmp_path: Path) -> None:
    (finding,) = of(tmp_path / "a", *endpoint("ranker"))
    evidence = dict(finding.evidence)
    assert (evidence["Inference"], evidence["Of it model calls"]) == ("$3,600", "$0")
    assert "quantised" in finding.action
    assert of(tmp_path / "b", *endpoint("ranker", precision="fp8")) == ()
    assert of(tmp_path / "c", *endpoint("ranker-awq")) == ()
    assert of(tmp_path / "d", *endpoint("nightly", "batch")) == ()
    assert Decimal(evidence["Training"].removeprefix("$")) == 500

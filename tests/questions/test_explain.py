"""`outlay costs --explain`: rules of all kinds of fact, runs and their accelerators too, and the splits."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from made_ledger import MadeFacts, at, window
from outlay.attribution.rules import parse_attribution
from outlay.attribution.shared import parse_splits
from outlay.facts import Charge, Run
from outlay.ledger.derive import make_current
from outlay.ledger.importing import import_file
from outlay.ledger.store import Store
from outlay.prices.book import load_book
from outlay.questions.ask import Ask
from outlay.questions.explain import explain
from outlay.sources.inputfile import InputFile

RULES = parse_attribution({"rules": [
    {"name": "nights", "when": {"partition": "night"}, "set": {"team": "vision"}},
    {"when": {"partition": "cpu"}, "set": {"team": "data"}}]})
SPLITS = parse_splits([{"name": "shared", "when": {"resource": "shared-*"}, "by": "evenly", "among": ["a", "b"]}],
                      "test")


def machine(day: int) -> Charge:
    cost = Decimal(24)
    return Charge(
        charge_period_start=at(day), charge_period_end=at(day + 1), billed_cost=cost, effective_cost=cost,
        list_cost=cost, contracted_cost=cost, billing_currency="USD", provider="aws", resource_name="n1",
        service_category="Compute", charge_category="Usage", consumed_quantity=Decimal(24), consumed_unit="Hours")


def job(run_id: str, partition: str, gpus: int, hours: float) -> Run:
    return Run(run_id=run_id, scheduler="slurm/x", kind="training", state="completed", started=at(0),
               ended=at(0) + timedelta(hours=hours), nodes="n1", gpus=gpus, partition=partition, observed=at(2))


def test_rules_of_runs_and_what_their_accelerators_cost(tmp_path: Path) -> None:
    facts = [machine(0), job("1", "night", 1, 12), job("2", "day", 1, 6), job("3", "cpu", 0, 5)]
    with Store(tmp_path / "store") as store:
        (tmp_path / "made").write_text("made", "utf-8")
        import_file(store, InputFile(tmp_path / "made", "made"), MadeFacts(facts), attribution=RULES, book=load_book())
        make_current(store, attribution=RULES, book=load_book(), splits=SPLITS)
        said = explain(Ask(store.con), window(30), RULES, SPLITS)
    runs = {share.name: (share.rows, share.cost) for share in said.rules if share.kind == "run"}
    assert sum(cost for _, cost in runs.values()) == 24
    assert {name: rows for name, (rows, _) in runs.items()} == {
        "no rule: tags, where there are any": 1, "rule 1 (nights)": 1, "rule 2": 1,
        "no run: as the machine's bill says": 0}
    assert runs["rule 1 (nights)"][1] == 2 * runs["no rule: tags, where there are any"][1] == 6  # of two GPUs
    assert runs["rule 2"][1] == 0
    text = said.as_text()
    assert "Runs and their accelerators attributed by" in text
    assert "Shared cost split after that: shared (evenly)" in text
    assert said.as_json()["splits"] == [{"name": "shared", "by": "evenly"}]

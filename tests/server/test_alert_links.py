"""Wherever an alert leads, on a real server: the thing that it names is there."""

from __future__ import annotations

import html
import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from made_server import served
from made_spans import chat_spans

from alerts.made import NOW, Source, finding, made_burn, made_burns
from made_ledger import at, made_ledger, node_hours, readings
from outlay.alerts.condition import Condition
from outlay.alerts.inputs import Inputs
from outlay.alerts.rules.registry import RULES
from outlay.alerts.unusual import Unusual
from outlay.detectors.surprises import Moved
from outlay.facts import Call, Fact, Run
from outlay.questions.known_runs import KnownRun

CONFIG = """budgets:
  - {name: search, team: search, amount: 100}
  - {name: what's next, team: search, amount: 100}
  - {name: cap, run: "4711", amount: 100}
"""
RUN = KnownRun("4711", "slurm/north", "jupyter-ana", "notebook", None, "ana", "search", False)
#: What each rule's page must show.
SHOWN = {"budget-burn": "search", "budget-predicted": "what's next", "run-cap": "jupyter-ana",
         "idle-now": "Run 4711 (jupyter-ana) held 1 GPU for 10 days and did not use it", "spike": "agent-7",
         "endpoint-without-traffic": "idle-endpoint-", "runaway-agent": "runaway-agent-", "anomaly": "search",
         "source-silent": "otlp"}


def run(run_id: str = "4711", **more: Any) -> Run:
    values: dict[str, Any] = {
        "run_id": run_id, "scheduler": "slurm/north", "kind": "training", "name": "sft", "state": "running",
        "started": at(0), "observed": at(10), "nodes": "n1", "tags": {"team": "search", "owner": "ana"}}
    return Run(**values | more)


def facts() -> list[Fact]:
    calls = [Call(time=at(day, 12), provider="openai", model="gpt-4o", status="ok", operation="chat",
                  input_tokens=400_000, output_tokens=0, response_id=f"{day}", agent="agent-7",
                  tags={"team": "search", "project": "chat", "endpoint": "chat"}) for day in range(10)]
    return [*calls, *node_hours("n1", at(0), at(10), "8"), run("busy", gpus=3),
            run(kind="notebook", name="jupyter-ana", gpus=1),
            *readings("n1", (1, 2, 3), at(0), at(10), 70, run_id="busy", every_s=3600),
            *readings("n1", (0,), at(0), at(10), 2, run_id="4711", every_s=3600)]


def conditions(source: str) -> dict[str, Condition]:
    """One of each rule, about things that the ledger has."""
    def unusual(dimension: str, name: str, moved: Moved) -> Unusual:
        return Unusual(dimension, name, moved, at(9, 10), at(9, 10), at(9, 14), 90.0, 10.0, 4.0, "search", None,
                       (("agent", "agent-7", 0.9),))

    bill = finding("cost-anomaly", "line Compute", evidence=(("Cause", "more"), ("Above usual", "$9")))
    inputs = Inputs(
        burns=made_burns(made_burn("55"), made_burn("72", name="what's next"),
                         made_burn("85", name="cap", scope=(("run", "4711"),))),
        findings=(finding("idle-gpu"), finding("idle-endpoint", "endpoint demo"), bill,
                  finding("runaway-agent", "trace 1, agent agent-7")),
        unusual=(unusual("endpoint", "chat", Moved.MORE), unusual("team", "search", Moved.PRICE)),
        health=(Source(name=source, state="down", last_ok=NOW - timedelta(days=1)),), runs={"4711": RUN}, now=NOW)
    found: dict[str, Condition] = {}
    for rule in RULES:
        for each in rule.conditions(inputs):
            found.setdefault(rule.code, each)
    return found


def test_every_rules_link_leads_to_what_it_names(tmp_path: Path) -> None:
    made_ledger(tmp_path, facts()).close()
    (tmp_path / "outlay.yaml").write_text(CONFIG)
    with served(tmp_path / "store", "--no-sign-in", config=tmp_path / "outlay.yaml") as server:
        until = time.monotonic() + 60
        while b"<table" not in server.ask("GET", "/findings")[1]:
            assert time.monotonic() < until, "the ledger was not judged"
            time.sleep(0.2)
        span = chat_spans(1, "heard").SerializeToString()
        assert server.ask("POST", "/v1/traces", span, content_type="application/x-protobuf")[0] == 200
        while not (sources := json.loads(server.ask("GET", "/api/v1/sources")[1])["rows"]):
            assert time.monotonic() < until, "the source was not heard"
            time.sleep(0.1)
        source = sources[0]["name"]
        found = conditions(source)
        assert set(found) == {rule.code for rule in RULES} == set(SHOWN)
        for rule, each in found.items():
            server.ask("GET", each.link)  # asked once, so that a slow answer is at hand
            status, page = server.ask("GET", each.link)
            assert status == 200, (rule, each.link)
            main = html.unescape(page.decode()).partition("<main")[2]
            assert SHOWN[rule] in main, (rule, each.link)
            assert "cannot be asked" not in main and "There is no such" not in main, (rule, each.link)

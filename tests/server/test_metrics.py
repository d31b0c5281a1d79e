"""/metrics: what it says can be read, is documented, and is what the shipped rules and dashboard ask for."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from made_server import served

from outlay.collectors.runner import Health
from outlay.facts.window import Window
from outlay.governance.budget import Budget
from outlay.governance.burn import Burn
from outlay.governance.burns import Burns
from outlay.server.metrics import METRICS, Meters, exposition

NOW = datetime(2026, 9, 15)
NAMES = {name for name, _, _ in METRICS}
needs_promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="needs prometheus: promtool is not installed")


def meters() -> Meters:
    period = Window(datetime(2026, 9, 1), datetime(2026, 10, 1))
    burn = Burn(Budget('team "a"\\b\n', (), Decimal(100)), period, Window(period.since, NOW),
                ((datetime(2026, 9, 2), Decimal(85)),))
    health = Health("north", "slurm", "Slurm", "down", NOW, until=NOW - timedelta(seconds=90), rows=7, rejected=1)
    return Meters(NOW, "0.1.0", "USD", Burns(NOW, NOW, "USD", (burn,), (), 0), 0.25,
                  (("idle-gpu", 10.5), ("idle-gpu", 2.0)), (health,), 512, 40, 1.5, {"page": 1, "warn": 0})


def test_every_metric_has_a_value_and_a_meaning() -> None:
    text = exposition(meters())
    assert set(re.findall(r"^# TYPE (\w+) (?:gauge|counter)$", text, re.M)) == NAMES
    assert 'outlay_budget_spent_ratio{budget="team \\"a\\"\\\\b\\n",period="month"} 0.85' in text
    assert 'outlay_findings_month_usd{detector="idle-gpu"} 12.5' in text
    assert 'outlay_source_up{source="north",kind="slurm"} 0' in text
    assert 'outlay_source_lag_seconds{source="north",kind="slurm"} 90' in text


def test_what_is_not_known_is_left_out() -> None:
    nothing = Meters(NOW, "0.1.0", "EUR", None, None, None, (), 0, 0, 0.0, {})
    found = set(re.findall(r"^(outlay_\w+)", exposition(nothing), re.M))
    assert found == {"outlay_info", "outlay_spool_waiting_bytes", "outlay_questions_total",
                     "outlay_questions_seconds_total"}


@needs_promtool
def test_prometheus_can_read_it() -> None:
    done = subprocess.run(["promtool", "check", "metrics"], input=exposition(meters()), capture_output=True, text=True,
                          check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_promtool
def test_the_shipped_rules_hold(repository: Path) -> None:
    folder = repository / "ops" / "prometheus"
    for words in (["check", "rules", "outlay-rules.yaml"], ["test", "rules", "outlay-rules-test.yaml"]):
        done = subprocess.run(["promtool", *words], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_the_shipped_dashboard_asks_for_what_there_is(repository: Path, tmp_path: Path) -> None:
    panels = json.loads((repository / "ops" / "grafana" / "outlay.json").read_text())["panels"]
    questions = [target["expr"] for panel in panels for target in panel["targets"]]
    rules = (repository / "ops" / "prometheus" / "outlay-rules.yaml").read_text()
    asked = set(re.findall(r"\boutlay_\w+", " ".join(questions) + rules))
    assert asked and asked <= NAMES
    lines = [f"- {{record: 'a:b{place}', expr: {json.dumps(question)}}}" for place, question in enumerate(questions)]
    (tmp_path / "rules.yaml").write_text("groups:\n- name: g\n  rules:\n  " + "\n  ".join(lines) + "\n")
    done = subprocess.run(["promtool", "check", "rules", str(tmp_path / "rules.yaml")], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_metric_is_documented(repository: Path) -> None:
    text = (repository / "docs" / "metrics.md").read_text()
    assert {name for name in NAMES if f"`{name}`" not in text} == set()


def test_a_server_shows_them(tmp_path: Path) -> None:
    config = tmp_path / "outlay.yaml"
    config.write_text("budgets: [{name: all, amount: 100}]\n")
    with served(tmp_path / "store", "--no-sign-in", config=config) as server:
        status, text = server.ask("GET", "/metrics")
    assert status == 200
    assert b'outlay_budget_amount{budget="all",period="month"} 100' in text

"""docs/alerts.md names every rule and notifier, and its settings are valid."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from outlay.alerts.notifiers.registry import NOTIFIERS
from outlay.alerts.rules.registry import RULES
from outlay.settings import parse_settings


def test_every_rule_and_notifier_has_its_section(repository: Path) -> None:
    text = (repository / "docs" / "alerts.md").read_text(encoding="utf-8")
    for rule in RULES:
        assert f"### {rule.code}\n" in text
        assert rule.title
    for notifier in NOTIFIERS:
        (section,) = re.findall(rf"### {notifier.code}\n(.*?)(?=\n###|\n<!-- /)", text, re.DOTALL)
        assert all(f"| `{key}` |" in section for key in notifier.keys), notifier.code


def test_the_examples_are_valid(repository: Path, tmp_path: Path) -> None:
    pages = "".join((repository / "docs" / name).read_text(encoding="utf-8") for name in ("alerts.md", "settings.md"))
    examples = [each for each in re.findall(r"```yaml\n(.*?)```", pages, re.DOTALL) if "alerts:" in each]
    assert len(examples) == 2
    kinds = set()
    for example in examples:
        found = parse_settings(yaml.safe_load(example), "docs", tmp_path).alerts
        assert found.routes
        assert found.weekly
        kinds |= {each.code for each in found.notifiers}
    assert kinds >= {"slack", "pagerduty", "email", "webhook"}

"""The bar of the assessment: every planted finding, no decoy, dollars within 2% of the truth."""

from __future__ import annotations

import json
import re
import shlex
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import outlay
from outlay.detectors.overlap import count_once
from outlay.detectors.registry import all_detectors
from outlay.detectors.run import Detection, detect
from outlay.facts.finding import Finding
from outlay.questions.windows import resolve
from outlay.sample import write_sample


def detected(path: Path, seed: int) -> tuple[Detection, dict[str, Any]]:
    """Findings of a sample month as a user gets them, and its truth."""
    files = write_sample(path / "files", seed=seed)
    with outlay.open(path / "store", config=files.settings) as ledger:
        for file in files.imports:
            assert ledger.import_file(file).rejected == 0
        ask = ledger.ask()
        found = detect(ask, resolve(ask, None, None), ledger.book, ledger.settings.detectors)
    return found, json.loads(files.truth.read_text("utf-8"))


def speaks_of(finding: Finding, subjects: list[str]) -> bool:
    """Whether a finding's subject, evidence or money is one of the subjects."""
    said = {finding.subject, *re.split(r"[\s,]+", finding.subject), *(name for name, _ in finding.evidence)}
    money = {claim.pot.split(":", 1)[1] for claim in finding.claims}
    return bool((said | money) & set(subjects))


#: What commands of the sample month begin with.
TOOLS = ("aws", "kubectl", "outlay", "scancel", "scontrol")


def no_end(finding: Finding) -> str:
    """What is wrong with the command of a finding: no shell takes it, or it is a form to fill in; or that there is
    neither a command nor a change, though it goes on."""
    for line in finding.command.splitlines():
        first, *rest = shlex.split(line)
        if first not in TOOLS or "..." in rest or any(re.fullmatch("[A-Z]{2,}", word) for word in rest):
            return line
    return "" if finding.command or finding.change or not finding.month else "no command and no change"


def check(path: Path, seed: int) -> None:
    found, truth = detected(path, seed)
    assert not found.silent
    wrong = []
    for planted in truth["planted"]:
        mine = [f for f in found.findings if f.code == planted["code"] and speaks_of(f, planted["subjects"])]
        if not mine:
            wrong.append(f"missing: {planted['code']} {planted['subjects'][:3]}")
            continue
        if planted["so_far"] is None:
            continue
        for name in ("so_far", "month"):
            right, got = Decimal(planted[name]), sum((getattr(f, name) for f in mine), Decimal(0))
            if abs(got - right) > right * Decimal("0.02") + Decimal("0.005"):
                wrong.append(f"{planted['code']} {planted['subjects'][0]}: {name} {got:.2f}, not {right:.2f}")
        if planted["owner"] is not None and planted["owner"] not in {f.owner for f in mine}:
            wrong.append(f"{planted['code']} {planted['subjects'][0]}: owner {mine[0].owner}, not {planted['owner']}")
    for decoy in truth["decoys"]:
        wrong += [
            f"decoy: {f.code} {f.subject}: {decoy['why']}" for f in found.findings
            if (not decoy["codes"] or f.code in decoy["codes"]) and speaks_of(f, decoy["subjects"]) and f.claims]
    wrong += [f"{f.id}: {said}" for f in found.findings if (said := no_end(f))]
    assert wrong == []
    counted = count_once(found.findings)
    # Sums of long fractions in another order differ in their last digits.
    assert round(sum((c.month for c in counted), Decimal(0)), 9) <= round(
        sum((f.month for f in found.findings), Decimal(0)), 9)


def test_every_detector_has_something_to_find(tmp_path: Path) -> None:
    files = write_sample(tmp_path, seed=1)
    planted = {entry["code"] for entry in json.loads(files.truth.read_text("utf-8"))["planted"]}
    assert planted == {detector.code for detector in all_detectors()}


def test_the_sample_months_findings(tmp_path: Path) -> None:
    check(tmp_path, 1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3, 4, 5])
def test_the_findings_of_other_seeds(tmp_path: Path, seed: int) -> None:
    check(tmp_path, seed)

"""Runs the official FOCUS validator on an export and fails on every rule that it finds broken, but for known noise.

Runs under the validator's own Python (`make validate-focus`). The validator exits 0 whatever it finds, and it reports a
broken rule again for every rule that builds on it; those follow-ups are not told, unless their cause cannot be seen.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

VERSION = "1.2.0.1"
#: Rules that the validator reports wrongly, and why we hold that they are kept. `docs/focus-export.md` explains each.
NOISE: dict[str, str] = {}


@dataclass(frozen=True)
class Broken:
    """A rule that did not pass. `follows`: only because of another one."""

    rule: str
    message: str
    follows: bool

    @property
    def column(self) -> str:
        return self.rule.split("-")[0]


def validate(export: Path) -> tuple[int, list[Broken]]:
    """How many rules passed, and those that did not."""
    with tempfile.TemporaryDirectory() as folder:
        room = Path(folder)
        # The validator opens this file by a path relative to where it is started.
        codes = Path("focus_validator/rules/currency_codes.csv")
        (room / codes).parent.mkdir(parents=True)
        package = find_spec("focus_validator")
        assert package is not None and package.origin is not None
        shutil.copyfile(Path(package.origin).parents[1] / codes, room / codes)
        report = room / "report.xml"
        arguments = ["--data-file", str(export.resolve()), "--validate-version", VERSION]
        arguments += ["--focus-dataset", "CostAndUsage", "--block-download", "--applicability-criteria", "ALL"]
        arguments += ["--show-violations", "--output-type", "unittest", "--output-destination", str(report)]
        program = [sys.executable, "-c", "from focus_validator.main import main; main()"]
        done = subprocess.run(program + arguments, cwd=room, capture_output=True, text=True, check=False)
        if not report.is_file():
            said = (done.stdout + done.stderr)[-4000:]
            sys.exit(f"the validator gave no report (exit {done.returncode}):\n{said}")
        return read_report(report)


def read_report(report: Path) -> tuple[int, list[Broken]]:
    passed, broken = 0, []
    for case in ET.parse(report).iter("testcase"):
        rule, _, check = str(case.get("name")).partition(" :: ")
        outcome = next(iter(case), None)
        if outcome is None:
            passed += 1
        elif outcome.tag != "skipped":
            message = str(outcome.get("message"))
            broken.append(Broken(rule, message, check.startswith("Composite") or "Upstream dependency" in message))
    return passed, broken


def main(export: Path) -> int:
    passed, broken = validate(export)
    causes = [each for each in broken if not each.follows]
    noise = [each for each in causes if each.rule in NOISE]
    failed = [each for each in causes if each.rule not in NOISE]
    explained = {each.column for each in causes} | {"CostAndUsage"}
    failed += [each for each in broken if each.follows and each.column not in explained]
    for each in noise:
        print(f"noise  {each.rule}: {NOISE[each.rule]}")
    for each in failed:
        print(f"FAILED {each.rule}: {each.message}")
    for rule in sorted(set(NOISE) - {each.rule for each in noise}):
        print(f"FAILED {rule} is listed as noise and did not occur: remove it from {Path(__file__).name}")
    unseen = set(NOISE) - {each.rule for each in noise}
    print(f"FOCUS {VERSION}: {passed} rules passed, {len(failed)} failed, {len(noise)} known as noise")
    return int(bool(failed or unseen or not passed))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

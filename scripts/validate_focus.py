"""Runs the official FOCUS validator on an export and fails on every rule that it finds broken, but for known noise.

    .venv-focus/bin/python scripts/validate_focus.py EXPORT.parquet

Runs under the validator's own Python (`make validate-focus`). The validator exits 0 whatever it finds, and it reports a
broken rule again for every rule that is made of it; those follow-ups are not told. Noise is listed with its reasons in
`focus_noise.toml`. Exit status: 0 nothing but noise, 1 a rule is broken, 2 no verdict.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

VERSION = "1.2.0.1"
NOISE = Path(__file__).with_name("focus_noise.toml")

_RESULT = re.compile(r"^\S+ ([A-Za-z]+-[A-Z]-\d{3}-[A-Z]): (PASS|FAIL|SKIPPED)\b")
_FAILURE = re.compile(r"^- ([A-Za-z]+-[A-Z]-\d{3}-[A-Z]): violations=(\S+); (.*)$")
#: A rule made of others fails because they do; they are reported themselves.
_MADE_OF = re.compile(r"(AND|OR) failed - (all child|failed child) rules(?: failed)?: \[(.*)\]")
_CHILD = re.compile(r"[A-Za-z]+-[A-Z]-\d{3}-[A-Z]|model_rule_reference#\d+")


@dataclass(frozen=True)
class Broken:
    """A rule that did not hold: in how many rows, the validator's message, and examples of the values."""

    rule: str
    rows: str
    message: str
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """How many rules held, and the causes of all that did not."""

    passed: int
    broken: tuple[Broken, ...]


def known_noise() -> list[dict[str, str]]:
    return list(tomllib.loads(NOISE.read_text(encoding="utf-8"))["noise"])


def excuse(broken: Broken, noise: list[dict[str, str]]) -> str | None:
    """Why this is noise, or None."""
    for entry in noise:
        if entry.get("rule") == broken.rule or ("message" in entry and entry["message"] in broken.message):
            return " ".join(entry["reason"].split())
    return None


def run_validator(export: Path) -> str:
    """The validator's console report. Exits with 2 where it gives none."""
    package = find_spec("focus_validator")
    if package is None or package.origin is None:
        print("no verdict: focus-validator is not installed for this Python; run make validate-focus", file=sys.stderr)
        sys.exit(2)
    with tempfile.TemporaryDirectory() as folder:
        # The validator opens this file by a path relative to where it is started.
        codes = Path("focus_validator/rules/currency_codes.csv")
        (Path(folder) / codes).parent.mkdir(parents=True)
        shutil.copyfile(Path(package.origin).parents[1] / codes, Path(folder) / codes)
        arguments = ["--data-file", str(export.resolve()), "--validate-version", VERSION]
        arguments += ["--focus-dataset", "CostAndUsage", "--block-download", "--applicability-criteria", "ALL"]
        program = [sys.executable, "-c", "from focus_validator.main import main; main()"]
        done = subprocess.run(
            [*program, *arguments, "--show-violations"], cwd=folder, capture_output=True, encoding="utf-8", check=False,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        )
    if "=== Validation Results ===" not in done.stdout:
        print(f"no verdict (exit {done.returncode}):\n{(done.stdout + done.stderr)[-4000:]}", file=sys.stderr)
        sys.exit(2)
    return done.stdout


def read_report(report: str) -> Verdict:
    """The verdict of a console report (its lines are in `focus_validator.outputter.outputter_console`)."""
    passed, failed = 0, set()
    causes: list[Broken] = []
    for line in report.splitlines():
        if result := _RESULT.match(line):
            passed += result[2] == "PASS"
            if result[2] == "FAIL":
                failed.add(result[1])
        elif failure := _FAILURE.match(line):
            causes.append(Broken(failure[1], failure[2], failure[3]))
        elif causes and line.startswith("    "):
            last = causes.pop()
            causes.append(Broken(last.rule, last.rows, last.message, (*last.examples, line.strip())))
    if lost := failed - {each.rule for each in causes}:
        causes += [Broken(rule, "?", "failed, with no line of its own") for rule in sorted(lost)]
    return Verdict(passed, tuple(each for each in causes if not _follows(each)))


def _follows(broken: Broken) -> bool:
    made_of = _MADE_OF.search(broken.message)
    return bool(made_of and all(_CHILD.fullmatch(child.strip()) for child in made_of[3].split(",")))


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or not Path(arguments[0]).is_file():
        print(f"usage: {Path(__file__).name} EXPORT.parquet", file=sys.stderr)
        return 2
    verdict = read_report(run_validator(Path(arguments[0])))
    noise = known_noise()
    excused = [(each, reason) for each in verdict.broken if (reason := excuse(each, noise))]
    failed = [each for each in verdict.broken if excuse(each, noise) is None]
    for each, reason in excused:
        print(f"noise  {each.rule} ({each.rows} rows): {reason}")
    for each in failed:
        print(f"FAILED {each.rule} ({each.rows} rows): {each.message}")
        for example in each.examples:
            print(f"         {example}")
    print(f"FOCUS {VERSION}: {verdict.passed} rules passed, {len(failed)} failed, {len(excused)} known as noise")
    return int(bool(failed or not verdict.passed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

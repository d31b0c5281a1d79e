"""The docs cannot drift: what a user can type, set or import stands in them, and the generated pages are current."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml

from outlay.detectors.thresholds import thresholds
from outlay.settings import SETTINGS, parse_settings

ENVIRONMENT = re.compile(r"\bOUTLAY_[A-Z][A-Z0-9_]*\b")


def page(repository: Path, name: str) -> str:
    return (repository / "docs" / name).read_text(encoding="utf-8")


def test_generated_pages_are_current(repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, "scripts/docs.py", "--check"], cwd=repository, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_command_and_option_says_what_it_does() -> None:
    from outlay.cli.main import outlay

    silent = []

    def look(command: click.Command, path: str) -> None:
        if not (command.help or "").strip():
            silent.append(path)
        context = click.Context(command, info_name=path)
        silent.extend(
            f"{path} {parameter.opts[0]}"
            for parameter in command.params
            if isinstance(parameter, click.Option) and not parameter.help and not parameter.hidden
        )
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                child = command.get_command(context, name)
                assert child is not None, f"{path} lists {name} and has none"
                look(child, f"{path} {name}")

    look(outlay, "outlay")
    assert silent == []


def test_every_source_and_detector_explains_itself(repository: Path) -> None:
    from outlay.detectors.registry import all_detectors
    from outlay.sources.registry import all_sources

    assert len(all_sources()) > 5
    assert len(all_detectors()) > 5
    for kind, known in (("sources", all_sources()), ("detectors", all_detectors())):
        text = page(repository, f"{kind}.md")
        for each in known:
            assert len((type(each).__doc__ or "").split()) >= 30, each.code
            assert each.title, each.code
            assert f"## {each.code}\n" in text, each.code


def test_every_threshold_has_a_reason_and_a_detector() -> None:
    from outlay.detectors.registry import all_detectors
    from outlay.detectors.thresholds import defaults

    codes = {each.code for each in all_detectors()}
    assert {each.detector for each in defaults()} <= codes
    assert [each.name for each in defaults() if len(each.why.split()) < 3] == []


def texts(path: Path) -> list[str]:
    """The string literals of a module, docstrings included; names of constants are none."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def test_every_environment_variable_is_documented(repository: Path) -> None:
    read = {
        name
        for path in (repository / "src").rglob("*.py")
        for text in texts(path)
        for name in ENVIRONMENT.findall(text)
    }
    assert {"OUTLAY_STORE", "OUTLAY_CONFIG"} <= read
    read |= {f"OUTLAY_{setting.name.upper()}" for setting in SETTINGS}
    assert read - set(ENVIRONMENT.findall(page(repository, "settings.md"))) == set()


def test_every_setting_has_a_section_with_an_example(repository: Path) -> None:
    sections = re.split(r"^## ", page(repository, "settings.md"), flags=re.MULTILINE)
    by_name = {section.partition("\n")[0]: section for section in sections}
    for setting in SETTINGS:
        assert re.search(rf"^{setting.name}:", by_name.get(setting.name, ""), re.MULTILINE), setting.name


def test_the_examples_of_settings_are_valid(repository: Path, tmp_path: Path) -> None:
    text = page(repository, "settings.md")
    (rates,) = re.findall(r"```csv\n(.*?)```", text, re.DOTALL)
    for name, content in (("rates.csv", rates), ("prices.yaml", ""), ("gateway.yaml", "")):
        (tmp_path / name).write_text(content, encoding="utf-8")
    examples = re.findall(r"<!-- settings -->\n```yaml\n(.*?)```", text, re.DOTALL)
    examples += [f"{setting.name}: {setting.example}" for setting in SETTINGS]
    assert len(examples) > 2 * len(SETTINGS)
    for example in examples:
        found = parse_settings(yaml.safe_load(example), "settings.md", tmp_path)
        for code in found.detectors:
            assert thresholds(code, found.detectors), code


def test_links_between_pages_lead_somewhere(repository: Path) -> None:
    broken = []
    for path in (repository / "README.md", *sorted((repository / "docs").rglob("*.md"))):
        text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        broken += [
            f"{path.relative_to(repository)} -> {target}"
            for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)", text)
            if not re.match(r"[a-z]+:", target) and not (path.parent / target).exists()
        ]
    assert broken == []


@pytest.mark.parametrize(
    "name",
    ["README", "architecture", "cli", "concepts", "detectors", "facts", "performance", "prices", "settings", "sources"],
)
def test_the_pages_that_a_reader_expects(repository: Path, name: str) -> None:
    assert len(page(repository, f"{name}.md").split()) > 60

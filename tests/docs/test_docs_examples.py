"""What the docs show has been typed: examples print what the page shows, and every command line is one that exists."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click
import pytest

from outlay.sources.inputfile import InputFile

#: In a page: `<!-- case: NAME -->` starts over with nothing, `<!-- file: NAME -->` says that the next fence is a file,
#: `<!-- run -->` that it is commands with their output, in which a line `...` stands for any lines.
MARK = re.compile(r"<!-- (case|file|run)(?:: (\S+))? -->(?:\s*```\w*\n(.*?)```)?", re.DOTALL)
FENCE = re.compile(r"```(?:console|sh|bash)?\n(.*?)```", re.DOTALL)


@dataclass
class Case:
    """What one example needs and does, in the order of the page."""

    name: str
    steps: list[tuple[str, str, str]] = field(default_factory=list)


def cases(text: str, page: str) -> Iterator[Case]:
    case = Case(page)
    for kind, name, fence in MARK.findall(text):
        if kind == "case":
            yield case
            case = Case(f"{page}-{name}")
        else:
            case.steps.append((kind, name, fence))
    yield case


def every_case() -> list[Case]:
    folder = Path(__file__).resolve().parents[2]
    pages = [folder / "README.md", *sorted((folder / "docs").glob("*.md"))]
    found = [case for page in pages for case in cases(page.read_text(encoding="utf-8"), page.stem)]
    return [case for case in found if case.steps]


@pytest.mark.parametrize("case", every_case(), ids=lambda case: case.name)
def test_an_example_prints_what_the_page_shows(case: Case, tmp_path: Path) -> None:
    for kind, name, fence in case.steps:
        if kind == "file":
            (tmp_path / name).write_text(fence, encoding="utf-8")
            continue
        for command, shown in commands_and_output(fence):
            printed = run(command, tmp_path)
            assert matches(printed, shown), f"$ {command}\n{printed}\nbut the page shows\n{shown}"


def commands_and_output(fence: str) -> Iterator[tuple[str, str]]:
    for part in re.split(r"^\$ ", fence, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def run(command: str, folder: Path) -> str:
    arguments = shlex.split(command)
    assert arguments[0] == "outlay", command
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OUTLAY_")}
    done = subprocess.run(
        [sys.executable, "-m", "outlay", *arguments[1:]], cwd=folder, capture_output=True, text=True, check=False,
        env={**environment, "OUTLAY_STORE": str(folder / "store")},
    )
    assert done.returncode == 0, f"$ {command}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def matches(printed: str, shown: str) -> bool:
    pattern = "".join(
        r"(?:.*\n)*" if line == "..." else re.escape(line.rstrip()) + r"[ ]*\n" for line in shown.rstrip().split("\n"))
    return re.fullmatch(pattern, printed.rstrip() + "\n") is not None


def typed() -> list[tuple[str, str]]:
    """Every line of a fence that begins with `outlay` or `$ outlay`, up to a pipe, with its page."""
    folder = Path(__file__).resolve().parents[2]
    found = []
    for page in (folder / "README.md", *sorted((folder / "docs").rglob("*.md"))):
        if page.name == "cli.md":
            continue
        for fence in FENCE.findall(page.read_text(encoding="utf-8")):
            for line in fence.replace("\\\n", " ").splitlines():
                line = re.sub(r"^(\S*/bin/|\$ )", "", line.strip())
                if line.startswith("outlay "):
                    found.append((page.name, re.split(r" [|>&;] ?", line)[0]))
    return found


@pytest.mark.parametrize(("page", "line"), typed(), ids=lambda value: str(value)[:60])
def test_a_command_line_of_the_docs_exists(page: str, line: str) -> None:
    from outlay.cli.main import outlay

    words = shlex.split(line.replace(" ...", ""), comments=True)[1:]
    if "..." in words or any(re.fullmatch(r"\[.*|.*\]", word) for word in words):
        pytest.skip("a pattern, not a command line")
    parse(outlay, words)


def parse(command: click.Command, words: list[str]) -> None:
    """Raises `click.UsageError` for commands and options that do not exist; files may be absent."""
    try:
        context = command.make_context(command.name or "", list(words), help_option_names=["-h", "--help"])
    except click.exceptions.Exit:
        return  # --version and --help
    except click.BadParameter as wrong:
        if isinstance(wrong, click.MissingParameter) or "does not exist" not in wrong.format_message():
            raise
        return
    if isinstance(command, click.Group):
        _, child, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        assert child is not None
        parse(child, rest)


def test_the_source_that_the_architecture_shows_reads_its_line(repository: Path, tmp_path: Path) -> None:
    page = (repository / "docs" / "architecture.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"<!-- source -->\n```python\n(.*?)```", page, re.DOTALL)
    (line,) = re.findall(r'`(\{"closed_on".*?\})`', page)
    module: dict[str, object] = {"__name__": "outlay.sources.helpdesk"}
    exec(compile(code, "helpdesk.py", "exec"), module)  # noqa: S102 - the page's own code
    source = module["ClosedTickets"]()  # type: ignore[operator]
    path = tmp_path / "tickets.jsonl"
    path.write_text(line + '\n{"closed_on": "2026-05-05", "tickets": -1}\n', encoding="utf-8")
    file = InputFile(path, path.name)
    assert source.recognises(file)
    output, reject = source.read(file)
    assert (output.kind, output.count, output.tags) == ("tickets_closed", 120, {"team": "support"})
    assert (reject.line, reject.field, reject.reason) == (2, "tickets", "is negative")

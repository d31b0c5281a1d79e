"""Writes the pages of docs/ that say what the code says: facts, sources, detectors, collectors, roles, the
command line.

`python scripts/docs.py` writes them, `--check` tells which differ and exits 1; `make docs` and a test call it.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from outlay.cli.main import outlay
from outlay.detectors.registry import all_detectors
from outlay.detectors.thresholds import defaults
from outlay.facts import KINDS, columns
from outlay.ledger.schema import kind_of
from outlay.sources.base import Source
from outlay.sources.mappedtable import MappedTable
from outlay.sources.registry import all_sources

DOCS = Path(__file__).resolve().parents[1] / "docs"
NOTE = "<!-- Written by scripts/docs.py from the code; change it there, then run `make docs`. -->"
WIDTH = 100
TYPES = {
    "TIMESTAMP": "time", "VARCHAR": "text", "BIGINT": "whole number", "DOUBLE": "number", "BOOLEAN": "true or false",
    "MAP(VARCHAR, VARCHAR)": "texts by name",
}


def sources_page() -> str:
    """Every source, in the order in which a file is shown to them, then its class docstring."""
    sources = all_sources()
    lines = [
        NOTE,
        "",
        "# Sources",
        "",
        "`outlay import FILE...` looks at the content of each file, never at its name, and asks these in order; the",
        "first that knows the format reads it. `--as NAME` overrides, `-` reads standard input.",
        "",
        "| name | reads | gives |",
        "| --- | --- | --- |",
        *(f"| [`{each.code}`](#{each.code}) | {each.title} | {_facts(each)} |" for each in sources),
    ]
    for each in sources:
        lines += ["", f"## {each.code}", "", inspect.getdoc(type(each)) or ""]
    lines += [
        "",
        "## Tables of your own",
        "",
        inspect.getdoc(MappedTable) or "",
        "",
        "Name the mapping in `outlay.yaml` (`mappings: [my-gateway.yaml]`); from then on files with these columns are",
        "recognised, before any other source is asked. The columns of every kind of fact are in [facts](facts.md).",
    ]
    return "\n".join(lines) + "\n"


def facts_page() -> str:
    """Every kind of fact with its columns, as mappings, tables and attribution rules name them."""
    lines = [
        NOTE,
        "",
        "# Facts",
        "",
        "What the ledger keeps, and the columns of each kind. These are the names that a table without a mapping",
        "has, that a mapping maps to, and that attribution rules ask for (`when: {partition: gpu-*}`). Times are UTC.",
        "Columns in bold are required. `tags` holds everything else that a file says; a rule asks for one of them as",
        "`tags.KEY`.",
    ]
    for fact in KINDS:
        kind = kind_of(fact)
        lines += [
            "",
            f"## {fact.__name__}",
            "",
            inspect.getdoc(fact) or "",
            "",
            f"Of two that are the same, the ledger keeps {kind.keeps.value}.",
            "",
            "| column | type | what it is |",
            "| --- | --- | --- |",
        ]
        for one in columns(fact):
            name = f"**`{one.name}`**" if one.required else f"`{one.name}`"
            lines.append(f"| {name} | {TYPES.get(one.sql_type, 'exact decimal')} | {one.doc} |")
    return "\n".join(lines) + "\n"


def _facts(source: Source) -> str:
    return ", ".join(fact.__name__ for fact in source.facts)


def detectors_page() -> str:
    """Every detector with its docstring and its thresholds."""
    detectors = all_detectors()
    lines = [
        NOTE,
        "",
        "# Detectors",
        "",
        "Each finds one kind of waste. `outlay findings list --detector NAME` shows what one found; a threshold is",
        "changed in [`outlay.yaml`](settings.md#detectors) under `detectors:` and the detector's name. What so far, a",
        "month, confidence and overlap mean is said in [concepts](concepts.md#findings). The last column is the number",
        "under which `findings show` names the kind of waste (`serves`).",
        "",
        "| name | finds | capability |",
        "| --- | --- | --- |",
        *(f"| [`{each.code}`](#{each.code}) | {each.title} | {each.capability} |" for each in detectors),
    ]
    for each in detectors:
        lines += ["", f"## {each.code}", "", inspect.getdoc(type(each)) or ""]
        lines += ["", f"**Its source**: {each.missing[:1].lower()}{each.missing[1:].rstrip('.')}."]
        if own := [threshold for threshold in defaults() if threshold.detector == each.code]:
            lines += ["", "| threshold | default | unit | why |", "| --- | ---: | --- | --- |"]
            lines += [f"| `{one.name}` | {one.value:g} | {one.unit} | {one.why} |" for one in own]
    return "\n".join(lines) + "\n"


def cli_page() -> str:
    """The help of every command, as the terminal shows it."""
    lines = [NOTE, "", "# The command line", ""]
    top = click.Context(outlay, info_name="outlay", terminal_width=WIDTH, **outlay.context_settings)
    for path, context in commands(outlay, top):
        lines += [f"## {path}", "", "```", context.get_help(), "```", ""]
    return "\n".join(lines)


def commands(command: click.Command, context: click.Context) -> Iterator[tuple[str, click.Context]]:
    """Every command that is not hidden, with its full name, groups before what is in them."""
    yield context.command_path, context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None and not child.hidden:
                inside = click.Context(child, parent=context, info_name=name)
                yield from commands(child, inside)


def access_page() -> str:
    """The page on access, with the table of roles as the server asks it."""
    from outlay.server.roles import ACTIONS, MAY
    from outlay.state.people import ROLES

    before, _, rest = (DOCS / "access.md").read_text(encoding="utf-8").partition("<!-- roles -->\n")
    _, _, after = rest.partition("<!-- /roles -->\n")
    lines = [
        "<!-- roles -->",
        f"| may | {' | '.join(ROLES)} |",
        f"| --- |{' :-: |' * len(ROLES)}",
        *(f"| {words} | {' | '.join('yes' if action in MAY[role] else '' for role in ROLES)} |"
          for action, words in ACTIONS.items()),
        "<!-- /roles -->",
    ]
    return before + "\n".join(lines) + "\n" + after


def alerts_page() -> str:
    """The page on alerts, with every rule and every notifier as its class says it."""
    from outlay.alerts.notifiers.registry import NOTIFIERS
    from outlay.alerts.rules.registry import RULES

    rules = ["| rule | when |", "| --- | --- |"]
    rules += [f"| [`{each.code}`](#{each.code}) | {each.title} |" for each in RULES]
    for rule in RULES:
        rules += ["", f"### {rule.code}", "", inspect.getdoc(type(rule)) or ""]
    ways = ["| kind | what |", "| --- | --- |"]
    ways += [f"| [`{each.code}`](#{each.code}) | {each.title} |" for each in NOTIFIERS]
    for kind in NOTIFIERS:
        ways += ["", f"### {kind.code}", "", inspect.getdoc(kind) or "", "", "| key | what it is |", "| --- | --- |",
                 *(f"| `{name}` | {what} |" for name, what in kind.keys.items())]
    text = (DOCS / "alerts.md").read_text(encoding="utf-8")
    return _put(_put(text, "rules", rules), "notifiers", ways)


def _put(text: str, name: str, lines: list[str]) -> str:
    """The text with the lines between the marks of this name."""
    before, _, rest = text.partition(f"<!-- {name} -->\n")
    _, _, after = rest.partition(f"<!-- /{name} -->\n")
    return "\n".join([f"{before}<!-- {name} -->", *lines, f"<!-- /{name} -->", after])


def collectors_page() -> str:
    """Every collector with its docstring."""
    from outlay.collectors.registry import KINDS as COLLECTORS

    lines = [
        NOTE,
        "",
        "# Collectors",
        "",
        "`outlay up` asks these again and again; they stand in [`outlay.yaml`](settings.md#collectors) under",
        "`collectors:`, each with its `kind` and a `name` of its own. The name is how Outlay remembers how far it has",
        "read: keep it. What a collector gives is kept together with its place in the source, so that after a stop or",
        "a kill it goes on where it was, and what it gives twice counts once. A source that cannot be reached is asked",
        "again after a second, then later and later up to five minutes; `outlay status` and the page Sources say so.",
        "Secrets are named, never written into the settings: `{env: NAME}` or `{file: path}`.",
        "",
        "| kind | reads |",
        "| --- | --- |",
        *(f"| [`{each.code}`](#{each.code}) | {each.title} |" for each in COLLECTORS),
    ]
    for each in COLLECTORS:
        lines += ["", f"## {each.code}", "", inspect.getdoc(each) or ""]
    return "\n".join(lines) + "\n"


def metrics_page() -> str:
    """Every metric of /metrics."""
    from outlay.server.metrics import METRICS

    lines = [
        NOTE,
        "",
        "# Metrics",
        "",
        "`outlay up` shows its own figures at `/metrics`, for Prometheus:",
        "",
        "```yaml",
        "scrape_configs:",
        "  - job_name: outlay",
        "    authorization: {credentials_file: /etc/prometheus/outlay-token}   # outlay tokens create prometheus",
        "    static_configs: [{targets: ['127.0.0.1:7717']}]",
        "```",
        "",
        "`ops/prometheus/outlay-rules.yaml` has alert rules on them, `ops/grafana/outlay.json` a dashboard. Figures of",
        "teams, models and runs are asked from the [JSON API](live.md#asking-while-it-runs): labels with as many",
        "values as there are runs would burden Prometheus.",
        "",
        "| metric | kind | what it says |",
        "| --- | --- | --- |",
        *(f"| `{name}` | {kind} | {text} |" for name, kind, text in METRICS),
    ]
    return "\n".join(lines) + "\n"


PAGES = {"facts.md": facts_page, "sources.md": sources_page, "detectors.md": detectors_page, "cli.md": cli_page,
         "access.md": access_page, "collectors.md": collectors_page, "metrics.md": metrics_page,
         "alerts.md": alerts_page}


def run(check: bool) -> int:
    stale = []
    for name, page in PAGES.items():
        path, text = DOCS / name, page()
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not check:
            DOCS.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if stale:
        print(f"{'differ from the code; run `make docs`' if check else 'written'}: {', '.join(stale)}")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(run(check="--check" in sys.argv[1:]))

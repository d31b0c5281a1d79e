"""Findings in a terminal: a list with one line each, and one finding with its evidence and its action."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from outlay.accounting.assessment import Counted
from outlay.accounting.digest import freed
from outlay.accounting.figures import period, printable
from outlay.accounting.money import dollars, places
from outlay.cli.render_table import PLAIN, UNKNOWN, WASTE, cells, one_line, pad, painted, table_text, wrap
from outlay.facts.finding import Confidence, Finding

#: Commands of one finding that an assessment shows; `outlay findings show` has all.
COMMANDS = 2


def findings_text(
    findings: Sequence[Counted], currency: str = "USD", width: int | None = 80, colour: bool = False
) -> str:
    """Dearest first, two lines each: dollars a month and what was found; id, owner, confidence and dollars so far.

    With `width` None (a pipe) one line each, as columns.
    """
    if not findings:
        return "No findings."
    ordered = sorted(findings, key=lambda each: (-each.finding.month, each.finding.id))
    if width is None:
        return _one_line_each(ordered, currency)
    precision = places(each.finding.month for each in ordered)
    amounts = [dollars(each.finding.month, currency, precision) for each in ordered]
    size = max(7, *map(cells, amounts))
    lines = [f"  {pad('A MONTH', size, right=True)}  FINDING"]
    for each, amount in zip(ordered, amounts, strict=True):
        title, *more = wrap(each.finding.title, width - size - 4) or [""]
        lines.append(f"{mark(each)} {pad(amount, size, right=True)}  {title}")
        said = [each.finding.id, each.finding.owner or "owner unknown", str(each.finding.confidence)]
        said += [each.state] if each.state != "open" else []
        said.append(f"{dollars(each.finding.so_far, currency)} so far")
        said += ["reserved"] if each.finding.freed_month else []
        lines += [" " * (size + 4) + line for line in [*more, *wrap(", ".join(said), width - size - 4)]]
    return painted("\n".join(lines), colour)


def _one_line_each(ordered: Sequence[Counted], currency: str) -> str:
    month = places(each.finding.month for each in ordered)
    so_far = places(each.finding.so_far for each in ordered)
    rows = [
        (
            mark(each),
            dollars(each.finding.month, currency, month),
            dollars(each.finding.so_far, currency, so_far),
            each.finding.owner or "?",
            each.finding.confidence,
            each.state,
            each.finding.id,
            each.finding.title.removesuffix(".") + (" (reserved)" if each.finding.freed_month else ""),
        )
        for each in ordered
    ]
    heads = ("", "a month", "so far", "owner", "sure", "state", "id", "finding")
    return table_text(heads, rows, right={1, 2})


def mark(counted: Counted) -> str:
    """`!` for waste, `?` where the evidence is incomplete, neither where no dollars are claimed, or people decided that
    it is no waste."""
    if counted.state == "ignored" or not (counted.finding.so_far or counted.finding.month):
        return PLAIN
    return UNKNOWN if counted.finding.confidence is Confidence.LOW else WASTE


def finding_text(counted: Counted, currency: str = "USD", width: int = 80, colour: bool = False) -> str:
    """All that is known of one finding, as `outlay findings show` says it."""
    finding = counted.finding
    facts = [
        ("id", finding.id),
        ("owner", _who(finding)),
        ("a month", dollars(finding.month, currency)),
        ("so far", f"{dollars(finding.so_far, currency)}, {period(finding.period)}"),
        ("sure", _sureness(finding)),
        ("state", counted.state),
        ("serves", finding.capability),
        ("subject", finding.subject),
    ]
    if words := freed(finding, currency):
        facts.insert(3, ("of it", words))
    if counted.month != finding.month:
        overlap = dollars(finding.month - counted.month, currency)
        facts.insert(3, ("overlap", f"{overlap} a month is claimed by other findings too; counted once"))
    lines = [*wrap(f"{mark(counted)} {finding.title}", width), ""]
    lines += _pairs(facts, width)
    if finding.evidence:
        lines += ["", "EVIDENCE", *_pairs(finding.evidence, width)]
    lines += ["", "ACTION", *wrap(finding.action, width, "  ")]
    lines += [f"  $ {line}" for line in command_lines(finding)]
    lines += _change(finding, width, "  ")
    return painted("\n".join(lines), colour)


def brief(counted: Counted, amount: str, currency: str, width: int) -> Iterator[str]:
    """One finding in an assessment: `amount` and what, then who, then the action and its first commands, never cut."""
    finding = counted.finding
    lead = cells(amount) + 4
    title, *more = wrap(finding.title, width - lead) or [""]
    yield f"{mark(counted)} {amount}  {title}"
    yield from (" " * lead + line for line in more)
    sure = f"{finding.confidence} confidence"
    if counted.state != "open":
        sure += f", {counted.state}"
    said = [_who(finding), sure, f"{dollars(finding.so_far, currency)} so far", freed(finding, currency)]
    yield from wrap("; ".join(filter(None, said)), width, "    ")
    yield from wrap(finding.action, width, "    ")
    commands = command_lines(finding)
    yield from (f"    $ {line}" for line in commands[:COMMANDS])
    if len(commands) > COMMANDS:
        yield from wrap(f"{len(commands) - COMMANDS:,} more such commands: outlay findings show {finding.id}", width,
                        "    ")
    yield from _change(finding, width, "    ")


def command_lines(finding: Finding) -> list[str]:
    """The command as it must be typed: line by line, and never broken."""
    return [printable(line) for line in finding.command.splitlines() if line.strip()]


def _change(finding: Finding, width: int, indent: str) -> Iterator[str]:
    """What to set where, which is no command; further lines of it are literal."""
    first, *more = finding.change.splitlines() or [""]
    if first:
        yield from wrap(f"Change: {first}", width, indent)
    yield from (f"{indent}  {printable(line)}" for line in more)


def _who(finding: Finding) -> str:
    owner = finding.owner or "owner unknown"
    return f"{owner}, {finding.team}" if finding.team else owner


def _sureness(finding: Finding) -> str:
    said = {
        Confidence.HIGH: "high: measured, no judgement needed",
        Confidence.MEDIUM: "medium: measured, one assumption",
        Confidence.LOW: "low: evidence incomplete",
    }[finding.confidence]
    return f"{said}; assumed: {finding.assumption}" if finding.assumption else said


def _pairs(facts: Sequence[tuple[str, str]], width: int) -> Iterator[str]:
    """Names and values in two columns, long values under their beginning."""
    lead = min(max(cells(name) for name, _ in facts), 24)
    for name, value in facts:
        first, *more = wrap(value, width - lead - 4) or [""]
        yield f"  {pad(one_line(name), lead)}  {first}".rstrip()
        yield from (" " * (lead + 4) + line for line in more)

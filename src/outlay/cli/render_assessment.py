"""The assessment in a terminal: the report's order, shorter; 80 wide, and read without colour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from outlay.accounting import digest
from outlay.accounting.assessment import Assessment, Breakdown, Line, TrendDay
from outlay.accounting.figures import day, duration, hours, moment, percent, period, plural, quantity, signed_percent
from outlay.accounting.money import change, dollars, places
from outlay.cli.render_findings import brief
from outlay.cli.render_table import PLAIN, UNKNOWN, WASTE, cells, cut, one_line, pad, painted, wrap

#: Lines of a breakdown and findings that a screen still holds; the HTML report and `outlay findings list` have all.
LINES = 5
FINDINGS = 8

Row = tuple[str, ...]


def assessment_text(assessment: Assessment, width: int = 80, colour: bool = False) -> str:
    """All sections, ends without a line break. Only commands are never broken and may run past `width`."""
    sections = (
        _answer(assessment, width),
        _trend(assessment, width),
        _outputs(assessment, width),
        _top(assessment, width),
        *(_breakdown(each, assessment, width) for each in assessment.breakdowns),
        _gpu(assessment, width),
        _untagged(assessment, width),
        _questions(assessment, width),
        _findings(assessment, width),
        _unjudged(assessment, width),
        _method(assessment, width),
    )
    text = "\n\n".join("\n".join(lines) for section in sections if (lines := list(section)))
    return painted(text, colour)


def _columns(head: Row, rows: Sequence[Row], width: int, *, right: set[int]) -> Iterator[str]:
    """A section as a table: its heading is the first column's; the second field of each row is its label.

    Every row begins with its mark. The label takes what the other columns leave.
    """
    rows = [tuple(map(one_line, row)) for row in rows]
    sizes = [max(cells(row[column]) for row in [head, *rows]) for column in range(1, len(head))]
    last = len(sizes) - 1
    if last not in right:
        amounts = sum(sizes[1:last]) + 2 * (len(sizes) - 1)
        sizes[last] = min(sizes[last], max(28, width - 2 - max(sizes[0], 24) - amounts))
    others = sum(sizes[1:]) + 2 * (len(sizes) - 1)
    # The heading is whole where the last column, which is of words, can spare what it needs.
    short = cells(head[1]) - 2 - (width - 2 - others)
    if short > 0 and last not in right and sizes[last] - short >= 8:
        sizes[last] -= short
        others -= short
    sizes[0] = max(min(max(sizes[0], 24), width - 2 - others), 8)
    for number, row in enumerate([head, *rows]):
        indented = "" if number == 0 else f"{row[0]} "
        first = pad(row[1], sizes[0] + (2 if number == 0 else 0))
        rest = (
            pad(cell, size, right=at in right)
            for at, (cell, size) in enumerate(zip(row[2:], sizes[1:], strict=True), 1)
        )
        yield "  ".join([indented + first, *rest]).rstrip()


def _answer(a: Assessment, width: int) -> Iterator[str]:
    whose = f"AI spend of {one_line(a.organisation)}" if a.organisation else "AI spend"
    title = f"{whose}, {period(a.window)} (UTC), facts up to {moment(a.as_of)}"
    yield pad(cut(title, width - 13), width - 13) + "  sample data" if a.sample else cut(title, width)
    yield ""
    yield from wrap(a.headline, width)
    yield ""
    before = f"the {duration(a.window.hours)} before"
    spent = f"nothing to compare, {before} are not in the ledger"
    if a.previous is not None:
        spent = f"{change(a.spent - a.previous, a.currency)} on {before}"
    if digest.all_estimated(a):
        spent += "; all of it estimated"
    elif a.estimated:
        spent += f"; ~{dollars(a.estimated, a.currency)} estimated"
    saves = f"a month, {plural(len(digest.ranked(a.findings).live), 'finding')}"
    if a.month_rate:
        saves += f"; {percent(float(a.cash_month / a.month_rate))} of the present rate"
    over = a.wasted_share >= digest.WASTED_GOAL
    wasted = f"{percent(a.wasted_share)} of spend; the goal is under {digest.WASTED_GOAL:.0%}"
    rate = f"a month; {change(a.month_rate - digest.window_rate(a), a.currency)} on the whole window's rate"
    figures = [
        (PLAIN, "spent", a.spent, spent),
        (WASTE if over else PLAIN, "bought nothing", a.wasted, wasted),
        (PLAIN, "acting saves", a.cash_month, saves),
        *([(PLAIN, "acting frees", a.freed_month, "a month of reserved capacity, paid for either way")]
          if a.freed_month else []),
        (PLAIN, "last 7 days' rate", a.month_rate, rate),
    ]
    amounts = [dollars(amount, a.currency) for _, _, amount, _ in figures]
    size = max(map(cells, amounts))
    for (mark, name, _, words), amount in zip(figures, amounts, strict=True):
        yield from _hanging(f"{mark} {pad(name, 17)}  {pad(amount, size, right=True)}  ", words, width)
    if left_out := digest.left_out(a):
        yield from _hanging(f"{UNKNOWN} {pad('left out', 17)}  {' ' * size}  ", "; ".join(left_out), width)


def _hanging(lead: str, words: str, width: int) -> Iterator[str]:
    first, *more = wrap(words, width - cells(lead)) or [""]
    yield (lead + first).rstrip()
    yield from (" " * cells(lead) + line for line in more)


def _trend(a: Assessment, width: int) -> Iterator[str]:
    """Days in at most six stretches of whole weeks or more: a day each has the report's chart and table."""
    if not a.trend:
        return
    size = next(size for size in (1, 7, 14, 28, 91, 10_000) if len(a.trend) <= 6 * size or size == 10_000)
    stretches = [a.trend[at : at + size] for at in range(0, len(a.trend), size)]
    spent = [sum((each.cost for each in stretch), Decimal(0)) for stretch in stretches]
    wasted = [sum((each.wasted for each in stretch), Decimal(0)) for stretch in stretches]
    precision = places(spent)
    rows = [
        (
            PLAIN,
            _dates(stretch),
            dollars(cost, a.currency, precision),
            dollars(lost, a.currency, precision),
            percent(float(lost / cost)) if cost else "\N{EN DASH}",
        )
        for stretch, cost, lost in zip(stretches, spent, wasted, strict=True)
    ]
    yield from _columns(("", "SPEND AND TREND", "SPENT", "BOUGHT NOTHING", "SHARE"), rows, width, right={1, 2, 3})


def _dates(stretch: Sequence[TrendDay]) -> str:
    first, last = stretch[0].day, stretch[-1].day
    return day(first) if first == last else f"{day(first)} to {day(last)}"


def _outputs(a: Assessment, width: int) -> Iterator[str]:
    if not a.outputs:
        yield "COST PER VALUABLE OUTPUT"
        yield from wrap("No outputs were counted. A table of time, kind and count tells worth from cost:", width, "  ")
        yield "  outlay import outputs.csv"
        return
    precision = places(each.cost for each in a.outputs)
    rows = [
        (
            UNKNOWN if each.unit_cost is None else PLAIN,
            each.kind,
            "?" if each.unit_cost is None else dollars(each.unit_cost, a.currency),
            quantity(each.count),
            dollars(each.cost, a.currency, precision),
            each.scope,
        )
        for each in a.outputs
    ]
    yield from _columns(("", "COST PER VALUABLE OUTPUT", "OF ONE", "COUNTED", "COST", ""), rows, width, right={1, 2, 3})


def _cost_rows(lines: Sequence[Line], a: Assessment, precision: int | None) -> Iterator[Row]:
    mixed = not digest.all_estimated(a)
    for line in lines:
        amount = dollars(line.cost, a.currency, precision)
        yield PLAIN, line.label, f"~{amount}" if line.estimated and mixed else amount, percent(line.share), line.detail


def _top(a: Assessment, width: int) -> Iterator[str]:
    if not a.top:
        return
    rest = digest.top_rest(a)
    lines = [*a.top, *([rest] if rest else [])]
    rows = list(_cost_rows(lines, a, places(line.cost for line in lines)))
    yield from _columns(("", "LARGEST COST LINES", "AMOUNT", "SHARE", ""), rows, width, right={1, 2})


def _breakdown(breakdown: Breakdown, a: Assessment, width: int) -> Iterator[str]:
    """The first lines; what they leave is one line more, so that the table still adds up."""
    shown = list(breakdown.lines[:LINES])
    left = breakdown.total - sum((line.cost for line in shown), Decimal(0))
    if breakdown.lines[LINES:] and breakdown.rest is not None:
        label = "the rest"
    elif breakdown.lines[LINES:]:
        label = f"{len(breakdown.lines) - LINES} more"
    else:
        label = breakdown.rest.label if breakdown.rest is not None else ""
    if label and left:
        shown.append(Line(label, left, float(left / breakdown.total) if breakdown.total else 0.0))
    rows = list(_cost_rows(shown, a, places(line.cost for line in shown)))
    if rows:
        head = ("", f"BY {breakdown.dimension.upper()}", "AMOUNT", "SHARE", "")
        yield from _columns(head, rows, width, right={1, 2})


def _gpu(a: Assessment, width: int) -> Iterator[str]:
    if a.gpu is None:
        yield "GPU-HOURS"
        yield "? No accelerator was measured: outlay import dcgm.json"
        return
    parts = digest.gpu_parts(a.gpu)
    total = sum((part.cost for part in parts), Decimal(0))
    precision = places(part.cost for part in parts)
    marks = {"idle": WASTE, "unknown": UNKNOWN}
    rows = [
        (
            marks.get(part.part, PLAIN) if part.gpu_hours else PLAIN,
            digest.GPU_PARTS[part.part].lower(),
            hours(part.gpu_hours),
            dollars(part.cost, a.currency, precision),
            percent(float(part.cost / total)) if total else "\N{EN DASH}",
        )
        for part in parts
    ]
    yield from _columns(("", "GPU-HOURS", "HOURS", "COST", "SHARE"), rows, width, right={1, 2, 3})
    goal = f"the goal is over {digest.UTILISATION_GOAL:.0%}"
    if a.gpu.utilisation is None:
        yield "? use of allocated GPU-hours is unknown: nothing was read"
    else:
        low = WASTE if a.gpu.utilisation < digest.UTILISATION_GOAL else PLAIN
        said = f"use of allocated, measured GPU-hours: {percent(a.gpu.utilisation)}; {goal}"
        yield from _hanging(f"{low} ", said, width)


def _untagged(a: Assessment, width: int) -> Iterator[str]:
    share, goal = percent(a.untagged.share), f"{digest.UNTAGGED_GOAL:.0%}"
    suggested = a.untagged.suggestions[:LINES]
    precision = places(each.cost for each in suggested)
    rows = [(PLAIN, each.subject, dollars(each.cost, a.currency, precision), each.suggested) for each in suggested]
    if rows:
        yield from _columns(("", "UNTAGGED", "AMOUNT", "SUGGESTED OWNER"), rows, width, right={1})
    else:
        yield "UNTAGGED"
    mark = WASTE if a.untagged.share >= digest.UNTAGGED_GOAL else PLAIN
    said = f"{dollars(a.untagged.cost, a.currency)}, {share} of spend, has no team; the goal is under {goal}"
    yield from _hanging(f"{mark} ", said, width)


def _questions(a: Assessment, width: int) -> Iterator[str]:
    if not a.questions:
        return
    yield "QUICK WINS"
    marks = {True: PLAIN, False: WASTE, None: UNKNOWN}
    size = min(max(cells(each.question) for each in a.questions), width // 2)
    for each in a.questions:
        lead = f"{marks[each.good]} {pad(one_line(each.question), size)}  "
        yield from _hanging(lead, f"{each.answer}; {each.figure}" if each.figure else each.answer, width)


def _findings(a: Assessment, width: int) -> Iterator[str]:
    findings = digest.ranked(a.findings)
    yield "FINDINGS"
    if not findings.live:
        yield "  No findings."
        return
    precision = places(each.finding.month for each in findings.live)
    amounts = [f"{dollars(each.finding.month, a.currency, precision)} a month" for each in findings.live[:FINDINGS]]
    size = max(map(cells, amounts))
    for each, amount in zip(findings.live, amounts, strict=False):
        yield from brief(each, pad(amount, size, right=True), a.currency, width)
    more = len(findings.live) - FINDINGS
    if more > 0:
        left = sum((each.finding.month for each in findings.live[FINDINGS:]), Decimal(0))
        yield f"  {plural(more, 'more finding')}, {dollars(left, a.currency, precision)} a month: outlay findings list"
    if a.overlap_month:
        yield f"  {change(-a.overlap_month, a.currency, precision)} a month is claimed twice and counted once"
    freed = dollars(a.freed_month, a.currency, precision)
    reserved = f", {freed} of it reserved capacity" if a.freed_month else ""
    yield f"  {dollars(a.saving_month, a.currency, precision)} a month in all{reserved}"


def _unjudged(a: Assessment, width: int) -> Iterator[str]:
    yield "WHAT COULD NOT BE JUDGED"
    if not digest.left_out(a):
        yield "  Nothing is known to be missing."
        return
    for gap in a.gaps:
        touched = "" if gap.cost is None else f" ({dollars(gap.cost, a.currency)} of spend)"
        yield from _hanging("? ", f"{gap.gap}{touched}", width)
        yield from wrap(gap.settle.replace("`", ""), width, "    ")
    for line in a.unpriced:
        yield from _hanging("? ", f"{line.label}: no known price, {line.detail}: outlay prices check", width)
    for currency, amount in sorted(a.other_currencies.items()):
        written = dollars(amount, "" if currency == "unknown" else currency, 2).strip()
        named = " of a currency that the bill does not name" if currency == "unknown" else ""
        yield from _hanging("? ", f"{written}{named}: not converted, in no sum", width)
    if a.rejected:
        yield f"? {plural(a.rejected, 'row')} could not be read: outlay imports show"


def _method(a: Assessment, width: int) -> Iterator[str]:
    yield "HOW IT WAS COUNTED"
    basis = digest.BASIS.get(a.cost_basis, "")
    said = [f"{a.window.since:%Y-%m-%d %H:%M} to {a.window.until:%Y-%m-%d %H:%M} UTC; {a.cost_basis} cost: {basis}"]
    if a.drift.billed:
        drift = signed_percent(float((a.drift.metered - a.drift.billed) / a.drift.billed))
        billed, metered = dollars(a.drift.billed), dollars(a.drift.metered)
        said.append(f"billed {billed}, metered {metered} of the same things: {drift}; the bill counts")
    if a.drift.unmetered:
        said.append(f"{dollars(a.drift.unmetered)} is billed without a matching call")
    said += [a.converted] if a.converted else []
    if a.sources:
        said.append(f"sources: {', '.join(a.sources)}")
    for words in said:
        yield from wrap(words, width, "  ")

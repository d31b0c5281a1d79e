"""The audit of prompts as a person reads it and as a program does."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from decimal import Decimal

from outlay.accounting.money import dollars
from outlay.tokens.audit import LONG_PROMPT_TOKENS, Cost, PromptAudit, PromptFile
from outlay.tokens.promptfile import Unread
from outlay.tokens.repeats import Repeat

SCHEMA = "outlay.prompts-audit/1"
#: Lines of a list in the text; `--json` has all of them.
_SHOWN = 10
_NAME_WIDTH = 34


def audit_text(audit: PromptAudit) -> str:
    """Aligned plain text. `!`: over 500 tokens, `~`: estimate, `?`: unknown."""
    return "\n".join(_sections(audit)) + "\n"


def _sections(audit: PromptAudit) -> Iterator[str]:
    yield from _headline(audit)
    if audit.prompts:
        yield ""
        yield from _table(audit)
    if audit.same:
        yield ""
        yield "Same text in several files"
        yield from _list([", ".join(group) for group in audit.same])
    if audit.repeats:
        yield ""
        yield "Said more than once, white space and case apart (tokens of one occurrence)"
        yield from _list([_repeat(each) for each in audit.repeats])
    for title, unread in (("Could not be read", audit.rejected), ("Left out", audit.skipped)):
        if unread:
            yield ""
            yield title
            yield from _list([f"{each.file}: {each.reason}" for each in unread])
    yield ""
    yield from _notes(audit)


def _headline(audit: PromptAudit) -> Iterator[str]:
    if not audit.prompts:
        yield "No prompt files were found."
        return
    mark = "" if audit.exact else "~"
    hold = "1 prompt holds" if len(audit.prompts) == 1 else f"{len(audit.prompts)} prompts hold"
    long = "is" if audit.long == 1 else "are"
    yield f"{hold} {mark}{audit.tokens:,} tokens; {audit.long} {long} over {LONG_PROMPT_TOKENS}."
    month, over = audit.cost.month, audit.over_cost.month
    if audit.calls_per_day is not None and month is not None and over is not None:
        yield from _wrapped(
            f"At {audit.calls_per_day:,} calls a day each, {audit.model} reads them for {mark}{dollars(month)} a month;"
            f" {mark}{dollars(over)} of that is what exceeds {LONG_PROMPT_TOKENS} tokens."
        )


def _table(audit: PromptAudit) -> Iterator[str]:
    span = "call" if audit.calls_per_day is None else "month"
    head = ("  prompt", "tokens", "over", "twice", "$/1k calls" if span == "call" else "$/month", "cached")
    money = _money_format(audit, span)
    rows = [
        (
            f"{'!' if each.over else ' '} {_short(each.file)}",
            f"{each.tokens:,}",
            f"{each.over:,}" if each.over else "-",
            f"{each.repeated:,}" if each.repeated else "-",
            money(each.cost),
            money(each.cached),
        )
        for each in audit.prompts
    ]
    sums = (f"{audit.tokens:,}", f"{audit.over:,}", f"{audit.repeated:,}")
    rows.append(("  total", *sums, money(audit.cost), money(audit.cached)))
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for name, *cells in (head, *rows):
        numbers = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        yield "  ".join((name.ljust(widths[0]), *numbers))


def _money_format(audit: PromptAudit, span: str) -> Callable[[Cost], str]:
    """One precision for the whole column: whole dollars where the total has three digits, else cents or finer."""

    def amount(cost: Cost) -> Decimal | None:
        return cost.month if span == "month" else None if cost.call is None else cost.call * 1000

    total = amount(audit.cost) or Decimal(0)
    digits = 0 if total >= 100 else 2 if total >= 1 else 4

    def shown(cost: Cost) -> str:
        figure = amount(cost)
        return "?" if figure is None else f"{figure:,.{digits}f}"

    return shown


def _short(file: str) -> str:
    """Both ends of a long name: files of one folder often share the beginning, and those of several the end."""
    if len(file) <= _NAME_WIDTH:
        return file
    head = _NAME_WIDTH // 2 - 2
    return f"{file[:head]}...{file[head + 3 - _NAME_WIDTH :]}"


def _repeat(repeat: Repeat) -> str:
    places = [f"{place.file}:{place.line}" for place in repeat.places[:3]]
    more = f" and {len(repeat.places) - 3} more" if len(repeat.places) > 3 else ""
    return f"{repeat.tokens:,} tokens, {len(repeat.places)} times: {', '.join(places)}{more}"


def _list(lines: list[str]) -> Iterator[str]:
    for line in lines[:_SHOWN]:
        yield from _wrapped(line, "  ", "    ")
    if len(lines) > _SHOWN:
        yield f"  and {len(lines) - _SHOWN:,} more; --json lists all"


def _wrapped(text: str, first: str = "", further: str = "") -> list[str]:
    return textwrap.wrap(
        text, 80, initial_indent=first, subsequent_indent=further, break_long_words=False, break_on_hyphens=False
    )


def _notes(audit: PromptAudit) -> Iterator[str]:
    if audit.exact:
        yield f"Tokens: {audit.tokenizer}, the encoding of {audit.model}; exact."
    else:
        yield from _wrapped(
            f"Tokens and dollars are estimates (~): counted with {audit.tokenizer}, as no tokenizer of {audit.model} "
            "is known here."
        )
    if audit.input_price is None:
        yield f"? No price is known for {audit.model}, so no dollars are shown."
    else:
        cached = audit.cached_price
        cached_text = (
            "no price for cached input is known."
            if cached is None
            else f"{_per_million(cached)} where the provider reads it from its cache, which most do only for inputs "
            "above a least length (often 1,024 tokens)."
        )
        yield from _wrapped(f"Price: {_per_million(audit.input_price)}; {cached_text}")
    if any(each.placeholders for each in audit.prompts):
        yield "Template placeholders are counted as they stand, not as what will fill them."
    if audit.calls_per_day is None and audit.input_price is not None:
        yield "Dollars are for 1,000 calls of each; --calls-per-day gives a month."


def _per_million(price: Decimal) -> str:
    return f"{dollars(price * 1_000_000)} / M tokens"


def audit_json(audit: PromptAudit) -> dict[str, object]:
    """The answer of `--json`. Money is exact text, null where unknown; `window` is null, files have none."""
    return {
        "schema": SCHEMA,
        "as_of": audit.as_of.isoformat() + "Z",
        "window": None,
        "currency": "USD",
        "cost": "list",
        "model": audit.model,
        "provider": audit.provider,
        "tokenizer": audit.tokenizer,
        "exact": audit.exact,
        "calls_per_day": audit.calls_per_day,
        "input_price": _text(audit.input_price),
        "cached_price": _text(audit.cached_price),
        "rows": [_prompt_json(each) for each in audit.prompts],
        "same": [list(group) for group in audit.same],
        "repeats": [_repeat_json(each) for each in audit.repeats],
        "totals": {
            "prompts": len(audit.prompts),
            "tokens": audit.tokens,
            "long": audit.long,
            "over": audit.over,
            "repeated": audit.repeated,
            **_costs_json(audit.cost, audit.cached, audit.over_cost),
        },
        "unknown": [] if audit.input_price is not None else [{"what": "price", "model": audit.model}],
        "skipped": [_unread_json(each) for each in audit.skipped],
        "rejected": [_unread_json(each) for each in audit.rejected],
    }


def _prompt_json(prompt: PromptFile) -> dict[str, object]:
    return {
        "file": prompt.file,
        "encoding": prompt.encoding,
        "tokens": prompt.tokens,
        "placeholders": prompt.placeholders,
        "over": prompt.over,
        "repeated": prompt.repeated,
        "same_as": prompt.same_as,
        **_costs_json(prompt.cost, prompt.cached, prompt.over_cost),
    }


def _costs_json(cost: Cost, cached: Cost, over: Cost) -> dict[str, str | None]:
    return {
        f"{name}_{span}": _text(getattr(each, span))
        for name, each in (("cost", cost), ("cached", cached), ("over_cost", over))
        for span in ("call", "day", "month")
    }


def _repeat_json(repeat: Repeat) -> dict[str, object]:
    places = [{"file": each.file, "line": each.line, "lines": each.lines} for each in repeat.places]
    return {"kind": repeat.kind, "tokens": repeat.tokens, "spare": repeat.spare, "places": places}


def _unread_json(unread: Unread) -> dict[str, str]:
    return {"file": unread.file, "reason": unread.reason}


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else format(amount, "f")

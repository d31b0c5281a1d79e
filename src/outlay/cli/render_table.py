"""Text for a terminal: aligned columns without boxes, 80 wide, legible without colour and when piped.

A line that begins with `!` is waste, with `?` unknown; `~` before an amount is an estimate.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain

from outlay.accounting.figures import printable

WASTE, UNKNOWN, PLAIN = "!", "?", " "
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"

Cell = str | int | None

#: What a cell of a number column looks like: an amount, a count, a share or a stand-in for one of these.
_NUMBER = re.compile(
    r"[~<+\N{MINUS SIGN}-]*([A-Z]{3} )?[+\N{MINUS SIGN}-]?\$?[\d,]+(\.\d+)?[%KMB]?|\?|\N{EN DASH}|unknown|"
)


def cells(text: str) -> int:
    """Terminal cells that `text` takes: two for wide characters of East Asia, none for combining marks."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)


def one_line(text: str) -> str:
    """Text of a user's file as one cell may show it: no control characters, no line breaks."""
    return printable(text.replace("\n", " "))


def cut(text: str, width: int) -> str:
    """`text` in at most `width` cells, its end replaced by an ellipsis where it is longer."""
    if cells(text) <= width:
        return text
    while text and cells(text) > width - 1:
        text = text[:-1]
    return text + ELLIPSIS if width > 0 else ""


def wrap(text: str, width: int, indent: str = "") -> list[str]:
    """`text` broken between words into lines of at most `width` cells; a word longer than a line is broken too."""
    room = max(width - cells(indent), 8)
    lines: list[str] = []
    line = ""
    for word in chain.from_iterable(_pieces(each, room) for each in printable(text).split()):
        if line and cells(line) + 1 + cells(word) > room:
            lines.append(indent + line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, indent + line] if line else lines


def _pieces(word: str, room: int) -> Iterator[str]:
    while cells(word) > room:
        fits = next(length for length in range(room, 0, -1) if cells(word[:length]) <= room)
        yield word[:fits]
        word = word[fits:]
    yield word


def table_text(
    headers: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    foot: Sequence[Cell] | None = None,
    right: Collection[int] | None = None,
    width: int | None = None,
    indent: str = "",
) -> str:
    """Columns two spaces apart under upper-case headers; ends without a line break.

    Columns of numbers are right-aligned: those of `right`, or where it is None those that hold nothing but numbers.
    Whole numbers get separators; None is `?`, unknown. A `foot` row, such as the total, comes last.
    With `width` (a terminal's; leave it out where the output is piped) the widest text columns are cut to fit.
    `indent` begins every line.
    """
    body = [[_written(cell) for cell in row] for row in rows]
    heads = [one_line(header).upper() for header in headers]
    everything = [heads, *body, *([[_written(cell) for cell in foot]] if foot is not None else [])]
    numeric = set(right) if right is not None else _number_columns(heads, body)
    sizes = [max(cells(row[column]) for row in everything) for column in range(len(heads))]
    if width is not None:
        _shrink(sizes, numeric, heads, width - cells(indent))
    return "\n".join(indent + _line(row, sizes, numeric) for row in everything)


def _written(cell: Cell) -> str:
    if cell is None:
        return UNKNOWN
    return f"{cell:,}" if isinstance(cell, int) else one_line(cell)


def _number_columns(heads: Sequence[str], body: Sequence[Sequence[str]]) -> set[int]:
    return {
        column
        for column in range(len(heads))
        if any(row[column] for row in body) and all(_NUMBER.fullmatch(row[column]) for row in body)
    }


def _shrink(sizes: list[int], numeric: Collection[int], heads: Sequence[str], width: int) -> None:
    """Takes cells from the widest text column until all fit; none gets narrower than its header or eight cells."""
    least = [
        size if column in numeric else min(size, max(cells(heads[column]), 8)) for column, size in enumerate(sizes)
    ]
    while sum(sizes) + 2 * (len(sizes) - 1) > width:
        column = max(range(len(sizes)), key=lambda column: (sizes[column] > least[column], sizes[column]))
        if sizes[column] <= least[column]:
            return
        sizes[column] -= 1


def _line(row: Sequence[str], sizes: Sequence[int], numeric: Collection[int]) -> str:
    return "  ".join(
        pad(cell, size, right=column in numeric) for column, (cell, size) in enumerate(zip(row, sizes, strict=True))
    ).rstrip()


def pad(text: str, width: int, *, right: bool = False) -> str:
    """`text` in exactly `width` cells, cut or filled with spaces."""
    text = cut(text, width)
    fill = " " * (width - cells(text))
    return fill + text if right else text + fill


def painted(text: str, colour: bool) -> str:
    """Colour for a terminal that wants it: upper-case headings bold, waste yellow, unknown dim. Says nothing new."""
    if not colour:
        return text
    import click

    def paint(line: str) -> str:
        if line.startswith(WASTE):
            return click.style(line, fg="yellow")
        if line.startswith(UNKNOWN):
            return click.style(line, dim=True)
        heading = line[:1].isalpha() and line.split("  ")[0].isupper()
        return click.style(line, bold=True) if heading else line

    return "\n".join(map(paint, text.split("\n")))

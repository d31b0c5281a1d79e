"""Patterns of rules as SQL. Texts are compared without regard to case: callers give the text in lower case."""

from __future__ import annotations

from enum import Enum


class Shape(Enum):
    """What a pattern asks of a text. All but `OTHER` are a plain function of DuckDB, far cheaper than LIKE."""

    ANYTHING = "IS NOT NULL"
    EQUAL = "="
    PREFIX = "starts_with"
    SUFFIX = "ends_with"
    INSIDE = "contains"
    OTHER = "LIKE"


def shape(pattern: str) -> tuple[Shape, str]:
    """The shape of a pattern with `*` and `?`, and the text (in lower case) that it compares with."""
    text = pattern.lower()
    if text == "*":
        return Shape.ANYTHING, ""
    for form, core in (
        (Shape.EQUAL, text), (Shape.PREFIX, text[:-1]), (Shape.SUFFIX, text[1:]), (Shape.INSIDE, text[1:-1])
    ):
        ends = "*" if form in (Shape.PREFIX, Shape.INSIDE) else ""
        begins = "*" if form in (Shape.SUFFIX, Shape.INSIDE) else ""
        if core and text == begins + core + ends and not set(core) & {"*", "?"}:
            return form, core
    if not text:
        return Shape.EQUAL, text
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return Shape.OTHER, escaped.replace("*", "%").replace("?", "_")


def compared(lowered: str, form: Shape, text: str) -> str:
    """The comparison of a text in lower case (SQL) with another (SQL)."""
    if form is Shape.ANYTHING:
        return f"{lowered} IS NOT NULL"
    if form is Shape.EQUAL:
        return f"{lowered} = {text}"
    if form is Shape.OTHER:
        return f"{lowered} LIKE {text} ESCAPE '\\'"
    return f"{form.value}({lowered}, {text})"


def any_of(lowered: str, patterns: tuple[str, ...]) -> str:
    """True where any of the patterns matches the text in lower case (SQL)."""
    shapes = [shape(pattern) for pattern in patterns]
    return "(" + " OR ".join(compared(lowered, form, literal(text)) for form, text in shapes) + ")"


def literal(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"

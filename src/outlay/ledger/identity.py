"""What makes two rows the same fact.

Identities are md5 hashes kept as UUID: 16 bytes, the same on every engine, unlike an engine's own hash function. The
hash is read as a little-endian number (`md5_number`), which costs half of reading it as text. Parts are joined by 0x1f,
which no identifier contains.
"""

from __future__ import annotations

from outlay.attribution.sql import literal
from outlay.facts import Output, Usage, columns

_SEP = "chr(31)"

#: Columns of a bucket that say which bucket it is; the figures are what a later reading replaces.
_USAGE_FIGURES = frozenset(
    name.name for name in columns(Usage)
    if name.sql_type in ("BIGINT", "DECIMAL(38,18)") and name.name not in ("context_tokens", "max_tokens")
)

#: A call without any id of its own.
NAMELESS_CALL = "response_id IS NULL AND (trace_id IS NULL OR span_id IS NULL)"


def named_call_id(row: str = "s") -> str:
    """Identity of a call that the provider or a tracer has named; the provider is the namespace of response ids."""
    return (
        f"CAST(md5_number(CASE WHEN {row}.response_id IS NOT NULL "
        f"THEN coalesce({row}.provider, '') || {_SEP} || {row}.response_id "
        f"ELSE 'trace' || {_SEP} || {row}.trace_id || {_SEP} || {row}.span_id END) AS UUID)"
    )


def content_id(fact: type, namespace: str, row: str = "s") -> str:
    """Identity of a row by what it says, and by its occurrence number among rows that say the same."""
    text = _row_text([column.name for column in columns(fact)], row)
    content = f"{literal(namespace)} || {_SEP} || {text}"
    return (f"CAST(md5_number({content} || {_SEP} || CAST(row_number() OVER (PARTITION BY md5({text})) AS VARCHAR)) "
            "AS UUID)")


def usage_id(namespace: str, row: str = "s") -> str:
    """Identity of a bucket: its source, period and dimensions."""
    names = [column.name for column in columns(Usage) if column.name not in _USAGE_FIGURES]
    return f"CAST(md5_number({literal(namespace)} || {_SEP} || {_row_text(names, row)}) AS UUID)"


def output_id(namespace: str, row: str = "s") -> str:
    """Identity of an output: the emitter's id, else the row."""
    return (f"CASE WHEN {row}.output_id IS NOT NULL THEN CAST(md5_number({literal(namespace)} || {_SEP} || "
            f"{row}.output_id) AS UUID) ELSE {content_id(Output, namespace, row)} END")


def _row_text(names: list[str], row: str) -> str:
    cells = ", ".join(f"coalesce(CAST({row}.\"{name}\" AS VARCHAR), '')" for name in names)
    return f"concat_ws({_SEP}, {cells})"

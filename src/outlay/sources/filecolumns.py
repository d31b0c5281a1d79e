"""A flat file's columns, and the fields inside of nested ones, found by the name that a user writes."""

from __future__ import annotations

from dataclasses import dataclass

from outlay.sources.base import Table
from outlay.sources.sql_values import is_nested, is_text, literal

_INTEGERS = frozenset({
    "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT",
})
_FLOATS = frozenset({"FLOAT", "DOUBLE"})


@dataclass(frozen=True, slots=True)
class FileColumn:
    """A column, or a field inside of a nested one: its name as the user writes it, its SQL and its DuckDB type."""

    name: str
    sql: str
    type: str

    @property
    def is_text(self) -> bool:
        return is_text(self.type)

    @property
    def is_integer(self) -> bool:
        return self.type in _INTEGERS

    @property
    def is_float(self) -> bool:
        return self.type in _FLOATS

    @property
    def is_number(self) -> bool:
        return self.is_integer or self.is_float or self.type.startswith("DECIMAL")

    @property
    def is_nested(self) -> bool:
        return is_nested(self.type)


def find_column(table: Table, path: str) -> FileColumn | None:
    """The column of that name, else the field that a dotted path leads to (`usage.input_tokens`), else None.

    A column whose own name holds dots wins over a path. Spaces around a column's name are forgiven.
    """
    name = _column_name(table, path)
    if name is not None:
        return _leaf(path, table.quoted(name), table.columns[name])
    parts = path.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        name = _column_name(table, ".".join(parts[:cut]))
        if name is not None:
            return _inside(path, table.quoted(name), table.columns[name], parts[cut:])
    return None


def _column_name(table: Table, wanted: str) -> str | None:
    if wanted in table.columns:
        return wanted
    return next((name for name in table.columns if name.strip() == wanted), None)


def _leaf(path: str, sql: str, sql_type: str) -> FileColumn:
    if sql_type == "JSON":
        # The text of a JSON string has no quotes then, and JSON's null is NULL.
        return FileColumn(path, f"json_extract_string({sql}, '$')", "VARCHAR")
    if sql_type.startswith("ENUM"):
        return FileColumn(path, f"CAST({sql} AS VARCHAR)", "VARCHAR")
    return FileColumn(path, sql, sql_type)


def _inside(path: str, sql: str, sql_type: str, parts: list[str]) -> FileColumn | None:
    if not parts:
        return _leaf(path, sql, sql_type)
    if sql_type == "JSON":
        pointer = "".join('."' + part.replace('"', "") + '"' for part in parts)
        return FileColumn(path, f"json_extract_string({sql}, {literal('$' + pointer)})", "VARCHAR")
    if sql_type.startswith("MAP(VARCHAR, ") and sql_type.endswith(")"):
        return _inside(path, f"{sql}[{literal(parts[0])}]", sql_type[len("MAP(VARCHAR, ") : -1], parts[1:])
    if sql_type.startswith("STRUCT(") and sql_type.endswith(")"):
        fields = struct_fields(sql_type)
        if parts[0] in fields:
            return _inside(path, f"struct_extract({sql}, {literal(parts[0])})", fields[parts[0]], parts[1:])
    return None


def struct_fields(sql_type: str) -> dict[str, str]:
    """Field names and types of `STRUCT(a BIGINT, "b c" STRUCT(d DOUBLE))`, in order."""
    return dict(_name_and_type(part) for part in _split(sql_type[len("STRUCT(") : -1]))


def _split(inner: str) -> list[str]:
    """The parts between the commas that stand outside of brackets and quotes."""
    parts, depth, quoted, start = [], 0, False, 0
    for place, mark in enumerate(inner):
        if mark == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif mark in "([":
            depth += 1
        elif mark in ")]":
            depth -= 1
        elif mark == "," and depth == 0:
            parts.append(inner[start:place].strip())
            start = place + 1
    return [*parts, inner[start:].strip()]


def _name_and_type(part: str) -> tuple[str, str]:
    if not part.startswith('"'):
        name, _, sql_type = part.partition(" ")
        return name, sql_type
    end = part.index('" ')
    return part[1:end].replace('""', '"'), part[end + 2 :]

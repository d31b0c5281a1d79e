"""The ledger's tables as Ibis sees them: unbound, so that a question compiles for any engine."""

from __future__ import annotations

from functools import cache
from typing import Any

from outlay.ledger.schema import tables


@cache
def table(name: str) -> Any:
    """The ledger table `name` as an unbound Ibis table."""
    import ibis

    return ibis.table([(column, _ibis_type(sql_type)) for column, sql_type in tables()[name]], name=name)


def _ibis_type(sql_type: str) -> str:
    if sql_type.startswith("DECIMAL"):
        return sql_type.lower()
    if sql_type == "VARCHAR[]":
        return "array<string>"
    return {
        "TIMESTAMP": "timestamp", "VARCHAR": "string", "BIGINT": "int64", "INTEGER": "int32", "SMALLINT": "int16",
        "TINYINT": "int8", "DOUBLE": "float64", "BOOLEAN": "boolean", "UUID": "uuid",
        "MAP(VARCHAR, VARCHAR)": "map<string, string>",
    }[sql_type]

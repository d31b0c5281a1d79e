"""How a fact's fields say their type in the ledger, so that a fact is described once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

#: Money of charges: exact to 18 decimals. Money of calls: exact to the picodollar.
CHARGE_MONEY = "DECIMAL(38,18)"
CALL_MONEY = "DECIMAL(18,12)"
#: Quantities of bills (hours, gigabytes, tokens): exact, as the issuer wrote them.
QUANTITY = "DECIMAL(38,18)"
TIME = "TIMESTAMP"  # naive, always UTC
TEXT = "VARCHAR"
COUNT = "BIGINT"
TAGS = "MAP(VARCHAR, VARCHAR)"

NO_TAGS: Mapping[str, str] = MappingProxyType({})


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """One column of a fact: its name, SQL type, whether a row without it is refused, and what it means."""

    name: str
    sql_type: str
    required: bool
    doc: str


def column(sql_type: str, doc: str, *, required: bool = False, default: Any = None) -> Any:
    """A dataclass field that becomes a ledger column of `sql_type`; `doc` says its meaning and unit."""
    metadata = {"sql_type": sql_type, "doc": doc, "required": required}
    if required:
        return dataclasses.field(metadata=metadata)
    if sql_type == TAGS:
        return dataclasses.field(default_factory=lambda: NO_TAGS, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def columns(fact: type) -> tuple[Column, ...]:
    """The columns of a fact kind, in declared order."""
    return tuple(
        Column(f.name, f.metadata["sql_type"], f.metadata["required"], f.metadata["doc"])
        for f in dataclasses.fields(fact)
    )

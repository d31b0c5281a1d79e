"""Facts as Arrow: how values from row sources enter the ledger in bulk."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from outlay.facts import columns

if TYPE_CHECKING:
    import pyarrow as pa

#: Enough for 38 digits with room to round.
_EXACT = Context(prec=76, rounding=ROUND_HALF_EVEN)


def arrow_type(sql_type: str) -> pa.DataType:
    """The Arrow type of a ledger column."""
    import pyarrow as pa

    if sql_type.startswith("DECIMAL"):
        precision, scale = sql_type[8:-1].split(",")
        return pa.decimal128(int(precision), int(scale))
    return {
        "TIMESTAMP": pa.timestamp("us"), "VARCHAR": pa.string(), "BIGINT": pa.int64(), "DOUBLE": pa.float64(),
        "BOOLEAN": pa.bool_(), "MAP(VARCHAR, VARCHAR)": pa.map_(pa.string(), pa.string()),
    }[sql_type]


def facts_table(fact: type, values: Sequence[Any]) -> pa.Table:
    """`values`, all of kind `fact`, as a table with the fact's columns."""
    import pyarrow as pa

    arrays = {}
    for column in columns(fact):
        kind = arrow_type(column.sql_type)
        cells = [getattr(value, column.name) for value in values]
        if pa.types.is_decimal(kind):
            cells = [None if cell is None else rounded(cell, kind.scale) for cell in cells]
        elif pa.types.is_map(kind):
            cells = [list(cell.items()) for cell in cells]
        try:
            arrays[column.name] = pa.array(cells, kind)
        except UnicodeEncodeError:
            arrays[column.name] = pa.array([_mended(cell) for cell in cells], kind)
    return pa.table(arrays)


def _mended(cell: Any) -> Any:
    """Text without halves of surrogate pairs, which JSON can escape (`\\ud83d`) and no encoding can write."""
    if isinstance(cell, str):
        return cell.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return [(_mended(key), _mended(value)) for key, value in cell] if isinstance(cell, list) else cell


def rounded(value: Decimal, scale: int) -> Decimal:
    """`value` with at most `scale` decimals, half-even. Raises `ValueError` where it has more than 38 digits."""
    try:
        if -value.as_tuple().exponent <= scale:  # type: ignore[operator]  # NaN and infinity are refused by the sources
            return value
        return value.quantize(Decimal(1).scaleb(-scale), context=_EXACT)
    except (InvalidOperation, TypeError) as error:
        raise ValueError(f"{value} does not fit 38 digits") from error

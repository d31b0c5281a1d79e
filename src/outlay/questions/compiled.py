"""SQL of a question, compiled once for all moments at which it is asked.

A dashboard asks the same questions every few seconds, and only their times differ. Turning an expression into SQL takes
a few times as long as running it; so its times are taken out, what is left is looked up, and they are put in again.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

#: Questions whose SQL is kept; the one that was not asked for longest goes first.
KEPT = 512
#: The day that stands for the first time of a question; the next days stand for the others.
_FIRST = datetime(1900, 1, 1)
_MOST_TIMES = 300
_STANDIN = re.compile(r"MAKE_TIMESTAMP\(1900, (\d+), (\d+), 0, 0, 0\.0\)")

_kept: OrderedDict[Any, str] = OrderedDict()
_lock = Lock()


def duckdb_sql(expression: Any) -> str:
    """The question in DuckDB's dialect."""
    shape, times = _without_times(expression.op())
    if shape is None:
        return _compiled(expression)
    with _lock:
        template = _kept.get(shape)
        if template is not None:
            _kept.move_to_end(shape)
    if template is None:
        template = _compiled(shape.to_expr())
        if not _is_whole(template, len(times)):
            return _compiled(expression)
        with _lock:
            _kept[shape] = template
            while len(_kept) > KEPT:
                _kept.popitem(last=False)
    return _STANDIN.sub(lambda found: _literal(times[_place(found)]), template)


def _compiled(expression: Any) -> str:
    import ibis

    return str(ibis.to_sql(expression, dialect="duckdb"))


def _without_times(op: Any) -> tuple[Any, list[datetime]]:
    """The question with a stand-in for each time, and the times; None where it has none, or too many."""
    from ibis.expr.operations import Literal

    found = [each for each in op.find(Literal) if each.dtype.is_timestamp() and isinstance(each.value, datetime)
             and each.value.tzinfo is None]
    places: dict[datetime, int] = {}
    for each in found:
        places.setdefault(each.value, len(places))
    if not 0 < len(places) <= _MOST_TIMES:
        return None, []
    standins = {each: Literal(_FIRST + timedelta(days=places[each.value]), each.dtype) for each in found}
    return op.replace(standins), list(places)


def _is_whole(template: str, times: int) -> bool:
    """Whether every time stands in the text as it is looked for, and nowhere otherwise."""
    there = {_place(found) for found in _STANDIN.finditer(template)}
    return there == set(range(times)) and "1900" not in _STANDIN.sub("", template)


def _place(found: re.Match[str]) -> int:
    return (datetime(1900, int(found[1]), int(found[2])) - _FIRST).days


def _literal(moment: datetime) -> str:
    return f"TIMESTAMP '{moment.isoformat(sep=' ')}'"

"""What no row of a kind of fact may say, whatever table it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from outlay.facts import Call, Capacity, Charge, Fact, Output, Progress, Run, Sample, Usage, columns
from outlay.facts.column import CALL_MONEY, COUNT, TIME
from outlay.facts.run import RUN_STAGES
from outlay.sources.base import Cell, Check
from outlay.sources.sql_values import literal

#: One call cannot have more tokens than this, nor can a bucket; what does is a broken counter. The longest contexts on
#: offer are ten million tokens; the largest services count some 10^15 tokens a month.
MOST_PER_CALL = 1_000_000_000
MOST_PER_BUCKET = 10**17

#: Earlier times are counters that began at zero.
_FIRST, _LAST = "TIMESTAMP '1990-01-01'", "TIMESTAMP '2200-01-01'"
_PERCENT = ("util", "sm_active")
_PERIODS: dict[type[Fact], tuple[str, str]] = {
    Usage: ("start", "end"), Run: ("started", "ended"), Charge: ("charge_period_start", "charge_period_end"),
}
_WORDS: dict[type[Fact], dict[str, tuple[str, ...]]] = {Capacity: {"unit": ("gpu", "node")},
                                                        Run: {"kind": tuple(RUN_STAGES)}}
#: Parts of `input_tokens` or `output_tokens`.
_PARTS = {"cache_read_tokens": "input_tokens", "cache_write_tokens": "input_tokens",
          "reasoning_tokens": "output_tokens"}


def fact_checks(fact: type[Fact], cells: Iterable[Cell]) -> tuple[Check, ...]:
    """The checks that the present cells make possible, over the fact's own columns."""
    found = {cell.target: cell.field or cell.target for cell in cells}
    return (*_ranges(fact, found), *_periods(fact, found), *_words(fact, found), *_parts(fact, found))


def _ranges(fact: type[Fact], fields: dict[str, str]) -> Iterator[Check]:
    most = MOST_PER_CALL if fact is Call else MOST_PER_BUCKET
    for column in columns(fact):
        name, field = f'"{column.name}"', fields.get(column.name)
        if field is None or column.name == "exit_code":
            continue
        if (fact is Charge and column.sql_type != TIME) or (fact is Progress and column.name == "value"):
            continue  # credits and losses are negative by right
        if column.sql_type == TIME:
            yield Check(f"{name} NOT BETWEEN {_FIRST} AND {_LAST}", field, "is not between 1990 and 2200")
        elif column.name in _PERCENT:
            yield Check(f"{name} NOT BETWEEN 0 AND 100.5", field, "is not a percentage from 0 to 100")
        elif fact is Sample and column.name == "seconds":
            yield Check(f"{name} NOT BETWEEN 0 AND 86400", field, "is not between 0 and a day")
        elif column.sql_type in (COUNT, "DOUBLE", CALL_MONEY) or (fact is Output and column.name == "count"):
            yield Check(f"{name} < 0", field, "is negative")
            if column.sql_type in (COUNT, "DOUBLE"):
                yield Check(f"{name} > {most}", field, "is larger than can be")


def _periods(fact: type[Fact], fields: dict[str, str]) -> Iterator[Check]:
    if fact in _PERIODS:
        start, end = _PERIODS[fact]
        if start in fields and end in fields:
            yield Check(f'"{end}" < "{start}"', fields[end], f"is before {fields[start]}")


def _words(fact: type[Fact], fields: dict[str, str]) -> Iterator[Check]:
    for name, words in _WORDS.get(fact, {}).items():
        if name in fields:
            known = ", ".join(literal(word) for word in words)
            yield Check(f'"{name}" NOT IN ({known})', fields[name], f"is not one of {', '.join(words)}")


def _parts(fact: type[Fact], fields: dict[str, str]) -> Iterator[Check]:
    if fact is not Call and fact is not Usage:
        return
    for part, whole in _PARTS.items():
        if part in fields and whole in fields:
            reason = f"is more than {fields[whole]}, of which it is a part (cached tokens are input, too)"
            yield Check(f'"{part}" > "{whole}"', fields[part], reason)

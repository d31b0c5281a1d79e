"""Which rule is the first that matches a row, as SQL that stays cheap with hundreds of rules.

A CASE with an arm for each rule evaluates arm after arm. Most installations' rules are alike, though: this key, that
user; this project, that team. Rules that ask the same columns for texts of the same shape, each for another value of
one column, become one look-up: that value's place in a list says which rule it can only be, and further lists, at the
same place, what that rule asks of the other columns. What is not alike stays a CASE.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from outlay.attribution.patterns import Shape, any_of, compared, literal, shape
from outlay.attribution.rules import Rule

#: From so many alike values on, a list is worth it.
_ALIKE = 4


@dataclass(frozen=True, slots=True)
class FirstMatch:
    """`prepared`: columns (name, SQL) that `rule` needs beside those of the row; `rule`: SMALLINT, from 1, or NULL."""

    prepared: tuple[tuple[str, str], ...]
    rule: str


def first_match(rules: Sequence[Rule], subjects: Mapping[str, str]) -> FirstMatch:
    """`subjects`: SQL of the text of each column that a rule may ask for; a rule that asks for another cannot match."""
    columns = _Columns(subjects)
    lists: dict[tuple[object, ...], _List] = {}
    alone: list[tuple[int, Rule]] = []
    for number, rule in enumerate(rules, start=1):
        if not all(column in subjects for column, _ in rule.when):
            continue
        found = _list_of(rule)
        if found is None or not lists.setdefault(found.asks, found.empty()).take(number, found):
            alone.append((number, rule))
    kept = [group for group in lists.values() if len(group.values) >= _ALIKE]
    dropped = {number for group in lists.values() if len(group.values) < _ALIKE for number in group.numbers}
    alone = sorted(alone + [(number, rules[number - 1]) for number in dropped], key=lambda entry: entry[0])
    choices = [group.sql(columns) for group in kept]
    arms = [f"WHEN {_condition(rule, columns)} THEN {number}" for number, rule in alone]
    if arms:
        choices.append(f"CASE {' '.join(arms)} END")
    # least() passes NULLs over.
    first = choices[0] if len(choices) == 1 else f"least({', '.join(choices)})"
    return FirstMatch(columns.prepared, f"CAST({first} AS SMALLINT)" if choices else "NULL::SMALLINT")


class _Columns:
    """Texts in lower case and places in lists, each computed once for a row."""

    def __init__(self, subjects: Mapping[str, str]) -> None:
        self._subjects = subjects
        self._names: dict[str, str] = {}

    def lowered(self, column: str) -> str:
        return self._named(f"lower({self._subjects[column]})")

    def place(self, values: Sequence[str], column: str) -> str:
        return self._named(f"list_position([{', '.join(map(literal, values))}], lower({self._subjects[column]}))")

    def _named(self, sql: str) -> str:
        return self._names.setdefault(sql, f"rule_text_{len(self._names)}")

    @property
    def prepared(self) -> tuple[tuple[str, str], ...]:
        return tuple((name, sql) for sql, name in self._names.items())


@dataclass(slots=True)
class _List:
    """Alike rules: the column whose value tells them apart, and what they ask of the others."""

    column: str
    others: tuple[tuple[str, Shape], ...]
    values: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    texts: list[tuple[str, ...]] = field(default_factory=list)

    @property
    def asks(self) -> tuple[object, ...]:
        return (self.column, self.others)

    def empty(self) -> _List:
        return _List(self.column, self.others)

    def take(self, number: int, other: _List) -> bool:
        """Adds the values of one rule; not where one is here already, whose rule might match or not."""
        if set(other.values) & set(self.values):
            return False
        self.values += other.values
        self.numbers += [number] * len(other.values)
        self.texts += other.texts
        return True

    def sql(self, columns: _Columns) -> str:
        place = columns.place(self.values, self.column)
        number = f"[{', '.join(map(str, self.numbers))}][{place}]"
        conditions = []
        for index, (column, form) in enumerate(self.others):
            texts = f"[{', '.join(literal(row[index]) for row in self.texts)}][{place}]"
            conditions.append(compared(columns.lowered(column), form, texts))
        return f"CASE WHEN {' AND '.join(conditions)} THEN {number} END" if conditions else number


def _list_of(rule: Rule) -> _List | None:
    """The rule as a list of its own: told by the first column that it wants equal to a text or one of several."""
    shapes = {column: [shape(pattern) for pattern in patterns] for column, patterns in rule.when}
    column = next((name for name, found in shapes.items() if all(form is Shape.EQUAL for form, _ in found)), None)
    others = {name: found for name, found in shapes.items() if name != column}
    if column is None or any(len(found) > 1 or found[0][0] is Shape.OTHER for found in others.values()):
        return None
    values = list(dict.fromkeys(text for _, text in shapes[column]))
    texts = tuple(found[0][1] for found in others.values())
    return _List(column, tuple((name, found[0][0]) for name, found in others.items()), values,
                 texts=[texts] * len(values))


def _condition(rule: Rule, columns: _Columns) -> str:
    parts = [any_of(columns.lowered(column), patterns) for column, patterns in rule.when]
    return " AND ".join(parts) if parts else "TRUE"

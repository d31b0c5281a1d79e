"""Attribution rules as SQL, so that millions of rows are attributed in one pass."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from outlay.attribution.rules import DIMENSIONS, Attribution, Rule
from outlay.facts import Call, Charge, Run, Usage, columns
from outlay.facts.run import RUN_STAGES


@dataclass(frozen=True, slots=True)
class AttributionSql:
    """`rule`: the number of the first rule that matches (from 1), or NULL. `dimensions`: SQL for each dimension, which
    refers to the rule's number as the column `rule`."""

    rule: str
    dimensions: tuple[tuple[str, str], ...]


def attribution_sql(attribution: Attribution, fact: type, tag_keys: Collection[str], row: str = "s") -> AttributionSql:
    """The rules for one kind of fact. `tag_keys` are the tag keys that occur at all; others are not looked for."""
    names = {column.name for column in columns(fact)}
    arms = []
    for number, rule in enumerate(attribution.rules, start=1):
        condition = _condition(rule, names, tag_keys, row)
        if condition is not None:
            arms.append(f"WHEN {condition} THEN {number}")
    rule_sql = f"CASE {' '.join(arms)} END::SMALLINT" if arms else "NULL::SMALLINT"
    return AttributionSql(
        rule_sql,
        tuple((name, _dimension(attribution, fact, name, names, tag_keys, row)) for name in DIMENSIONS),
    )


def _condition(rule: Rule, names: set[str], tag_keys: Collection[str], row: str) -> str | None:
    """The rule's condition, or None where it cannot match this kind of fact."""
    parts = []
    for column, patterns in rule.when:
        if column.startswith("tags."):
            key = column.removeprefix("tags.")
            if key not in tag_keys:
                return None
            subject = f"{row}.tags[{literal(key)}]"
        elif column in names:
            subject = f'{row}."{column}"'
        else:
            return None
        parts.append("(" + " OR ".join(matches(subject, pattern) for pattern in patterns) + ")")
    return " AND ".join(parts) if parts else "TRUE"


def matches(subject: str, pattern: str) -> str:
    """A pattern with `*` and `?`, without regard to case; plain texts become an equality, which is much cheaper."""
    if pattern == "*":
        return f"{subject} IS NOT NULL"
    if not any(sign in pattern for sign in "*?"):
        return f"lower({subject}) = {literal(pattern.lower())}"
    escaped = pattern.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"lower({subject}) LIKE {literal(escaped.replace('*', '%').replace('?', '_'))} ESCAPE '\\'"


def _dimension(
    attribution: Attribution, fact: type, name: str, names: set[str], tag_keys: Collection[str], row: str
) -> str:
    by_rule = [
        f"WHEN {number} THEN {literal(value)}"
        for number, rule in enumerate(attribution.rules, start=1)
        for dimension, value in rule.sets
        if dimension == name
    ]
    choices = [f"CASE rule {' '.join(by_rule)} END"] if by_rule else []
    for key in attribution.tag_keys(name, fact.__name__):
        column = key.removeprefix("column:")
        if column != key and column in names:
            choices.append(f'nullif({row}."{column}", \'\')')
        elif key in tag_keys:
            choices.append(f"nullif({row}.tags[{literal(key)}], '')")
    if name == "stage":
        choices.append(_default_stage(fact, row))
    return f"coalesce({', '.join(choices)})" if choices else "NULL::VARCHAR"


def _default_stage(fact: type, row: str) -> str:
    """The stage that a fact belongs to when nothing says otherwise (data, training or inference)."""
    if fact in (Call, Usage):
        return "'inference'"
    if fact is Run:
        arms = " ".join(f"WHEN {literal(kind)} THEN {literal(stage)}" for kind, stage in RUN_STAGES.items())
        return f'CASE {row}."kind" {arms} END'
    if fact is Charge:
        return (f"CASE WHEN {row}.model IS NOT NULL THEN 'inference' "
                f"WHEN {row}.service_category IN ('Storage', 'Databases', 'Analytics') THEN 'data' END")
    return "NULL::VARCHAR"


def literal(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"

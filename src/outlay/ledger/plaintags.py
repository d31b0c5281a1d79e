"""Keeps a call's plain tags once: `team=search` is in the column `team` already and need not be written as a tag, too.

A tag that has the name of a dimension and the value that the row's attribution came to is left out of `tags`, and its
bit is set in `plain_tags`. So the tags that a source gave can always be had back exactly, whatever the rules were, and
attribution under other rules starts from them. Writing a map is among the dearest things that an import does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from outlay.attribution.patterns import literal
from outlay.ledger.schema import DIMENSIONS
from outlay.sources.sql_values import EMPTY_MAP
from outlay.sources.tagcolumns import tag_map

#: The bit of `plain_tags` that each dimension has.
BITS = {name: 1 << place for place, name in enumerate(DIMENSIONS)}


def kept_tags(tags: Mapping[str, str], paid: Mapping[str, str]) -> dict[str, str]:
    """`tags` and `plain_tags` of rows whose every tag is a SQL expression of its own.

    `tags`: key to SQL; `paid`: SQL of what attribution came to, by dimension.
    """
    rest = {key: f"nullif({sql}, {paid[key]})" if key in BITS else sql for key, sql in tags.items()}
    nothing = f"coalesce({', '.join(rest.values())}) IS NULL" if rest else "true"
    return {
        "tags": f"CASE WHEN {nothing} THEN {EMPTY_MAP} ELSE {tag_map(rest)} END",
        "plain_tags": _bits(tags, paid),
    }


def kept_map(keys: Iterable[str], paid: Mapping[str, str], row: str = "s") -> dict[str, str]:
    """`tags` and `plain_tags` of rows that have a map of tags, in which `keys` occur."""
    plain = {key: f"{row}.tags[{literal(key)}]" for key in keys if key in BITS}
    if not plain:
        return {"tags": f"{row}.tags", "plain_tags": "0"}
    bits = _bits(plain, paid)
    return {"tags": f"CASE WHEN {bits} = 0 THEN {row}.tags ELSE {_without(f'{row}.tags', plain, paid)} END",
            "plain_tags": bits}


def given_tags(keys: Iterable[str], held: Collection[str], row: str = "s") -> dict[str, str]:
    """SQL of every tag that a row of the ledger was given. `keys`: those that occur in its column `tags`; `held`: the
    dimensions that any row has."""
    found = {key: f"{row}.tags[{literal(key)}]" for key in keys}
    for name, bit in BITS.items():
        if name in held:
            there = f'WHEN {row}.plain_tags & {bit} <> 0 THEN {row}."{name}"'
            found[name] = f"CASE {there} ELSE {found[name]} END" if name in found else f"CASE {there} END"
    return found


def kept_again(given: Mapping[str, str], paid: Mapping[str, str], row: str = "s") -> dict[str, str]:
    """`tags` and `plain_tags` of rows of the ledger that were attributed anew."""
    plain = {key: sql for key, sql in given.items() if key in BITS}
    bits = _bits(plain, paid)
    pairs = ", ".join(
        f"CASE WHEN {row}.plain_tags & {bit} <> 0 THEN {{'k': {literal(name)}, 'v': {row}.\"{name}\"}} END"
        for name, bit in BITS.items())
    all_tags = f"map_concat(map_from_entries(list_filter([{pairs}], lambda pair: pair IS NOT NULL)), {row}.tags)"
    return {"tags": f"CASE WHEN {bits} = {row}.plain_tags THEN {row}.tags ELSE {_without(all_tags, plain, paid)} END",
            "plain_tags": bits}


def _bits(tags: Mapping[str, str], paid: Mapping[str, str]) -> str:
    arms = [f"CASE WHEN {sql} = {paid[key]} THEN {BITS[key]} ELSE 0 END" for key, sql in tags.items() if key in BITS]
    return f"({' + '.join(arms)})" if arms else "0"


def _without(tags: str, plain: Iterable[str], paid: Mapping[str, str]) -> str:
    """The map without the tags that stand in their dimension's column."""
    arms = " ".join(f"WHEN {literal(key)} THEN coalesce(tag.value <> {paid[key]}, true)" for key in plain)
    return f"map_from_entries(list_filter(map_entries({tags}), lambda tag: CASE tag.key {arms} ELSE true END))"

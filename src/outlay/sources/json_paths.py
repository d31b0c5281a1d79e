"""Which keys a JSON text has, read without parsing it: works on a head that was cut off anywhere."""

from __future__ import annotations

import re

#: Nesting (counted in keys) beyond which paths are not told apart.
_MAX_KEYS = 4
#: Possessive quantifiers keep this linear on any input, an unterminated string included.
_TOKEN = re.compile(r'"((?:[^"\\]++|\\.)*+)"(\s*+:)?|[{}\[\]]', re.DOTALL)


def json_paths(text: str) -> frozenset[str]:
    """Dotted key paths of the JSON values in `text`, list positions left out: `data`, `data.results.model`.

    Several values one after another (JSON lines) are united. Empty where the text does not begin as JSON.
    """
    if text.lstrip("\ufeff \t\r\n")[:1] not in ("{", "["):
        return frozenset()
    paths: set[str] = set()
    # One entry for each open bracket: the path of the key that it is the value of.
    open_paths: list[str | None] = []
    current: str | None = ""
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark in "{[":
            open_paths.append(current)
        elif mark in "}]":
            current = open_paths.pop() if open_paths else ""
            if not open_paths:
                current = ""
        elif token[2] and open_paths:
            parent = open_paths[-1]
            if parent is None or parent.count(".") >= _MAX_KEYS - 1:
                current = None
            else:
                current = f"{parent}.{token[1]}" if parent else token[1]
                paths.add(current)
    return frozenset(paths)

"""JSON lines as DuckDB takes them: what it would refuse a whole file for is mended, or refused line by line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from outlay.sources.csv_rows import FIELD_LIMIT
from outlay.sources.json_errors import json_problem

#: Looking for keys and types takes a second for some 50 MB.
_SAMPLE_BYTES = 16 << 20
_SAMPLE_PLACES = 32
_PLACE_BYTES = _SAMPLE_BYTES // _SAMPLE_PLACES
#: DuckDB stops at 128.
_DEEPEST = 100
#: A pair of surrogates, a backslash that is escaped itself, or half a pair, which stands for nothing.
_HALVES = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\\\|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})")
_NUMBER_INSIDE = re.compile(r"(?<= )(BIGINT|UBIGINT|HUGEINT|DOUBLE)(?=[,)\[])")


def json_sample(path: Path, directory: Path) -> Path:
    """A file of some of the lines of JSON lines, by which to know keys and types: all of them where they are few, else
    from places all over the file, because a key may come late.
    """
    size = path.stat().st_size
    if size <= _SAMPLE_BYTES:
        return path
    target = directory / "sample"
    with path.open("rb") as source, target.open("wb") as out:
        for place in range(_SAMPLE_PLACES):
            source.seek(place * (size - _PLACE_BYTES) // (_SAMPLE_PLACES - 1))
            if place:
                source.readline()  # the rest of a line
            taken = source.read(_PLACE_BYTES) + source.readline()
            out.write(taken if taken.endswith(b"\n") else taken + b"\n")
    return target


def object_line(line: str) -> str:
    """The line, if it is one JSON object. Raises `ValueError` with the reason, which quotes no value."""
    if len(line) > FIELD_LIMIT:
        raise ValueError(f"is longer than {FIELD_LIMIT >> 20} MiB")
    if "\\ud" in line.lower():
        line = _HALVES.sub(lambda found: "\\ufffd" if found[1] else found[0], line)
    try:
        value = json.loads(line, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not valid JSON: {json_problem(error)}; the file may be incomplete") from error
    except RecursionError as error:
        raise ValueError("is nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("is not a JSON object")
    if "" in value:
        raise ValueError("has a value without a name")
    if line.count("[") + line.count("{") > _DEEPEST and _depth(value) > _DEEPEST:
        raise ValueError("is nested too deeply")
    return line


def json_type(inferred: str, *, text: bool) -> str:
    """The type to read a column as, of the type that its first rows have.

    Numbers with a fraction are read as text, because money must never pass through a float. Whole ones are read as
    DOUBLE, because later rows may have a fraction, which DuckDB would round away.
    """
    if inferred.startswith(("STRUCT", "MAP")):
        return _NUMBER_INSIDE.sub("VARCHAR", inferred)
    if inferred == "DOUBLE" or (text and "STRUCT" not in inferred and "MAP" not in inferred):
        return "VARCHAR"
    return "DOUBLE" if inferred == "BIGINT" else inferred


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"has '{twice[:50]}' twice")
    return found


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, inner), default=0)

"""The elements of one long list inside of a JSON document, one after another, in constant memory."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from outlay.errors import FileError
from outlay.sources.inputfile import InputFile

_CHUNK = 1 << 20
_BETWEEN = re.compile(r"[\s,]*")
#: Fractions stay exact; NaN and infinities become decimals that are not finite.
_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=Decimal)
_INCOMPLETE = "The file may be incomplete; export it again. Nothing of it was kept."


def array_elements(file: InputFile, key: str) -> Iterator[tuple[int, Any]]:
    """Each element of the first list under `key`, with the line on which it begins.

    Raises `FileError` where there is no such list, or where it is broken or breaks off.
    """
    opening = re.compile(rf'"{re.escape(key)}"\s*:\s*\[')
    with file.open_text() as stream:
        buffer = stream.read(_CHUNK)
        while (found := opening.search(buffer)) is None:
            more = stream.read(_CHUNK)
            if not more:
                raise FileError(f"has no list '{key}'", where=file.name, hint=_INCOMPLETE)
            buffer += more
        at, line = found.end(), 1 + buffer.count("\n", 0, found.end())
        while True:
            between = _BETWEEN.match(buffer, at)
            assert between is not None  # the pattern matches the empty text, too
            line += buffer.count("\n", at, between.end())
            at = between.end()
            if buffer[at : at + 1] == "]":
                return
            element = _decoded(buffer, at)
            # A number that ends with the buffer may go on behind it.
            if element is not None and element[1] < len(buffer):
                yield line, element[0]
                line += buffer.count("\n", at, element[1])
                at = element[1]
                continue
            # As much again as is held, so that a long element is decoded a few times only.
            more = stream.read(max(_CHUNK, len(buffer) - at))
            if not more:
                raise FileError(f"breaks off, or is not valid JSON, in the element of '{key}' at line {line}",
                                where=file.name, hint=_INCOMPLETE)
            buffer, at = buffer[at:] + more, 0


def _decoded(buffer: str, at: int) -> tuple[Any, int] | None:
    try:
        return _DECODER.raw_decode(buffer, at)
    except (ValueError, RecursionError):
        return None

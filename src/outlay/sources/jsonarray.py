"""The elements of a long list inside of a JSON document, one after another, in constant memory."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from outlay.errors import FileError
from outlay.sources.inputfile import InputFile
from outlay.sources.json_errors import may_go_on

_CHUNK = 1 << 20
#: Characters that the key, a colon, a bracket and blanks between them take at most.
_LONGEST_OPENING = 256
_BETWEEN = re.compile(r"[\s,]*")
#: Fractions stay exact; NaN and infinities become decimals that are not finite.
_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=Decimal)
_INCOMPLETE = "The file may be incomplete; export it again. Nothing of it was kept."


def array_elements(file: InputFile, key: str) -> Iterator[tuple[int, Any]]:
    """Each element of the lists under `key` (one in each document, if there are several), with the line on which it
    begins.

    Raises `FileError` where there is no such list, or where one is broken or breaks off.
    """
    opening = re.compile(rf'"{re.escape(key)}"\s*:\s*\[')
    with file.open_text() as stream:
        window = _Window(stream.read)
        found = False
        while window.skip_behind(opening):
            found = True
            while not window.at_end_of_list():
                line = window.line
                element = window.element()
                if element is None:
                    raise FileError(f"breaks off, or is not valid JSON, in the element of '{key}' at line {line}",
                                    where=file.name, hint=_INCOMPLETE)
                yield line, element[0]
        if not found:
            raise FileError(f"has no list '{key}'", where=file.name, hint=_INCOMPLETE)


class _Window:
    """A part of the text, which moves forward and holds no more than an element and as much again."""

    def __init__(self, read: Callable[[int], str]) -> None:
        self._read = read
        self._text = ""
        self._at = 0
        self.line = 1

    def skip_behind(self, pattern: re.Pattern[str]) -> bool:
        """Moves behind the next match; False where there is none."""
        while (found := pattern.search(self._text, self._at)) is None:
            # The end may be the beginning of a match.
            self._move(max(self._at, len(self._text) - _LONGEST_OPENING))
            if not self._more():
                return False
        self._move(found.end())
        return True

    def at_end_of_list(self) -> bool:
        """Moves to the next element; True, and behind the bracket, where the list ends."""
        while True:
            between = _BETWEEN.match(self._text, self._at)
            assert between is not None  # the pattern matches the empty text, too
            self._move(between.end())
            if self._at < len(self._text) or not self._more():
                break
        ends = self._text.startswith("]", self._at)
        self._move(self._at + ends)
        return ends

    def element(self) -> tuple[Any] | None:
        """The next element; None where it breaks off."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except (ValueError, RecursionError) as error:
                if not may_go_on(error, len(self._text)):
                    return None
                end = len(self._text)
            # A number that ends with the text may go on behind it.
            if end < len(self._text):
                self._move(end)
                return (value,)
            if not self._more():
                return None

    def _move(self, at: int) -> None:
        self.line += self._text.count("\n", self._at, at)
        self._at = at

    def _more(self) -> bool:
        # As much again as is held, so that a long element is decoded a few times only.
        rest = self._text[self._at :]
        chunk = self._read(max(_CHUNK, len(rest)))
        self._text, self._at = rest + chunk, 0
        return bool(chunk)

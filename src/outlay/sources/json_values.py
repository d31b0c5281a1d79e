"""The JSON values of a file one after another: JSON lines, a document, documents one behind another, or a list."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from typing import IO, Any

from outlay.errors import FileError
from outlay.facts import Reject
from outlay.sources.inputfile import InputFile
from outlay.sources.json_errors import is_cut_line, is_object, json_problem, may_go_on

_CHUNK = 1 << 20
_BLANK = " \t\r\n\ufeff"
_INCOMPLETE = "is not complete JSON; the file may be incomplete"
_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=Decimal)


def json_values(file: InputFile) -> Iterator[tuple[int, Any] | Reject]:
    """Each value with the line that it begins on; the elements of a top-level list count as values of their own.

    Fractions are `Decimal`, never float. A broken line of JSON lines, and a document that breaks off after others, are
    rejects (without the text: it may hold prompts). Raises `FileError` where nothing of the file is JSON.
    """
    first, *others = (*islice((line for _, line in file.lines() if line.strip()), 4), "")
    if is_object(first) or (is_cut_line(first) and any(map(is_object, others))):
        return _json_lines(file)
    return _json_documents(file)


def _json_lines(file: InputFile) -> Iterator[tuple[int, Any] | Reject]:
    broken: Reject | None = None
    for number, line in file.lines():
        text = line.strip(_BLANK)
        if not text:
            continue
        if broken:
            yield broken
            broken = None
        try:
            yield number, _DECODER.decode(text)
        except (ValueError, RecursionError) as error:
            broken = Reject(number, "", f"is not valid JSON: {json_problem(error)}")
    if broken:
        # Nothing follows it: most often the file was copied while it was being written.
        yield Reject(broken.line, "", _INCOMPLETE)


def _json_documents(file: InputFile) -> Iterator[tuple[int, Any] | Reject]:
    with file.open_text() as text:
        reader = _Reader(text)
        kept = False
        while True:
            try:
                value = reader.next_value()
            except (ValueError, RecursionError) as error:
                if not kept:
                    raise FileError(
                        f"is not valid JSON: {json_problem(error)}, from line {reader.line} on", where=file.name,
                        hint="The file may be incomplete; export it again. Nothing of it was kept.") from error
                yield Reject(reader.line, "", _INCOMPLETE)
                return
            if value is None:
                return
            kept = True
            yield value


class _Reader:
    """Decodes value after value from a stream, holding one value (and at most as much again) in memory."""

    def __init__(self, text: IO[str]) -> None:
        self._text = text
        self._buffer = ""
        self._at = 0
        self._in_list = False
        self.line = 1

    def next_value(self) -> tuple[int, Any] | None:
        """The line and the value; None at the end. Raises `ValueError` where it is broken or breaks off."""
        while True:
            mark = self._skip_blank()
            if not mark:
                if self._in_list:
                    raise ValueError("the list is not closed")
                return None
            if mark == "[" and not self._in_list:
                self._in_list = True
            elif mark == "]" and self._in_list:
                self._in_list = False
            elif mark != ",":
                return self.line, self._decode()
            self._at += 1

    def _skip_blank(self) -> str:
        """Moves to the next character that is not blank and returns it; empty at the end of the stream."""
        while True:
            while self._at < len(self._buffer):
                mark = self._buffer[self._at]
                if mark not in _BLANK:
                    return mark
                self.line += mark == "\n"
                self._at += 1
            if not self._more():
                return ""

    def _decode(self) -> Any:
        while True:
            try:
                value, end = _DECODER.raw_decode(self._buffer, self._at)
            except ValueError as error:
                if not may_go_on(error, len(self._buffer)) or not self._more():
                    raise
                continue
            if end == len(self._buffer) and self._more():
                continue  # a number may go on in the next chunk
            self.line += self._buffer.count("\n", self._at, end)
            self._at = end
            return value

    def _more(self) -> bool:
        # As much again as is held: decoding anew after each read stays linear in the length of the value.
        rest = self._buffer[self._at :]
        chunk = self._text.read(max(_CHUNK, len(rest)))
        self._buffer, self._at = rest + chunk, 0
        return bool(chunk)

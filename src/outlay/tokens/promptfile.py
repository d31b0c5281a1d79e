"""Prompt files of a folder, read as text."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from outlay.errors import NotFound

#: Names under which prompts are kept as plain text or as a template's source.
SUFFIXES = frozenset({".txt", ".md", ".prompt", ".j2", ".jinja", ".jinja2", ".tmpl", ".mustache"})
#: Larger files are data, not prompts: 2 MB is about 500,000 tokens, more than most models can read.
MAX_BYTES = 2_000_000

_BYTE_ORDER_MARKS = (
    # UTF-32 first: its little-endian mark begins with UTF-16's.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: `{{ x }}`, `{% if %}`, `<% x %>`, `${x}`, `%(x)s` and `{x}`.
_PLACEHOLDER = re.compile(
    r"\{\{.*?\}\}|\{%.*?%\}|<%.*?%>|\$\{[^{}\n]+\}|%\([A-Za-z_]\w*\)[sdr]|(?<![{$])\{[A-Za-z_][\w.]*(?:\[\w+\])?\}(?!\})",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class PromptText:
    """One prompt file. `file` is relative to the folder where one was named, else as named; `text` is never kept."""

    file: str
    text: str
    encoding: str

    @property
    def placeholders(self) -> int:
        """Places that a template fills in; their own source is what gets counted."""
        return sum(1 for _ in _PLACEHOLDER.finditer(self.text))


@dataclass(frozen=True, slots=True)
class Unread:
    """A file that was left out, and why. `prompt`: by its name it should have been read."""

    file: str
    reason: str
    prompt: bool


def read_prompts(paths: Sequence[Path]) -> Iterator[PromptText | Unread]:
    """Every prompt under `paths`, in order of name; a file that is named itself is read whatever its suffix.

    Hidden files and folders and symbolic links inside a folder are passed over. Raises `NotFound` for a path that
    does not exist.
    """
    seen: set[Path] = set()
    for path in paths:
        if not path.exists():
            raise NotFound("does not exist", where=str(path))
        for file in [path] if path.is_file() else _files(path):
            if (real := file.resolve()) in seen:
                continue
            seen.add(real)
            name = file.relative_to(path).as_posix() if len(paths) == 1 and file != path else file.as_posix()
            if file == path or file.suffix.lower() in SUFFIXES:
                yield _read(file, name)
            else:
                kind = file.suffix.lower() or "a name without suffix"
                yield Unread(name, f"{kind} is not read as a prompt", prompt=False)


def _files(path: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            file = Path(folder, name)
            if not name.startswith(".") and not file.is_symlink() and file.is_file():
                yield file


def _read(file: Path, name: str) -> PromptText | Unread:
    try:
        if (size := file.stat().st_size) > MAX_BYTES:
            return Unread(name, f"{size / 1e6:.1f} MB; prompts are read up to {MAX_BYTES / 1e6:.0f} MB", True)
        raw = file.read_bytes()
    except OSError as error:
        return Unread(name, error.strerror or "cannot be read", True)
    decoded = decode(raw)
    return PromptText(name, *decoded) if decoded else Unread(name, "is not text", True)


def decode(raw: bytes) -> tuple[str, str] | None:
    """The text and its encoding; None for what is not text.

    A byte-order mark decides and is not part of the text. UTF-16 without one is known by its zero bytes; what is not
    UTF-8 is read as Windows-1252, or as Latin-1 where that has no character, which never fails.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if raw.startswith(mark):
            return _decoded(raw, encoding)
    if b"\0" in raw:
        even, odd = raw[::2].count(0), raw[1::2].count(0)
        return _decoded(raw, "utf-16-le" if odd > even else "utf-16-be") if _mostly(max(even, odd), len(raw)) else None
    return _decoded(raw, "utf-8") or _decoded(raw, "cp1252") or _decoded(raw, "latin-1")


def _mostly(zeros: int, length: int) -> bool:
    """Western text in UTF-16 has a zero in nearly every pair of bytes; in a binary file they are spread."""
    return length % 2 == 0 and zeros > 0.7 * (length / 2)


def _decoded(raw: bytes, encoding: str) -> tuple[str, str] | None:
    try:
        return raw.decode(encoding), encoding
    except UnicodeDecodeError:
        return None

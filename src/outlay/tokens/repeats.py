"""What stands more than once in a set of prompts: whole files, paragraphs, lines.

Two passages are the same if they differ at most in white space and in upper and lower case. Short ones do not count:
headings, list marks and code fences repeat in any well-formed prompt.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass

from outlay.tokens.promptfile import PromptText

#: Below these a repeated passage is form, not content: a rule or an instruction has a verb, a subject and an object.
MIN_PARAGRAPH_WORDS = 8
MIN_LINE_WORDS = 6


@dataclass(frozen=True, slots=True)
class Passage:
    """Where a passage stands: its first line, counted from 1, and how many lines it has."""

    file: str
    line: int
    lines: int


@dataclass(frozen=True, slots=True)
class Repeat:
    """One passage that stands in several places. `tokens` is one occurrence; the text itself is not kept.

    `spare` is what the prompts would lose if each of them had it once: tokens of the further occurrences within a file.
    """

    kind: str
    """paragraph or line"""
    tokens: int
    places: tuple[Passage, ...]

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(place.file for place in self.places))

    @property
    def spare(self) -> int:
        return self.tokens * (len(self.places) - len(self.files))

    def spare_in(self, file: str) -> int:
        """Tokens that `file` could lose."""
        return self.tokens * max(0, sum(place.file == file for place in self.places) - 1)


def same_files(prompts: Iterable[PromptText]) -> tuple[tuple[str, ...], ...]:
    """Groups of files with the same text, in order of their first file."""
    groups: defaultdict[bytes, list[str]] = defaultdict(list)
    for prompt in prompts:
        if prompt.text.strip():
            groups[_key(prompt.text)].append(prompt.file)
    return tuple(tuple(files) for files in groups.values() if len(files) > 1)


def find_repeats(prompts: Sequence[PromptText], tokens_of: Callable[[str], int]) -> tuple[Repeat, ...]:
    """Paragraphs, and lines outside of such paragraphs, that stand in two places or more; most tokens at stake first.

    Files that are the same as a whole (`same_files`) take part with their first only: they are told as files.
    """
    twins = {file for group in same_files(prompts) for file in group[1:]}
    distinct = [prompt for prompt in prompts if prompt.file not in twins]
    paragraphs = _gather(distinct, _paragraphs)
    covered = {
        (place.file, line)
        for places, _ in paragraphs.values()
        for place in places
        for line in range(place.line, place.line + place.lines)
    }
    lines = _gather(distinct, _lines, covered)
    found = [Repeat("paragraph", tokens_of(text), tuple(places)) for places, text in paragraphs.values()]
    found += [Repeat("line", tokens_of(text), tuple(places)) for places, text in lines.values()]
    return tuple(sorted(found, key=lambda each: (-each.spare, -each.tokens * len(each.places), each.places[0].file)))


_Unit = tuple[int, int, str]
"""First line, number of lines, text."""


def _gather(
    prompts: Sequence[PromptText],
    units: Callable[[str], Iterator[_Unit]],
    covered: Set[tuple[str, int]] = frozenset(),
) -> dict[bytes, tuple[list[Passage], str]]:
    """Passages that stand twice or more, with the text of the first."""
    found: dict[bytes, tuple[list[Passage], str]] = {}
    for prompt in prompts:
        for line, lines, text in units(prompt.text):
            if (prompt.file, line) not in covered:
                found.setdefault(_key(text), ([], text))[0].append(Passage(prompt.file, line, lines))
    return {key: each for key, each in found.items() if len(each[0]) > 1}


def _paragraphs(text: str) -> Iterator[_Unit]:
    start, kept = 1, list[str]()
    for number, line in enumerate([*text.splitlines(), ""], 1):
        if line.strip():
            if not kept:
                start = number
            kept.append(line)
        elif kept:
            if len(" ".join(kept).split()) >= MIN_PARAGRAPH_WORDS:
                yield start, len(kept), "\n".join(kept)
            kept = []


def _lines(text: str) -> Iterator[_Unit]:
    for number, line in enumerate(text.splitlines(), 1):
        if len(line.split()) >= MIN_LINE_WORDS:
            yield number, 1, line.strip()


def _key(text: str) -> bytes:
    return hashlib.sha256(" ".join(text.split()).casefold().encode("utf-8", "replace")).digest()

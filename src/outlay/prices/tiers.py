"""Which models are frontier, mid or small, and what the same provider sells below them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cache, lru_cache

from outlay.prices import library
from outlay.prices.shipped import Source, shipped_entries, source_of
from outlay.prices.yamlfile import Entry


class ModelTier(StrEnum):
    """Where a model stands in its maker's own line, by list price and by what the maker says it is for."""

    FRONTIER = "frontier"
    MID = "mid"
    SMALL = "small"


@dataclass(frozen=True, slots=True)
class Tier:
    """`cheaper`: a model of the same maker, one step down, by the name that the asked provider sells it under; None
    where there is none, or that provider does not price it."""

    tier: ModelTier
    maker: str
    cheaper: str | None
    source: str
    checked: date


@dataclass(frozen=True, slots=True)
class _Line:
    patterns: tuple[str, ...]
    tier: ModelTier | None
    cheaper: tuple[str, ...]
    maker: str
    source: Source


#: `us.anthropic.claude-...` on Bedrock, `meta-llama/llama-...`, `models/gemini-...`: the maker's own name comes last.
_ROUTE = re.compile(r"^(?:[\w.:-]+/)*(?:(?:[a-z]+\.)?(?:anthropic|amazon|meta|mistral|openai|deepseek|cohere)\.)?")


@lru_cache(maxsize=100_000)
def tier_of(provider: str | None, model: str) -> Tier | None:
    """The tier of a model as `provider` sells it; None where tiers.yaml does not name it, or sets it apart."""
    found = library.find(provider, model)
    names = {model.strip().lower()} | ({found.info.id.lower()} if found is not None else set())
    names |= {_ROUTE.sub("", name) for name in names}
    line = next((ln for ln in _lines() if any(fnmatchcase(n, p) for p in ln.patterns for n in names)), None)
    if line is None or line.tier is None:
        return None
    cheaper = next((name for name in line.cheaper if library.find(provider, name) is not None), None)
    return Tier(line.tier, line.maker, cheaper, line.source.source, line.source.checked)


@cache
def _lines() -> tuple[_Line, ...]:
    """The first line whose pattern matches counts, so `gpt-4o-mini*` stands before `gpt-4o*`."""
    lines = []
    for maker in shipped_entries("tiers.yaml", "makers"):
        source, name = source_of(maker), maker.required_text("maker")
        lines.append(_Line(maker.texts("apart"), None, (), name, source))
        lines += [_line(entry, name, source) for entry in maker.entries("models")]
        maker.done()
    return tuple(lines)


def _line(entry: Entry, maker: str, source: Source) -> _Line:
    line = _Line(
        entry.texts("match"), ModelTier(entry.required_text("tier")), entry.texts("cheaper"), maker, source
    )
    entry.done()
    return line

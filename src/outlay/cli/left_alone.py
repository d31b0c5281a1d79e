"""What an import finds in a folder and leaves alone: which files, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from outlay.accounting.figures import plural
from outlay.errors import UnrecognisedFile

#: Names of one kind that are spelled out; `--json` has all.
_NAMED = 12
PROMPTS = "prompts and other texts; `outlay prompts audit` reads prompts"
SETTINGS = "settings"


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """A file that no source knows. `no_data`: what it is instead, where that is known; else `reason` says more."""

    name: str
    reason: str
    no_data: str = ""


def left_alone(path: Path, name: str, error: UnrecognisedFile) -> LeftAlone:
    """Why the file stays out: it is no data, is empty, or is of a format that nobody knows."""
    return LeftAlone(name, error.message, "" if _is_empty(path) else _kind(path))


def _is_empty(path: Path) -> bool:
    return path.stat().st_size == 0


def _kind(path: Path) -> str:
    from outlay.tokens.promptfile import SUFFIXES

    if path.suffix.lower() in (".yaml", ".yml") and _is_settings(path):
        return SETTINGS
    return PROMPTS if path.suffix.lower() in SUFFIXES else ""


def _is_settings(path: Path) -> bool:
    """Whether all its keys are settings, or it is a mapping of columns."""
    import yaml

    from outlay.errors import SettingsError
    from outlay.settings import SETTINGS as KEYS
    from outlay.sources.mapping import from_settings

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, yaml.YAMLError):
        return False
    if not isinstance(found, dict) or not found:
        return False
    if set(found) <= {setting.name for setting in KEYS}:
        return True
    try:
        from_settings(found, str(path))
    except SettingsError:
        return False
    return True


def left_alone_lines(files: Sequence[LeftAlone]) -> Iterator[str]:
    """For people: what is no data in a line a kind, then what is not known, one a line."""
    for kind in (SETTINGS, PROMPTS):
        names = [file.name for file in files if file.no_data == kind]
        if names:
            yield f"Left alone, no data: {plural(len(names), 'file')} ({_listed(names)}): {kind}"
    unknown = [file for file in files if not file.no_data]
    if unknown:
        yield f"Not recognised, and left alone: {plural(len(unknown), 'file')}"
        yield from (f"  {file.name} {file.reason}" for file in unknown[:_NAMED])
        if len(unknown) > _NAMED:
            yield f"  ... {len(unknown) - _NAMED:,} more"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more

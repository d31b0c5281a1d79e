"""YAML in which numbers keep every digit, and entries that say where they stand when they are wrong."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml

from outlay.errors import SettingsError

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _ExactLoader(_Base):  # type: ignore[misc]  # the C loader where libyaml is there, else the Python one
    """Numbers with a point stay text until they become Decimal: money never passes through a float."""


def _as_decimal(loader: Any, node: yaml.ScalarNode) -> object:
    text = loader.construct_scalar(node)
    try:
        return Decimal(text.replace("_", ""))
    except InvalidOperation:
        return text  # .inf, .nan and sexagesimals: refused where a number is expected


_ExactLoader.add_constructor("tag:yaml.org,2002:float", _as_decimal)


def read_yaml(text: str, where: str) -> object:
    """The document; SettingsError with file and line where it is not YAML."""
    try:
        return yaml.load(text, Loader=_ExactLoader)
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{where}:{mark.line + 1}" if mark is not None else where
        problem = getattr(error, "problem", None) or str(error)
        raise SettingsError(f"not valid YAML: {problem}", where=place, hint="docs/prices.md has an example.") from None


def read_yaml_file(path: Path) -> object:
    """As `read_yaml`, for a file that the user names."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SettingsError("there is no such price file", where=str(path), hint="Check the path.") from None
    except UnicodeDecodeError:
        raise SettingsError("the file is not UTF-8 text", where=str(path), hint="Save it as UTF-8.") from None
    except OSError as error:
        raise SettingsError(f"cannot be read: {error.strerror}", where=str(path), hint="Check its rights.") from None
    return read_yaml(text, str(path))


def decimals(value: Decimal) -> int:
    """How many digits stand after the point, trailing zeros not counted."""
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


@dataclass(slots=True)
class Entry:
    """One mapping of a file: every key is asked for once, `done` refuses the rest."""

    where: str
    values: Mapping[str, object]
    asked: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, value: object, where: str) -> Entry:
        if not isinstance(value, Mapping):
            raise SettingsError("a mapping (key: value) is expected here", where=where, hint="See docs/prices.md.")
        return cls(where, {str(key): item for key, item in value.items()})

    def fault(self, key: str, message: str, hint: str = "See docs/prices.md.") -> SettingsError:
        return SettingsError(message, where=f"{self.where}.{key}", hint=hint)

    def raw(self, key: str) -> object:
        self.asked.add(key)
        return self.values.get(key)

    def text(self, key: str) -> str | None:
        value = self.raw(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal) or not str(value).strip():
            raise self.fault(key, f"text is expected, not {value!r}", f'Write `{key}: "..."`.')
        return str(value).strip()

    def required_text(self, key: str) -> str:
        value = self.text(key)
        if value is None:
            raise self.fault(key, "is missing", f"Add `{key}:` to this entry.")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """One text or a list of texts; empty where the key is absent."""
        value = self.raw(key)
        items = value if isinstance(value, list) else [] if value is None else [value]
        if not all(isinstance(item, str) and item.strip() for item in items):
            raise self.fault(key, f"text or a list of texts is expected, not {value!r}", f"Write `{key}: [a, b]`.")
        return tuple(str(item).strip() for item in items)

    def one_of(self, key: str, choices: Iterable[str]) -> str | None:
        value = self.text(key)
        if value is not None and value not in (known := sorted(choices)):
            raise self.fault(key, f"{value!r} is not known", f"One of: {', '.join(known)}.")
        return value

    def number(self, key: str) -> Decimal | None:
        value = self.raw(key)
        if value is None:
            return None
        if isinstance(value, str):
            try:
                value = Decimal(value.strip().replace("_", ""))
            except InvalidOperation:
                raise self.fault(key, f"a number is expected, not {value!r}", "Write it as 12.50.") from None
        if isinstance(value, bool) or not isinstance(value, int | Decimal) or not Decimal(value).is_finite():
            raise self.fault(key, f"a number is expected, not {value!r}", "Write it as 12.50.")
        return Decimal(value)

    def price(self, key: str) -> Decimal | None:
        """US dollars, not negative, at most 9 decimals and below a million, so that no exact sum can overflow."""
        value = self.number(key)
        if value is None:
            return None
        if value < 0 or value >= 1_000_000 or decimals(value) > 9:
            hint = "A price is 0 or more and less than a million US dollars, with at most 9 decimals."
            raise self.fault(key, f"{value} is not a price", hint)
        return value

    def day(self, key: str) -> date | None:
        value = self.raw(key)
        if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
            return value
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            raise self.fault(key, f"a day is expected, not {value!r}", "Write it as 2026-01-31.") from None

    def entries(self, key: str) -> Iterator[Entry]:
        value = self.raw(key)
        if value is None:
            return
        if not isinstance(value, list):
            raise self.fault(key, "a list is expected here", "Start each entry with `- `.")
        for number, item in enumerate(value, 1):
            yield Entry.of(item, f"{self.where}.{key}[{number}]" if self.where else f"{key}[{number}]")

    def inner(self, key: str) -> Entry | None:
        value = self.raw(key)
        return None if value is None else Entry.of(value, f"{self.where}.{key}")

    def done(self) -> None:
        """Refuses keys that nobody asked for, so that a typing error never passes silently."""
        for key in self.values:
            if key not in self.asked:
                close = difflib.get_close_matches(key, self.asked, 1)
                hint = f"Did you mean `{close[0]}`?" if close else f"Known here: {', '.join(sorted(self.asked))}."
                raise self.fault(key, "this key is not known", hint)

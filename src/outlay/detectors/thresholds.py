"""Reads the thresholds: the defaults with their reasons, and what the user's settings change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from outlay.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Threshold:
    """One number that a detector compares with."""

    detector: str
    name: str
    value: float
    unit: str
    why: str


@cache
def defaults() -> tuple[Threshold, ...]:
    """Every default, as `thresholds.yaml` gives them."""
    import yaml

    text = files("outlay.detectors").joinpath("thresholds.yaml").read_text(encoding="utf-8")
    return tuple(
        Threshold(code, name, float(entry["value"]), entry["unit"], entry["why"])
        for code, entries in (yaml.safe_load(text) or {}).items()
        for name, entry in entries.items()
    )


def thresholds(code: str, own: Mapping[str, Any]) -> dict[str, float]:
    """The thresholds of one detector; `own` is the `detectors` section of the settings.

    Raises `SettingsError` for a name that the detector does not have or a value that is not a number.
    """
    values = {threshold.name: threshold.value for threshold in defaults() if threshold.detector == code}
    for name, value in (own.get(code) or {}).items():
        if name not in values:
            raise SettingsError(f"{code} has no threshold {name!r}; it has {', '.join(values) or 'none'}",
                                where=f"detectors.{code}")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise SettingsError("must be a number", where=f"detectors.{code}.{name}")
        values[name] = float(value)
    return values

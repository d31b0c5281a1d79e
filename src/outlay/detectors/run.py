"""Runs the detectors over a window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from outlay.detectors.base import Context, Detector
from outlay.detectors.registry import all_detectors
from outlay.detectors.thresholds import thresholds
from outlay.errors import SettingsError
from outlay.facts.finding import Finding
from outlay.facts.window import Window

if TYPE_CHECKING:
    from outlay.prices.book import PriceBook
    from outlay.questions.ask import Ask


@dataclass(frozen=True, slots=True)
class Detection:
    """What was found, and the detectors that could say nothing because a table that they need is empty."""

    findings: tuple[Finding, ...]
    silent: tuple[Detector, ...]


def detect(ask: Ask, window: Window, book: PriceBook, own: Mapping[str, Any]) -> Detection:
    """Every finding of every detector. `own` is the `detectors` section of the settings.

    Raises `SettingsError` for a detector or threshold that does not exist.
    """
    detectors = all_detectors()
    codes = {detector.code for detector in detectors}
    for code in own:
        if code not in codes:
            raise SettingsError(f"there is no detector {code!r}", where="detectors",
                                hint=f"One of {', '.join(sorted(codes))}.")
    filled = {name: ask.has(name) for name in {name for detector in detectors for name in detector.needs}}
    findings: list[Finding] = []
    silent = []
    for detector in detectors:
        if all(filled[name] for name in detector.needs):
            findings.extend(detector.find(Context(ask, window, book, thresholds(detector.code, own))))
        else:
            silent.append(detector)
    return Detection(tuple(findings), tuple(silent))

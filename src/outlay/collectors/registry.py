"""Every kind of collector, by the name that the settings use. A new one joins here.

Kubernetes, Ray, MLflow, the providers' usage APIs and cloud buckets have their place in this list, too.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from outlay.collectors.base import Collector
from outlay.collectors.files import Files
from outlay.collectors.prometheus import PrometheusQuery, PrometheusScrape
from outlay.collectors.sample_month import SampleMonth
from outlay.collectors.settings import Entry
from outlay.errors import SettingsError

if TYPE_CHECKING:
    from outlay.sources.base import Source

KINDS: tuple[type[Collector], ...] = (PrometheusQuery, PrometheusScrape, Files, SampleMonth)


def collectors(
    entries: Iterable[Entry], own: Callable[[], tuple[Source, ...]] = tuple, scratch: Path | None = None
) -> tuple[Collector, ...]:
    """The collectors that the settings ask for; `own` and `scratch` as `Entry` has them. Raises `SettingsError` naming
    the entry and key at fault."""
    known = {kind.code: kind for kind in KINDS}
    found = []
    for entry in entries:
        if entry.kind not in known:
            close = difflib.get_close_matches(entry.kind, known, 1)
            raise SettingsError(f"there is no collector {entry.kind!r}", where=f"{entry.where}.kind",
                                hint=f"Did you mean {close[0]!r}?" if close else f"One of {', '.join(known)}.")
        found.append(known[entry.kind].from_settings(replace(entry, own=own, scratch=scratch)))
    return tuple(found)

"""`outlay.yaml`: one file, validated; every setting can come from the environment as well.

A setting `name` is overridden by the environment variable `OUTLAY_NAME`, whose value is read as YAML. Paths are
relative to the file that names them.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outlay.alerts.configured import AlertSettings, parse_alerts
from outlay.attribution.rules import Attribution, parse_attribution
from outlay.attribution.shared import Split, parse_splits
from outlay.collectors.settings import Entry, parse_entries
from outlay.errors import SettingsError
from outlay.governance.budget import Budget, parse_budgets

if TYPE_CHECKING:
    from outlay.ledger.derive import Rate
    from outlay.prices.book import PriceBook
    from outlay.sources.base import Source


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of `outlay.yaml`."""

    name: str
    doc: str
    example: str


#: Every key, for validation and for docs/settings.md.
SETTINGS: tuple[Setting, ...] = (
    Setting("organisation", "Name that reports carry.", "Halyard"),
    Setting("currency", "Reporting currency, ISO 4217. What has no rate is listed beside, never added.", "USD"),
    Setting("rates", "CSV file of exchange rates with the columns currency, day, rate: one unit of `currency` is "
            "`rate` units of the reporting currency from `day` on.", "rates.csv"),
    Setting("prices", "YAML file with your own prices and discounts, which win (docs/prices.md).", "prices.yaml"),
    Setting("mappings", "List of column mappings for tables of your own (docs/sources.md).", "[gateway.yaml]"),
    Setting("slurm_zone", "Time zone of the cluster whose sacct output names none; UTC by default.", "Europe/Berlin"),
    Setting("attribution", "Which tags speak of team, owner, project, environment, purpose and stage, and rules for "
            "what tags do not say (docs/concepts.md).", "{rules: [{when: {user: 'ana*'}, set: {team: search}}]}"),
    Setting("split", "How shared cost is split over teams: evenly, by proportion or by weights (docs/concepts.md).",
            "[{name: cluster, when: {resource: 'shared-*'}, by: proportion}]"),
    Setting("budgets", "What may be spent on what in which period (`outlay budgets`).",
            "[{name: search, team: search, amount: 80000, period: month}]"),
    Setting("collectors", "What `outlay up` asks again and again (docs/collectors.md).",
            "[{kind: prometheus_query, name: north, url: 'http://prometheus:9090'}]"),
    Setting("state", "PostgreSQL database of people, budgets and alerts, for servers on several hosts; by default "
            "SQLite in the store. A password comes from PGPASSWORD or ~/.pgpass.",
            "postgresql://outlay@db.example.com/outlay"),
    Setting("public_url", "Address under which people reach the server, for links in messages and for cookies.",
            "https://outlay.example.com"),
    Setting("alerts", "Who is told of what, when, and through what; weekly summaries (docs/alerts.md).",
            "{notifiers: {finops: {kind: slack, webhook: {env: SLACK_WEBHOOK}}}, routes: [{notify: finops}]}"),
    Setting("detectors", "Thresholds of detectors that differ from the defaults (docs/detectors.md).",
            "{idle-gpu: {util_pct: 10}}"),
    Setting("sample", "Marks everything as sample data; set by the sample month's own file.", "true"),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What `outlay.yaml` and the environment say."""

    organisation: str = ""
    currency: str = "USD"
    rates: tuple[Rate, ...] = ()
    prices: Path | None = None
    mappings: tuple[Path, ...] = ()
    slurm_zone: str = "UTC"
    attribution: Attribution = field(default_factory=Attribution)
    split: tuple[Split, ...] = ()
    budgets: tuple[Budget, ...] = ()
    collectors: tuple[Entry, ...] = ()
    state: str = ""
    public_url: str = ""
    alerts: AlertSettings = field(default_factory=AlertSettings)
    detectors: Mapping[str, Any] = field(default_factory=dict)
    sample: bool = False

    def book(self) -> PriceBook:
        """The price book, with the user's own prices."""
        from outlay.prices.book import load_book

        return load_book(self.prices)

    def sources(self) -> tuple[Source, ...]:
        """Sources as the user set them: column mappings, and Slurm's accounting with its time zone."""
        from outlay.sources.mappedtable import MappedTable
        from outlay.sources.mapping import Mapping as ColumnMapping

        own: tuple[Source, ...] = tuple(MappedTable(ColumnMapping.load(path)) for path in self.mappings)
        if self.slurm_zone == "UTC":
            return own
        from outlay.sources.sacct import Sacct

        return (*own, Sacct(self.slurm_zone))


def load_settings(path: Path | None, store: Path) -> Settings:
    """Settings from `path`, else from ./outlay.yaml, else from the store's own; and from the environment.

    Raises `SettingsError` naming the file and the key at fault.
    """
    if path is not None and not path.is_file():
        raise SettingsError("does not exist", where=str(path), hint="Name the settings file with --config.")
    found = path or next((p for p in (Path("outlay.yaml"), store / "outlay.yaml") if p.is_file()), None)
    raw = _read(found) if found else {}
    where = str(found) if found else "environment"
    for setting in SETTINGS:
        text = os.environ.get(f"OUTLAY_{setting.name.upper()}")
        if text is not None:
            raw[setting.name] = _yaml(text, f"OUTLAY_{setting.name.upper()}")
    return parse_settings(raw, where, found.parent if found else Path())


def parse_settings(raw: Mapping[str, Any], where: str, base: Path) -> Settings:
    """The settings of an already parsed file; `base` is where relative paths start."""
    names = [setting.name for setting in SETTINGS]
    for key in raw:
        if key not in names:
            close = difflib.get_close_matches(str(key), names, 1)
            raise SettingsError(f"unknown setting {key!r}", where=where,
                                hint=f"Did you mean {close[0]!r}?" if close else f"One of {', '.join(names)}.")
    currency = str(raw.get("currency", "USD"))
    if len(currency) != 3 or not currency.isalpha() or not currency.isupper():
        raise SettingsError(f"{currency!r} is not an ISO 4217 code such as USD", where=f"{where}: currency")
    detectors = raw.get("detectors") or {}
    if not isinstance(detectors, dict):
        raise SettingsError("must be a mapping of detector to thresholds", where=f"{where}: detectors")
    return Settings(
        organisation=str(raw.get("organisation", "")),
        currency=currency,
        rates=_rates(_path(raw.get("rates"), "rates", where, base)),
        prices=_path(raw.get("prices"), "prices", where, base),
        mappings=_paths(raw.get("mappings"), where, base),
        slurm_zone=_zone(raw.get("slurm_zone"), where),
        attribution=parse_attribution(raw.get("attribution"), where),
        split=parse_splits(raw.get("split"), where),
        budgets=parse_budgets(raw.get("budgets"), where),
        collectors=parse_entries(raw.get("collectors"), where, base),
        state=str(raw.get("state") or ""),
        public_url=_url(raw.get("public_url"), where),
        alerts=parse_alerts(raw.get("alerts"), where, base),
        detectors=detectors,
        sample=raw.get("sample") is True,
    )


def _url(value: Any, where: str) -> str:
    from urllib.parse import urlsplit

    if value is None:
        return ""
    parts = urlsplit(str(value))
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise SettingsError(f"{value!r} is not an address", where=f"{where}: public_url",
                            hint="For example https://outlay.example.com")
    return str(value).rstrip("/")


def _zone(value: Any, where: str) -> str:
    from zoneinfo import ZoneInfo

    name = "UTC" if value is None else str(value)
    try:
        return ZoneInfo(name).key
    except (ValueError, OSError, LookupError) as error:
        raise SettingsError(f"{name!r} is not a time zone", where=f"{where}: slurm_zone",
                            hint="For example Europe/Berlin.") from error


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot be read: {error}", where=str(path)) from error
    value = _yaml(text, str(path))
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise SettingsError("must be a mapping of settings", where=str(path))
    return value


def _yaml(text: str, where: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SettingsError(f"is not valid YAML: {' '.join(str(error).split())}", where=where) from error


def _path(value: Any, name: str, where: str, base: Path) -> Path | None:
    if value is None:
        return None
    path = base / str(value)
    if not path.is_file():
        raise SettingsError(f"{path} does not exist", where=f"{where}: {name}")
    return path


def _paths(value: Any, where: str, base: Path) -> tuple[Path, ...]:
    items = [] if value is None else value if isinstance(value, list) else [value]
    found = (_path(item, "mappings", where, base) for item in items)
    return tuple(path for path in found if path is not None)


def _rates(path: Path | None) -> tuple[Rate, ...]:
    """Exchange rates of a CSV file. Raises `SettingsError` naming the line."""
    if path is None:
        return ()
    import csv
    from datetime import date
    from decimal import Decimal, InvalidOperation

    from outlay.ledger.derive import Rate

    rates = []
    with path.open(encoding="utf-8-sig", newline="") as stream:
        for row in (reader := csv.DictReader(stream)):
            try:
                rate = Rate(row["currency"].strip().upper(), date.fromisoformat(row["day"]), Decimal(row["rate"]))
            except (KeyError, TypeError, ValueError, InvalidOperation) as error:
                raise SettingsError("needs the columns currency, day (2026-09-30) and rate",
                                    where=f"{path}: line {reader.line_num}") from error
            if not rate.rate.is_finite() or rate.rate <= 0:
                raise SettingsError("a rate is a positive number", where=f"{path}: line {reader.line_num}")
            rates.append(rate)
    return tuple(rates)

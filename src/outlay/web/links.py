"""Where the rows behind a figure are: the addresses of pages with their filters, written in one place."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode


def run_link(run_id: str, scheduler: str | None) -> str:
    """The page of one run."""
    return f"/run?{urlencode({'id': run_id, 'scheduler': scheduler or ''})}"


def runs_link(**filters: str) -> str:
    """The runs that fit."""
    return _with("/runs", filters)


def trace_link(trace_id: str) -> str:
    """The page of one trace."""
    return f"/trace?{urlencode({'id': trace_id})}"


def explore_link(by: str, where: tuple[tuple[str, str], ...] = (), **more: str) -> str:
    """Cost by a dimension, of what has these values."""
    pairs = [("by", by), *(("where", f"{name}={value}") for name, value in where), *more.items()]
    return f"/explore?{urlencode(pairs)}"


def finding_link(finding_id: str) -> str:
    """One finding among all."""
    return f"/findings?{urlencode({'id': finding_id})}"


def budget_link(name: str) -> str:
    """One budget."""
    return f"/budgets?{urlencode({'name': name})}"


def source_link(name: str) -> str:
    """One source among all."""
    return f"/sources?{urlencode({'name': name})}"


def alert_link(alert_id: str) -> str:
    """One alert, with all that was sent of it."""
    return f"/alerts?{urlencode({'id': alert_id})}"


def gpus_link(**filters: str) -> str:
    """The accelerators that fit."""
    return _with("/gpus", filters)


def weekly_link(since: datetime) -> str:
    """The week that begins with a day."""
    return f"/weekly?week={since:%Y-%m-%d}"


def _with(path: str, filters: dict[str, str]) -> str:
    chosen = {name: value for name, value in filters.items() if value}
    return f"{path}?{urlencode(chosen)}" if chosen else path

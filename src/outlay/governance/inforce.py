"""Which budgets hold: what the settings declare, then what people set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from outlay.errors import UsageError
from outlay.governance.budget import SCOPES, Budget, parse_budgets
from outlay.settings import Settings


def in_force(settings: Settings, kept: Iterable[Budget]) -> Settings:
    """The settings with all budgets. Of two of one name the declared one holds: the file is read-only here."""
    declared = {each.name for each in settings.budgets}
    added = tuple(each for each in kept if each.name not in declared)
    return replace(settings, budgets=(*settings.budgets, *added)) if added else settings


def asked_budget(
    settings: Settings, name: str, scope: Mapping[str, str], amount: str, period: str, thresholds: str,
) -> Budget:
    """The budget that somebody asks for, in words as typed; `thresholds` such as `50, 80, 100`, empty for these.

    Raises `UsageError` where the settings declare one of that name, and `SettingsError` naming the field at fault.
    """
    if any(each.name == name.strip() for each in settings.budgets):
        raise UsageError(f"budget {name.strip()!r} is declared in the settings", where="name",
                         hint="Change it in outlay.yaml, or choose another name.")
    words = [word.strip().removesuffix("%") for word in thresholds.split(",") if word.strip()]
    entry = {"name": name, "amount": amount.strip().replace(",", ""), "period": period or "month",
             "thresholds": [int(word) if word.isdecimal() else word for word in words] or [50, 80, 100],
             **{key: value for key, value in scope.items() if key in SCOPES}}
    unknown = [key for key in scope if key not in SCOPES]
    if unknown:
        raise UsageError(f"a budget cannot be for {unknown[0]!r}", where="scope", hint=f"One of {', '.join(SCOPES)}.")
    (made,) = parse_budgets([entry], "budget")
    return made

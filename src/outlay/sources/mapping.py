"""The mapping of a table's columns to a kind of fact, as a user writes it in YAML; read strictly."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from collections.abc import Mapping as Keys
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from outlay.errors import SettingsError
from outlay.facts import KINDS, Fact, columns
from outlay.facts.call import AUTHORITY
from outlay.facts.column import COUNT, TAGS, TEXT, TIME, Column

FACTS: dict[str, type[Fact]] = {kind.__name__.lower(): kind for kind in KINDS}
#: Microseconds in one unit of a time that is written as a number.
EPOCHS = {"seconds": Fraction(1_000_000), "milliseconds": Fraction(1_000), "microseconds": Fraction(1),
          "nanoseconds": Fraction(1, 1_000)}
#: The tag name that stands for "every key of this object".
ALL_KEYS = "*"

_TOP = ("source", "title", "fact", "match", "columns", "tags", "missing", "authority")
_FORMULA = ("column", "value", "sum", "subtract", "times", "round", "default", "epoch", "from", "format", "zone")
_KINDS_OF_FORMULA = ("column", "value", "sum", "subtract")
_COSTS = ("billed_cost", "effective_cost", "list_cost", "contracted_cost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """How one fact column is made of file columns.

    `columns` are added up (`minus`: the others taken from the first); a formula without columns is the constant
    `value`. `times` multiplies, by a column or a number; `default` stands where the file has no value.
    """

    columns: tuple[str, ...] = ()
    minus: bool = False
    value: str | None = None
    default: str | None = None
    times: str | Decimal | None = None
    round: bool = False
    epoch: str | None = None
    origin: datetime = datetime(1970, 1, 1)
    format: str | None = None
    zone: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Every file column that it needs."""
        return (*self.columns, self.times) if isinstance(self.times, str) else self.columns

    @property
    def is_plain(self) -> bool:
        """One column without arithmetic."""
        return len(self.columns) == 1 and self.times is None


@dataclass(frozen=True, slots=True)
class Mapping:
    """One mapping file. `columns` and `tags` go from a fact's column (or a tag) to its formula."""

    source: str
    fact: type[Fact]
    columns: Keys[str, Formula]
    tags: Keys[str, Formula]
    match: tuple[str, ...]
    missing: tuple[str, ...] = ()
    title: str = ""
    authority: str = "spend_log"

    @staticmethod
    def load(path: Path) -> Mapping:
        """Raises `SettingsError` where the file is absent, not YAML, or does not say what it must."""
        try:
            return Mapping.parse(path.read_text(encoding="utf-8"), where=str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"cannot be read: {error}", where=str(path)) from error

    @staticmethod
    def parse(text: str, where: str = "mapping") -> Mapping:
        """The mapping that YAML text describes. Raises `SettingsError`, which names the key that is wrong."""
        return from_settings(_yaml(text, where), where)


def from_settings(settings: Any, where: str) -> Mapping:
    """A mapping from parsed YAML, for those who keep it inside of another file. Raises `SettingsError`."""
    top = _keys(settings, _TOP, where)
    source = _text(top, "source", where)
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", source):
        raise SettingsError("must be lower-case letters, digits, '.', '-' and '_'", where=f"{where}: source")
    kind = _text(top, "fact", where)
    if kind not in FACTS:
        raise SettingsError(f"'{kind}' is not a kind of fact", where=f"{where}: fact", hint=_one_of(kind, FACTS))
    fact = FACTS[kind]
    formulas = _columns(top.get("columns"), fact, f"{where}: columns")
    tags = {name: _formula(written, Column(name, TEXT, False, ""), f"{where}: tags.{name}")
            for name, written in _keys(top.get("tags", {}), None, f"{where}: tags").items()}
    if ALL_KEYS in tags and not tags[ALL_KEYS].is_plain:
        raise SettingsError("must name the one column that holds an object", where=f"{where}: tags.{ALL_KEYS}")
    used = dict.fromkeys(name for formula in formulas.values() for name in formula.names)
    match = _names(top["match"], f"{where}: match") if "match" in top else tuple(used)
    if not match:
        raise SettingsError("no column of the file is named", where=f"{where}: match",
                            hint="name the columns by which a file is recognised")
    missing = _names(top["missing"], f"{where}: missing") if "missing" in top else ()
    title = _text(top, "title", where) if "title" in top else f"{source}: a table mapped to {kind}s"
    return Mapping(source, fact, formulas, tags, match, missing, title, _authority(top, kind, where))


def _authority(top: dict[str, Any], kind: str, where: str) -> str:
    if "authority" not in top:
        return "spend_log"
    authority = _text(top, "authority", where)
    if kind != "call":
        raise SettingsError("is for calls only", where=f"{where}: authority")
    if authority not in AUTHORITY:
        raise SettingsError(f"'{authority}' is not known", where=f"{where}: authority",
                            hint=_one_of(authority, AUTHORITY))
    return authority


def _columns(written: Any, fact: type[Fact], where: str) -> dict[str, Formula]:
    targets = {column.name: column for column in columns(fact) if column.sql_type != TAGS}
    settings = _keys(written, tuple(targets), where)
    formulas = {name: _formula(value, targets[name], f"{where}.{name}") for name, value in settings.items()}
    absent = [column.name for column in targets.values() if column.required and column.name not in formulas]
    if absent:
        raise SettingsError(f"a {fact.__name__.lower()} cannot do without {', '.join(absent)}", where=where)
    if "billed_cost" in targets and not any(cost in formulas for cost in _COSTS):
        raise SettingsError(f"a charge needs one of {', '.join(_COSTS)}", where=where)
    return formulas


def _formula(written: Any, target: Column, where: str) -> Formula:
    if isinstance(written, str):
        return Formula(columns=(written,))
    keys = _keys(written, _FORMULA, where)
    kinds = [kind for kind in _KINDS_OF_FORMULA if kind in keys]
    if len(kinds) != 1:
        raise SettingsError(f"needs exactly one of {', '.join(_KINDS_OF_FORMULA)}", where=where)
    kind = kinds[0]
    if kind == "value":
        if len(keys) > 1:
            raise SettingsError("a constant takes no other keys", where=where)
        return Formula(value=_constant(keys["value"], target, f"{where}.value"))
    names = (_text(keys, "column", where),) if kind == "column" else _names(keys[kind], f"{where}.{kind}")
    formula = Formula(
        columns=names,
        minus=kind == "subtract",
        default=_constant(keys["default"], target, f"{where}.default") if "default" in keys else None,
        times=_times(keys["times"], f"{where}.times") if "times" in keys else None,
        round=_flag(keys.get("round", False), f"{where}.round"),
        **_time_keys(keys, where),
    )
    _check(formula, keys, target, where)
    return formula


def _check(formula: Formula, keys: Keys[str, Any], target: Column, where: str) -> None:
    for key in ("epoch", "from", "format", "zone"):
        if key in keys and target.sql_type != TIME:
            raise SettingsError("is for times only", where=f"{where}.{key}")
    if "from" in keys and formula.epoch is None:
        raise SettingsError("goes with epoch", where=f"{where}.from")
    if formula.epoch is not None and (formula.format or formula.zone):
        raise SettingsError("a time that is a number has neither format nor zone", where=f"{where}.epoch")
    if not formula.is_plain:
        if target.sql_type in (TIME, TEXT, "BOOLEAN"):
            raise SettingsError(f"{target.name} is no number: nothing can be added or multiplied", where=where)
        if target.sql_type.startswith("DECIMAL") and isinstance(formula.times, str):
            raise SettingsError("an exact amount can be multiplied by a number only", where=f"{where}.times")
    if formula.round and target.sql_type != COUNT:
        raise SettingsError(f"{target.name} is not a count", where=f"{where}.round")


def _time_keys(keys: Keys[str, Any], where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "epoch" in keys:
        epoch = _text(keys, "epoch", where)
        if epoch not in EPOCHS:
            raise SettingsError(f"'{epoch}' is not known", where=f"{where}.epoch", hint=_one_of(epoch, EPOCHS))
        found["epoch"] = epoch
    if "from" in keys:
        found["origin"] = _moment(keys["from"], f"{where}.from")
    if "format" in keys:
        found["format"] = _text(keys, "format", where)
        if "%z" in found["format"].lower():
            raise SettingsError("a time that names its zone needs no format", where=f"{where}.format")
    if "zone" in keys:
        found["zone"] = _text(keys, "zone", where)
        try:
            ZoneInfo(found["zone"])
        except (ValueError, OSError, LookupError) as error:
            raise SettingsError(f"'{found['zone']}' is not a time zone", where=f"{where}.zone",
                                hint="name it as the IANA does, for example Europe/Berlin") from error
    return found


def _constant(written: Any, target: Column, where: str) -> str:
    """The constant as text, checked against the type of the fact's column."""
    if target.sql_type == TIME:
        return _moment(written, where).isoformat(sep=" ")
    if isinstance(written, bool):
        if target.sql_type not in ("BOOLEAN", TEXT):
            raise SettingsError(f"{target.name} is not true or false", where=where)
        return "true" if written else "false"
    if not isinstance(written, str | int | float) or written == "":
        raise SettingsError("must be a text or a number", where=where)
    text = str(written)
    if target.sql_type == "BOOLEAN":
        raise SettingsError("must be true or false", where=where)
    if target.sql_type != TEXT:
        number = _number(text, where)
        if target.sql_type == COUNT and number != number.to_integral_value():
            raise SettingsError("must be a whole number", where=where)
        text = f"{number:f}"
    return text


def _moment(written: Any, where: str) -> datetime:
    """A moment in UTC from YAML, which gives dates as dates where they are not quoted."""
    if isinstance(written, str):
        try:
            written = datetime.fromisoformat(written)
        except ValueError as error:
            raise SettingsError(f"'{written}' is not a date or time", where=where) from error
    if isinstance(written, datetime):
        return written if written.tzinfo is None else written.astimezone(ZoneInfo("UTC")).replace(tzinfo=None)
    if isinstance(written, date):
        return datetime(written.year, written.month, written.day)
    raise SettingsError("must be a date or time, for example 2026-05-01", where=where)


def _times(written: Any, where: str) -> str | Decimal:
    if isinstance(written, str):
        return written
    if isinstance(written, bool) or not isinstance(written, int | float):
        raise SettingsError("must be a number or the name of a column", where=where)
    return _number(str(written), where)


def _number(text: str, where: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise SettingsError(f"'{text}' is not a number", where=where) from error
    if not number.is_finite():
        raise SettingsError(f"'{text}' is not a number", where=where)
    return number


def _flag(written: Any, where: str) -> bool:
    if not isinstance(written, bool):
        raise SettingsError("must be true or false", where=where)
    return written


def _text(keys: Keys[str, Any], key: str, where: str) -> str:
    if key not in keys:
        raise SettingsError(f"says no {key}", where=where, hint=f"Add a line `{key}: ...`.")
    if not isinstance(keys[key], str) or not keys[key]:
        raise SettingsError("must be a text", where=f"{where}.{key}", hint="Put it in quotes.")
    text: str = keys[key]
    return text


def _names(written: Any, where: str) -> tuple[str, ...]:
    if not isinstance(written, list) or not written or not all(isinstance(name, str) for name in written):
        raise SettingsError("must be a list of texts, for example [a, b]", where=where)
    return tuple(written)


def _keys(written: Any, known: Iterable[str] | None, where: str) -> dict[str, Any]:
    """The keys of a YAML mapping; a key that is not known (None: all are) is refused."""
    if not isinstance(written, dict) or not all(isinstance(key, str) for key in written):
        raise SettingsError("must be keys with values", where=where)
    for key in written:
        if known is not None and key not in known:
            raise SettingsError(f"'{key}' is not known", where=where, hint=_one_of(key, known))
    return written


def _one_of(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"Did you mean '{near[0]}'?" if near else f"Known are: {', '.join(known)}."


def _yaml(text: str, where: str) -> Any:
    import yaml

    class Strict(yaml.SafeLoader):
        """YAML keeps the last of two equal keys without a word; a mapping must not."""

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            seen = set()
            for key, _ in node.value:
                if key.value in seen:
                    place = f"{where}: line {key.start_mark.line + 1}"
                    raise SettingsError(f"'{key.value}' stands twice", where=place)
                seen.add(key.value)
            return super().construct_mapping(node, deep)

    try:
        return yaml.load(text, Strict)
    except yaml.YAMLError as error:
        raise SettingsError(f"is not YAML: {error}", where=where) from error

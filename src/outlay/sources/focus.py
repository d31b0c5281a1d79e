"""Cloud and provider bills in the FinOps Foundation's format."""

from __future__ import annotations

from collections.abc import Iterator

from outlay.errors import FileError
from outlay.facts import Charge, Notice
from outlay.facts.providers import provider_case_sql
from outlay.sources import focus_columns as focus
from outlay.sources.base import Cell, Check, Projection, Table, TableSource, Tally
from outlay.sources.inputfile import InputFile
from outlay.sources.sql_values import (
    DecimalSql,
    TagsSql,
    TimeSql,
    all_tags,
    decimal_sql,
    is_nested,
    tags_sql,
    text_sql,
    time_sql,
)

_NUMBER = "is not a number, or has more than 20 digits before the point"
_TIME = "is not a time (expected is 2025-01-31T00:00:00Z, 2025-01-31 or 1/31/25)"


class Focus(TableSource):
    """Bills in FOCUS 1.0 to 1.4 (FinOps Open Cost and Usage Specification), as CSV, gzipped CSV or Parquet.

    AWS, Microsoft, Google, Oracle and a growing number of SaaS and model providers export it. Every row becomes a
    charge with its four costs - billed, effective, list and contracted - which sum exactly as in the file.

    - **Columns** are matched whatever their case. Those renamed between versions are the same: `ServiceProviderName`
      and, before 1.3, `ProviderName`. Optional columns are used where they are there. Columns of FOCUS that a charge
      has no field for (`AllocatedResourceId`, `PrincipalId`, ...) and all `x_` columns are kept as tags under their
      own names. Only a file without `ChargePeriodStart`, or without any cost column, is refused; of other columns
      that FOCUS makes mandatory, the absent ones are listed in a notice.
    - **Nothing** is written as an empty field, `NULL` or `null`.
    - **Money and quantities** are read as decimals, never as floats, to 18 places after the point; further digits are
      rounded half-even, and the rows that had them are counted. Scientific notation, `$10,000.00` and `(12.50)` are
      understood. A row with `NaN`, an infinity or more than 20 digits before the point is refused. Negative amounts
      are credits, refunds and corrections.
    - **Times** without a zone are UTC. Dates alone and short dates (`5/1/25`, month first) are understood. A row whose
      period ends before it starts is refused.
    - **Currency**: what is not three letters long is the name of a virtual currency; an absent one stays unknown, and
      is totalled apart.
    - **Tags** are a JSON object, a JSON list of `{"key": ..., "value": ...}`, or a map, struct or list in Parquet. Tags
      that cannot be read do not cost a bill its dollars: the row is kept and tagged `x_outlay_bad_tags`.
    - **Token-priced rows** (draft of 1.5) name model and token type in `SkuPriceDetails` (`ModelId`, `TokenDirection`,
      `TokenCacheAction`). Without them the model is looked for in `x_ModelId`, `x_Model` and the tag `model`.
    """

    code = "focus"
    title = "FOCUS 1.0 to 1.4 bills: CSV, CSV.gz, Parquet"
    facts = (Charge,)
    authority = "provider"

    def recognises(self, file: InputFile) -> bool:
        """A start and a cost, or five names that only FOCUS has: then the error can say what is missing."""
        try:
            names = focus.Named.of(file.column_names)
        except FileError:
            return False
        if focus.START in names and any(cost in names for cost in focus.COSTS.values()):
            return True
        return sum(name in names for name in focus.DISTINCTIVE) >= 5

    def projections(self, table: Table) -> tuple[Projection, ...]:
        columns = _Columns(table)
        _refuse_what_is_no_bill(columns)
        times = {target: columns.time(name) for target, name in focus.TIMES.items()}
        decimals = {target: columns.decimal(name) for target, name in focus.DECIMALS.items()}
        tags = columns.tags()
        cells = (
            *(
                Cell(target, value.value, value.raw, focus.TIMES[target], _TIME, target == "charge_period_start")
                for target, value in times.items() if value
            ),
            *(
                Cell(target, value.value, value.raw, focus.DECIMALS[target], _NUMBER)
                for target, value in decimals.items() if value
            ),
            *_text_cells(columns),
            *_model_cells(columns, tags),
        )
        return (
            Projection(
                Charge, cells, checks=tuple(_period_checks(times)), tallies=tuple(_tallies(decimals, tags)),
                tags=all_tags(tags, columns.as_tags()), notices=tuple(_notices(columns)),
            ),
        )


class _Columns:
    """The columns of one file as SQL expressions."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.named = focus.Named.of(tuple(table.columns))

    def __contains__(self, name: str) -> bool:
        return name in self.named

    def _found(self, name: str) -> tuple[str, str] | None:
        actual = self.named.find(name)
        return (self._table.quoted(actual), self._table.columns[actual]) if actual is not None else None

    def texts(self, *names: str) -> list[str]:
        return [text_sql(*found) for name in names if (found := self._found(name))]

    def first_text(self, *names: str) -> str | None:
        """The first of the columns that has a value, as text."""
        texts = self.texts(*names)
        return (f"coalesce({', '.join(texts)})" if len(texts) > 1 else texts[0]) if texts else None

    def decimal(self, name: str) -> DecimalSql | None:
        return decimal_sql(*found) if (found := self._found(name)) else None

    def time(self, name: str) -> TimeSql | None:
        return time_sql(*found) if (found := self._found(name)) else None

    def tags(self) -> TagsSql | None:
        return tags_sql(*found) if (found := self._found("Tags")) else None

    def is_map(self, name: str) -> bool:
        found = self._found(name)
        return found is not None and is_nested(found[1])

    def as_tags(self) -> dict[str, str]:
        """Columns that are kept as tags: by the file's own names, the text of each."""
        known = [actual for name in focus.AS_TAGS if (actual := self.named.find(name))]
        extra = [actual for folded, actual in self.named.actual.items() if folded.startswith("x_")]
        return {name: text_sql(self._table.quoted(name), self._table.columns[name]) for name in (*known, *extra)}

    def unknown(self) -> list[str]:
        """Columns that are neither of FOCUS nor marked as the provider's own."""
        used = {*focus.DECIMALS.values(), *focus.TIMES.values(), *focus.CURRENCIES.values(), *focus.AS_TAGS, "Tags"}
        used.update(name for names in focus.TEXTS.values() for name in names)
        known = focus.Named.of(tuple(used)).actual
        return [actual for folded, actual in self.named.actual.items()
                if folded not in known and not folded.startswith("x_")]


def _refuse_what_is_no_bill(columns: _Columns) -> None:
    if focus.START not in columns:
        raise FileError(
            f"has no column {focus.START}, so nothing in it can be placed in time", where=focus.START,
            hint="Export it again with that column; FOCUS makes it mandatory.",
        )
    if not any(cost in columns for cost in focus.COSTS.values()):
        raise FileError(
            f"has none of the cost columns {', '.join(focus.COSTS.values())}", where="BilledCost",
            hint="Export it again with at least one of them.",
        )


def _text_cells(columns: _Columns) -> Iterator[Cell]:
    for target, names in focus.TEXTS.items():
        if text := columns.first_text(*names):
            yield Cell(target, text)
    for target, name in focus.CURRENCIES.items():
        if text := columns.first_text(name):
            # Codes are totalled by; a virtual currency keeps the name that its issuer gave it.
            trimmed = f"trim({text})"
            yield Cell(target, f"CASE WHEN strlen({trimmed}) = 3 THEN upper({trimmed}) ELSE {trimmed} END")
    if provider := columns.first_text(*focus.PROVIDER):
        yield Cell("provider", provider_case_sql(provider))


def _model_cells(columns: _Columns, tags: TagsSql | None) -> Iterator[Cell]:
    """Model and token type, from SkuPriceDetails where it has them."""
    details = columns.first_text("SkuPriceDetails")
    models = [_detail(details, "ModelId")] if details else []
    models += columns.texts(*focus.MODEL)
    if tags:
        # The text is looked at first, so that only rows with such a tag pay for it.
        gate = "true" if columns.is_map("Tags") else f"contains({columns.first_text('Tags')}, '\"model\"')"
        models.append(f"CASE WHEN {gate} THEN ({tags.value})['model'] END")
    if models:
        yield Cell("model", f"coalesce({', '.join(models)})")
    types = [_token_type(columns, details)] if details else []
    types += columns.texts(*focus.TOKEN_TYPE)
    if types:
        yield Cell("token_type", f"coalesce({', '.join(types)})")


def _detail(details: str, key: str) -> str:
    """A property of SkuPriceDetails; before it was standardised, providers wrote it with the prefix x_."""
    json = f"TRY_CAST({details} AS JSON)"
    value = f"coalesce({json}->>'$.{key}', {json}->>'$.x_{key}')"
    return f"CASE WHEN contains({details}, '{key}\"') THEN nullif({value}, '') END"


def _token_type(columns: _Columns, details: str) -> str:
    direction, cache = (f"lower({_detail(details, key)})" for key in ("TokenDirection", "TokenCacheAction"))
    stated = (
        f"CASE WHEN {direction} = 'output' THEN 'output' WHEN {cache} = 'read' THEN 'cache_read' "
        f"WHEN {cache} = 'write' THEN 'cache_write' WHEN {direction} = 'input' THEN 'input' END"
    )
    meter = columns.first_text("SkuMeter")
    unit = columns.first_text("ConsumedUnit", "PricingUnit")
    if not meter or not unit:
        return stated
    # Some examples name a model and a meter but no direction.
    word = f"lower({meter})"
    metered = (
        f"CASE WHEN contains({details}, 'ModelId\"') AND contains(lower({unit}), 'token') THEN "
        f"CASE WHEN contains({word}, 'cache read') THEN 'cache_read' "
        f"WHEN contains({word}, 'cache write') THEN 'cache_write' "
        f"WHEN contains({word}, 'output') THEN 'output' WHEN contains({word}, 'input') THEN 'input' END END"
    )
    return f"coalesce({stated}, {metered})"


def _period_checks(times: dict[str, TimeSql | None]) -> Iterator[Check]:
    for period in ("charge_period", "billing_period"):
        start, end = times[f"{period}_start"], times[f"{period}_end"]
        if start and end:
            field = focus.TIMES[f"{period}_end"]
            yield Check(f"({end.value}) < ({start.value})", field, f"is before {focus.TIMES[f'{period}_start']}")


def _tallies(decimals: dict[str, DecimalSql | None], tags: TagsSql | None) -> Iterator[Tally]:
    if rounded := [value.rounded for value in decimals.values() if value and value.rounded]:
        yield Tally(f"({' OR '.join(rounded)})", "rows have digits after the 18th decimal; they were rounded half-even")
    if tags:
        yield Tally(tags.unreadable, "rows have tags that cannot be read; they are kept and tagged x_outlay_bad_tags")


def _notices(columns: _Columns) -> Iterator[Notice]:
    if absent := [names[0] for names in focus.MANDATORY if not any(name in columns for name in names)]:
        yield Notice(f"FOCUS columns that are absent, so that what they say is unknown: {', '.join(absent)}")
    if unknown := columns.unknown():
        yield Notice(f"Columns that FOCUS does not know, left out: {', '.join(unknown)}")

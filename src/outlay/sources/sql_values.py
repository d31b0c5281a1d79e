"""SQL that reads the values of a flat file exactly: text, money, time and tags, whatever type the file gave them.

Every function takes a column as a SQL identifier and its DuckDB type (VARCHAR for all columns of a CSV file), and gives
a SQL expression without effect on the other rows: what cannot be read is NULL. Common forms come first in each
expression, because millions of rows pass through them; the costly forms run only on the rows that need them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from outlay.facts.column import CHARGE_MONEY, TAGS

#: How FOCUS files write "no value" besides an empty field.
NULL_LITERALS = ("", "NULL", "null")
#: The tag that marks a row whose tags could not be read; its money is kept.
BAD_TAGS = "x_outlay_bad_tags"

_NULLS = ", ".join(f"'{literal}'" for literal in NULL_LITERALS)
_TEXT_TYPES = ("VARCHAR", "JSON", "ENUM", '"NULL"')
_PLAIN_NUMBER = r"\s*[-+]?[0-9]*\.?[0-9]*([eE][-+]?[0-9]+)?\s*"
_STYLED_NUMBER = (
    r"\s*[-+]?\s*\(?\s*[-+]?\s*[$€£¥]?\s*[-+]?([0-9]{1,3}(,[0-9]{3})+|[0-9]*)(\.[0-9]*)?([eE][-+]?[0-9]+)?\s*\)?\s*"
)


def literal(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def is_text(sql_type: str) -> bool:
    """Whether values of the type are text as the file wrote it."""
    return sql_type.startswith(_TEXT_TYPES) and not sql_type.endswith("]")


def is_nested(sql_type: str) -> bool:
    """Whether values of the type are lists, structs or maps."""
    return sql_type.endswith("]") or sql_type.startswith(("STRUCT", "MAP", "UNION", "VARIANT"))


def text_sql(column: str, sql_type: str) -> str:
    """The value as text; NULL for the literals that mean it. Nested values become JSON text."""
    if is_text(sql_type):
        text = column if sql_type == "VARCHAR" else f"CAST({column} AS VARCHAR)"
        return f"CASE WHEN {text} IN ({_NULLS}) THEN NULL ELSE {text} END"
    if is_nested(sql_type):
        return f"CAST(to_json({column}) AS VARCHAR)"
    if sql_type == "BLOB":  # Parquet written without the mark that its bytes are text
        return f"nullif(TRY(decode({column})), '')"
    return f"CAST({column} AS VARCHAR)"


@dataclass(frozen=True, slots=True)
class DecimalSql:
    """How a decimal is read: its value; the text that must not be lost where the value is NULL (None: the type cannot
    fail); and whether digits were rounded away (None: the type cannot have that many)."""

    value: str
    raw: str | None = None
    rounded: str | None = None


def decimal_sql(column: str, sql_type: str) -> DecimalSql:
    """The value as DECIMAL(38,18), never through a float; further digits are rounded half-even.

    Text may be scientific, or written as accounts do (`$10,000.00 `, `(12.50)`). A Parquet DOUBLE is read as its
    shortest decimal text, which is what its writer meant. NaN, infinities and more than 20 digits before the point
    are NULL.
    """
    decimal = re.fullmatch(r"DECIMAL\((\d+),\s*(\d+)\)", sql_type)
    if decimal and int(decimal[2]) <= 18:
        fits = int(decimal[1]) - int(decimal[2]) <= 20
        return DecimalSql(f"TRY_CAST({column} AS {CHARGE_MONEY})", None if fits else f"CAST({column} AS VARCHAR)")
    if sql_type in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"):
        return DecimalSql(f"CAST({column} AS {CHARGE_MONEY})")
    text = column if sql_type == "VARCHAR" else f"CAST({column} AS VARCHAR)"
    # 19 characters hold at most 18 digits after the point; an exponent may move the point anywhere.
    simple = f"strlen({text}) < 20 AND NOT contains({text}, 'e') AND NOT contains({text}, 'E')"
    bare = (
        f"CASE WHEN regexp_full_match({text}, '{_PLAIN_NUMBER}') THEN {text} "
        f"WHEN regexp_full_match({text}, '{_STYLED_NUMBER}') THEN CASE WHEN contains({text}, '(') THEN '-' ELSE '' END"
        f" || regexp_replace({text}, '[$€£¥,()\\s]', '', 'g') END"
    )
    # The one-element list gives the text a short name: without it the statement is twice as long to plan.
    careful = f"list_transform([{bare}], lambda number: {_half_even('number')})[1]"
    return DecimalSql(
        f"coalesce(CASE WHEN {simple} THEN TRY_CAST({text} AS {CHARGE_MONEY}) END, "
        f"CASE WHEN {text} NOT IN ({_NULLS}) THEN {careful} END)",
        f"CASE WHEN trim({text}) IN ({_NULLS}) THEN NULL ELSE {text} END",
        f"(CASE WHEN {simple} THEN false ELSE {_loses_digits(text)} END)",
    )


def _half_even(text: str) -> str:
    """DuckDB's cast is exact but rounds a tie away from zero; step back where the digit before it is even."""
    unit = f"CAST('0.000000000000000001' AS {CHARGE_MONEY})"
    plain_tie = f"regexp_matches({text}, '\\.[0-9]{{17}}[02468]50*\\s*$')"
    mantissa = _mantissa(text)
    # The regular expression first: it spares nine rows in ten the arithmetic on the exponent.
    tie = (
        f"CASE WHEN regexp_matches({text}, '5[0.]*[eE]') THEN regexp_matches(rtrim({mantissa}, '0'), "
        f"'(^|[02468])5$') AND {_last_decimal(text)} = 19 ELSE {plain_tie} END"
    )
    back = f"CASE WHEN starts_with(trim({text}), '-') THEN -{unit} ELSE {unit} END"
    cast = f"TRY_CAST({text} AS {CHARGE_MONEY})"
    return f"(CASE WHEN {tie} THEN {cast} - {back} ELSE {cast} END)"


def _loses_digits(text: str) -> str:
    scientific = f"contains({text}, 'e') OR contains({text}, 'E')"
    return (
        f"CASE WHEN {scientific} THEN coalesce({_last_decimal(text)} > 18 AND regexp_matches({_mantissa(text)}, "
        f"'[1-9]'), false) ELSE regexp_matches({text}, '\\.[0-9]{{18}}[0-9]*[1-9]') END"
    )


def _mantissa(text: str) -> str:
    """The digits before the exponent, without point and sign."""
    return f"regexp_replace(split_part(lower({text}), 'e', 1), '[^0-9]', '', 'g')"


def _last_decimal(text: str) -> str:
    """How many places after the point the last digit that is not zero stands, of a number with an exponent."""
    fraction = f"strlen(regexp_extract({text}, '\\.([0-9]*)', 1))"
    exponent = f"TRY_CAST(regexp_extract({text}, '[eE]([-+]?[0-9]+)', 1) AS BIGINT)"
    mantissa = _mantissa(text)
    return f"({fraction} - {exponent} - (strlen({mantissa}) - strlen(rtrim({mantissa}, '0'))))"


#: Month first, as the examples of the FOCUS specification and spreadsheets of its home write them.
_SHORT_DATES = (
    "%m/%d/%y", "%m/%d/%Y", "%m/%d/%y %H:%M", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p",
)


@dataclass(frozen=True, slots=True)
class TimeSql:
    """How a time is read, and the text that must not be lost where it cannot be (None: the type cannot fail)."""

    value: str
    raw: str | None = None


def time_sql(column: str, sql_type: str) -> TimeSql:
    """The value as a naive UTC TIMESTAMP: ISO 8601 with or without zone (none: UTC), dates, and short dates (5/1/25).

    Hours from 24 on count into the next days, as some official examples write them (T30:00:00Z).
    """
    if sql_type.startswith("TIMESTAMP"):
        if "TIME ZONE" in sql_type or "TZ" in sql_type:
            return TimeSql(f"make_timestamp(epoch_us(CAST({column} AS TIMESTAMPTZ)))")
        return TimeSql(f"CAST({column} AS TIMESTAMP)")
    if sql_type == "DATE":
        return TimeSql(f"CAST({column} AS TIMESTAMP)")
    text = column if sql_type == "VARCHAR" else f"CAST({column} AS VARCHAR)"
    # DuckDB reads `+02:00` into a TIMESTAMP by dropping it, so the zone decides which cast is right.
    zoned = f"strlen({text}) > 16 AND regexp_matches(substr({text}, 17), '[-+A-Ya-y]')"
    utc = f"regexp_matches({text}, '(UTC|GMT)$')"
    iso = (
        f"CASE WHEN NOT ({zoned}) OR {utc} THEN TRY_CAST({text} AS TIMESTAMP) "
        f"ELSE make_timestamp(epoch_us(TRY_CAST({text} AS TIMESTAMPTZ))) END"
    )
    short = f"try_strptime(trim({text}), [{', '.join(literal(form) for form in _SHORT_DATES)}])"
    late_hour = (
        f"TRY_CAST(regexp_extract({text}, '^([0-9-]{{10}})[T ][0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}})?Z?$', 1) AS TIMESTAMP)"
        f" + to_hours(TRY_CAST(substr({text}, 12, 2) AS INTEGER))"
        f" + to_minutes(TRY_CAST(substr({text}, 15, 2) AS INTEGER))"
        f" + to_seconds(coalesce(TRY_CAST(substr({text}, 18, 2) AS INTEGER), 0))"
    )
    year_first = f"substr({text}, 5, 1) = '-' OR (substr({text}, 5, 1) = '/' AND substr({text}, 3, 1) <> '/')"
    return TimeSql(
        f"CASE WHEN {year_first} THEN coalesce({iso}, {late_hour}) "
        f"WHEN contains({text}, '/') THEN {short} END",
        f"CASE WHEN trim({text}) IN ({_NULLS}) THEN NULL ELSE {text} END",
    )


@dataclass(frozen=True, slots=True)
class TagsSql:
    """How tags are read: the map (NULL: none, or not readable), and the text they were written as."""

    value: str
    present: str

    @property
    def unreadable(self) -> str:
        """True for rows that have tags which cannot be read."""
        return f"({self.present} AND {self.value} IS NULL)"

    @property
    def readable(self) -> str:
        """The map where `present`; tags that cannot be read become the one tag `BAD_TAGS`."""
        return f"coalesce({self.value}, MAP {{'{BAD_TAGS}': 'true'}})"


EMPTY_MAP = f"CAST(MAP {{}} AS {TAGS})"


def tags_sql(column: str, sql_type: str) -> TagsSql:
    """Tags as MAP(VARCHAR, VARCHAR): from a JSON object, a JSON list of keys and values, a MAP, a list of structs or a
    struct. Keys without a value (null) are dropped; of equal keys in a list the first stays."""
    if sql_type.startswith("MAP(") and not sql_type.endswith("]"):
        plain = f"TRY_CAST({column} AS {TAGS})"
        has_nulls = f"list_count(map_values({plain})) < cardinality({plain})"
        return TagsSql(_without_nulls(plain, has_nulls), f"{column} IS NOT NULL")
    text = text_sql(column, sql_type)
    bare = f"ltrim({text})"
    json = f"TRY_CAST({text} AS JSON)"
    as_map = _without_nulls(f"TRY_CAST({json} AS {TAGS})", f"contains({text}, 'null')")
    value = (
        f"CASE WHEN starts_with({bare}, '{{') THEN {as_map} WHEN starts_with({bare}, '[') THEN {_from_pairs(text)} END"
    )
    return TagsSql(value, f"({text}) IS NOT NULL")


def _without_nulls(tags: str, may_have: str) -> str:
    kept = f"map_from_entries(list_filter(map_entries({tags}), lambda tag: tag.value IS NOT NULL))"
    return f"CASE WHEN {may_have} THEN {kept} ELSE {tags} END"


def _from_pairs(text: str) -> str:
    lower = f"regexp_replace(regexp_replace({text}, '\"Key\"(\\s*:)', '\"key\"\\1', 'g'), "
    lower += "'\"Value\"(\\s*:)', '\"value\"\\1', 'g')"
    pairs = f"TRY_CAST(TRY_CAST({lower} AS JSON) AS STRUCT(\"key\" VARCHAR, \"value\" VARCHAR)[])"
    first = f"list_position(list_transform({pairs}, lambda pair: pair.key), tag.key) = place"
    kept = f"list_filter({pairs}, lambda tag, place: tag.value IS NOT NULL AND {first})"
    nameless = f"len(list_filter({pairs}, lambda tag: tag.key IS NULL)) > 0"
    return f"CASE WHEN {nameless} THEN NULL ELSE CAST(map_from_entries({kept}) AS {TAGS}) END"


def all_tags(tags: TagsSql | None, columns: dict[str, str]) -> str:
    """The row's tags and, under their own names, the text values (SQL) of `columns` that are not NULL; never NULL."""
    if not columns:
        return f"CASE WHEN {tags.present} THEN {tags.readable} ELSE {EMPTY_MAP} END" if tags else EMPTY_MAP
    pairs = ", ".join(f"{{'k': {literal(name)}, 'v': {sql}}}" for name, sql in columns.items())
    own = f"map_from_entries(list_filter([{pairs}], lambda pair: pair.v IS NOT NULL))"
    # Most rows of a bill have no tags; joining two maps is what costs.
    return f"CASE WHEN {tags.present} THEN map_concat({tags.readable}, {own}) ELSE {own} END" if tags else own

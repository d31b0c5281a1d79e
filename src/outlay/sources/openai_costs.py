"""What OpenAI charges an organisation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import ClassVar, NamedTuple

from outlay.facts import Charge, Fact, Notice, Reject
from outlay.sources.base import RowSource
from outlay.sources.csv_rows import csv_rows
from outlay.sources.inputfile import InputFile
from outlay.sources.openai_usage import project_tags
from outlay.sources.provider_money import Amounts, currency_code
from outlay.sources.record import BadRow, Record
from outlay.sources.report_pages import Result, bucket_bounds, report_results

_CSV_COLUMNS = frozenset({"start_time", "amount_value", "amount_currency"})
#: The part of a line item that says what was counted, to the ledger's token types.
_TOKEN_TYPES = {
    "input": "input", "input_tokens": "input",
    "cached input": "cache_read", "input_cached_tokens": "cache_read", "cached_input": "cache_read",
    "cache writes": "cache_write", "cache write": "cache_write", "input_cache_write_tokens": "cache_write",
    "output": "output", "output_tokens": "output",
}
_MODEL = re.compile(r"[\w][\w.:\-]*")
_MODALITIES = (" audio", " image", " text")


class OpenAICosts(RowSource):
    """What OpenAI charges, by day, line item and project: the figures that reconcile with its invoice.

    **Get it** from the costs API with an admin key:

        curl -H "Authorization: Bearer $OPENAI_ADMIN_KEY" \\
          "https://api.openai.com/v1/organization/costs?start_time=1767225600&limit=180\\
        &group_by=line_item&group_by=project_id" >> costs.jsonl

    Or in the console: Usage, Export, cost data (CSV).

    **It gives** charges. A line item such as `gpt-4o-2024-08-06, cached input` gives model and token type; one without
    a model (`web search tool calls`) stays a charge without them. Amounts are exact, as the text has them.

    **It cannot know** list prices, tax, credits, or the invoice; who within a project spent it; or the hour.
    """

    code: ClassVar[str] = "openai-costs"
    title: ClassVar[str] = "OpenAI organisation costs (API pages or console CSV)"
    facts: ClassVar[tuple[type[Fact], ...]] = (Charge,)

    def recognises(self, file: InputFile) -> bool:
        paths = file.json_paths
        if any({f"{prefix}start_time", f"{prefix}results.amount"} <= paths for prefix in ("data.", "")):
            return True
        return _CSV_COLUMNS.issubset(file.csv_header)

    def read(self, file: InputFile) -> Iterator[Fact | Reject | Notice]:
        amounts = Amounts()

        def charge_of_result(result: Result) -> Charge | None:
            amount = result.record.record("amount")
            billed = amounts.read(amount, "value")
            return _charge(result.start, result.end, result.record, billed, currency_code(amount, "currency"))

        if file.json_paths:
            yield from report_results(file, "start_time", "end_time", charge_of_result)
        else:
            yield from _csv_charges(file, amounts)
        yield from amounts.notices()


def _csv_charges(file: InputFile, amounts: Amounts) -> Iterator[Fact | Reject]:
    for entry in csv_rows(file):
        if isinstance(entry, Reject):
            yield entry
            continue
        line, row = entry
        if not row.has("amount_value", "line_item", "amount_currency"):
            continue  # the export writes a row for each day on which there was nothing
        try:
            start, end = bucket_bounds(row, "start_time", "end_time")
            yield _charge(start, end, row, amounts.read(row, "amount_value"), currency_code(row, "amount_currency"))
        except BadRow as bad:
            yield bad.reject(line, row.raw(row.values))


def _charge(start: datetime, end: datetime | None, row: Record, billed: Decimal, currency: str | None) -> Charge:
    line_item = row.text("line_item")
    item = read_line_item(line_item)
    quantity = row.money("quantity")
    project = project_tags(row)
    hints = {"user": row.text("user_email", "user_id"), "api_key": row.text("api_key_name", "api_key_id")}
    return Charge(
        charge_period_start=start,
        charge_period_end=end,
        # The report's period, not the invoice's (which it does not tell): a later report restates the days it covers.
        billing_period_start=start,
        billing_period_end=end,
        billed_cost=billed,
        effective_cost=billed,
        billing_currency=currency,
        invoice_issuer_name="OpenAI",
        provider="openai",
        service_provider_name="OpenAI",
        billing_account_id=row.text("organization_id"),
        billing_account_name=row.text("organization_name"),
        sub_account_id=row.text("project_id"),
        sub_account_name=row.text("project_name"),
        charge_category="Usage",
        charge_frequency="Usage-Based",
        charge_description=line_item,
        service_category="AI and Machine Learning",
        service_name="OpenAI API",
        sku_meter=line_item,
        model=item.model,
        token_type=item.token_type,
        consumed_quantity=quantity,
        consumed_unit=(row.text("quantity_unit") or ("tokens" if item.token_type else None)) if quantity else None,
        tags=project | {key: value for key, value in hints.items() if value},
    )


class LineItem(NamedTuple):
    """What a line item says of model and token type; None where it says nothing."""

    model: str | None
    token_type: str | None


def read_line_item(text: str | None) -> LineItem:
    """`gpt-4o-2024-08-06, cached input`, `priority | gpt-5.6, output, long context`, `gpt-audio audio, input`, ..."""
    parts = [part.strip() for part in (text or "").rpartition(" | ")[2].split(",")]
    if len(parts) < 2:
        return LineItem(None, None)
    model = parts[0]
    for modality in _MODALITIES:
        model = model.removesuffix(modality)
    token_type = next((_TOKEN_TYPES[part.lower()] for part in parts[1:] if part.lower() in _TOKEN_TYPES), None)
    return LineItem(model if _MODEL.fullmatch(model) else None, token_type)

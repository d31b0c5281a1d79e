"""What Anthropic charges an organisation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from outlay.facts import Charge, Fact, Notice, Reject
from outlay.sources.anthropic_usage import console_period, inference_region, workspace_tags
from outlay.sources.base import RowSource
from outlay.sources.csv_rows import csv_rows
from outlay.sources.inputfile import InputFile
from outlay.sources.provider_money import Amounts, currency_code
from outlay.sources.record import BadRow, Record
from outlay.sources.report_pages import Result, report_results

_CSV_COLUMNS = frozenset({"usage_date_utc", "token_type", "cost_usd"})
#: Token types of the API and of the Console's CSV, to the ledger's.
_TOKEN_TYPES = {
    "uncached_input_tokens": "input", "input_no_cache": "input",
    "cache_read_input_tokens": "cache_read", "input_cache_read": "cache_read",
    "cache_creation.ephemeral_5m_input_tokens": "cache_write", "input_cache_write_5m": "cache_write",
    "cache_creation.ephemeral_1h_input_tokens": "cache_write", "input_cache_write_1h": "cache_write",
    "input_cache_write": "cache_write",
    "output_tokens": "output", "output": "output",
}
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})$")


class AnthropicCosts(RowSource):
    """What Anthropic charges, by day, workspace, model and token type.

    **Get it** from the Admin API with an admin key:

        curl -H "x-api-key: $ANTHROPIC_ADMIN_KEY" -H "anthropic-version: 2023-06-01" \\
          "https://api.anthropic.com/v1/organizations/cost_report?starting_at=2026-01-01T00:00:00Z\\
        &limit=31&group_by[]=workspace_id&group_by[]=description" >> costs.jsonl

    Or in the Console: Cost, Export (CSV).

    **It gives** charges with model and token type; web searches, code execution and sessions as charges without them.
    The API writes amounts in cents, the CSV in dollars: both are read exactly. The CSV names models as people do
    (Claude Sonnet 4.5) and they become ids (claude-sonnet-4-5); it also has list prices and keys.

    **It cannot know** tax, credits, the invoice, or who within a workspace spent it. Priority-tier commitments are not
    in the cost report.
    """

    code: ClassVar[str] = "anthropic-costs"
    title: ClassVar[str] = "Anthropic cost report (API pages or Console CSV)"
    facts: ClassVar[tuple[type[Fact], ...]] = (Charge,)

    def recognises(self, file: InputFile) -> bool:
        paths = file.json_paths
        if any({f"{prefix}starting_at", f"{prefix}results.amount"} <= paths for prefix in ("data.", "")):
            return True
        return _CSV_COLUMNS.issubset(file.csv_header)

    def read(self, file: InputFile) -> Iterator[Fact | Reject | Notice]:
        amounts = Amounts()

        def charge_of_result(result: Result) -> Charge:
            row = result.record
            billed = amounts.read(row, "amount", cents=True)
            return _charge(result.start, result.end, row, billed, currency_code(row, "currency"), None)

        if file.json_paths:
            yield from report_results(file, "starting_at", "ending_at", charge_of_result)
        else:
            yield from _csv_charges(file, amounts)
        yield from amounts.notices()


def _csv_charges(file: InputFile, amounts: Amounts) -> Iterator[Fact | Reject]:
    for entry in csv_rows(file):
        if isinstance(entry, Reject):
            yield entry
            continue
        line, row = entry
        try:
            start, end = console_period(row)
            billed = amounts.read(row, "cost_usd")
            listed = amounts.read(row, "list_price_usd") if row.has("list_price_usd") else None
            yield _charge(start, end, row, billed, "USD", listed)
        except BadRow as bad:
            yield bad.reject(line, row.raw(row.values))


def _charge(
    start: datetime, end: datetime | None, row: Record, billed: Decimal, currency: str | None, listed: Decimal | None
) -> Charge:
    token_type = row.text("token_type")
    about = [row.text("model"), token_type or row.text("cost_type"), row.text("context_window")]
    hints = {
        "api_key": row.text("api_key", "api_key_id"),
        "service_tier": row.text("service_tier"),
        "cost_type": row.text("cost_type"),
    }
    return Charge(
        charge_period_start=start,
        charge_period_end=end,
        # The report's period, not the invoice's (which it does not tell): a later report restates the days it covers.
        billing_period_start=start,
        billing_period_end=end,
        billed_cost=billed,
        effective_cost=billed,
        list_cost=listed,
        billing_currency=currency,
        invoice_issuer_name="Anthropic",
        provider="anthropic",
        service_provider_name="Anthropic",
        sub_account_id=row.text("workspace_id"),
        sub_account_name=row.text("workspace"),
        charge_category="Usage",
        charge_frequency="Usage-Based",
        charge_description=row.text("description") or ", ".join(part for part in about if part) or None,
        service_category="AI and Machine Learning",
        service_name="Claude API",
        region=inference_region(row),
        sku_meter=token_type or row.text("cost_type"),
        model=model_id(row.text("model")),
        token_type=_TOKEN_TYPES.get(token_type or ""),
        tags=workspace_tags(row) | {key: value for key, value in hints.items() if value},
    )


def model_id(name: str | None) -> str | None:
    """The model's id of its id or of its name: `Claude 3.5 Sonnet 2024-10-22` is `claude-3-5-sonnet-20241022`."""
    if name is None or " " not in name:
        return name
    return _DATE.sub(r"\1\2\3", name.strip().lower()).replace(" ", "-").replace(".", "-")

"""What every prompt file weighs, what it costs to send, and what of it is said twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import reduce
from pathlib import Path
from typing import Protocol

from outlay.facts.window import HOURS_PER_MONTH
from outlay.tokens.count import count_tokens, encoding_of
from outlay.tokens.promptfile import PromptText, Unread, read_prompts
from outlay.tokens.repeats import Repeat, find_repeats, same_files

#: From here on a system prompt is called long (F14): it is paid for on every call, and most of what makes prompts
#: longer - examples, repeated rules - can be retrieved, cached or dropped.
LONG_PROMPT_TOKENS = 500

_PLACES = Decimal(1).scaleb(-12)


class TokenPrices(Protocol):
    """The part of the price book that an audit asks: US dollars per token, None where no price is known."""

    def token_price(self, provider: str | None, model: str, kind: str) -> Decimal | None: ...


@dataclass(frozen=True, slots=True)
class Cost:
    """US dollars, exact to 12 decimals. None is unknown: no price for the model, or no number of calls."""

    call: Decimal | None
    day: Decimal | None
    month: Decimal | None

    def __add__(self, other: Cost) -> Cost:
        return Cost(_sum(self.call, other.call), _sum(self.day, other.day), _sum(self.month, other.month))


@dataclass(frozen=True, slots=True)
class PromptFile:
    """One prompt. Template placeholders are counted as they stand in the file, not as what will fill them.

    `over` is what exceeds 500 tokens; `repeated` what the file would lose if it said everything once; `cost` is at the
    model's input price, `cached` at its price for input read from the provider's cache, `over_cost` of `over` alone.
    """

    file: str
    encoding: str
    tokens: int
    placeholders: int
    over: int
    repeated: int
    same_as: str | None
    cost: Cost
    cached: Cost
    over_cost: Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptAudit:
    """An audit of prompt files. `exact`: counted with the model's own encoding; else every count is an estimate.

    Totals take each file as one prompt that is sent `calls_per_day` times a day, `same` files included.
    """

    as_of: datetime
    model: str
    provider: str | None
    tokenizer: str
    exact: bool
    input_price: Decimal | None
    cached_price: Decimal | None
    calls_per_day: int | None
    prompts: tuple[PromptFile, ...]
    """largest first"""
    same: tuple[tuple[str, ...], ...]
    repeats: tuple[Repeat, ...]
    skipped: tuple[Unread, ...]
    """not prompts by their names"""
    rejected: tuple[Unread, ...]
    """prompts by their names, yet not readable as such"""

    @property
    def tokens(self) -> int:
        return sum(each.tokens for each in self.prompts)

    @property
    def long(self) -> int:
        """How many prompts are over 500 tokens."""
        return sum(each.over > 0 for each in self.prompts)

    @property
    def over(self) -> int:
        return sum(each.over for each in self.prompts)

    @property
    def repeated(self) -> int:
        return sum(each.repeated for each in self.prompts)

    @property
    def cost(self) -> Cost:
        return self._total(each.cost for each in self.prompts)

    @property
    def cached(self) -> Cost:
        return self._total(each.cached for each in self.prompts)

    @property
    def over_cost(self) -> Cost:
        return self._total(each.over_cost for each in self.prompts)

    def _total(self, costs: Iterable[Cost]) -> Cost:
        return reduce(Cost.__add__, costs, cost_of(0, Decimal(0), self.calls_per_day))


def audit_prompts(
    paths: Sequence[Path],
    *,
    model: str,
    prices: TokenPrices,
    calls_per_day: int | None = None,
    provider: str | None = None,
    as_of: datetime | None = None,
) -> PromptAudit:
    """Counts and prices every prompt file under `paths` as if sent whole to `model`, `calls_per_day` times a day each.

    Without `calls_per_day` only dollars per call are known. Raises `NotFound` for a path that does not exist and
    `TokenizerMissing` where no tokenizer loads.
    """
    texts: list[PromptText] = []
    unread: list[Unread] = []
    for each in read_prompts(paths):
        if isinstance(each, PromptText):
            texts.append(each)
        else:
            unread.append(each)
    encoding, exact = encoding_of(model)
    same = same_files(texts)
    repeats = find_repeats(texts, lambda text: count_tokens(text, model).tokens)
    input_price = prices.token_price(provider, model, "input")
    cached_price = prices.token_price(provider, model, "cache_read")
    first = {file: group[0] for group in same for file in group[1:]}
    prompts = [_weigh(text, model, first, repeats, (input_price, cached_price), calls_per_day) for text in texts]
    return PromptAudit(
        as_of=as_of or datetime.now(UTC).replace(tzinfo=None),
        model=model,
        provider=provider,
        tokenizer=encoding,
        exact=exact,
        input_price=input_price,
        cached_price=cached_price,
        calls_per_day=calls_per_day,
        prompts=tuple(sorted(prompts, key=lambda each: (-each.tokens, each.file))),
        same=same,
        repeats=repeats,
        skipped=tuple(each for each in unread if not each.prompt),
        rejected=tuple(each for each in unread if each.prompt),
    )


def _weigh(
    prompt: PromptText,
    model: str,
    first: dict[str, str],
    repeats: tuple[Repeat, ...],
    prices: tuple[Decimal | None, Decimal | None],
    calls_per_day: int | None,
) -> PromptFile:
    tokens = count_tokens(prompt.text, model).tokens
    over = max(0, tokens - LONG_PROMPT_TOKENS)
    said = first.get(prompt.file, prompt.file)  # a file that is the same as another repeats what that one repeats
    return PromptFile(
        file=prompt.file,
        encoding=prompt.encoding,
        tokens=tokens,
        placeholders=prompt.placeholders,
        over=over,
        repeated=min(tokens, sum(each.spare_in(said) for each in repeats)),
        same_as=first.get(prompt.file),
        cost=cost_of(tokens, prices[0], calls_per_day),
        cached=cost_of(tokens, prices[1], calls_per_day),
        over_cost=cost_of(over, prices[0], calls_per_day),
    )


def cost_of(tokens: int, price: Decimal | None, calls_per_day: int | None) -> Cost:
    """Dollars of `tokens` at `price` a token: a call, a day, a month of 730 hours; each rounded once, half-even."""
    if price is None:
        return Cost(None, None, None)
    call = tokens * price
    if calls_per_day is None:
        return Cost(_rounded(call), None, None)
    day = call * calls_per_day
    return Cost(_rounded(call), _rounded(day), _rounded(day * HOURS_PER_MONTH / 24))


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(_PLACES, ROUND_HALF_EVEN)


def _sum(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else one + other

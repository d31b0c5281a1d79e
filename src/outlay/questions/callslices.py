"""Model calls by who made them and for what: the grain at which findings about calls are made and paid for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from outlay.facts.window import Window
from outlay.questions.ask import Ask
from outlay.questions.tables import table

#: Columns of `call`, `usage` and `cost_day` that make a slice.
SLICE_KEYS = ("provider", "model_key", "team", "project", "task")
PROMPT_KEYS = (*SLICE_KEYS, "prompt")
#: Operations that are no generated answer; only NULL and others are looked at as prompts and conversations.
_NO_ANSWER = ("embeddings", "execute_tool", "invoke_agent", "invoke_workflow", "create_agent", "retrieval", "plan")


@dataclass(frozen=True, slots=True)
class CallSlice:
    """Calls of one team's task to one model. None: the calls do not say."""

    provider: str | None
    model_key: str | None
    team: str | None
    project: str | None
    task: str | None

    @property
    def pot(self) -> str:
        """The name under which findings claim this money."""
        return "calls:" + "/".join(part or "" for part in (
            self.provider, self.model_key, self.team, self.project, self.task))

    @property
    def words(self) -> str:
        """`openai gpt-4o, task classify, project inbox, team search`."""
        model = " ".join(part for part in (self.provider, self.model_key) if part) or "unknown model"
        who = (("task", self.task), ("project", self.project), ("team", self.team))
        return ", ".join([model, *(f"{name} {value}" for name, value in who if value)])


@dataclass(frozen=True, slots=True)
class PromptSlice:
    """The calls of a slice that one prompt makes; None: they do not name their prompt."""

    calls: CallSlice
    prompt: str | None

    @property
    def cells(self) -> tuple[str | None, ...]:
        """Its values of PROMPT_KEYS."""
        return (*astuple(self.calls), self.prompt)

    @property
    def words(self) -> str:
        """`prompt intent, openai gpt-4o, task classify, ...`: stable, so that a finding about it is."""
        return f"prompt {self.prompt}, {self.calls.words}" if self.prompt else self.calls.words

    @property
    def name(self) -> str:
        """For a sentence: the prompt, else the task, else the project, else the model."""
        calls = self.calls
        named = (("Prompt", self.prompt), ("Task", calls.task), ("Project", calls.project), ("Model", calls.model_key))
        return next((f"{kind} {name}" for kind, name in named if name), "A model")

    @property
    def whose(self) -> str:
        """Within a sentence: `prompt intent`."""
        return self.name[0].lower() + self.name[1:]


@dataclass(frozen=True, slots=True)
class Tokens:
    """Sums over `calls` calls. `input` includes cached tokens; `cost` is metered US dollars of those with a price."""

    calls: int
    input: int
    output: int
    cache_read: int
    cache_write: int
    cost: Decimal


@dataclass(frozen=True, slots=True)
class CallPot:
    """What a slice cost in the window, in counted dollars; the first and last day that it cost; who owns most of it."""

    calls: CallSlice
    cost: Decimal
    first: datetime
    last: datetime
    owner: str | None


def in_window(rows: Any, window: Window, time: str = "time") -> Any:
    """The rows whose `time` lies in the window."""
    return rows.filter(rows[time] >= window.since, rows[time] < window.until)


def answered(window: Window) -> Any:
    """Calls of the window that asked a model for text, with counted tokens."""
    calls = in_window(table("call"), window)
    calls = calls.filter(calls.operation.isnull() | ~calls.operation.isin(_NO_ANSWER))
    return calls.filter(calls.input_tokens.notnull(), calls.output_tokens.notnull())


def told_apart(calls: Any, keys: Sequence[str], rows: Iterable[Sequence[Any]], *moments: str) -> Any:
    """The calls whose columns `keys` have the values of one of the `rows`, with `place`: the number of that row.

    Rows differ in their keys. What else they hold are times, which the calls of each get as columns `moments`. One
    number groups calls a good deal faster than six texts do, and those that are not asked for are left out early.
    """
    named = ((f"asked_{name}", str(calls[name].type())) for name in keys)
    asked = _listed((*named, *((name, "timestamp") for name in moments)), tuple(map(tuple, rows)))
    found = calls.inner_join(asked, [calls[name].identical_to(asked[f"asked_{name}"]) for name in keys])
    return found.select(*calls.columns, "place", *moments)


@lru_cache(maxsize=16)
def _listed(columns: tuple[tuple[str, str], ...], rows: tuple[tuple[Any, ...], ...]) -> Any:
    """Values that a question brings along, and `place`. The same values are the same table, so that the question is."""
    import ibis
    import pyarrow as pa

    schema = ibis.schema((("place", "int64"), *columns)).to_pyarrow()
    return ibis.memtable(pa.Table.from_pylist(
        [dict(zip(schema.names, (place, *row), strict=True)) for place, row in enumerate(rows)], schema=schema))


def one_in_sixteen(calls: Any) -> Any:
    """A sixteenth of the calls, always the same ones: ids are hashes. To find candidates that are then counted exactly;
    of n calls fewer than n / 48 are in the sample once in 300 times for n = 200, and hardly ever for more."""
    import ibis

    return calls.filter(calls.id < ibis.uuid("10000000-0000-0000-0000-000000000000"))


def total(column: Any, where: Any = None) -> Any:
    """The sum of whole numbers, or how many conditions hold; 0 of nothing."""
    return column.cast("int64").sum(where=where).fill_null(0)


def token_sums(rows: Any, calls: Any) -> dict[str, Any]:
    """The columns of `Tokens`, in order, over the rows of a group; `calls` counts them."""
    return {
        "n_calls": calls,
        **{name: total(rows[column]) for name, column in (
            ("n_input", "input_tokens"), ("n_output", "output_tokens"), ("n_read", "cache_read_tokens"),
            ("n_write", "cache_write_tokens"))},
        "paid": rows.cost.sum(),
    }


def tokens_of(cells: tuple[Any, ...]) -> Tokens:
    """`Tokens` from the columns of `token_sums`."""
    calls, read, written, cache_read, cache_write, cost = cells
    return Tokens(calls, read, written, cache_read, cache_write, cost or Decimal(0))


def prompt_of(cells: tuple[Any, ...]) -> PromptSlice:
    """A `PromptSlice` from the columns PROMPT_KEYS."""
    return PromptSlice(CallSlice(*cells[:-1]), cells[-1])


def call_pots_expr(window: Window) -> Any:
    """Columns SLICE_KEYS, cost, first, last, owner. Days are whole: a window that starts within one has all of it."""
    rows = table("cost_day")
    since = window.since.replace(hour=0, minute=0, second=0, microsecond=0)
    rows = rows.filter(rows.kind.isin(("call", "usage")), rows.day >= since, rows.day < window.until)
    owned = rows.group_by(*SLICE_KEYS, "owner").aggregate(
        cost=rows.effective_cost.sum(), first=rows.day.min(), last=rows.day.max())
    return owned.group_by(*SLICE_KEYS).aggregate(
        cost=owned.cost.sum(), first=owned["first"].min(), last=owned["last"].max(),
        owner=owned.owner.argmax(owned.cost, where=owned.owner.notnull() & owned.cost.notnull()))


def call_pots(ask: Ask, window: Window) -> tuple[CallPot, ...]:
    """What every slice cost in the window."""
    return tuple(_pots(ask, window))


def _pots(ask: Ask, window: Window) -> Iterator[CallPot]:
    for *keys, cost, first, last, owner in ask.rows(call_pots_expr(window)):
        yield CallPot(CallSlice(*keys), cost or Decimal(0), first, last, owner)

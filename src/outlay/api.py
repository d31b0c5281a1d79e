"""The public Python API: `outlay.open(store).costs(by=["team"])`, giving Arrow, pandas or polars."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outlay.ledger.failures import in_users_terms
from outlay.ledger.store import SOCKET, Store, default_store
from outlay.questions.answer import Answer
from outlay.questions.ask import Ask
from outlay.questions.windows import now, resolve
from outlay.settings import Settings, load_settings

if TYPE_CHECKING:
    import pyarrow as pa

    from outlay.accounting.assessment import Assessment
    from outlay.governance.budget import Budget
    from outlay.governance.burns import Burns
    from outlay.ledger.importing import Imported
    from outlay.prices.book import PriceBook


def open(
    store: str | Path | None = None, *, config: str | Path | None = None, wait_s: float | None = None,
    own: bool = False,
) -> Ledger:
    """Opens a store (by default the user's own), making it where it does not exist. Close it, or use it in `with`.

    Where a server (`outlay up`) keeps it, that lends a connection, unless the store must be one's `own`. Any other
    process is waited for `wait_s` seconds, by default 10. Raises `StoreLocked` then, `StoreError` where it cannot be
    used, and `SettingsError`.
    """
    path = Path(store) if store is not None else default_store()
    settings = load_settings(Path(config) if config is not None else None, path)
    if not own and (path / SOCKET).exists():
        from outlay.ledger.remote.guest import LentStore

        with suppress(ConnectionError):  # a server that was killed has left its socket
            return Ledger(LentStore(path), settings)
    return Ledger(Store(path, wait_s=wait_s), settings)


@dataclass(frozen=True, slots=True)
class Costs:
    """An answer to a cost question. Money is exact: Decimal, and decimal128 in Arrow."""

    answer: Answer

    def arrow(self) -> pa.Table:
        import pyarrow as pa

        columns = self.answer.columns
        cells: list[list[Any]] = [list(column) for column in zip(*self.answer.rows, strict=True)]
        kinds = [pa.decimal128(38, 18) if name in ("cost", "estimated") else
                 pa.timestamp("us") if name == "period" else pa.string() for name in columns]
        return pa.table([pa.array(values, kind) for values, kind in
                         zip(cells or [[] for _ in columns], kinds, strict=True)], names=list(columns))

    def pandas(self) -> Any:
        """A pandas DataFrame; pandas must be installed."""
        return self.arrow().to_pandas()

    def polars(self) -> Any:
        """A polars DataFrame; polars must be installed."""
        import polars

        return polars.from_arrow(self.arrow())

    def json(self) -> dict[str, Any]:
        return self.answer.as_json()


class Ledger:
    """An open store with its settings."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store = store
        self.settings = settings
        self.book: PriceBook = settings.book()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.store.close()

    def ask(self) -> Ask:
        """The ledger ready for questions: derived tables are made current first."""
        if self.store.lent:
            self.store.refresh()
            return Ask(self.store.con)
        from outlay.ledger.derive import make_current

        with in_users_terms(self.store.path):
            make_current(self.store, attribution=self.settings.attribution, book=self.book,
                         currency=self.settings.currency, rates=self.settings.rates, splits=self.settings.split)
        return Ask(self.store.con)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is imported."""
        return not self.store.con.execute("SELECT 1 FROM imports LIMIT 1").fetchall()

    @property
    def rejected(self) -> int:
        """Rows that all imports together refused."""
        return int(self.store.con.execute("SELECT coalesce(sum(rejected), 0) FROM imports").fetchall()[0][0])

    def import_file(
        self, path: str | Path, *, name: str | None = None, as_source: str | None = None, export: str | None = None,
        advance: Callable[[int], None] = lambda rows: None,
    ) -> Imported:
        """Imports one file. Raises `FileError`, `UnrecognisedFile`, `StoreError`; then nothing of it was kept."""
        from outlay.ledger.importing import import_file
        from outlay.sources.inputfile import InputFile
        from outlay.sources.registry import recognise, source_named

        # A name that is no text (bytes of another encoding) could not be kept.
        file = InputFile(Path(path), (name or str(path)).encode(errors="surrogateescape").decode(errors="replace"))
        own = self.settings.sources()
        source = source_named(as_source, own) if as_source else recognise(file, own)
        with self.store.alone():
            return import_file(self.store, file, source, attribution=self.settings.attribution, book=self.book,
                               export=export, advance=advance)

    def costs(
        self, by: Sequence[str] = (), *, where: Sequence[str] = (), since: str | None = None, until: str | None = None,
        every: str | None = None, cost: str = "effective",
    ) -> Costs:
        """Cost by dimensions. `since`: 30d, 24h, a day; `where`: ["team=search"]; `every`: 5m, hour, day, week, month.

        Raises `UsageError` naming what is not known.
        """
        from outlay.ledger.dollars import dollar_rates
        from outlay.questions.costs import CostQuery, costs, parse_where

        ask = self.ask()
        fine = every in ("5m", "hour")
        # Within a day only calls can be told apart: a window of hours is answered from them alone.
        short = fine or (since or "").strip().endswith(("h", "m"))
        window = resolve(ask, since, until, whole_days=not short, default="24h" if fine else "30d")
        query = CostQuery(tuple(by), window, parse_where(where), every, cost, self.settings.currency,
                          dollar_rates=dollar_rates(self.settings.rates))
        return Costs(costs(ask, query, as_of=now(), rejected=self.rejected))

    def budgets(self, kept: Sequence[Budget] = ()) -> Burns:
        """Every budget of the settings, and of those that people set (`kept`), in the period that the latest fact lies
        in (today's, where the ledger is live)."""
        from outlay.governance.burns import burns
        from outlay.governance.inforce import in_force

        ask = self.ask()
        until = resolve(ask, None, None).until
        return burns(ask, in_force(self.settings, kept), until, as_of=now(), rejected=self.rejected)

    def assess(self, *, since: str | None = None, until: str | None = None) -> Assessment:
        """The assessment of a window (by default the last 30 days that the ledger knows of)."""
        from outlay.accounting.assess import assess

        ask = self.ask()
        return assess(ask, resolve(ask, since, until), self.settings, self.book, self.rejected)

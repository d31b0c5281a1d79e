"""Outlay: FinOps for AI. What AI costs while it runs, what it should not cost, and the end of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["__version__", "open"]

if TYPE_CHECKING:
    from outlay.api import open
else:

    def __getattr__(name: str) -> object:
        # `import outlay` stays at a few milliseconds: DuckDB, Arrow and Ibis load on first use.
        if name == "open":
            from outlay.api import open

            return open
        raise AttributeError(name)

"""What a source could not use, and what it wants to say about what it could."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reject:
    """One row that was not kept: where it stands, which field is at fault, why, and the row as it was found.

    `line` counts from 1 as an editor does (for Parquet: the row). `raw` never holds prompt or answer text; it is
    cut at 500 characters.
    """

    line: int | None
    field: str
    reason: str
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """A remark about the whole file that the user should see, for example an optional column that is absent."""

    message: str

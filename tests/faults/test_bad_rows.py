"""Good rows are kept; each bad one is listed by file, line, field and reason, in the answer and in a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fault_families import FAMILIES, Family
from fault_ledger import facts, open_copy, put

from outlay.api import Ledger

GOOD = 4


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_bad_rows_are_listed_and_the_others_kept(
    family: Family, ledger: Ledger, tmp_path: Path, empty_store: Path
) -> None:
    """A good row, the spoilt ones, more good rows."""
    places = range(1, 1 + len(family.spoilt))
    numbers = range(GOOD + len(family.spoilt))
    data = family.file(numbers, {place: bad.change for place, bad in zip(places, family.spoilt, strict=True)})
    done = put(ledger, tmp_path / f"in.{family.suffix}", data)

    assert (done.source, done.rows, done.added, done.rejected) == (
        family.source, len(numbers), GOOD, len(family.spoilt))
    for place, bad, reject in zip(places, family.spoilt, done.rejects, strict=True):
        assert reject.line == family.line(place), bad
        assert reject.field.endswith(bad.field), bad
        assert bad.reason in reject.reason, bad

    written = [json.loads(line) for line in Path(done.rejects_file).read_text("utf-8").splitlines()]
    assert [(row["file"], row["line"], row["field"], row["reason"]) for row in written] == [
        (done.name, reject.line, reject.field, reject.reason) for reject in done.rejects]

    kept = facts(ledger)
    assert len(kept[family.table]) == GOOD
    with open_copy(empty_store, tmp_path / "other") as other:
        only_good = [number for number in numbers if number not in places]
        put(other, tmp_path / f"in.{family.suffix}", family.file(only_good))
        assert facts(other) == kept


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_file_of_bad_rows_alone_is_refused(family: Family, ledger: Ledger, tmp_path: Path) -> None:
    from outlay.errors import FileError

    before = facts(ledger)
    data = family.file(range(3), dict.fromkeys(range(3), family.wrong.change))
    with pytest.raises(FileError) as refused:
        put(ledger, tmp_path / f"in.{family.suffix}", data)
    said = str(refused.value)
    assert all(part in said for part in (
        f"in.{family.suffix}: has no usable row among 3", f"line {family.line(0)}, ", family.wrong.field,
        family.wrong.reason, "--as"))
    assert facts(ledger) == before
    assert not list((ledger.store.path / "rejects").iterdir())

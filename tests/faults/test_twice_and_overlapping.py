"""The same file twice changes nothing; what several files say counts once, whichever of them is taken back."""

from __future__ import annotations

from pathlib import Path

import pytest
from fault_families import FAMILIES, Family
from fault_ledger import call_days, call_days_anew, facts, imports, open_copy, put

from outlay.api import Ledger
from outlay.ledger.importing import remove_import

by_name = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)


@by_name
def test_the_same_file_again_and_rows_that_two_files_share(
    family: Family, ledger: Ledger, tmp_path: Path, empty_store: Path
) -> None:
    early, late = family.file(range(5)), family.file(range(2, 8))
    first = put(ledger, tmp_path / f"early.{family.suffix}", early)
    only_first = facts(ledger)

    again = put(ledger, tmp_path / f"copy.{family.suffix}", early)
    assert (again.already, again.import_id, again.added) == (first.import_id, None, 0)
    assert facts(ledger) == only_first
    assert len(imports(ledger)) == 1

    second = put(ledger, tmp_path / f"late.{family.suffix}", late)
    assert len(facts(ledger)[family.table]) == 8
    assert second.added + second.duplicates == 6
    both = facts(ledger)
    assert call_days(ledger) == call_days_anew(ledger)

    with open_copy(empty_store, tmp_path / "other") as other:
        put(other, tmp_path / f"late.{family.suffix}", late)
        assert first.import_id
        remove_import(ledger.store, first.import_id)
        assert facts(ledger) == facts(other)
        assert call_days(ledger) == call_days(other) == call_days_anew(ledger)

    assert put(ledger, tmp_path / f"early.{family.suffix}", early).import_id
    assert second.import_id
    remove_import(ledger.store, second.import_id)
    assert facts(ledger) == only_first
    put(ledger, tmp_path / f"late.{family.suffix}", late)
    assert facts(ledger) == both
    assert call_days(ledger) == call_days_anew(ledger)

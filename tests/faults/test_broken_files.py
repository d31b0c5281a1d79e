"""Files that are broken as a whole: nothing of them is kept; the error names the file, the reason and the way out."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_families import FAMILIES, Family
from fault_ledger import facts, imports, open_copy, put

import outlay
from outlay.api import Ledger
from outlay.errors import FileError, UnrecognisedFile

TEXTS = tuple(family for family in FAMILIES if not family.suffix.endswith("parquet"))
PARQUET = tuple(family for family in FAMILIES if family.suffix.endswith("parquet"))
by_name = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
texts = pytest.mark.parametrize("family", TEXTS, ids=lambda family: family.name)
parquet = pytest.mark.parametrize("family", PARQUET, ids=lambda family: family.name)


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Iterator[Ledger]:
    """One ledger for all refused files: nothing may ever be in it."""
    with open_copy(empty_store, tmp_path_factory.mktemp("untouched") / "store") as ledger:
        yield ledger
        assert not any(facts(ledger).values())
        assert imports(ledger) == []
        assert not list((ledger.store.path / "rejects").iterdir())
        assert not list(ledger.store.scratch.iterdir())


def refused(ledger: Ledger, path: Path, data: bytes, as_source: str | None = None) -> str:
    """What is said of a file that is refused."""
    with pytest.raises(FileError) as error:
        put(ledger, path, data, as_source=as_source)
    assert error.value.where.startswith(str(path)), "the message names the file"
    assert error.value.hint, "the message names the way out"
    assert "\n" not in error.value.message
    return error.value.message


def plain(family: Family, rows: int = 6) -> bytes:
    data = family.file(range(rows))
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


@by_name
def test_empty(family: Family, untouched: Ledger, tmp_path: Path) -> None:
    path = tmp_path / f"in.{family.suffix}"
    blank = gzip.compress(b"\n \n") if family.suffix.endswith("gz") else b"\n \r\n"
    for nothing in (b"", blank):
        assert refused(untouched, path, nothing) == "is empty"
        assert refused(untouched, path, nothing, family.source) == "is empty"


@texts
def test_gzip_is_read_whatever_the_name_and_refused_where_it_ends_too_early(
    family: Family, untouched: Ledger, tmp_path: Path, empty_store: Path
) -> None:
    path = tmp_path / f"in.{family.suffix}"
    data = gzip.compress(plain(family))
    if family.name in ("table-csv", "table-jsonl", "litellm-csv", "otlp", "sacct-json"):  # one of each way of reading
        # Long enough that the beginning, by which it is recognised, can be read.
        data = gzip.compress(plain(family, 2600))
        data = data[: len(data) * 4 // 5] + b"\0" * 20
    assert "Compressed file ended before the end" in refused(untouched, path, data[:-20])
    assert "Compressed file ended before the end" in refused(untouched, path, data[:-20], family.source)
    with open_copy(empty_store, tmp_path / "store") as ledger:
        assert put(ledger, path, gzip.compress(plain(family))).added == 6


@parquet
def test_parquet_that_is_cut_off_or_damaged(family: Family, untouched: Ledger, tmp_path: Path) -> None:
    path, data = tmp_path / "in.parquet", family.file(range(6))
    assert "is not a whole Parquet file" in refused(untouched, path, data[: len(data) * 2 // 3])
    assert "is not a whole Parquet file" in refused(untouched, path, data[: len(data) * 2 // 3], family.source)
    assert refused(untouched, path, data[:100] + b"\xff" * 200 + data[300:])  # pages
    assert refused(untouched, path, data[:-150] + b"\xff" * 100 + data[-50:])  # what describes them


@by_name
def test_a_column_without_which_nothing_can_be_said(family: Family, untouched: Ledger, tmp_path: Path) -> None:
    column, said = family.needed
    rows = [{name: value for name, value in family.row(number).items() if name != column} for number in range(3)]
    path, data = tmp_path / f"in.{family.suffix}", family.write(rows)
    assert said in refused(untouched, path, data, family.source)
    refused(untouched, path, data)  # unrecognised, or the same


@texts
def test_other_encodings(family: Family, ledger: Ledger, tmp_path: Path, empty_store: Path) -> None:
    """UTF-16 with its mark is read, UTF-8 may have one; other bytes cost their characters, which is said."""
    data = family.file(range(6), {2: {family.text: "caf\u00e9"}} if family.text else {})
    text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode()
    path = tmp_path / f"in.{family.suffix}"
    for encoded in (text.encode("utf-16"), text.encode("utf-8-sig")):
        done = put(ledger, path, encoded)
        assert (done.added, done.rejected) == (6, 0)
        assert not any("REPLACEMENT" in notice or "UTF" in notice for notice in done.notices)
        assert len(facts(ledger)[family.table]) == 6
        assert "caf\u00e9" in str(facts(ledger)) or not family.text
        remove(ledger, done.import_id)
    done = put(ledger, path, text.encode("latin-1"))
    assert (done.added, done.rejected) == (6, 0)
    assert any(notice.startswith("Is not UTF-8 throughout") for notice in done.notices) == bool(family.text)
    assert ("caf\N{REPLACEMENT CHARACTER}" in str(facts(ledger))) == bool(family.text)


@texts
def test_nul_bytes_cost_their_row_at_most(family: Family, ledger: Ledger, tmp_path: Path) -> None:
    """As a crash of the writer leaves them at the end. A single JSON document is refused as a whole."""
    path, data = tmp_path / f"in.{family.suffix}", plain(family)
    torn = data.rstrip(b"\n")[:-1] + b"\0" * 64
    try:
        done = put(ledger, path, torn)
    except FileError as error:
        assert family.suffix == "json"
        assert error.where == str(path)
        assert error.hint
    else:
        assert done.added >= 5
        assert done.added + done.rejected >= 6


def test_what_is_no_format_at_all(untouched: Ledger, tmp_path: Path) -> None:
    for number, data in enumerate((b"hello\n", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9, b"a,b\n1,2\n", b"{}",
                                   b'{"a": [1, 2', b"\0" * 5000 + b"x", b"PK\3\4" + b"\xff" * 300)):
        with pytest.raises(UnrecognisedFile, match="is not a format that Outlay knows") as error:
            put(untouched, tmp_path / str(number), data)
        assert "--as" in error.value.hint


@by_name
def test_another_format_under_this_name(family: Family, untouched: Ledger, tmp_path: Path) -> None:
    """`--as` makes any file be read as this one: it is refused in words, whatever stands in it."""
    path = tmp_path / "in"
    others = (b"hello\n", b"a,b\n1,2\n", b'{"a": 1}\n', b"[1, 2]", b"\xff\xfe\0", bytes(range(1, 256)) * 5, b"PAR1 no",
              b"a|b|c\n\"open", b'{"data": 7}', b'{"data": [7]}', b"[" * 5000, b"\x1f\x8b\x08 no", b'{"jobs": 3}')
    for data in others:
        try:
            done = put(untouched, path, data, as_source=family.source)
        except FileError as error:
            assert error.where.startswith(str(path))
            assert error.hint
        else:
            # Well-formed, and without a row that could be one: said so.
            assert (done.added, done.rejected) == (0, 0)
            assert "Holds no rows." in done.notices
            remove(untouched, done.import_id)


def remove(ledger: Ledger, import_id: int | None) -> None:
    from outlay.ledger.importing import remove_import

    assert import_id is not None
    remove_import(ledger.store, import_id)


def test_what_cannot_be_opened(untouched: Ledger, tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "absent.csv", "No such file"), (tmp_path, "Is a directory")):
        for as_source in (None, "focus", "sacct"):
            with pytest.raises(FileError, match=f"cannot be read: {reason}") as error:
                untouched.import_file(path, as_source=as_source)
            assert error.value.where == str(path)
            assert error.value.hint


def test_a_source_that_nobody_knows(untouched: Ledger, tmp_path: Path) -> None:
    with pytest.raises(outlay.errors.UsageError, match="no source is called 'focsu'") as error:
        put(untouched, tmp_path / "in.csv", b"a,b\n", as_source="focsu")
    assert "focus" in error.value.hint

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from outlay.errors import FileError
from outlay.facts import Reject
from outlay.sources.csv_rows import csv_rows
from outlay.sources.inputfile import InputFile
from outlay.sources.json_paths import json_paths
from outlay.sources.json_values import json_values


def values(tmp_path: Path, text: str) -> list[tuple[int, Any] | Reject]:
    path = tmp_path / "in.json"
    path.write_text(text, encoding="utf-8")
    return list(json_values(InputFile(path, path.name)))




def test_each_kind_of_file(tmp_path: Path) -> None:
    assert values(tmp_path, '{"a":1}\n\n{"a":2}\r\n') == [(1, {"a": 1}), (3, {"a": 2})]
    assert values(tmp_path, '{\n "a": 1\n}\n{\n "a": 2\n}') == [(1, {"a": 1}), (4, {"a": 2})]
    assert values(tmp_path, '[\n{"a":1},\n{"a":2}\n]\n[3]') == [(2, {"a": 1}), (3, {"a": 2}), (5, 3)]


def test_fractions_are_decimals(tmp_path: Path) -> None:
    assert values(tmp_path, '{"a":0.1000000000000000055}') == [(1, {"a": Decimal("0.1000000000000000055")})]


def test_a_list_longer_than_what_is_read_at_once(tmp_path: Path) -> None:
    rows = [{"n": n, "pad": "x" * 997} for n in range(4000)]
    found = values(tmp_path, "[" + ",\n".join(json.dumps(row) for row in rows) + "]")
    assert found == list(enumerate(rows, start=1))


def test_numbers_across_the_end_of_what_is_read_at_once(tmp_path: Path) -> None:
    assert values(tmp_path, "[" + " " * ((1 << 20) - 3) + "12345, 6]")[0] == (1, 12345)


@pytest.mark.parametrize("text", ['{"a":', "[1, 2", "", "hello", "[" * 100_000, '{"a":' + "9" * 5000 + "}"])
def test_a_document_that_is_none(tmp_path: Path, text: str) -> None:
    try:
        found = values(tmp_path, text)
    except FileError as error:
        assert error.where == "in.json"
    else:
        assert found == [] or isinstance(found[-1], Reject)


def test_documents_that_break_off_after_others(tmp_path: Path) -> None:
    first, broken = values(tmp_path, '{\n"a": 1\n}\n{\n"a"')
    assert first == (1, {"a": 1})
    assert isinstance(broken, Reject)
    assert (broken.line, broken.reason) == (4, "is not complete JSON; the file may be incomplete")


def test_rejected_lines_quote_nothing(tmp_path: Path) -> None:
    found = values(tmp_path, '{"a":1}\n{"prompt": "secret words" oops}\n{"a":2}')
    assert isinstance(found[1], Reject)
    assert "secret" not in str(found[1])


def test_a_truncated_gzip_is_a_file_error(tmp_path: Path) -> None:
    path = tmp_path / "in.json.gz"
    whole = gzip.compress(b"\n".join(json.dumps({"n": n, "x": str(n * n)}).encode() for n in range(100_000)))
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FileError, match=r"cannot be read to its end|cannot be decompressed"):
        list(json_values(InputFile(path, path.name)))


@pytest.mark.parametrize(("text", "paths"), [
    ('{"a":{"b":[{"c":1},{"d":"x"}]},"e":2}', {"a", "a.b", "a.b.c", "a.b.d", "e"}),
    ('[{"a":1},{"b":"{\\"c\\":1}"}]', {"a", "b"}),
    ('{"a":1}\n{"b":{"c":2}}\n', {"a", "b", "b.c"}),
    ('{"a":{"b":{"c":{"d":{"e":1}}}}}', {"a", "a.b", "a.b.c", "a.b.c.d"}),
    ('\ufeff {"a" : 1, "b": {"c": "cut off in the mid', {"a", "b", "b.c"}),
    ("a,b\n1,2\n", set()), ("", set()), ("]]}}", set()), ('{"' + "\\" * 50_001, set()),
])
def test_paths_of_any_head(text: str, paths: set[str]) -> None:
    assert json_paths(text) == paths


def test_paths_of_what_is_nested_without_end() -> None:
    assert json_paths('{"a":' * 100_000) == {"a", "a.a", "a.a.a", "a.a.a.a"}


def test_line_separators_within_strings_do_not_end_lines(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"a":"one\u2028two"}\n{"b":1}\n', encoding="utf-8")
    assert InputFile(path, "in.jsonl").json_records == ({"a": "one\u2028two"}, {"b": 1})


def test_csv_rows_know_where_they_begin(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text('\ufeffa;b\n1;"two\nlines"\n\n3;4\n5\n6;"' + "x" * 200_000 + '"\n', encoding="utf-8")
    rows = list(csv_rows(InputFile(path, "in.csv")))
    read = [(row[0], dict(row[1].values)) if isinstance(row, tuple) else row for row in rows]
    assert read[0] == (2, {"a": "1", "b": "two\nlines"})
    assert read[1] == (5, {"a": "3", "b": "4"})
    assert read[2] == Reject(6, "", "has 1 fields, the header has 2; the file may be incomplete")
    assert len(read) == 4

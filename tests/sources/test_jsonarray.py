"""Long lists inside of JSON documents are read element by element, wherever the reads happen to end."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outlay.errors import FileError
from outlay.sources import jsonarray
from outlay.sources.inputfile import InputFile

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3), max_leaves=6)


def elements(path: Path, text: str) -> list:
    path.write_text(text, encoding="utf-8")
    return list(jsonarray.array_elements(InputFile(path, "x.json"), "jobs"))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.lists(VALUES, max_size=6), min_size=1, max_size=3), st.integers(1, 40), st.sampled_from([None, 1]))
def test_every_element_of_every_document(tmp_path, monkeypatch, lists, chunk, indent):
    monkeypatch.setattr(jsonarray, "_CHUNK", chunk)
    text = "\n".join(json.dumps({"meta": {"a": [1]}, "jobs": each, "more": 1}, indent=indent) for each in lists)
    assert [value for _, value in elements(tmp_path / "x", text)] == [value for each in lists for value in each]


def test_lines_are_those_of_the_file(tmp_path):
    found = elements(tmp_path / "x", '{\n"jobs" : [\n {"a":\n 1.50},\n\n 2]}\n{"jobs": [3]}')
    assert found == [(3, {"a": Decimal("1.50")}), (6, 2), (7, 3)]


@pytest.mark.parametrize("text", [
    "", "{}", '{"jobs": 5}', '{"jobs": [1, ', '{"jobs": [{"a": 1}, {"b"', '{"jobs": [1 2, x]}',
    '{"jobs": [1]}{"jobs": [1, {'])
def test_what_is_no_such_list_or_breaks_off_is_refused(tmp_path, text):
    with pytest.raises(FileError, match=r"has no list|breaks off"):
        elements(tmp_path / "x", text)

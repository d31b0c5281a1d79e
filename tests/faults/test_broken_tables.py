"""Tables that are broken here and there: what can be read is kept, exactly, and the lines of the rest are named."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fault_families import FAMILIES, iso
from fault_ledger import put, rows

import outlay
from outlay.api import Ledger
from outlay.errors import FileError

HEADER = b"time,model,input_tokens,user\n"
LITELLM = next(family for family in FAMILIES if family.name == "litellm-csv")
CLAUDE = next(family for family in FAMILIES if family.name == "claude-code")
OTLP = next(family for family in FAMILIES if family.name == "otlp")


def line(number: int, user: str = "ana") -> bytes:
    return f"{iso(number)},gpt-4o,{number},{user}\n".encode()


def tokens(ledger: Ledger) -> list[int]:
    return [row[0] for row in rows(ledger, "SELECT input_tokens FROM call ORDER BY 1")]


@pytest.mark.parametrize(("torn", "rejected"), [
    # a row with too few and one with too many fields
    ([line(1), b"2026-01-01,gpt-4o\n", line(3), b"1,2,3,4,5,6\n", line(5)], {3: "has 2 fields", 5: "has 6 fields"}),
    # a quote that is never closed, in the first field, in the last one, and in the last line
    ([line(1), b'"2026-01-01,gpt-4o,1,x\n', line(3), line(4)], {3: "unexpected end of data"}),
    ([line(1), line(2, '"ana'), line(3), line(4)], {3: "unexpected end of data"}),
    ([line(1), line(2), line(3, '"')], {4: "unexpected end of data"}),
    # one that meets the next quote, which belongs to a good row
    ([line(1), line(2, '"ana'), line(3), line(4, '"bo, jr"'), line(5)], {3: "expected after"}),
    # text behind a closing quote
    ([line(1), line(2, '"a"na'), line(3)], {3: "expected after"}),
    # line ends of three systems, blank lines, a blank beginning, no end
    ([line(1).replace(b"\n", b"\r\n"), line(2), b"\n\n", line(3).replace(b"\n", b"\r"), line(4), b"1,2"],
     {8: "has 2 fields"}),
])
def test_csv_rows_that_do_not_parse(
    ledger: Ledger, tmp_path: Path, torn: list[bytes], rejected: dict[int, str]
) -> None:
    done = put(ledger, tmp_path / "calls.csv", HEADER + b"".join(torn))
    assert {reject.line: reject.reason for reject in done.rejects}.keys() == rejected.keys()
    for reject in done.rejects:
        assert reject.line is not None
        assert rejected[reject.line] in reject.reason
    good = [int(part.split(b",")[2]) for part in torn if part.startswith(b"2026-01-01T")]
    bad = [int(torn[place - 2].split(b",")[2]) for place in rejected
           if place - 2 < len(torn) and torn[place - 2].startswith(b"2026-01-01T")]
    assert tokens(ledger) == sorted(set(good) - set(bad))


@pytest.mark.parametrize("blank", [b"\n", b"\r\n\n", b"\xef\xbb\xbf\n"])
def test_lines_are_counted_as_an_editor_does(ledger: Ledger, tmp_path: Path, blank: bytes) -> None:
    """Rows of several lines and blank lines stand before the one that is refused for its value."""
    bad = b"2026-01-01T00:00:00Z,gpt-4o,many,x\n"
    data = blank + HEADER + line(1, '"two\nlines ""of"" it"') + b"\n" + line(2) + bad
    done = put(ledger, tmp_path / "calls.csv", data)
    assert (done.added, [(reject.line, reject.raw) for reject in done.rejects]) == (
        2, [(data.count(b"\n"), "many")])
    assert ("two\nlines \"of\" it",) in rows(ledger, 'SELECT "user" FROM call')


def test_stray_quotes_in_logs_that_are_read_row_by_row(ledger: Ledger, tmp_path: Path) -> None:
    lines = LITELLM.file(range(6)).splitlines(keepends=True)
    lines[3] = lines[3].replace(b"ana", b'"ana')
    done = put(ledger, tmp_path / "spend.csv", b"".join(lines))
    assert (done.added, [(reject.line, reject.reason) for reject in done.rejects]) == (
        5, [(4, "cannot be read as a row: unexpected end of data")])


def records(*values: dict[str, Any]) -> list[bytes]:
    return [json.dumps({"time": iso(number), "model": "gpt-4o", "input_tokens": number} | value).encode() + b"\n"
            for number, value in enumerate(values)]


@pytest.mark.parametrize(("broken", "reason"), [
    (b'{"time": "2026', "is not valid JSON: Unterminated string"), (b"[1, 2]", "is not a JSON object"),
    (b"7", "is not a JSON object"),
    (b'{"time": "2026-01-01", "model": "m", "model": "n", "input_tokens": 1}', "has 'model' twice"),
    (b'{"": 1}', "has a value without a name"), (b'{"a": ' + b"[" * 200 + b"]" * 200 + b"}", "is nested too deeply"),
    (b'{"a": "x\ty"}', "is not valid JSON: Invalid control character"), (b"\xff\xfe\x00", "is not valid JSON"),
    (b'{"a": 1}{"b": 2}', "is not valid JSON: Extra data"), (b"{'a': 1}", "is not valid JSON"),
])
@pytest.mark.parametrize("place", [0, 2, 4])
def test_json_lines_that_are_none(ledger: Ledger, tmp_path: Path, broken: bytes, reason: str, place: int) -> None:
    """At the beginning (a log that was cut off there), in the middle, at the end (one that is being written)."""
    lines = records({}, {}, {}, {})
    lines.insert(place, broken + b"\n")
    try:
        done = put(ledger, tmp_path / "calls.jsonl", b"".join(lines))
    except FileError:
        # A list, or the mark of another encoding, makes it another file from its beginning on.
        assert place == 0
        assert broken[:1] in (b"[", b"\xff")
        return
    assert tokens(ledger) == [0, 1, 2, 3]
    [reject] = done.rejects
    assert reject.line == place + 1
    assert reject.reason.startswith(reason)
    assert "2026" not in reject.reason


@pytest.mark.parametrize("family", [CLAUDE, OTLP], ids=lambda family: family.name)
def test_logs_that_were_cut_off_at_their_beginning(ledger: Ledger, tmp_path: Path, family: Any) -> None:
    whole = family.file(range(6))
    done = put(ledger, tmp_path / "log.jsonl", whole[len(whole) // 12:])
    assert (done.source, done.added, done.rejected) == (family.source, 5, 1)
    assert done.rejects[0].line == 1


def outputs(*amounts: str) -> bytes:
    head = f'"time": "{iso(1)}", "kind": "tickets", "currency": "USD"'
    return "".join(f'{{{head}, "count": {amount}, "value": {amount}}}\n' for amount in amounts).encode()


@pytest.mark.parametrize("late", ["1.5", "12345678901234567", "0.000000000000000001", "1e3"])
def test_numbers_are_exact_however_late_they_come(ledger: Ledger, tmp_path: Path, late: str) -> None:
    """Of JSON lines the first ones tell the types: whole numbers there must not round what follows."""
    amounts = ["0"] * 25_000 + [late]
    done = put(ledger, tmp_path / "outputs.jsonl", outputs(*amounts))
    assert (done.rows, done.rejected) == (25_001, 0)
    assert rows(ledger, "SELECT sum(value), sum(count) FROM output") == [(Decimal(late), Decimal(late))]


def test_columns_that_come_late(ledger: Ledger, tmp_path: Path) -> None:
    lines = records(*({} for _ in range(25_000)), {"cache_read_tokens": 7, "team": "search"}, {"user": 5})
    done = put(ledger, tmp_path / "calls.jsonl", b"".join(lines))
    assert (done.added, done.rejected) == (25_002, 0)
    assert rows(ledger, "SELECT sum(cache_read_tokens), count(\"user\"), count(team) FROM call") == [(7, 1, 1)]


def test_keys_that_come_late_in_a_large_file(ledger: Ledger, tmp_path: Path) -> None:
    """Too large to look at every row before it is read."""
    lines = records(*({"note": "x" * 200_000} for _ in range(100)), {"cache_read_tokens": 7}, {"team": "search"})
    done = put(ledger, tmp_path / "calls.jsonl", b"".join(lines))
    assert (done.added, done.rejected) == (102, 0)
    assert rows(ledger, "SELECT sum(cache_read_tokens), count(team) FROM call") == [(7, 1)]


def test_types_that_change_late(ledger: Ledger, tmp_path: Path) -> None:
    lines = records(*({} for _ in range(25_000)), {"input_tokens": "many"}, {"time": "noon"},
                    {"input_tokens": {"a": 1}}, {"time": "2026-01-01T12:00:00+02:00", "input_tokens": 5})
    done = put(ledger, tmp_path / "calls.jsonl", b"".join(lines))
    assert [(reject.line, reject.field, reject.reason) for reject in done.rejects] == [
        (25_001, "input_tokens", "is not a whole number"), (25_002, "time", "is not a time"),
        (25_003, "input_tokens", "is not a whole number")]
    assert rows(ledger, "SELECT count(*) FROM call WHERE time = TIMESTAMP '2026-01-01 10:00:00'") == [(2,)]


def test_a_mapping_whose_column_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "mapping.yaml").write_text(
        "source: mine\nfact: call\nmatch: [ts]\ncolumns: {time: ts, model: name, input_tokens: tok}\n")
    (tmp_path / "outlay.yaml").write_text("mappings: [mapping.yaml]\n")
    with outlay.open(tmp_path / "store", config=tmp_path / "outlay.yaml") as ledger:
        with pytest.raises(FileError, match="has no column 'ts', from which time is made") as error:
            put(ledger, tmp_path / "in.csv", b"tss,name,tok\n2026-01-01,gpt-4o,5\n", as_source="mine")
        assert error.value.where == str(tmp_path / "in.csv")
        assert error.value.hint == "Did you mean 'tss'?"
        done = put(ledger, tmp_path / "in.csv", b"ts,name\n2026-01-01,gpt-4o\nnoon,gpt-4o\n")
        assert (done.source, done.added) == ("mine", 1)
        assert done.notices == ("No column for input_tokens: the file lacks one that the mapping names.",)
        assert [(reject.line, reject.field, reject.reason) for reject in done.rejects] == [(3, "ts", "is not a time")]


@pytest.mark.parametrize(("currency", "kept"), [("XTS", "XTS"), ("credits", "credits"), ("usd", "USD"), ("", None)])
def test_currencies_that_nobody_knows_are_kept_apart(
    ledger: Ledger, tmp_path: Path, currency: str, kept: str | None
) -> None:
    bill = next(family for family in FAMILIES if family.name == "focus-csv")
    done = put(ledger, tmp_path / "bill.csv", bill.file(range(3), {1: {"BillingCurrency": currency}}))
    assert (done.added, done.rejected) == (3, 0)
    assert rows(ledger, "SELECT billing_currency, sum(billed_cost) FROM charge GROUP BY 1 ORDER BY 2") == (
        [("USD", Decimal("6.75"))] if kept == "USD" else [(kept, Decimal("2.25")), ("USD", Decimal("4.5"))])
    answer = ledger.costs(by=["service"], cost="billed").json()
    assert Decimal(answer["totals"]["cost"]) == Decimal("6.75" if kept == "USD" else "4.5")

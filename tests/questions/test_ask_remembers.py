"""Answers that are remembered, tables made of answers, and calls told apart by values that may be absent."""

from __future__ import annotations

from typing import Any

import duckdb

from outlay.questions.ask import Ask
from outlay.questions.callslices import told_apart


def calls() -> Any:
    import ibis

    return ibis.table({"project": "string", "team": "string", "tokens": "int64"}, name="made")


def made() -> Ask:
    con = duckdb.connect()
    con.execute("CREATE TABLE made (project VARCHAR, team VARCHAR, tokens BIGINT)")
    con.execute("INSERT INTO made VALUES ('a', 'x', 1), ('a', NULL, 20), (NULL, NULL, 300), ('b', 'x', 4000)")
    return Ask(con)


def test_told_apart_by_values_with_nulls() -> None:
    rows = calls()
    apart = told_apart(rows, ("project", "team"), [("a", None), (None, None), ("c", "x")])
    sums = apart.group_by("place").aggregate(tokens=apart.tokens.sum())
    assert sorted(made().rows(sums)) == [(0, 20), (1, 300)]


def test_the_same_values_are_the_same_question() -> None:
    first, again = (told_apart(calls(), ("project",), [("a",)]).count().as_table() for _ in range(2))
    assert first.op() == again.op()


def test_answers_are_remembered_only_when_asked_to() -> None:
    plain, total = made(), calls().aggregate(tokens=calls().tokens.sum())
    remembering = plain.remembering()
    for ask in (plain, remembering):
        assert list(ask.rows(total)) == [(4321,)]
    plain.con.execute("DELETE FROM made WHERE project = 'b'")
    assert list(plain.rows(total)) == [(321,)]
    assert list(remembering.rows(total)) == [(4321,)]
    assert list(plain.remembering().rows(total)) == [(321,)]


def test_a_table_answers_alike_whether_it_is_made_or_part_of_the_question() -> None:
    plain = made()
    by_team = calls().group_by("team").aggregate(tokens=calls().tokens.sum())
    for ask in (plain, plain.remembering()):
        table = ask.table(by_team)
        assert sorted(ask.rows(table.filter(table.tokens > 100).select("tokens"))) == [(320,), (4001,)]

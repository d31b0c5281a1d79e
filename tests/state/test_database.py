"""The state's layout: made by migrations, forward from every version, the same on both databases."""

from __future__ import annotations

import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, select

from outlay.state import people
from outlay.state.audit import Who, changes, record
from outlay.state.database import State, StateError, open_state
from outlay.state.tables import budget, metadata

NOW = datetime(2026, 9, 1, 12, 30, 15, 123456)
WHO = Who("test", "cli")
#: Layouts that have landed, the oldest first, each as SQLite had it.
LANDED = sorted((Path(__file__).parent / "landed").glob("*.sql"))


def test_migrations_come_to_the_tables(state_place: Path | str) -> None:
    with open_state(state_place) as state, state.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_money_and_times_come_back_as_they_were(state_place: Path | str) -> None:
    amount = Decimal("1234567890.123456789012345678")
    with open_state(state_place) as state:
        with state.begin() as connection:
            connection.execute(insert(budget).values(
                id="1", name="b", scope="{}", amount=amount, period="month", zone="UTC", thresholds="[]",
                at_limit="alert", created_at=NOW, created_by="x", changed_at=NOW))
        with state.begin() as connection:
            row = connection.execute(select(budget)).one()
    assert (row.amount, row.created_at) == (amount, NOW)


def test_all_of_a_transaction_or_none(state_place: Path | str) -> None:
    with open_state(state_place) as state:
        with pytest.raises(RuntimeError), state.begin() as connection:
            people.add(connection, "ana", "viewer", [], None, who=WHO, now=NOW)
            raise RuntimeError
        with state.begin() as connection:
            assert people.people(connection) == ()
            assert changes(connection) == ()


def test_what_is_there_stays_when_it_is_opened_again(state_place: Path | str) -> None:
    with open_state(state_place) as state, state.begin() as connection:
        people.add(connection, "ana", "lead", ["search"], "ana@example.com", who=WHO, now=NOW)
    with open_state(state_place) as state, state.begin() as connection:
        (ana,) = people.people(connection)
    assert (ana.name, ana.role, ana.teams, ana.email) == ("ana", "lead", ("search",), "ana@example.com")


def test_two_that_open_a_new_state_at_once_both_get_it(state_place: Path | str) -> None:
    def use(name: str) -> None:
        with open_state(state_place) as state, state.begin() as connection:
            people.add(connection, name, "viewer", [], None, who=WHO, now=NOW)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(use, "abcd"))
    with open_state(state_place) as state, state.begin() as connection:
        assert [each.name for each in people.people(connection)] == ["a", "b", "c", "d"]


def test_many_writers_lose_nothing(state_place: Path | str) -> None:
    with open_state(state_place) as first:
        def write(number: int) -> None:
            with first.begin() as connection:
                record(connection, WHO, NOW, "test", str(number))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(write, range(80)))
        with first.begin() as connection:
            assert sorted(int(each.subject) for each in changes(connection)) == list(range(80))


@pytest.mark.parametrize("dump", LANDED, ids=lambda path: path.stem)
def test_forward_from_every_version_that_landed(dump: Path, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "state.db") as old:
        old.executescript(dump.read_text())
    old.close()
    with open_state(tmp_path) as state, state.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert [each.name for each in people.people(connection)] == ["ana"]
        assert [each.action for each in changes(connection)] == ["person.add"]


def test_a_newer_layout_is_refused(state_place: Path | str) -> None:
    with open_state(state_place) as state, state.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StateError, match="has layout 9999, which this Outlay does not know"):
        open_state(state_place)


def test_the_file_is_its_users_alone(tmp_path: Path) -> None:
    open_state(tmp_path).close()
    assert stat.S_IMODE((tmp_path / "state.db").stat().st_mode) == 0o600


def test_a_damaged_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"no database" * 1000)
    with pytest.raises(StateError, match="the state cannot be used") as error:
        open_state(tmp_path)
    assert str(tmp_path) in error.value.where


@pytest.mark.parametrize(("url", "said"), [
    ("postgresql://u:s3cret@127.0.0.1:9/x", "the state cannot be used"), ("mysql://u:s3cret@h/x", "is not supported"),
    ("what", "is not a database's URL"), ("sqlite:///x.db", "is not supported"),
])
def test_a_database_that_is_not_there(url: str, said: str) -> None:
    with pytest.raises(StateError, match=said) as error:
        open_state(url)
    assert "s3cret" not in str(error.value)
    assert error.value.hint


def test_a_state_that_is_closed_lets_go(tmp_path: Path) -> None:
    state: State = open_state(tmp_path)
    state.close()
    (tmp_path / "state.db").unlink()

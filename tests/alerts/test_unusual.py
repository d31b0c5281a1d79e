"""Hours out of the ordinary: found in the ledger, told once, with what made them; over when they are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from made_ledger import START, made_ledger
from outlay.alerts.unusual import Unusual, unusual
from outlay.detectors.surprises import Moved
from outlay.facts import Call
from outlay.questions.ask import Ask

HOUR = timedelta(hours=1)
#: The end of the 15th day, at noon.
END = START + timedelta(days=15, hours=12)


def usual(until: datetime = END, **columns: object) -> Iterator[Call]:
    """Two teams, three projects, two keys: 60 calls of a project an hour, 30 at night."""
    hour = START
    while hour < until:
        for project, team in (("chat", "search"), ("ingest", "search"), ("vision", "vision")):
            yield from made(hour, 60 if 8 <= hour.hour < 20 else 30, project, team, **columns)
        hour += HOUR


def made(hour: datetime, count: int, project: str, team: str, **columns: object) -> Iterator[Call]:
    values: dict[str, object] = {
        "provider": "openai", "model": "gpt-4o", "operation": "chat", "status": "ok", "input_tokens": 40_000,
        "output_tokens": 10, "prompt_version": "v1"} | columns
    for number in range(count):
        key = values.get("api_key") or f"key-{number % 2}"
        yield Call(time=hour + number * HOUR / (count + 1), tags={"team": team, "project": project, "owner": "ana"},
                   **(values | {"api_key": key, "trace_id": f"{hour:%d%H}{project}{key}{number}",
                                "span_id": f"{number}"}))  # type: ignore[arg-type]


def found(path: Path, facts: Iterator[Call] | list[Call], now: datetime = END) -> tuple[Unusual, ...]:
    with made_ledger(path, facts) as store:
        return unusual(Ask(store.con), now)


def test_a_usual_day_is_none(tmp_path: Path) -> None:
    assert found(tmp_path, usual()) == ()


def test_a_storm_is_told_once_with_the_key_that_makes_it(tmp_path: Path) -> None:
    storm = [call for hour in (3, 2, 1) for call in made(END - hour * HOUR, 400, "chat", "search", api_key="crawler")]
    (told,) = found(tmp_path, [*usual(), *storm])
    assert (told.moved, told.since, told.until) == (Moved.MORE, END - 3 * HOUR, END)
    assert (told.team, told.owner) == ("search", "ana")
    shown = {(told.dimension, told.name), *told.also}
    assert {("team", "search"), ("project", "chat")} <= shown
    assert ("project", "ingest") not in shown
    assert told.parts[0][:2] == ("key", "crawler")
    assert told.parts[0][2] > 0.9
    assert told.times > 3
    assert told.cost > 3 * told.usual > 0


def test_it_is_over_when_little_of_it_is_left(tmp_path: Path) -> None:
    storm = [call for hour in (6, 5, 4) for call in made(END - hour * HOUR, 400, "chat", "search", api_key="crawler")]
    with made_ledger(tmp_path, [*usual(), *storm]) as store:
        ask = Ask(store.con)
        assert len(unusual(ask, END - 3 * HOUR)) == 1
        assert len(unusual(ask, END - 2 * HOUR)) == 1
        assert unusual(ask, END - HOUR) == ()
        # The hour that runs is not judged.
        assert unusual(ask, END - 6 * HOUR + timedelta(minutes=59)) == ()


def test_dearer_calls_name_what_changed(tmp_path: Path) -> None:
    since = END - 4 * HOUR
    dear = [call for hour in range(4) for call in made(
        since + hour * HOUR, 60, "vision", "vision", input_tokens=80_000, prompt_version="v2")]
    rest = [call for call in usual() if call.time < since or call.tags["team"] != "vision"]
    (told,) = [each for each in found(tmp_path, [*rest, *dear]) if each.moved is Moved.PRICE]
    assert ("prompt version", "v2") in {part[:2] for part in told.parts}
    assert told.team == "vision"
    assert 1.8 < told.times < 2.1


def test_calls_that_stay_away_are_told(tmp_path: Path) -> None:
    since = END - 6 * HOUR
    rest = [call for call in usual() if call.time < since or call.tags["team"] != "vision"]
    told = found(tmp_path, rest)
    assert {each.moved for each in told} == {Moved.FEWER}
    assert {("project", "vision"), ("team", "vision")} & {(each.dimension, each.name) for each in told}
    assert all(each.cost < each.usual for each in told)


def test_failing_calls_that_are_sent_again(tmp_path: Path) -> None:
    since = END - 3 * HOUR
    again = [call for hour in range(3) for call in made(
        since + hour * HOUR, 120, "ingest", "search", status="timeout", api_key="key-0")]
    told = found(tmp_path, [*usual(), *again])
    errors = [each for each in told if each.moved is Moved.ERRORS]
    assert errors
    assert all(each.times > 0.3 for each in errors)

"""The section `alerts` of the settings: routes by team, severity and time; notifiers; secrets by reference."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from alerts.made import NOW, condition
from outlay.alerts.condition import Severity
from outlay.alerts.configured import parse_alerts
from outlay.alerts.hours import DAYS, Hours, parse_hours
from outlay.alerts.notifiers.registry import NOTIFIERS
from outlay.alerts.routes import planned
from outlay.alerts.secret import parse_secret
from outlay.errors import SettingsError
from outlay.settings import parse_settings

SETTINGS = """
budget_pages_at: 100
notifiers:
  oncall: {kind: pagerduty, routing_key: {env: PAGERDUTY_KEY}}
  finops: {kind: slack, token: {file: slack-token}, channel: "#finops"}
  search: {kind: slack, webhook: {env: SEARCH_HOOK}}
routes:
  - {name: pages, severity: page, notify: oncall}
  - {team: "search*", severity: [warn, page], notify: search}
  - name: office
    hours: {zone: Europe/Berlin, from: "09:00", to: "18:00"}
    notify: [finops, oncall]
  - {name: at night, rule: spike, hours: {from: "18:00", to: "09:00"}, outside: skip, notify: [finops]}
weekly: {day: fri, time: "16:30", zone: Europe/Berlin, notify: [finops]}
"""


def test_the_section_is_read() -> None:
    found = parse_alerts(yaml.safe_load(SETTINGS), "outlay.yaml", Path("/etc/outlay"))
    assert [each.name for each in found.notifiers] == ["oncall", "finops", "search"]
    assert [each.name for each in found.routes] == ["pages", "route 2", "office", "at night"]
    assert found.budget_pages_at == 100
    assert found.weekly is not None
    assert (found.weekly.day, f"{found.weekly.at:%H:%M}") == (4, "16:30")
    assert parse_settings({"alerts": yaml.safe_load(SETTINGS)}, "outlay.yaml", Path("/etc/outlay")).alerts == found
    assert parse_alerts(None, "outlay.yaml", Path()).routes == ()


@pytest.mark.parametrize(
    ("moment", "change", "expected"),
    [
        # A Tuesday, 14:00 in Berlin.
        (NOW, {"severity": Severity.WARN, "team": "search"}, {"search": NOW, "finops": NOW, "oncall": NOW}),
        (NOW, {"severity": Severity.INFO, "team": "vision"}, {"finops": NOW, "oncall": NOW}),
        # 02:00 at night: pages at once, the rest waits for 09:00 in Berlin.
        (datetime(2026, 9, 16, 0, 0), {"severity": Severity.PAGE, "team": None},
         {"oncall": datetime(2026, 9, 16, 0, 0), "finops": datetime(2026, 9, 16, 7, 0)}),
        (datetime(2026, 9, 16, 0, 0), {"rule": "spike", "team": "vision"},
         {"finops": datetime(2026, 9, 16, 0, 0), "oncall": datetime(2026, 9, 16, 7, 0)}),
        # On a Saturday it waits for Monday.
        (datetime(2026, 9, 19, 10, 0), {"team": "vision"},
         {"finops": datetime(2026, 9, 21, 7, 0), "oncall": datetime(2026, 9, 21, 7, 0)}),
    ])
def test_who_is_told_and_when(moment: datetime, change: dict[str, Any], expected: dict[str, datetime]) -> None:
    routes = parse_alerts(yaml.safe_load(SETTINGS), "outlay.yaml", Path()).routes
    found = planned(routes, condition(**change), moment)
    assert {each.notifier: each.not_before for each in found} == expected


def test_a_team_of_none_is_asked_for_by_that_word() -> None:
    section = yaml.safe_load(SETTINGS)
    section["routes"] = [{"team": "none", "notify": "finops"}]
    routes = parse_alerts(section, "outlay.yaml", Path()).routes
    assert len(planned(routes, condition(team=None), NOW)) == 1
    assert planned(routes, condition(team="search"), NOW) == ()


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        ((), [], "alerts"), (("routs",), [], "alerts"), (("routes",), {}, "alerts.routes"),
        (("routes", 0), "x", "alerts.routes[1]"), (("routes", 0, "notfy"), "x", "alerts.routes[1]"),
        (("routes", 0, "notify"), "nobody", "alerts.routes[1].notify"), (("routes", 0, "notify"), [],
                                                                         "alerts.routes[1].notify"),
        (("routes", 0, "severity"), "critical", "alerts.routes[1].severity"),
        (("routes", 0, "rule"), "budgets", "alerts.routes[1].rule"),
        (("routes", 0, "outside"), "skip", "alerts.routes[1].outside"),
        (("routes", 2, "outside"), "drop", "alerts.routes[3].outside"),
        (("routes", 1, "name"), "pages", "alerts.routes[2].name"),
        (("routes", 2, "hours", "zone"), "Berlin", "alerts.routes[3].hours.zone"),
        (("routes", 2, "hours", "from"), 540, "alerts.routes[3].hours.from"),
        (("routes", 2, "hours", "days"), ["monday"], "alerts.routes[3].hours.days"),
        (("routes", 2, "hours", "until"), "18:00", "alerts.routes[3].hours"),
        (("notifiers",), [], "alerts.notifiers"), (("notifiers", "oncall"), "x", "alerts.notifiers.oncall"),
        (("notifiers", "oncall", "kind"), "pager", "alerts.notifiers.oncall.kind"),
        (("notifiers", "oncall", "key"), "x", "alerts.notifiers.oncall"),
        (("notifiers", "oncall", "routing_key"), "R0SECRET", "alerts.notifiers.oncall.routing_key"),
        (("budget_pages_at",), "80%", "alerts.budget_pages_at"), (("weekly",), [], "alerts.weekly"),
        (("weekly", "day"), "friday", "alerts.weekly.day"), (("weekly", "notify"), "oncall", "alerts.weekly.notify"),
        (("weekly", "hour"), 9, "alerts.weekly"),
    ])
def test_what_cannot_be_is_named(path: tuple[str | int, ...], value: Any, where: str) -> None:
    section: Any = yaml.safe_load(SETTINGS)
    if path:
        inside = section
        for step in path[:-1]:
            inside = inside[step]
        inside[path[-1]] = value
    else:
        section = value
    with pytest.raises(SettingsError) as told:
        parse_alerts(section, "outlay.yaml", Path())
    assert told.value.where == f"outlay.yaml: {where}"
    assert "SECRET" not in str(told.value)


def test_a_secret_is_read_where_it_is_and_when_it_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("from a file\n", encoding="utf-8")
    assert parse_secret({"file": "token"}, "here", tmp_path).reveal() == "from a file"
    secret = parse_secret({"env": "OUTLAY_TEST_SECRET"}, "here", tmp_path)
    with pytest.raises(SettingsError, match="OUTLAY_TEST_SECRET is empty or not set"):
        secret.reveal()
    monkeypatch.setenv("OUTLAY_TEST_SECRET", "renewed")
    assert secret.reveal() == "renewed"
    assert "renewed" not in repr(secret)
    with pytest.raises(SettingsError, match="cannot read"):
        parse_secret({"file": "none"}, "here", tmp_path).reveal()


@pytest.mark.parametrize("value", ["hunter2", {"env": ""}, {"env": "A", "file": "b"}, {"value": "hunter2"}, None])
def test_a_secret_itself_is_refused_and_not_repeated(value: object) -> None:
    with pytest.raises(SettingsError) as told:
        parse_secret(value, "here", Path())
    assert "hunter2" not in str(told.value)


times = st.times().map(lambda each: each.replace(second=0, microsecond=0, fold=0))


@given(times, times, st.sets(st.integers(0, 6), min_size=1), st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata"]),
       st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1)))
def test_hours_begin_next_when_they_say(begin: Any, end: Any, days: set[int], zone: str, moment: datetime) -> None:
    hours = Hours(zone, frozenset(days), begin, end)
    following = hours.next(moment)
    assert hours.hold(moment) == (following == moment)
    # Where clocks are put forward an hour does not exist: then it holds an hour later at the latest.
    assert hours.hold(following) or hours.hold(following + timedelta(hours=1))
    assert timedelta(0) <= following - moment <= timedelta(days=8)


def test_office_hours_follow_the_clocks_of_their_zone() -> None:
    hours = parse_hours({"zone": "Europe/Berlin", "days": [*DAYS], "from": "09:00", "to": "18:00"}, "")
    assert hours.next(datetime(2026, 10, 24, 20, 0)) == datetime(2026, 10, 25, 8, 0)
    assert hours.next(datetime(2026, 10, 23, 20, 0)) == datetime(2026, 10, 24, 7, 0)


def test_every_notifier_says_what_it_needs() -> None:
    assert len({each.code for each in NOTIFIERS}) == len(NOTIFIERS)
    for each in NOTIFIERS:
        assert len((each.__doc__ or "").split()) > 20, each.code
        assert all(each.keys.values()), each.code

"""Alerts and the week as pages of a real application: lists, one alert, what people do about them, and who may."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import outlay
from alerts.made import condition
from made_ledger import made_ledger
from outlay.alerts.condition import Severity
from outlay.alerts.keeping import Ways, carry_out
from outlay.alerts.reconcile import Open
from outlay.alerts.routes import Route
from outlay.facts import Call
from outlay.ledger.spool import Spool
from outlay.questions.windows import now
from outlay.server.access import COOKIE, Gate
from outlay.server.drain import resume
from outlay.server.signin import sign_in_routes
from outlay.server.works import Works
from outlay.state import people
from outlay.state.alerts import standing_alerts
from outlay.state.audit import Who, changes
from outlay.state.database import State, open_state
from outlay.state.outbox import deliveries_of
from outlay.state.silences import silences_at

WHO = Who("test", "cli")
WAYS = Ways((Route("all", (), (), (), None, False, ("slack",)),))


class Place:
    """An application with three alerts, and whoever is signed in."""

    def __init__(self, client: TestClient, state: State, works: Works) -> None:
        self.client, self.state, self.works, self.csrf = client, state, works, ""

    def sign_in(self, role: str, *teams: str) -> None:
        with self.state.begin() as connection:
            person = people.add(connection, f"{role}-{len(teams)}", role, teams, None, who=WHO, now=now())
            secret = people.new_link(connection, person, who=WHO, now=now())
        self.client.cookies.clear()
        assert self.client.post("/sign-in", data={"token": secret, "next": "/"}).status_code == 303
        with self.state.begin() as connection:
            session = people.session_of(connection, self.client.cookies[COOKIE], now())
        assert session is not None
        self.csrf = session.csrf

    def post(self, path: str, **form: str) -> int:
        return self.client.post(path, data={"csrf": self.csrf, **form}).status_code

    def ids(self) -> dict[str, str]:
        with self.state.begin() as connection:
            return {each.key: each.id for each in standing_alerts(connection)}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    today = now().replace(hour=0, minute=0, second=0, microsecond=0)
    calls = [Call(time=today - timedelta(days=day, hours=1), provider="openai", model="gpt-4o", status="ok",
                  operation="chat", input_tokens=400_000 * (2 if day < 7 else 1), output_tokens=0, response_id=f"{day}",
                  tags={"team": "search", "project": "chat"}) for day in range(14)]
    made_ledger(tmp_path, calls).close()
    with (outlay.open(tmp_path / "store") as ledger, open_state(tmp_path) as state,
          Spool(tmp_path / "spool", resume(ledger)) as spool):
        with state.begin() as connection:
            carry_out(connection, [Open(each) for each in (
                condition(key="vision", team="vision"),
                condition(key="search", team="search", severity=Severity.PAGE, rule="budget-burn",
                          title="Budget search is over."),
                condition(key="source", team=None, rule="source-silent", title="Source x is silent."))],
                (), WAYS, now())
        works = Works(ledger, state, spool)
        app = works.application(list(sign_in_routes(state, ledger.settings, now)))
        gate = Gate(app, state, now, frozenset({"testserver"}), secure=False, open_ingest=False)
        with TestClient(gate, follow_redirects=False) as client:
            yield Place(client, state, works)


def test_the_list_filters_and_one_alert_shows_what_was_sent(place: Place) -> None:
    place.sign_in("viewer")
    page = place.client.get("/alerts").text
    assert "3 alerts stand, 1 of them urgent." in page
    for query, there, away in (("team=vision", "Run 4711", "Budget search"), ("severity=page", "Budget search", "4711"),
                               ("rule=source-silent", "Source x", "4711"), ("team=none", "Source x", "4711")):
        found = place.client.get(f"/csv/alerts-list?{query}").text
        assert there in found and away not in found
    one = place.client.get(f"/alerts?id={place.ids()['vision']}").text
    assert "End it; it can be resumed" in one and "scancel 4711" in one
    assert "it opened" in one and "waiting" in one and "slack" in one
    assert "There is no such alert." in place.client.get("/alerts?id=nothing").text


def test_looking_after_is_told_and_recorded(place: Place) -> None:
    place.sign_in("engineer", "vision")
    alert = place.ids()["vision"]
    assert place.client.post("/alerts/ack", data={"alert": alert}).status_code == 403, "without the session's token"
    answer = place.client.post("/alerts/ack?team=vision", data={"csrf": place.csrf, "alert": alert})
    assert (answer.status_code, answer.headers["location"]) == (303, "/alerts?team=vision")
    with place.state.begin() as connection:
        assert [each.kind for each in deliveries_of(connection, [alert])[alert]] == ["open", "ack"]
        assert changes(connection)[0].action == "alert.ack"
    assert "engineer-1 looks after it" in place.client.get(f"/alerts?id={alert}").text


def test_a_silence_is_made_shown_and_ended(place: Place) -> None:
    place.sign_in("admin")
    form = {"csrf": place.csrf, "rule": "idle-*", "for": "1 day", "team": "vision"}
    page = place.client.post("/alerts/silence", data={**form, "reason": ""})
    assert page.status_code == 400 and "A silence says why." in page.text and 'value="idle-*"' in page.text
    assert place.post("/alerts/silence", **{**form, "reason": "drained on Friday"}) == 303
    with place.state.begin() as connection:
        (made,) = silences_at(connection, now())
    assert dict(made.matcher) == {"rule": "idle-*", "team": "vision"}
    assert timedelta(hours=23) < made.until - now() < timedelta(hours=25)
    page = place.client.get("/alerts?severity=warn").text
    assert "drained on Friday" in page
    assert place.post("/alerts/unsilence", silence=made.id) == 303
    with place.state.begin() as connection:
        assert silences_at(connection, now()) == ()
        assert [each.action for each in changes(connection)[:2]] == ["silence.end", "silence.add"]


#: Role, its teams; what it may do to vision's alert, to search's, to that of no team.
ACK = (("viewer", (), "---"), ("engineer", ("vision",), "y-y"), ("lead", ("vision",), "y-y"), ("lead", (), "--y"),
       ("finance", (), "---"), ("admin", (), "yyy"))
SILENCE = (("viewer", (), "---"), ("engineer", ("vision",), "---"), ("lead", ("vision",), "y--"), ("lead", (), "---"),
           ("finance", (), "---"), ("admin", (), "yyy"))


@pytest.mark.parametrize(("action", "role", "teams", "may"), [
    *(("ack", *each) for each in ACK), *(("silence", *each) for each in SILENCE)])
def test_who_may_act_on_whose_alerts(place: Place, action: str, role: str, teams: tuple[str, ...], may: str) -> None:
    place.sign_in(role, *teams)
    ids = place.ids()
    for key, expected in zip(("vision", "search", "source"), may, strict=True):
        status = place.post(f"/alerts/{action}", alert=ids[key], reason="known", **{"for": "1 hour"})
        assert status == (303 if expected == "y" else 403), key


def test_a_lead_cannot_silence_other_teams_by_a_pattern(place: Place) -> None:
    place.sign_in("lead", "vision")
    length = {"for": "1 hour", "reason": "known"}
    for form in ({"rule": "*"}, {"team": "*"}, {"team": "v*"}, {"team": "search"}, {"team": "[v]ision"}):
        assert place.post("/alerts/silence", **form, **length) == 403
    assert place.post("/alerts/silence", team="vision", **length) == 303


def test_pages_say_what_a_role_may(place: Place) -> None:
    place.sign_in("viewer")
    page = place.client.get("/alerts").text
    assert 'data-may="view"' in page and 'data-needs="ack"' in page
    css = place.client.get("/static/outlay.css").text
    for action in ("decide", "ack", "silence", "budgets", "import"):
        assert f'body:not([data-may~="{action}"]) [data-needs~="{action}"]' in css


def test_the_week_is_what_the_message_says(place: Place) -> None:
    from outlay.alerts.compose import Voice
    from outlay.alerts.weekly import summarise, summary_message

    place.sign_in("viewer")
    view = place.works.owner.view()
    message = summary_message(summarise(view, view.now), view.now, Voice("https://o.example"))
    page = place.client.get("/weekly").text
    assert message.headline == "AI cost $14.00 last week, +$7.00 (+100%) against the week before."
    assert message.headline in page
    week = message.buttons[0].url.removeprefix("https://o.example")
    assert message.headline in place.client.get(week).text, "the link leads to the same week"
    assert "+$7" in page
    sheet = place.client.get("/csv/weekly-summary").text
    assert sheet.splitlines()[1].startswith("spent,,14")
    before = view.now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=14)
    earlier = place.client.get(f"/weekly?week={before:%Y-%m-%d}").text
    assert "$7.00 in this week, the first week that is known" in earlier
    assert "is not a day" in place.client.get("/weekly?week=soon").text
    assert "has not ended" in place.client.get(f"/weekly?week={view.now:%Y-%m-%d}").text

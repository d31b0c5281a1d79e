"""The gate: who is let in, to what, and what a browser may load. Every cell of the role table is asked."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from outlay.errors import UsageError
from outlay.server.access import COOKIE, MOST_BODY, Forbidden, Gate, check_bind
from outlay.server.roles import ACTIONS, BY_SCOPE, MAY
from outlay.server.signin import TRIES_A_MINUTE, Tries, sign_in_routes
from outlay.settings import Settings
from outlay.state import people, tokens
from outlay.state.audit import Who, changes
from outlay.state.database import State, open_state

NOW = datetime(2026, 9, 1, 12)
WHO = Who("test", "cli")


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def state(state_place: Path | str) -> Iterator[State]:
    with open_state(state_place) as opened:
        yield opened


@pytest.fixture
def client(state: State, clock: Clock) -> Iterator[TestClient]:
    async def act(request: Request) -> Response:
        try:
            request.scope["outlay.visitor"].require(request.path_params["action"])
        except Forbidden as error:
            return PlainTextResponse(str(error), 403)
        return PlainTextResponse((await request.body()).decode() or "done")

    async def hello(request: Request) -> Response:
        return PlainTextResponse("hello")

    app = Starlette(routes=[
        *sign_in_routes(state, Settings(), clock), Route("/act/{action}", act, methods=["GET", "POST"]),
        Route("/", hello), Route("/api/v1/costs", hello), Route("/v1/traces", hello, methods=["POST"]),
        Route("/static/outlay.css", hello)])
    gate = Gate(app, state, clock, frozenset({"testserver"}), secure=False, open_ingest=False)
    with TestClient(gate, follow_redirects=False) as opened:
        yield opened


def invite(state: State, role: str = "engineer", name: str = "") -> str:
    with state.begin() as connection:
        person = people.add(connection, name or role, role, (), None, who=WHO, now=NOW)
        return people.new_link(connection, person, who=WHO, now=NOW)


def sign_in(client: TestClient, state: State, role: str = "engineer") -> str:
    """The session's CSRF token."""
    answer = client.post("/sign-in", data={"token": invite(state, role), "next": "/"})
    assert answer.status_code == 303
    with state.begin() as connection:
        session = people.session_of(connection, client.cookies[COOKIE], NOW)
    assert session is not None
    return session.csrf


def test_nobody_gets_in_without_signing_in(client: TestClient) -> None:
    page = client.get("/", headers={"accept": "text/html"})
    assert (page.status_code, page.headers["location"]) == (303, "/sign-in?next=/")
    api = client.get("/api/v1/costs")
    assert api.status_code == 401
    assert api.json()["error"]["code"] == "unauthorised"
    assert client.post("/v1/traces").status_code == 401
    assert client.get("/static/outlay.css").status_code == 200


def test_a_link_signs_in_once(client: TestClient, state: State) -> None:
    secret = invite(state)
    assert "This link signs in engineer." in client.get(f"/sign-in?token={secret}").text
    answer = client.post("/sign-in", data={"token": secret, "next": "/runs?team=a"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs?team=a")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie and "secure" not in cookie
    assert client.get("/").text == "hello"
    client.cookies.clear()
    assert client.post("/sign-in", data={"token": secret}).status_code == 403
    assert "has been used" in client.get(f"/sign-in?token={secret}").text


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_signing_in_leads_nowhere_else(client: TestClient, state: State, target: str) -> None:
    assert client.post("/sign-in", data={"token": invite(state), "next": target}).headers["location"] == "/"


def test_links_and_sessions_end(client: TestClient, state: State, clock: Clock) -> None:
    secret = invite(state)
    clock.now += people.LINK_LASTS + timedelta(seconds=1)
    assert client.post("/sign-in", data={"token": secret}).status_code == 403
    clock.now = NOW
    sign_in(client, state, "viewer")
    clock.now += people.SESSION_LASTS
    assert client.get("/api/v1/costs").status_code == 401


def test_a_disabled_person_is_out_at_once(client: TestClient, state: State) -> None:
    invite(state, "admin", "root")
    sign_in(client, state)
    with state.begin() as connection:
        people.disable(connection, "engineer", who=WHO, now=NOW)
    assert client.get("/api/v1/costs").status_code == 401


def test_signing_out_ends_the_session(client: TestClient, state: State) -> None:
    csrf = sign_in(client, state)
    key = client.cookies[COOKIE]
    assert client.post("/sign-out", data={"csrf": csrf}).status_code == 303
    client.cookies.set(COOKIE, key)
    assert client.get("/api/v1/costs").status_code == 401


def test_a_change_needs_the_token_of_the_session(client: TestClient, state: State) -> None:
    csrf = sign_in(client, state)
    assert client.post("/act/decide", data={"a": "1"}).json()["error"]["code"] == "csrf"
    assert client.post("/act/decide", data={"csrf": csrf + "x"}).status_code == 403
    assert client.post("/act/decide", data={"csrf": csrf, "a": "1"}).text == f"csrf={csrf}&a=1"
    assert client.post("/act/decide", headers={"x-csrf-token": csrf}).text == "done"
    assert client.get("/act/decide").text == "done"


@pytest.mark.parametrize(("role", "action"), [*itertools.product(people.ROLES, ACTIONS)])
def test_every_cell_of_the_role_table(client: TestClient, state: State, role: str, action: str) -> None:
    csrf = sign_in(client, state, role)
    answer = client.post(f"/act/{action}", headers={"x-csrf-token": csrf})
    assert answer.status_code == (200 if action in MAY[role] else 403)
    if answer.status_code == 403:
        assert f"{role} ({role}) may not {ACTIONS[action].removesuffix(' *')}" in answer.text


def token(state: State, role: str, *scopes: str) -> dict[str, str]:
    with state.begin() as connection:
        person = people.add(connection, f"{role}-{'-'.join(scopes)}", role, (), None, who=WHO, now=NOW)
        secret, _ = tokens.create(connection, "t", person, scopes, timedelta(days=1), who=WHO, now=NOW)
    return {"authorization": f"Bearer {secret}"}


@pytest.mark.parametrize(("role", "scope"), [*itertools.product(people.ROLES, ("read", "write"))])
def test_a_token_may_what_its_scope_and_its_person_may(client: TestClient, state: State, role: str, scope: str) -> None:
    headers = token(state, role, "read", scope)
    allowed = MAY[role] & (BY_SCOPE["read"] | BY_SCOPE[scope])
    for action in ACTIONS:
        assert client.post(f"/act/{action}", headers=headers).status_code == (200 if action in allowed else 403)


def test_a_token_for_sending_can_do_nothing_else(client: TestClient, state: State) -> None:
    headers = token(state, "engineer", "ingest")
    assert client.post("/v1/traces", headers=headers).status_code == 200
    assert client.get("/api/v1/costs", headers=headers).status_code == 403
    reading = token(state, "engineer", "read")
    assert client.post("/v1/traces", headers=reading).status_code == 403


def test_tokens_end_and_are_kept_as_hashes(client: TestClient, state: State, clock: Clock, tmp_path: Path) -> None:
    headers = token(state, "engineer", "read")
    assert client.get("/api/v1/costs", headers=headers).status_code == 200
    clock.now += timedelta(days=1)
    assert client.get("/api/v1/costs", headers=headers).status_code == 401
    clock.now = NOW
    with state.begin() as connection:
        tokens.revoke(connection, "t", who=WHO, now=NOW)
    assert client.get("/api/v1/costs", headers=headers).status_code == 401
    secret = headers["authorization"].removeprefix("Bearer ").encode()
    assert not any(secret in path.read_bytes() for path in tmp_path.iterdir())


def test_what_a_browser_may_load(client: TestClient, state: State) -> None:
    for answer in (client.get("/sign-in"), client.get("/"), client.get("/static/outlay.css")):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_page_elsewhere_cannot_call_the_server_under_its_own_name(client: TestClient) -> None:
    assert client.get("/", headers={"host": "evil.example"}).status_code == 421


def test_large_bodies_are_refused(client: TestClient, state: State) -> None:
    csrf = sign_in(client, state)
    answer = client.post("/act/decide", content=b"x" * (MOST_BODY + 1), headers={"x-csrf-token": csrf})
    assert answer.status_code == 413


def test_tries_to_sign_in_are_limited(client: TestClient) -> None:
    codes = [client.post("/sign-in", data={"token": "guess"}).status_code for _ in range(TRIES_A_MINUTE + 2)]
    assert codes == [403] * TRIES_A_MINUTE + [429] * 2


def test_tries_are_forgotten_after_a_minute() -> None:
    moment = 0.0
    tries = Tries(lambda: moment)
    assert all(tries.allowed("a") for _ in range(TRIES_A_MINUTE))
    assert not tries.allowed("a")
    assert tries.allowed("b")
    moment = 61.0
    assert tries.allowed("a")


def test_the_last_admin_stays(state: State) -> None:
    invite(state, "admin")
    with pytest.raises(UsageError, match="only admin"), state.begin() as connection:
        people.disable(connection, "admin", who=WHO, now=NOW)
    with pytest.raises(UsageError, match="only admin"), state.begin() as connection:
        people.change(connection, "admin", who=WHO, now=NOW, role="viewer")


def test_every_change_is_recorded_without_secrets(client: TestClient, state: State) -> None:
    secret = invite(state, "admin")
    client.post("/sign-in", data={"token": secret})
    with state.begin() as connection:
        person = people.named(connection, "admin")
        made, _ = tokens.create(connection, "ci", person, ["read"], None, who=WHO, now=NOW)
        people.add(connection, "ana", "viewer", ["search"], None, who=WHO, now=NOW)
        people.change(connection, "ana", who=WHO, now=NOW, role="lead")
        people.disable(connection, "ana", who=WHO, now=NOW)
        tokens.revoke(connection, "ci", who=WHO, now=NOW)
        found = changes(connection)
    assert [change.action for change in found] == [
        "token.revoke", "person.disable", "person.change", "person.add", "token.create", "session.begin", "person.link",
        "person.add"]
    assert found[2].before == {"role": "viewer", "teams": ["search"]}
    assert secret not in repr(found) and made not in repr(found)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "example.com"])
def test_others_cannot_reach_a_server_without_sign_in(host: str) -> None:
    with pytest.raises(UsageError, match="can be reached by others"):
        check_bind(host, signs_in=False)
    check_bind(host, signs_in=True)
    check_bind("127.0.0.1", signs_in=False)

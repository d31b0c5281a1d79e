"""`outlay up` as it runs: what is acknowledged stays through kill -9, commands work beside it, it stops in time."""

from __future__ import annotations

import gzip
import json
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from made_server import Server, served
from made_spans import chat_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

import outlay

PROTOBUF = "application/x-protobuf"


def send(server: Server, name: str, count: int) -> bool:
    """Whether it was acknowledged."""
    try:
        status, _ = server.ask("POST", "/v1/traces", chat_spans(count, name).SerializeToString(), content_type=PROTOBUF)
    except (OSError, EOFError):
        return False
    except Exception as error:  # noqa: BLE001 - http.client raises its own kinds where the server goes away
        assert "http.client" in type(error).__module__, error
        return False
    return status == 200


def command(server: Server, *words: str) -> str:
    done = subprocess.run([sys.executable, "-m", "outlay", "--store", str(server.store), *words], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def known(server: Server) -> int:
    """Calls that the ledger has, asked through the server."""
    rows = json.loads(command(server, "imports", "list", "--json"))["rows"]
    return sum(row["added"] for row in rows if row["source"] == "otlp")


def wait_for(server: Server, count: int) -> None:
    until = time.monotonic() + 30
    while (found := known(server)) < count and time.monotonic() < until:
        time.sleep(0.2)
    assert found == count


def test_what_is_sent_is_a_figure_soon_and_stays(tmp_path: Path) -> None:
    with served(tmp_path / "store", "--no-sign-in") as server:
        assert send(server, "a", 40)
        assert send(server, "a", 40), "delivery twice"
        wait_for(server, 40)
        costs = json.loads(command(server, "costs", "--by", "team", "--since", "2d", "--json"))
        assert costs["rows"][0]["team"] == "search"
        assert costs["totals"]["cost"].rstrip("0") == "0.14"  # 40 x (1000 x $2.50 + 100 x $10) / M tokens
        status, page = server.ask("GET", "/", accept="text/html")
        assert status == 200 and b"Outlay" in page
        assert server.stop() == 0
    with outlay.open(tmp_path / "store") as ledger:
        assert ledger.store.con.execute("SELECT count(*) FROM call").fetchall() == [(40,)]


def test_protocol(tmp_path: Path) -> None:
    good = chat_spans(2, "p")
    bad = chat_spans(3, "q")
    bad.resource_spans[0].scope_spans[0].spans[1].start_time_unix_nano = 0
    with served(tmp_path / "store", "--no-sign-in") as server:
        body = gzip.compress(good.SerializeToString())
        assert server.ask("POST", "/v1/traces", body, content_type=PROTOBUF, content_encoding="gzip")[0] == 200
        status, answer = server.ask("POST", "/v1/traces", bad.SerializeToString(), content_type=PROTOBUF)
        said = ExportTraceServiceResponse.FromString(answer).partial_success
        assert (status, said.rejected_spans) == (200, 1)
        assert "startTimeUnixNano" in said.error_message
        spans = {"resourceSpans": [{"scopeSpans": [{"spans": [{
            "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "chat",
            "startTimeUnixNano": str(time.time_ns()), "endTimeUnixNano": str(time.time_ns() + 10**9), "attributes": [
                {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
                {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "7"}}]}]}]}]}
        status, answer = server.ask("POST", "/v1/traces", json.dumps(spans).encode(), content_type="application/json")
        assert (status, json.loads(answer)) == (200, {})
        assert server.ask("POST", "/v1/traces", b"\xff\xff", content_type=PROTOBUF)[0] == 400
        assert server.ask("POST", "/v1/traces", b"{", content_type="application/json")[0] == 400
        assert server.ask("POST", "/v1/traces", body[:20], content_type=PROTOBUF, content_encoding="gzip")[0] == 400
        assert server.ask("POST", "/v1/traces", body, content_type=PROTOBUF, content_encoding="br")[0] == 400
        assert server.ask("POST", "/v1/traces", b"a=1", content_type="text/plain")[0] == 415
        bomb = gzip.compress(b"\0" * (64 << 20))
        assert server.ask("POST", "/v1/traces", bomb, content_type=PROTOBUF, content_encoding="gzip")[0] == 413
        wait_for(server, 5)


@pytest.mark.parametrize("seed", range(2))
def test_nothing_acknowledged_is_lost_to_kill_9(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    acknowledged: list[str] = []
    for turn in range(3):
        with served(tmp_path / "store", "--no-sign-in") as server:
            stop = threading.Event()

            def load(server: Server = server, turn: int = turn, stop: threading.Event = stop) -> None:
                for number in range(300):
                    if stop.is_set():
                        return
                    if send(server, f"{turn}-{number}-", 5):
                        acknowledged.append(f"{turn}-{number}-")

            thread = threading.Thread(target=load)
            thread.start()
            time.sleep(chance.uniform(0.5, 3))
            server.kill()
            stop.set()
            thread.join(30)
    assert acknowledged
    with served(tmp_path / "store", "--no-sign-in") as server:
        until = time.monotonic() + 30
        while known(server) < 5 * len(acknowledged) and time.monotonic() < until:
            time.sleep(0.3)
        assert server.stop() == 0
    with outlay.open(tmp_path / "store") as ledger:
        found = [row[0] for row in ledger.store.con.execute("SELECT response_id FROM call").fetchall()]
        rolled = ledger.store.con.execute("SELECT sum(calls) FROM call_day").fetchall()[0][0]
    assert len(found) == len(set(found)) == rolled
    assert {f"{name}{number}" for name in acknowledged for number in range(5)} <= set(found)


def test_commands_work_beside_it_as_alone(tmp_path: Path) -> None:
    calls = tmp_path / "calls.jsonl"
    calls.write_text("".join(json.dumps({
        "time": f"2026-09-0{1 + n % 5}T10:00:00Z", "provider": "openai", "model": "gpt-4o", "response_id": f"c{n}",
        "input_tokens": 100 * n, "output_tokens": n, "team": "ab"[n % 2]}) + "\n" for n in range(50)))
    questions = (["costs", "--by", "team,model", "--every", "day"], ["assess"], ["findings", "list"],
                 ["costs", "--by", "user", "--json", "--explain"], ["imports", "list"])

    def answers(words: list[str]) -> str:
        done = subprocess.run([sys.executable, "-m", "outlay", "--store", str(tmp_path / "store"), *words],
                              capture_output=True, text=True, check=True)
        if "--json" not in words:
            return done.stdout
        return json.dumps({**json.loads(done.stdout), "as_of": ""})

    with served(tmp_path / "store", "--no-sign-in") as server:
        assert "50 added" in command(server, "import", str(calls))
        assert "already imported" in command(server, "import", str(calls))
        beside = [answers(words) for words in questions]
        export = tmp_path / "beside.csv"
        command(server, "export", "focus", str(export))
        assert server.stop() == 0
    assert [answers(words) for words in questions] == beside
    with served(tmp_path / "store", "--no-sign-in") as server:
        assert "50 rows gone" in command(server, "imports", "remove", "1")


def test_a_store_that_a_killed_server_left_can_be_opened(tmp_path: Path) -> None:
    with served(tmp_path / "store", "--no-sign-in") as server:
        server.kill()
    assert (tmp_path / "store" / "owner.sock").exists()
    with outlay.open(tmp_path / "store") as ledger:
        assert not ledger.store.lent


def test_a_second_server_says_who_has_the_store(tmp_path: Path) -> None:
    with served(tmp_path / "store", "--no-sign-in"):
        done = subprocess.run([sys.executable, "-m", "outlay", "--store", str(tmp_path / "store"), "up"],
                              capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "is in use by process" in done.stderr


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_in_time_with_pages_open(tmp_path: Path, sign: signal.Signals) -> None:
    with served(tmp_path / "store", "--no-sign-in") as server:
        import http.client

        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        connection.request("GET", "/live/")
        answer = connection.getresponse()
        assert answer.status == 200
        answer.fp.readline()
        began = time.monotonic()
        assert server.stop(sign) == 0
        assert time.monotonic() - began < 20, "the grace is 10 s; the rest is for a slow machine"
        connection.close()

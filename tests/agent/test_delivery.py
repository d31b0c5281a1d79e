"""From the agent to the ledger: through a server that goes away and comes back, nothing is lost and nothing twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from made_server import Server, served

import outlay
from outlay.agent.backlog import Backlog, BacklogError
from outlay.agent.message import dropped
from outlay.agent.sending import Door, Sender, Undelivered
from outlay.collectors.settings import Secret
from outlay.errors import UsageError
from outlay.sources import otlp_wire

HOST = str(Path(__file__).parent / "fake_host.py")
NOW = datetime(2026, 9, 1)


def backlog(path: Path, most: int = 1 << 20) -> Backlog:
    return Backlog(path, most, lambda count: f"dropped {count}".encode())


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.05)
    assert true()


# What waits


def test_what_is_not_delivered_is_there_for_the_next_agent(tmp_path: Path) -> None:
    first = backlog(tmp_path)
    first.add(b"a")
    first.add(b"b")
    found = first.waiting(1)
    assert found is not None and found[0] == [b"a"]
    first.delivered(found[1])
    first.close()
    second = backlog(tmp_path)
    second.add(b"c")
    payloads, place = second.waiting(1000) or pytest.fail("nothing waits")
    assert payloads == [b"b", b"c"]
    second.delivered(place)
    assert second.waiting(1000) is None and second.size == 0
    second.close()


def test_too_much_drops_the_oldest_and_says_how_many(tmp_path: Path) -> None:
    with_room = backlog(tmp_path, 40_000)
    for number in range(300):
        with_room.add(b"%04d" % number + os.urandom(400))
    payloads, _ = with_room.waiting(1 << 30) or pytest.fail("nothing waits")
    numbers = [int(payload[:4]) for payload in payloads if not payload.startswith(b"dropped")]
    said = sum(int(payload.split()[1]) for payload in payloads if payload.startswith(b"dropped"))
    assert numbers == list(range(numbers[0], 300)), "the newest are there, without a gap"
    assert with_room.size <= 40_000
    # What was said of earlier drops may have been dropped itself; all of it is counted.
    assert 0 < said <= with_room.dropped and with_room.dropped >= 300 - len(numbers)
    with_room.close()


def test_a_second_agent_is_told_of_the_first(tmp_path: Path) -> None:
    first = backlog(tmp_path)
    with pytest.raises(BacklogError, match="another agent"):
        backlog(tmp_path)
    first.close()


def test_a_place_that_was_not_written_whole_is_no_obstacle(tmp_path: Path) -> None:
    first = backlog(tmp_path)
    first.add(b"a")
    first.close()
    (tmp_path / "delivered").write_text("")
    second = backlog(tmp_path)
    assert (second.waiting(10) or pytest.fail("lost"))[0] == [b"a"]
    second.close()


# The server's answers


class FakeServer:
    """A server that answers as told, and notes what it was sent."""

    def __init__(self, *answers: tuple[int, dict[str, str]]) -> None:
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        fake = self

        class Answers(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status, headers = answers[min(len(fake.asked), len(answers) - 1)]
                fake.asked.append((self.path, {name.lower(): text for name, text in self.headers.items()}, body))
                self.send_response(status)
                for name, text in {"content-length": "0", **headers}.items():
                    self.send_header(name, text)
                self.end_headers()

            def log_message(self, format: str, *arguments: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def faked(*answers: tuple[int, dict[str, str]]) -> Iterator[FakeServer]:
    fake = FakeServer(*answers)
    try:
        yield fake
    finally:
        fake.close()


def test_a_refusal_is_tried_again_until_it_is_taken(tmp_path: Path) -> None:
    with faked((503, {"retry-after": "0"}), (401, {}), (500, {}), (200, {})) as fake:
        waiting = backlog(tmp_path / "spool")
        waiting.add(dropped("n", 1, NOW).SerializeToString())
        sender = Sender(Door.of(fake.url, None, None, False), waiting, backoff_s=(0.01, 0.02))
        sender.start()
        until(lambda: sender.sent == 1)
        sender.stop(5)
        assert waiting.size == 0
        assert [path for path, _, _ in fake.asked] == ["/v1/metrics"] * 4
        assert len({body for _, _, body in fake.asked}) == 1
        waiting.close()


def test_what_no_repetition_makes_better_is_left(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with faked((400, {}), (200, {})) as fake:
        waiting = backlog(tmp_path / "spool")
        waiting.add(b"\xff\xff")
        sender = Sender(Door.of(fake.url, None, None, False), waiting)
        assert sender.deliver() and not sender.deliver()
        assert "refused all of it (400" in caplog.text
        waiting.close()


def test_the_token_travels_in_the_header_and_is_in_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    token = tmp_path / "token"
    token.write_text("olt_secret\n")
    with faked((302, {"location": "http://127.0.0.1:9/elsewhere"}), (403, {})) as fake:
        waiting = backlog(tmp_path / "spool")
        waiting.add(b"")
        sender = Sender(Door.of(fake.url, Secret(file=token), None, False), waiting)
        for status in (302, 403):
            with pytest.raises(Undelivered, match=str(status)) as failed:
                sender.deliver()
            assert "olt_secret" not in str(failed.value)
        assert [headers["authorization"] for _, headers, _ in fake.asked] == ["Bearer olt_secret"] * 2
        token.write_text("olt_other")  # a token that is changed is used from then on
        with pytest.raises(Undelivered):
            sender.deliver()
        assert fake.asked[-1][1]["authorization"] == "Bearer olt_other"
        waiting.close()
    assert "olt_" not in caplog.text


@pytest.mark.parametrize(("url", "said"), [
    ("http://outlay.example.com", "can be read by others"), ("http://10.0.0.7:7717", "can be read by others"),
    ("ftp://x", "is not an address"), ("outlay:7717", "is not an address"), ("https://u:p@x", "hold no secret"),
    ("https://x?a=b", "is not an address"), ("https://outlay.example.com", "asks whoever comes from another machine"),
])
def test_addresses_that_are_refused(url: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Door.of(url, None, None, False)


def test_addresses_that_are_not() -> None:
    token = Secret(env="X")
    assert Door.of("http://outlay.internal:7717/", token, None, True).url == "http://outlay.internal:7717"
    for url in ("http://127.0.0.1:7717", "http://[::1]:7717", "http://localhost:1", "http://127.8.8.8:1"):
        assert Door.of(url, None, None, False).url == url


# The command


def command(*words: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, HOST, "agent", *words], capture_output=True, text=True, check=False,
                          env={**os.environ, **(environment or {})})


def test_dry_run_prints_what_would_be_sent() -> None:
    done = command("--dry-run", "--node", "gpu-01")
    assert done.returncode == 0, done.stderr
    received = otlp_wire.metrics(done.stdout.encode(), as_json=True)
    samples = [fact for fact in received.facts if isinstance(fact, outlay.facts.Sample)]
    assert [sample.util for sample in samples] == [10.0 + 10 * index for index in range(8)]
    assert len(received.facts) == 9, "and the run that this test is on the first two devices"


def test_usage_errors_come_before_anything_is_read() -> None:
    assert "names no server" in command().stderr
    assert "is not a time" in command("--server", "http://127.0.0.1:1", "--every", "5").stderr
    done = command("--server", "https://x.example", "--token-file", "/nowhere/token")
    assert (done.returncode, "cannot be read" in done.stderr) == (2, True)


def test_one_reading_is_delivered_or_the_failure_is_told(tmp_path: Path) -> None:
    spool = str(tmp_path / "spool")
    away = command("--server", "http://127.0.0.1:9", "--once", "--spool", spool)
    assert (away.returncode, "cannot be reached" in away.stderr) == (3, True)
    with served(tmp_path / "store", "--no-sign-in") as server:
        done = command("--server", server.url, "--once", "--spool", spool)
        assert done.returncode == 0, done.stderr
        until(lambda: len(kept(server)) == 16)


def kept(server: Server) -> list[str]:
    """Samples in the ledger, asked beside the server."""
    with outlay.open(server.store) as ledger:
        return [f"{device} {time}" for device, time in
                ledger.store.con.execute("SELECT device, time FROM sample").fetchall()]


def test_a_token_of_the_scope_lets_it_in(tmp_path: Path) -> None:
    token = subprocess.run(
        [sys.executable, "-m", "outlay", "--store", str(tmp_path / "store"), "people", "add", "ana", "--role", "admin"],
        capture_output=True, text=True, check=False)
    assert token.returncode == 0, token.stderr
    made = subprocess.run(
        [sys.executable, "-m", "outlay", "--store", str(tmp_path / "store"), "tokens", "create", "gpu-hosts",
         "--scope", "ingest", "--for", "ana"], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    secret = made.stdout.strip()
    with served(tmp_path / "store", "--host", "0.0.0.0") as server:
        url = f"http://127.0.0.1:{server.port}"
        words = ("--server", url, "--once", "--spool", str(tmp_path / "spool"))
        refused = command(*words, environment={"OUTLAY_TOKEN": "olt_wrong"})
        assert (refused.returncode, "tokens create" in refused.stderr) == (3, True)
        done = command(*words, environment={"OUTLAY_TOKEN": secret})
        assert done.returncode == 0, done.stderr
        assert secret not in done.stderr + refused.stderr and "olt_wrong" not in refused.stderr


def test_through_a_server_that_is_killed_and_an_agent_that_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "agent.log"

    def agent(port: int) -> subprocess.Popen[bytes]:
        with log.open("ab") as out:
            return subprocess.Popen(
                [sys.executable, HOST, "agent", "--server", f"http://127.0.0.1:{port}", "--every", "200ms", "--node",
                 "gpu-01", "--spool", str(tmp_path / "spool")], stdout=out, stderr=out)

    with served(tmp_path / "store", "--no-sign-in") as server:
        port = server.port
        running = agent(port)
        try:
            until(lambda: len(kept(server)) >= 24)
            server.kill()
            until(lambda: b"readings wait on disk" in log.read_bytes())
            time.sleep(1)
            running.kill()  # with readings on disk that nobody has
            running.wait(30)
        finally:
            if running.poll() is None:
                running.kill()
    waits = sum(file.stat().st_size for file in (tmp_path / "spool").glob("*.spool"))
    assert waits > 0
    with served(tmp_path / "store", "--no-sign-in", "--port", str(port)) as server:
        running = agent(server.port)
        try:
            until(lambda: b"".join(file.read_bytes() for file in (tmp_path / "spool").glob("delivered")) != b"")
            before = len(kept(server))
            until(lambda: len(kept(server)) > before + 40)
            running.send_signal(signal.SIGTERM)
            assert running.wait(30) == 0
        finally:
            if running.poll() is None:
                running.kill()
        assert server.stop() == 0
    with outlay.open(tmp_path / "store") as ledger:
        con = ledger.store.con
        assert con.execute("SELECT count(*) - count(DISTINCT (device, time)) FROM sample").fetchall() == [(0,)]
        # Each reading goes on where the one before it ended; the only gap is between the two agents.
        gaps = con.execute(
            "SELECT count(*) FILTER (begin - before > INTERVAL 1 MILLISECOND) FROM (SELECT time AS begin, "
            "lag(time + to_microseconds(CAST(round(seconds * 1e6) AS BIGINT))) OVER (ORDER BY time) AS before "
            "FROM sample WHERE device = 'GPU-00000000-fake')").fetchall()
        assert gaps == [(1,)]
        assert con.execute("SELECT count(*), count(DISTINCT run_id) FROM run").fetchall() == [(1, 1)]
        assert con.execute("SELECT sum(rejected) FROM imports").fetchall() == [(0,)]
    assert "0 bytes wait on disk" in log.read_text()

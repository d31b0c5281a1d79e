"""From an event that is accepted to the figure on open pages, under load: `python -m bench.freshness`.

A server with the sample month is sent model calls over OTLP at a steady rate while pages are open. Every few seconds
one call of $10,000 is among them; it is seen on a page when the figure of today has grown by it. Printed: how long that
takes, what the server used of a core, and its memory over time. The reference is the same server and rate with one page
open, in the same run: each question is shared, so ten pages should cost little more than one.

All traffic is on loopback, bounded in rate and time. Load and pages are in this process and not counted.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.clock import percentile
from outlay.web.pages.registry import PAGES

#: A call that no other can hide: 10^9 output tokens of gpt-4o.
MARKER_USD = 10_000
MARKER_TOKENS = 1_000_000_000
_TODAY = re.compile(r"Today to.*?\$([\d,]+)", re.DOTALL)
_BATCH = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=2000, help="events a second")
    parser.add_argument("--seconds", type=int, default=600, help="with all pages open")
    parser.add_argument("--alone", type=int, default=60, help="seconds with one page open, for reference")
    parser.add_argument("--pages", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="outlay-bench-") as folder:
        server = Server(Path(folder))
        try:
            measure(server, options.rate, options.seconds, options.alone, options.pages)
        finally:
            server.stop()


def measure(server: Server, rate: int, seconds: int, alone: int, pages: int) -> None:
    load = Load(server.port, rate)
    others = itertools.cycle([page.path for page in PAGES if "{" not in page.path])
    watchers = [Watcher(server.port, "/", load)]
    watchers[0].start()
    time.sleep(10)  # the first questions, and the assessment that a server begins with
    load.start()
    time.sleep(5)
    reference = server.using(alone)
    print(f"1 page:   {reference:.2f} cores at {rate} events/s, {alone} s (the reference)", flush=True)
    for place in range(1, pages):
        watchers.append(Watcher(server.port, "/" if place < pages / 2 else next(others), load))
        watchers[-1].start()
    time.sleep(5)
    memory = []
    began, used = time.monotonic(), server.cpu_s()
    while time.monotonic() - began < seconds:
        time.sleep(min(10.0, max(0.1, seconds - (time.monotonic() - began))))
        memory.append(server.memory_mb())
    cores = (server.cpu_s() - used) / (time.monotonic() - began)
    load.stop()
    time.sleep(6)
    delays = [delay for watcher in watchers for delay in watcher.delays]
    missed = len(load.markers) - watchers[0].seen
    print(f"{pages} pages: {cores:.2f} cores, {cores / reference:.2f}x of one page; "
          f"{load.sent:,} events sent, {load.refused} requests refused")
    print(f"accepted to figure: p50 {percentile(delays, 0.5):.2f} s, p99 {percentile(delays, 0.99):.2f} s, "
          f"worst {max(delays):.2f} s over {len(delays)} sightings; {missed} never seen")
    third = max(1, len(memory) // 3)
    print(f"memory: {memory[0]:.0f} MB at first, {max(memory):.0f} at most, {memory[-1]:.0f} at last; "
          f"last third / first third {sum(memory[-third:]) / sum(memory[:third]):.2f}x")


class Server:
    """`outlay up` on the live sample month."""

    def __init__(self, folder: Path) -> None:
        outlay = [sys.executable, "-m", "outlay"]
        quiet = {"stdout": subprocess.DEVNULL, "check": True}
        subprocess.run([*outlay, "sample", "--live", str(folder / "files")], **quiet)  # type: ignore[call-overload]
        place = ["--store", str(folder / "store"), "--config", str(folder / "files" / "outlay.yaml")]
        kinds = [str(folder / "files" / name) for name in ("bills", "calls", "gpu", "outputs", "runs", "usage")]
        subprocess.run([*outlay, *place, "import", *kinds], **quiet)  # type: ignore[call-overload]
        self.process = subprocess.Popen([*outlay, *place, "up", "--port", "0", "--no-sign-in"],
                                        stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline().rpartition(":")[2])

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def using(self, seconds: float) -> float:
        """Cores used over so long."""
        began, used = time.monotonic(), self.cpu_s()
        time.sleep(seconds)
        return (self.cpu_s() - used) / (time.monotonic() - began)

    def memory_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+)", status)
        return int(found[1]) / 1024 if found else 0.0

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)


@dataclass
class Load:
    """Sends calls at a steady rate, and a marker among them every five seconds."""

    port: int
    rate: int
    markers: list[float] = field(default_factory=list)
    sent: int = 0
    refused: int = 0
    #: The figure of today before the first marker.
    base: int | None = None

    def start(self) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(10)

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        chance = random.Random(1)
        began = last_marker = time.monotonic()
        while not self._stopping.is_set():
            marker = time.monotonic() - last_marker >= 5
            connection.request("POST", "/v1/traces", spans(chance, _BATCH, marker),
                               {"Content-Type": "application/x-protobuf"})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                self.refused += 1
            elif marker:
                last_marker = time.monotonic()
                self.markers.append(last_marker)
            self.sent += _BATCH
            time.sleep(max(0.0, began + self.sent / self.rate - time.monotonic()))


def spans(chance: random.Random, count: int, marker: bool) -> bytes:
    """A request with so many calls of 20 teams and 40 projects."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    now = time.time_ns()
    for number in range(count):
        span = scope.spans.add(trace_id=chance.randbytes(16), span_id=chance.randbytes(8), name="chat",
                               start_time_unix_nano=now - 800_000_000, end_time_unix_nano=now)
        texts = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.response.model": "gpt-4o",
                 "gen_ai.response.id": f"chatcmpl-{chance.randbytes(8).hex()}", "team": f"team-{chance.randrange(20)}",
                 "project": f"project-{chance.randrange(40)}", "outlay.task": chance.choice("abcd")}
        big = marker and number == 0
        numbers = {"gen_ai.usage.input_tokens": 0 if big else chance.randrange(200),
                   "gen_ai.usage.output_tokens": MARKER_TOKENS if big else chance.randrange(40)}
        for key, text in texts.items():
            span.attributes.add(key=key).value.string_value = text
        for key, value in numbers.items():
            span.attributes.add(key=key).value.int_value = value
    return request.SerializeToString()


class Watcher:
    """An open page: its stream, read as it comes."""

    def __init__(self, port: int, path: str, load: Load) -> None:
        self.path = path
        self.delays: list[float] = []
        self.seen = 0
        self._port = port
        self._load = load
        self.opened = False

    def start(self) -> None:
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        with suppress(OSError):  # the server ends
            while True:
                self._open()

    def _open(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        connection.request("GET", self.path)
        connection.getresponse().read()
        connection.request("GET", f"/live{self.path}")
        answer = connection.getresponse()
        message = ""
        while line := answer.readline().decode():
            message += line
            if line == "\n":
                self._look(message)
                message = ""

    def _look(self, message: str) -> None:
        found = _TODAY.search(message)
        if self.path != "/" or found is None:
            return
        now, figure = time.monotonic(), int(found[1].replace(",", ""))
        if self._load.base is None:
            self._load.base = figure  # before the first marker
        counted = round((figure - self._load.base) / MARKER_USD)
        if not self.opened:
            self.opened, self.seen = True, counted
        # Everything else that moves the figure within a run comes to less than half a marker.
        while self.seen < min(counted, len(self._load.markers)):
            self.delays.append(now - self._load.markers[self.seen])
            self.seen += 1


if __name__ == "__main__":
    main()

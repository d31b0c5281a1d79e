"""From an event that crosses a threshold to the notifier's request: `python -m bench.notify`.

A server has one budget of $1,000,000 with a threshold at each percent, and a webhook as notifier. Every few seconds one
call of $10,000 is sent over OTLP: it crosses the next threshold. Timed is from the server's acknowledgement of it to
the arrival of the message that tells of it. First nothing else is sent, which is the reference; then the same under
a steady load of other calls. The bar is 10 s. All traffic is on loopback, bounded in rate and time.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bench.clock import percentile
from bench.freshness import MARKER_USD, spans

_BATCH = 100
_CONFIG = """budgets: [{{name: all, amount: 1000000, thresholds: {thresholds}}}]
alerts:
  notifiers: {{own: {{kind: webhook, url: "{url}", secret: {{env: OUTLAY_BENCH_SECRET}}}}}}
  routes: [{{notify: own}}]
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=2000, help="other events a second, under load")
    parser.add_argument("--idle", type=int, default=30, help="seconds without load")
    parser.add_argument("--seconds", type=int, default=45, help="seconds with it")
    options = parser.parse_args()
    receiver = FakeReceiver()
    with tempfile.TemporaryDirectory(prefix="outlay-bench-") as folder:
        config = Path(folder) / "outlay.yaml"
        config.write_text(_CONFIG.format(thresholds=list(range(1, 101)), url=receiver.url))
        server = subprocess.Popen(
            [sys.executable, "-m", "outlay", "--store", f"{folder}/store", "--config", str(config), "up", "--port", "0",
             "--no-sign-in"], stdout=subprocess.PIPE, text=True, env={**os.environ, "OUTLAY_BENCH_SECRET": "bench"})
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline().rpartition(":")[2])
            time.sleep(5)
            markers: list[float] = []
            send(port, markers, options.idle, 0)
            idle = len(markers)
            send(port, markers, options.seconds, options.rate)
            time.sleep(10)
        finally:
            server.terminate()
            server.wait(30)
    delays = receiver.delays(markers)
    print(said("idle", delays[:idle]) + " (the reference)")
    print(said(f"{options.rate} events/s", delays[idle:]))
    if max(delays) >= 10:
        sys.exit("a message took ten seconds or more")


def said(name: str, delays: Sequence[float]) -> str:
    return (f"{name}: p50 {percentile(delays, 0.5):.2f} s, p99 {percentile(delays, 0.99):.2f} s, "
            f"worst {max(delays):.2f} s over {len(delays)} crossings")


def send(port: int, markers: list[float], seconds: float, rate: int) -> None:
    """Markers at irregular times, out of step with the server's looks; `rate` other calls a second."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    chance, began, sent = random.Random(len(markers)), time.monotonic(), 0
    next_marker = began
    while (now := time.monotonic()) < began + seconds:
        marker = now >= next_marker
        if marker or rate:
            connection.request("POST", "/v1/traces", spans(chance, _BATCH if rate else 1, marker),
                               {"Content-Type": "application/x-protobuf"})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200, answer.status
            sent += _BATCH
        if marker:
            markers.append(time.monotonic())
            next_marker = time.monotonic() + chance.uniform(1, 3)
        pause = began + sent / rate - time.monotonic() if rate else 0.02
        time.sleep(max(0.0, pause))


class FakeReceiver:
    """Takes webhooks on loopback, and remembers when each came and what amount it told of."""

    def __init__(self) -> None:
        came: list[tuple[float, float]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                came.append((time.monotonic(), float(body["amount"] or 0)))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._came = came
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_address[1]}/"

    def delays(self, markers: Sequence[float]) -> list[float]:
        """Of each marker, until the first message that counts it; what never came counts as infinite."""
        return [min((when - sent for when, amount in self._came if amount >= place * MARKER_USD), default=float("inf"))
                for place, sent in enumerate(markers, start=1)]


if __name__ == "__main__":
    main()

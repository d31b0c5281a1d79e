"""What `outlay agent` costs the host that it watches: its share of one CPU core beside a Python loop that only sleeps.

The eight devices are a FakeNvml's, so that the driver's own time is not in it; /proc is this host's. A small server
here takes what is sent. `python -m bench.agent --seconds 30`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HOST = Path(__file__).resolve().parents[1] / "tests" / "agent" / "fake_host.py"
#: Loading is over by then, seconds.
_WARM_S = 5.0
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class Sink(BaseHTTPRequestHandler):
    """Takes whatever is sent."""

    protocol_version = "HTTP/1.1"
    bytes_taken = 0

    def do_POST(self) -> None:
        size = int(self.headers["content-length"])
        self.rfile.read(size)
        Sink.bytes_taken += size
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        return


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_S


def resident_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=30)
    seconds = parser.parse_args().seconds
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        def agent(every: str) -> list[str]:
            return [sys.executable, str(HOST), "agent", "--server", f"http://127.0.0.1:{server.server_port}", "--every",
                    every, "--spool", f"{folder}/{every}"]

        commands = {"python loop that sleeps": [sys.executable, "-c", "import time\nwhile True: time.sleep(1)"],
                    "agent, every 15 s": agent("15s"), "agent, every 1 s": agent("1s")}
        running = {name: subprocess.Popen(command, stderr=subprocess.DEVNULL) for name, command in commands.items()}
        try:
            time.sleep(_WARM_S)
            before = {name: cpu_s(process.pid) for name, process in running.items()}
            time.sleep(seconds)
            for name, process in running.items():
                share = (cpu_s(process.pid) - before[name]) / seconds
                print(f"{name:<26} {share:8.2%} of a core  {resident_mb(process.pid):6.0f} MB")
        finally:
            for process in running.values():
                process.terminate()
            for process in running.values():
                process.wait(30)
    count = sum(1 for entry in os.scandir("/proc") if entry.name.isdigit())
    print(f"8 devices, {count} processes on the host, {Sink.bytes_taken / 1024:.0f} KiB sent in all, {seconds:g} s")
    server.shutdown()


if __name__ == "__main__":
    main()

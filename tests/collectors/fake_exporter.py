"""A fake dcgm-exporter: it shows invented readings of two GPUs as the real one does."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType


class FakeExporter:
    """Serves `text` on a port of its own, or `status` without it. Use it as a context manager."""

    def __init__(self, util: float = 50.0) -> None:
        self.util = util
        self.status = 200
        self.body: bytes | None = None
        self.asked = 0
        self.headers: dict[str, str] = {}
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.asked += 1
                owner.headers = {name.lower(): value for name, value in self.headers.items()}
                self.send_response(owner.status)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(owner.text().encode() if owner.body is None else owner.body)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing is printed."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/metrics"

    def text(self) -> str:
        lines = ["# HELP DCGM_FI_DEV_GPU_UTIL GPU utilization (in %).", "# TYPE DCGM_FI_DEV_GPU_UTIL gauge"]
        for gpu in range(2):
            labels = (f'gpu="{gpu}",UUID="GPU-fake-{gpu}",device="nvidia{gpu}",modelName="NVIDIA H100 80GB HBM3",'
                      'Hostname="gpu-01",hpc_job="77"')
            lines += [f"DCGM_FI_DEV_GPU_UTIL{{{labels}}} {self.util + gpu}",
                      f"DCGM_FI_DEV_FB_USED{{{labels}}} 1000", f"DCGM_FI_DEV_FB_FREE{{{labels}}} 80000",
                      f"DCGM_FI_DEV_SM_CLOCK{{{labels}}} 1980"]
        return "\n".join(lines) + "\n"

    def __enter__(self) -> FakeExporter:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
                 ) -> None:
        self._server.shutdown()
        self._server.server_close()

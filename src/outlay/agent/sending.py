"""Delivers the backlog to the server, again and again until it is acknowledged."""

from __future__ import annotations

import gzip
import ipaddress
import logging
import random
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from outlay.agent.backlog import Backlog
from outlay.collectors.settings import Secret
from outlay.errors import OutlayError, UsageError

if TYPE_CHECKING:
    import httpx

_LOG = logging.getLogger("outlay.agent")
_PROTOBUF = "application/x-protobuf"
#: One request holds at most about so much, before it is compressed.
_MOST_BYTES = 1 << 20
_TIMEOUT_S = 20.0
#: The pause after a failure: doubled from the first to the second, seconds.
BACKOFF_S = (1.0, 60.0)
#: What no repetition makes better: the request itself is at fault.
_REFUSED = (400, 413, 415)


class Undelivered(OutlayError):
    """The server did not take it. `pause_s`: when it wants to be asked again, where it says so."""

    code = "undelivered"

    def __init__(self, message: str, *, where: str = "", hint: str = "", pause_s: float | None = None) -> None:
        super().__init__(message, where=where, hint=hint)
        self.pause_s = pause_s


@dataclass(frozen=True, slots=True)
class Door:
    """Where and how the server is reached. `ca`: certificates to trust beside the system's."""

    url: str
    token: Secret | None = None
    ca: Path | None = None

    @classmethod
    def of(cls, url: str, token: Secret | None, ca: Path | None, plain_http: bool) -> Door:
        """Raises `UsageError` for an address that is none, or would carry the token where others can read it."""
        parts = urlsplit(url.rstrip("/"))
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise UsageError(f"{url!r} is not an address", where="--server",
                             hint="For example https://outlay.example.com")
        if parts.username or parts.password:
            raise UsageError("an address must hold no secret", where="--server",
                             hint="Give a token with --token-file, or in OUTLAY_TOKEN.")
        if parts.scheme == "http" and not _is_loopback(parts.hostname) and not plain_http:
            raise UsageError(f"http to {parts.hostname} can be read by others on the way, the token too",
                             where="--server", hint="Use https://, or --plain-http where the network is your own.")
        if token is None and not _is_loopback(parts.hostname):
            raise UsageError("the server asks whoever comes from another machine for a token", where="--token-file",
                             hint="Make one there with `outlay tokens create NAME --scope ingest`; give it with "
                                  "--token-file, or in OUTLAY_TOKEN.")
        return cls(parts.geturl(), token, ca)

    def client(self) -> httpx.Client:
        """Raises `SettingsError` and `OSError` where the certificates cannot be read."""
        import ssl

        import httpx

        context = ssl.create_default_context()
        if self.ca is not None:
            context.load_verify_locations(self.ca)
        return httpx.Client(timeout=_TIMEOUT_S, verify=context)

    def post(self, client: httpx.Client, body: bytes) -> str:
        """Delivers one request; what the server refused of it, for people. Raises `Undelivered`, `SettingsError`."""
        import httpx

        url = f"{self.url}/v1/metrics"
        headers = {"content-type": _PROTOBUF, "content-encoding": "gzip"}
        if self.token is not None:
            headers["authorization"] = f"Bearer {self.token.read()}"
        try:
            answer = client.post(url, content=gzip.compress(body, 6), headers=headers)
        except httpx.HTTPError as error:
            raise Undelivered(f"cannot be reached: {error or type(error).__name__}", where=url) from error
        if answer.status_code in _REFUSED:
            return f"all of it ({answer.status_code}: {answer.text[:200].strip()})"
        if answer.status_code != 200:
            raise Undelivered(f"answers with {answer.status_code}", where=url, hint=_hint(answer.status_code),
                              pause_s=_pause(answer.headers.get("retry-after", "")))
        return _partly(answer.content)


class Sender:
    """A thread that empties the backlog."""

    def __init__(self, door: Door, backlog: Backlog, backoff_s: tuple[float, float] = BACKOFF_S) -> None:
        self._door = door
        self._backlog = backlog
        self._backoff_s = backoff_s
        self._client = door.client()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)
        #: Requests that were acknowledged.
        self.sent = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self, wait_s: float) -> None:
        """One more try, then the end; what is not delivered by then waits on disk."""
        self._stopping.set()
        self._thread.join(wait_s)
        self.close()

    def close(self) -> None:
        """Lets go of the connection."""
        self._client.close()

    def deliver(self) -> bool:
        """Sends the oldest that waits; whether there was something. Raises `Undelivered`, `SettingsError`."""
        found = self._backlog.waiting(_MOST_BYTES)
        if found is None:
            return False
        payloads, place = found
        # Requests in protobuf that follow each other are one request with everything of them.
        refused = self._door.post(self._client, b"".join(payloads))
        if refused:
            _LOG.warning("the server refused %s", refused)
        self._backlog.delivered(place)
        self.sent += 1
        return True

    def _run(self) -> None:
        failures, said = 0, ""
        while True:
            ending = self._stopping.is_set()
            try:
                while self.deliver():
                    if failures:
                        _LOG.info("the server takes readings again")
                    failures, said = 0, ""
                if ending:
                    return
                self._backlog.wait(0.5)
            except OutlayError as error:
                if ending:
                    return
                failures += 1
                if str(error) != said:
                    said = str(error)
                    _LOG.warning("readings wait on disk: %s", said)
                self._stopping.wait(self._pause_s(failures, error))

    def _pause_s(self, failures: int, error: OutlayError) -> float:
        first, most = self._backoff_s
        pause = min(most, first * 2.0 ** min(failures - 1, 30))
        if isinstance(error, Undelivered) and error.pause_s is not None:
            pause = min(most, max(pause, error.pause_s))
        # Some chance, so that the agents of a cluster do not come back together.
        return float(pause * random.uniform(0.5, 1.0))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _hint(status: int) -> str:
    return {
        401: "The token is not known, or has expired: `outlay tokens create NAME --scope ingest` makes one.",
        403: "The token may not send facts: `outlay tokens create NAME --scope ingest` makes one that may.",
        404: "Check the address: it is that of `outlay up`, without a path.",
        421: "The server is not called that: set public_url there, or use its own address.",
    }.get(status, "It is asked again.")


def _pause(text: str) -> float | None:
    return float(text) if text.isdigit() else None


def _partly(body: bytes) -> str:
    """What of the request was refused, as the answer says."""
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse

    try:
        said = ExportMetricsServiceResponse.FromString(body).partial_success
    except DecodeError:
        return ""
    return f"{said.rejected_data_points} of its points: {said.error_message}" if said.rejected_data_points else ""

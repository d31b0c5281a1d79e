"""One POST over HTTP, and what its answer means for the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from outlay.alerts.notifiers.base import TIMEOUT_S, NotSent

#: Status codes with which a receiver says that it will never take this message; others may pass.
_REFUSED = (400, 405, 413, 414, 415, 422)
#: What is kept of an answer.
_ANSWER = 100_000


@dataclass(frozen=True, slots=True)
class Posted:
    """A receiver's answer; `body` at most 100,000 characters."""

    status: int
    body: str


def post(url: str, body: bytes, headers: Mapping[str, str], where: str) -> Posted:
    """Posts and gives an answer of 2xx. Redirects are not followed: they would carry secrets elsewhere.

    Raises `NotSent`. Addresses of webhooks are secrets: no message has them, only `where`, the notifier.
    """
    import httpx

    try:
        with httpx.Client(timeout=TIMEOUT_S, follow_redirects=False) as client:
            answer = client.post(url, content=body, headers={"User-Agent": "Outlay", **headers})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotSent(f"cannot be reached ({type(error).__name__})", where=where) from error
    text = answer.text[:_ANSWER]
    if answer.is_success:
        return Posted(answer.status_code, text)
    raise NotSent(
        f"answered {answer.status_code}: {' '.join(text.split())[:200] or answer.reason_phrase}", where=where,
        retry_after_s=retry_after(answer.headers.get("Retry-After")), refused=answer.status_code in _REFUSED)


def retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds of a Retry-After header, which are a number or a date; None where it says nothing that can be read."""
    if value is None:
        return None
    text = value.strip()
    if text.isdigit():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - (now or datetime.now(UTC))).total_seconds())

"""What a notifier is: something that a message can be sent through, and says whether it arrived."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from outlay.alerts.message import Message
from outlay.errors import OutlayError, SettingsError

#: Seconds that one request may take; the outbox holds a claimed delivery far longer.
TIMEOUT_S = 10.0


class NotSent(OutlayError):
    """The message did not arrive, as far as we know. `retry_after_s`: how long the receiver asks us to wait. `refused`:
    it will never take this message, so that sending it again is of no use."""

    code = "not_sent"

    def __init__(
        self, message: str, *, where: str = "", hint: str = "", retry_after_s: float | None = None,
        refused: bool = False,
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.retry_after_s = retry_after_s
        self.refused = refused


@dataclass(frozen=True, slots=True)
class Sending:
    """One attempt. `idempotency_key` is the same whenever this delivery is sent again. `thread`: what the notifier gave
    for the first message of the same alert; empty where that was not sent."""

    idempotency_key: str
    thread: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """`remote_ref`: how the receiver knows the message, for those that follow. `answer`: what it said, for people."""

    remote_ref: str = ""
    answer: str = ""


class Notifier(ABC):
    """A way to tell people. Its docstring is its documentation: what it sends, what it needs, what it cannot do."""

    #: As in the settings: `kind: slack`.
    code: ClassVar[str]
    #: One line for lists.
    title: ClassVar[str]
    #: Keys of its settings beside `kind`, each with what it is, for validation and the documentation.
    keys: ClassVar[Mapping[str, str]]
    #: Whether it is a place for summaries, beside alerts.
    takes_summaries: ClassVar[bool] = True
    #: As `alerts: {notifiers: {NAME: ...}}` calls it.
    name: str

    @classmethod
    @abstractmethod
    def parse(cls, name: str, entry: Mapping[str, Any], where: str, base: Path) -> Notifier:
        """From its settings, whose keys are known ones. Raises `SettingsError` naming the key at fault."""

    @abstractmethod
    def send(self, message: Message, sending: Sending) -> Sent:
        """Sends one message. Blocks at most a few times `TIMEOUT_S`; may be called from several threads. Raises
        `NotSent`, and `SettingsError` where a secret is not there."""


def text_of(entry: Mapping[str, Any], key: str, where: str, default: str | None = None) -> str:
    """A setting that is a text; without a default it must be there."""
    value = entry.get(key, default)
    if not isinstance(value, str) or not value.strip():
        raise SettingsError("must be a text" if key in entry else "is needed", where=f"{where}.{key}")
    return value.strip()


def url_of(value: str, where: str) -> str:
    """An address of http or https."""
    from urllib.parse import urlsplit

    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError("must be an address that begins with https:// (or http://)", where=where)
    return value


def shortened(text: str, most: int) -> str:
    """At most `most` characters, with an ellipsis where something is missing."""
    return text if len(text) <= most else text[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"

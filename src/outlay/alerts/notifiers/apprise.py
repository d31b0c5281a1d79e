"""Everything that Apprise knows: Teams, Discord, Telegram, Matrix, ntfy, and about a hundred more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from outlay.alerts.condition import Severity
from outlay.alerts.message import Message, plain_text
from outlay.alerts.notifiers.base import Notifier, NotSent, Sending, Sent
from outlay.alerts.secret import Secret, parse_secret
from outlay.errors import SettingsError

_TYPE = {Severity.PAGE: "failure", Severity.WARN: "warning", Severity.INFO: "info"}


@dataclass(frozen=True, slots=True)
class Apprise(Notifier):
    """Plain text to any service that [Apprise](https://github.com/caronc/apprise) knows, by its addresses.

    It needs the extra `notify` (`pip install 'outlay[notify]'`). Addresses hold credentials, so each is given by
    reference. It cannot thread: updates are messages of their own; and of an error it says only that there was one.
    """

    code: ClassVar[str] = "apprise"
    title: ClassVar[str] = "Other services, by Apprise"
    keys: ClassVar[Mapping[str, str]] = {"urls": "list of Apprise addresses, each by reference"}

    name: str
    urls: tuple[Secret, ...]

    @classmethod
    def parse(cls, name: str, entry: Mapping[str, Any], where: str, base: Path) -> Apprise:
        urls = entry.get("urls")
        if not isinstance(urls, list) or not urls:
            raise SettingsError("must be a list of addresses, each by reference", where=f"{where}.urls")
        return cls(name, tuple(parse_secret(url, f"{where}.urls[{place}]", base)
                               for place, url in enumerate(urls, start=1)))

    def send(self, message: Message, sending: Sending) -> Sent:
        try:
            import apprise
        except ImportError as error:
            raise SettingsError("apprise is not installed", where=self.name,
                                hint="pip install 'outlay[notify]'") from error
        sender = apprise.Apprise()
        for url in self.urls:
            if not sender.add(url.reveal()):
                raise SettingsError("is no address that Apprise knows", where=url.where)
        sent = sender.notify(
            title=_quiet(message.subject), body=_quiet(plain_text(message).partition("\n\n")[2] or message.subject),
            notify_type="success" if message.kind == "resolve" else _TYPE[message.severity], body_format="text")
        if not sent:
            raise NotSent("Apprise could not deliver it; its log says why", where=self.name)
        return Sent(answer=f"Apprise delivered it to {len(self.urls)} addresses")


def _quiet(text: str) -> str:
    """Some services take `@everyone` in a name for a mention: an invisible space after the sign keeps it a name."""
    return text.replace("@", "@\N{ZERO WIDTH SPACE}")

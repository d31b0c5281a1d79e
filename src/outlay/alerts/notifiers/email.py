"""Mail, by SMTP."""

from __future__ import annotations

import hashlib
import html
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Any, ClassVar

from outlay.accounting.figures import printable
from outlay.alerts.message import Message, plain_text
from outlay.alerts.notifiers.base import TIMEOUT_S, Notifier, NotSent, Sending, Sent, shortened, text_of
from outlay.alerts.secret import Secret, parse_secret
from outlay.errors import SettingsError

_TLS = {"starttls": 587, "ssl": 465, "none": 25}
_LOCAL = ("localhost", "127.0.0.1", "::1")
#: A subject that a list of mails can show; the rest is in the mail.
_SUBJECT = 200


@dataclass(frozen=True, slots=True)
class Email(Notifier):
    """A mail, as plain text and as HTML without pictures or anything from elsewhere.

    What happens to an alert later answers its first mail (`References`), so that mail programs show one thread. The
    `Message-ID` is the same whenever the same message is sent again: many of them then show it once.

    `tls` is `starttls` (the default; the connection ends where the server does not offer it), `ssl` or `none`; a
    password is never sent without it, save to this machine. One address that is refused does not keep the mail from
    the others; where all are refused for good, it is not sent again.
    """

    code: ClassVar[str] = "email"
    title: ClassVar[str] = "Mail by SMTP"
    keys: ClassVar[Mapping[str, str]] = {
        "host": "mail server", "port": "its port; 587 with starttls, 465 with ssl, 25 without", "tls": "starttls, ssl "
        "or none", "ca": "file with the certificate of a private authority", "user": "to log in as",
        "password": "by reference", "from": "sender", "to": "list of addresses",
    }

    name: str
    host: str
    port: int
    tls: str
    ca: Path | None
    user: str
    password: Secret | None
    sender: str
    to: tuple[str, ...]

    @classmethod
    def parse(cls, name: str, entry: Mapping[str, Any], where: str, base: Path) -> Email:
        host, tls = text_of(entry, "host", where), text_of(entry, "tls", where, "starttls")
        if tls not in _TLS:
            raise SettingsError(f"{tls!r} is not one of {', '.join(_TLS)}", where=f"{where}.tls")
        port = entry.get("port", _TLS[tls])
        if isinstance(port, bool) or not isinstance(port, int) or not 0 < port < 65536:
            raise SettingsError("must be a port number", where=f"{where}.port")
        if ("user" in entry) != ("password" in entry):
            raise SettingsError("`user` and `password` go together", where=where)
        if "password" in entry and tls == "none" and host not in _LOCAL:
            raise SettingsError("a password is not sent without encryption", where=f"{where}.tls")
        ca = base / text_of(entry, "ca", where) if "ca" in entry else None
        if ca is not None and not ca.is_file():
            raise SettingsError(f"{ca} does not exist", where=f"{where}.ca")
        to = entry.get("to")
        if not isinstance(to, list) or not to:
            raise SettingsError("must be a list of addresses", where=f"{where}.to")
        return cls(name, host, port, tls, ca, text_of(entry, "user", where) if "user" in entry else "",
                   parse_secret(entry["password"], f"{where}.password", base) if "password" in entry else None,
                   _address(entry.get("from"), f"{where}.from"),
                   tuple(_address(each, f"{where}.to[{place}]") for place, each in enumerate(to, start=1)))

    def send(self, message: Message, sending: Sending) -> Sent:
        mail = self.mail(message, sending)
        try:
            with self._connection() as server:
                if self.password is not None:
                    server.login(self.user, self.password.reveal())
                refused = server.send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise NotSent(f"no address was taken: {', '.join(map(_said, error.recipients.items()))}", where=self.name,
                          refused=all(code >= 500 for code in codes)) from error
        except smtplib.SMTPAuthenticationError as error:
            raise NotSent(f"the server refuses user and password ({error.smtp_code})", where=self.name) from error
        except smtplib.SMTPResponseException as error:
            raise NotSent(f"answered {error.smtp_code}: {_words(error.smtp_error)}", where=self.name,
                          refused=error.smtp_code >= 500) from error
        except (smtplib.SMTPException, ssl.SSLError, OSError) as error:
            raise NotSent(f"{self.host}:{self.port} cannot be used: {error}", where=self.name) from error
        answer = f"taken by {self.host}:{self.port}"
        if refused:
            answer += f", not for {', '.join(map(_said, refused.items()))}"
        return Sent(str(mail["Message-ID"]), answer)

    def mail(self, message: Message, sending: Sending) -> EmailMessage:
        """The mail as it is sent."""
        mail = EmailMessage()
        mail["From"], mail["To"] = self.sender, ", ".join(self.to)
        first = f"Re: {message.subject}" if sending.thread else message.subject
        mail["Subject"] = shortened(printable(" ".join(first.split())), _SUBJECT)
        mail["Date"] = format_datetime(message.at)
        domain = parseaddr(self.sender)[1].rpartition("@")[2]
        mail["Message-ID"] = f"<{hashlib.sha256(sending.idempotency_key.encode()).hexdigest()[:32]}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        if sending.thread:
            mail["In-Reply-To"] = mail["References"] = sending.thread
        mail.set_content(plain_text(message))
        mail.add_alternative(_html(message), subtype="html")
        return mail

    def _connection(self) -> smtplib.SMTP:
        context = ssl.create_default_context(cafile=self.ca) if self.tls != "none" else None
        if self.tls == "ssl":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT_S, context=context)
        server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_S)
        if context is not None:
            try:
                server.starttls(context=context)
            except BaseException:
                server.close()
                raise
        return server


def _address(value: Any, where: str) -> str:
    found = parseaddr(value)[1] if isinstance(value, str) else ""
    local, _, domain = found.rpartition("@")
    if not local or not domain or any(character in value for character in "\r\n"):
        raise SettingsError("must be an address such as finops@example.com", where=where)
    return str(value).strip()


def _said(refusal: tuple[str, tuple[int, bytes]]) -> str:
    address, (code, reason) = refusal
    return f"{address} ({code} {_words(reason)})"


def _words(reason: bytes | str) -> str:
    text = reason.decode(errors="replace") if isinstance(reason, bytes) else reason
    return " ".join(printable(text).split())[:200]


def _html(message: Message) -> str:
    """Structure alone: how it looks is for the mail program to say."""
    def safe(text: str) -> str:
        return html.escape(printable(text))

    parts = [f"<p><b>{safe(message.subject)}</b></p>", *(f"<p>{safe(line)}</p>" for line in message.lines)]
    if message.command:
        parts.append(f"<pre>{safe(message.command)}</pre>")
    if message.facts:
        rows = "".join(f'<tr><th align="left">{safe(name)}</th><td>{safe(value)}</td></tr>'
                       for name, value in message.facts)
        parts.append(f"<table>{rows}</table>")
    if message.buttons:
        links = " \N{MIDDLE DOT} ".join(f'<a href="{safe(button.url)}">{safe(button.label)}</a>'
                                        for button in message.buttons)
        parts.append(f"<p>{links}</p>")
    return f"<!doctype html>\n<html><body>{''.join(parts)}</body></html>\n"

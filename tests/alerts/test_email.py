"""Mail, taken by a real SMTP server (aiosmtpd): TLS, login, threads, refusals."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from alerts.made import message
from outlay.alerts.message import Button
from outlay.alerts.notifiers.base import NotSent, Sending
from outlay.alerts.notifiers.email import Email
from outlay.errors import SettingsError


class Mailbox:
    """Keeps what is taken; refuses addresses that begin with `no`, and answers `says` to all mail where it is set."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.logins: list[bytes] = []
        self.encrypted: list[bool] = []
        self.says = ""

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("no"):
            return "550 no such user"
        if address.startswith("later"):
            return "450 mailbox busy"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.says:
            return self.says
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.encrypted.append(session.ssl is not None)
        return "250 OK"

    def __call__(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        self.logins.append(data.login)
        return AuthResult(success=data.password == b"right", handled=False)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 that only those trust who are told to."""
    folder = tmp_path_factory.mktemp("certificate")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)],
        check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return cert, context


class AnyPort(Controller):
    """Listens on a free port: the library would look for its server on port 0."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def serving(mailbox: Mailbox, **options: Any) -> Iterator[int]:
    controller = AnyPort(mailbox, hostname="127.0.0.1", port=0, **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def notifier(at: int, **changes: Any) -> Email:
    entry: dict[str, Any] = {
        "host": "127.0.0.1", "port": at, "tls": "none", "from": "Outlay <outlay@example.com>",
        "to": ["finops@example.com", "ana@example.com"]} | changes
    return Email.parse("mail", entry, "here", Path())


def test_a_mail_is_text_and_html_and_what_follows_answers_it() -> None:
    mailbox = Mailbox()
    with serving(mailbox) as port:
        first = notifier(port).send(message(), Sending("k-1"))
        notifier(port).send(message(kind="resolve"), Sending("k-2", first.remote_ref))
        again = notifier(port).send(message(), Sending("k-1"))
    mail, answer, _ = mailbox.mails
    assert first.answer == f"taken by 127.0.0.1:{port}"
    assert again.remote_ref == first.remote_ref == mail["Message-ID"]
    assert mail["Message-ID"].endswith("@example.com>")
    assert (mail["From"], mail["To"], mail["Subject"]) == (
        "Outlay <outlay@example.com>", "finops@example.com, ana@example.com", message().headline)
    assert mail["Auto-Submitted"] == "auto-generated"
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert "Owner: dana.okafor, team vision.\n\n  scancel 4711\n" in plain.get_content().replace("\r\n", "\n")
    assert '<a href="https://outlay.example.com/findings?id=1">Evidence</a>' in html.get_content()
    assert answer["References"] == answer["In-Reply-To"] == mail["Message-ID"]
    assert answer["Subject"].strip() == f"Re: Over: {message().headline}"
    assert answer["Message-ID"] != mail["Message-ID"]


def test_names_of_others_add_no_header_and_no_markup() -> None:
    hostile = "x\r\nBcc: evil@example.com\r\n\r\n<script>alert(1)</script>"
    mailbox = Mailbox()
    with serving(mailbox) as port:
        notifier(port).send(message(headline=hostile, lines=(hostile,), facts=((hostile, hostile),), buttons=(
            Button(hostile, 'https://o.example/"><script>'),)), Sending("k"))
    (mail,) = mailbox.mails
    assert mail["Bcc"] is None
    assert mail["Subject"].startswith("x Bcc: evil@example.com <script>")
    html = mail.get_body(("html",))
    assert html is not None
    assert "<script" not in html.get_content()


def test_starttls_and_login(certificate: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch) -> None:
    ca, context = certificate
    mailbox = Mailbox()
    login = {"tls": "starttls", "ca": str(ca), "user": "outlay", "password": {"env": "MAIL_PASSWORD"}}
    monkeypatch.setenv("MAIL_PASSWORD", "right")
    with serving(mailbox, tls_context=context, authenticator=mailbox, auth_required=True) as port:
        notifier(port, **login).send(message(), Sending("k"))
        monkeypatch.setenv("MAIL_PASSWORD", "wrong")
        with pytest.raises(NotSent, match=r"refuses user and password \(535\)") as told:
            notifier(port, **login).send(message(), Sending("k"))
    assert not told.value.refused
    assert (mailbox.encrypted, set(mailbox.logins)) == ([True], {b"outlay"})


def test_tls_from_the_start(certificate: tuple[Path, ssl.SSLContext]) -> None:
    ca, context = certificate
    mailbox = Mailbox()
    with serving(mailbox, ssl_context=context) as port:
        notifier(port, tls="ssl", ca=str(ca)).send(message(), Sending("k"))
        with pytest.raises(NotSent, match="CERTIFICATE_VERIFY_FAILED"):
            notifier(port, tls="ssl").send(message(), Sending("k"))
    assert len(mailbox.mails) == 1


def test_without_encryption_where_it_is_wanted_nothing_is_sent() -> None:
    mailbox = Mailbox()
    with serving(mailbox) as port, pytest.raises(NotSent, match="STARTTLS"):
        notifier(port, tls="starttls").send(message(), Sending("k"))
    assert mailbox.mails == []


@pytest.mark.parametrize(
    ("to", "refused"), [(["no@example.com"], True), (["no@example.com", "later@example.com"], False)])
def test_where_no_address_is_taken_it_is_not_sent(to: list[str], refused: bool) -> None:
    with serving(Mailbox()) as port, pytest.raises(NotSent, match=r"no address was taken: no@example\.com") as told:
        notifier(port, to=to).send(message(), Sending("k"))
    assert told.value.refused is refused


def test_one_address_that_is_refused_does_not_keep_it_from_the_others() -> None:
    mailbox = Mailbox()
    with serving(mailbox) as port:
        sent = notifier(port, to=["no@example.com", "yes@example.com"]).send(message(), Sending("k"))
    assert sent.answer.endswith("not for no@example.com (550 no such user)")
    assert len(mailbox.mails) == 1


@pytest.mark.parametrize(("says", "refused"), [("554 spam", True), ("451 try later", False)])
def test_the_server_says_whether_to_try_again(says: str, refused: bool) -> None:
    mailbox = Mailbox()
    mailbox.says = says
    with serving(mailbox) as port, pytest.raises(NotSent, match=f"answered {says[:3]}") as told:
        notifier(port).send(message(), Sending("k"))
    assert told.value.refused is refused


def test_a_server_that_is_not_there() -> None:
    with pytest.raises(NotSent, match=r"127\.0\.0\.1:1 cannot be used"):
        notifier(1).send(message(), Sending("k"))


@pytest.mark.parametrize(
    ("changes", "where"),
    [({"tls": "maybe"}, "here.tls"), ({"port": 0}, "here.port"), ({"user": "a"}, "here"), ({"to": "a@b.c"}, "here.to"),
     ({"to": ["nobody"]}, "here.to[1]"), ({"from": "a@b.c\nBcc: d@e.f"}, "here.from"), ({"ca": "/none"}, "here.ca"),
     ({"host": "mail.example.com", "user": "a", "password": {"env": "B"}}, "here.tls")])
def test_settings_that_cannot_be(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(SettingsError) as told:
        notifier(25, **changes)
    assert told.value.where == where

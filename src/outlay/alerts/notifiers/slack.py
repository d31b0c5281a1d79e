"""Slack: messages with blocks, updates in the thread."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from outlay.alerts.message import Message
from outlay.alerts.notifiers.base import Notifier, NotSent, Sending, Sent, text_of, url_of
from outlay.alerts.notifiers.posting import post
from outlay.alerts.notifiers.slack_blocks import blocks, fallback
from outlay.alerts.secret import Secret, parse_secret
from outlay.errors import SettingsError

#: Errors of Slack with which it says that it will never take this message.
_REFUSED = ("invalid_blocks", "invalid_blocks_format", "msg_too_long", "msg_blocks_too_long", "no_text",
            "invalid_arguments")
#: Errors that say that the thread is gone: whoever deleted it still wants to know.
_NO_THREAD = ("thread_not_found", "message_not_found", "invalid_thread_ts", "cannot_reply_to_message")


@dataclass(frozen=True, slots=True)
class Slack(Notifier):
    """A message in a channel: a bold line that stands alone, two or three more, and up to three buttons.

    **With a bot's token** (`token`, scope `chat:write`; invite the bot to the channel) what happens to an alert later
    is told in the thread of its first message; a rise in severity is shown in the channel, too.

    **With an incoming webhook** (`webhook`) Slack does not say which message it made: so there are no threads, and
    updates are messages of their own. The channel is that of the webhook.

    **It cannot** know of a message that arrived although the answer to it was lost: it is then sent again, with the
    same `idempotency_key` in the message's metadata. Buttons are links; what they do is done on Outlay's pages, where
    it is known who pressed them. Names of runs, users and prompts are escaped: none of them can mention anybody.
    """

    code: ClassVar[str] = "slack"
    title: ClassVar[str] = "Slack, by bot or incoming webhook"
    keys: ClassVar[Mapping[str, str]] = {
        "token": "bot token, by reference", "channel": "channel, its id or #name; with `token`",
        "webhook": "address of an incoming webhook, by reference; instead of `token`",
        "api_url": "another address of Slack's API, for tests and proxies",
    }

    name: str
    token: Secret | None
    channel: str
    webhook: Secret | None
    api_url: str

    @classmethod
    def parse(cls, name: str, entry: Mapping[str, Any], where: str, base: Path) -> Slack:
        if ("token" in entry) == ("webhook" in entry):
            raise SettingsError("needs either `token` and `channel`, or `webhook`", where=where)
        if "webhook" in entry:
            if "channel" in entry:
                raise SettingsError("an incoming webhook has its own channel", where=f"{where}.channel")
            return cls(name, None, "", parse_secret(entry["webhook"], f"{where}.webhook", base), "")
        api_url = url_of(text_of(entry, "api_url", where, "https://slack.com/api"), f"{where}.api_url")
        return cls(name, parse_secret(entry["token"], f"{where}.token", base), text_of(entry, "channel", where), None,
                   api_url.rstrip("/"))

    def send(self, message: Message, sending: Sending) -> Sent:
        body: dict[str, Any] = {"text": fallback(message), "blocks": blocks(message), "unfurl_links": False,
                                "unfurl_media": False}
        if self.webhook is not None:
            answer = post(self.webhook.reveal(), _bytes(body), {"Content-Type": "application/json"}, self.name)
            return Sent(answer=answer.body)
        body |= {"channel": self.channel, "parse": "none", "link_names": False, "metadata": {
            "event_type": "outlay_alert", "event_payload": {"idempotency_key": sending.idempotency_key}}}
        if sending.thread:
            threaded = body | {"thread_ts": sending.thread, "reply_broadcast": message.louder}
            answered = self._call(threaded)
            if answered.get("error") not in _NO_THREAD:
                return self._sent(answered)
        return self._sent(self._call(body))

    def _call(self, body: Mapping[str, Any]) -> dict[str, Any]:
        assert self.token is not None
        answer = post(f"{self.api_url}/chat.postMessage", _bytes(body), {
            "Authorization": f"Bearer {self.token.reveal()}", "Content-Type": "application/json; charset=utf-8",
        }, self.name)
        try:
            found = json.loads(answer.body)
        except ValueError:
            found = None
        if isinstance(found, dict):
            return found
        raise NotSent(f"answered {answer.status} with what is no JSON object", where=self.name)

    def _sent(self, answered: Mapping[str, Any]) -> Sent:
        if answered.get("ok") is True:
            ts, channel = str(answered.get("ts", "")), answered.get("channel", self.channel)
            return Sent(ts, f"ok, message {ts} in {channel}")
        error = str(answered.get("error", "no error named"))
        raise NotSent(f"Slack says {error}", where=self.name, refused=error in _REFUSED,
                      hint=_HINTS.get(error, ""))


_HINTS = {
    "not_in_channel": "Invite the bot to the channel.",
    "channel_not_found": "Name the channel's id, or invite the bot.",
    "invalid_auth": "The token is wrong, or was revoked.", "token_revoked": "Make a new token.",
    "missing_scope": "The bot needs the scope chat:write.",
}


def _bytes(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()

"""Slack, against a fake that checks what Slack documents; `slack_sdk` says whether blocks are well-formed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block

from alerts.fakes import FakeSlack
from alerts.made import NOW, message
from outlay.alerts.compose import Voice, trial
from outlay.alerts.message import Button
from outlay.alerts.notifiers.base import NotSent, Sending
from outlay.alerts.notifiers.slack import Slack
from outlay.alerts.notifiers.slack_blocks import blocks, escaped, fallback, fit
from outlay.errors import SettingsError

HOSTILE = "<!channel> <@U024BE7LH> <https://evil.example|Outlay> *bold* ```x``` &amp; \u202e"


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSlack]:
    fake = FakeSlack()
    monkeypatch.setenv("SLACK_TOKEN", fake.token)
    with fake.serving():
        monkeypatch.setenv("SLACK_HOOK", f"{fake.url}/services/T0/B0/secret")
        yield fake


def bot(fake: FakeSlack, **changes: Any) -> Slack:
    entry = {"token": {"env": "SLACK_TOKEN"}, "channel": "#finops", "api_url": fake.url} | changes
    return Slack.parse("finops", entry, "here", Path())


def test_a_message_stands_alone_in_its_first_line(slack: FakeSlack) -> None:
    sent = bot(slack).send(message(), Sending("k-1"))
    (posted,) = slack.messages
    assert sent.remote_ref == posted["ts"]
    assert posted["text"] == message().headline
    assert posted["blocks"][0]["text"]["text"] == (
        f"*{message().headline}*\nIts GPUs stayed below 5%.\nOwner: dana.okafor, team vision.")
    assert posted["blocks"][1]["text"]["text"] == "```scancel 4711```"
    assert [each["url"] for each in posted["blocks"][2]["elements"]] == [each.url for each in message().buttons]
    assert posted["blocks"][3]["elements"][0]["text"] == "Halyard, warn, idle-now"
    assert posted["metadata"]["event_payload"] == {"idempotency_key": "k-1"}


def test_what_follows_goes_into_the_thread(slack: FakeSlack) -> None:
    first = bot(slack).send(message(), Sending("k-1"))
    bot(slack).send(message(kind="update", louder=True), Sending("k-2", first.remote_ref))
    bot(slack).send(message(kind="resolve"), Sending("k-3", first.remote_ref))
    assert [(each.get("thread_ts"), each.get("reply_broadcast")) for each in slack.messages] == [
        (None, None), (first.remote_ref, True), (first.remote_ref, False)]
    assert slack.messages[2]["text"].startswith("Over: Run 4711")


def test_a_thread_that_was_deleted_does_not_keep_the_message_back(slack: FakeSlack) -> None:
    bot(slack).send(message(kind="resolve"), Sending("k-3", "1699999999.000100"))
    assert [each.get("thread_ts") for each in slack.messages] == [None]


def test_an_incoming_webhook_has_no_threads(slack: FakeSlack) -> None:
    hook = Slack.parse("finops", {"webhook": {"env": "SLACK_HOOK"}}, "here", Path())
    sent = hook.send(message(kind="update"), Sending("k-1", "1700000000.000100"))
    assert (sent.remote_ref, sent.answer) == ("", "ok")
    assert set(slack.requests[0].json) == {"text", "blocks", "unfurl_links", "unfurl_media"}


def test_slack_asks_to_wait(slack: FakeSlack) -> None:
    slack.answers.append((429, {"Retry-After": "30"}, b'{"ok":false,"error":"ratelimited"}'))
    with pytest.raises(NotSent) as told:
        bot(slack).send(message(), Sending("k-1"))
    assert (told.value.retry_after_s, told.value.refused) == (30.0, False)


@pytest.mark.parametrize(
    ("answer", "refused", "words"),
    [(b'{"ok":false,"error":"invalid_blocks"}', True, "Slack says invalid_blocks"),
     (b'{"ok":false,"error":"not_in_channel"}', False, "Invite the bot to the channel."),
     (b"<html>", False, "no JSON object"), (b"[1]", False, "no JSON object")])
def test_an_error_says_whether_it_is_of_use_to_try_again(
    slack: FakeSlack, answer: bytes, refused: bool, words: str
) -> None:
    slack.answers.append((200, {}, answer))
    with pytest.raises(NotSent) as told:
        bot(slack).send(message(), Sending("k-1"))
    assert told.value.refused is refused
    assert words in str(told.value)


def test_secrets_are_in_no_error(slack: FakeSlack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_TOKEN", "xoxb-very-secret")
    with pytest.raises(NotSent) as told:
        bot(slack).send(message(), Sending("k-1"))
    assert "secret" not in str(told.value)
    assert "invalid_auth" in str(told.value)
    monkeypatch.setenv("SLACK_HOOK", "http://127.0.0.1:1/services/very-secret")
    with pytest.raises(NotSent) as told:
        Slack.parse("finops", {"webhook": {"env": "SLACK_HOOK"}}, "here", Path()).send(message(), Sending("k-1"))
    assert str(told.value) == "finops: cannot be reached (ConnectError)"


def test_no_name_can_ring_a_bell_or_break_out() -> None:
    made = blocks(message(headline=HOSTILE, lines=(HOSTILE,), command=HOSTILE, organisation=HOSTILE))
    for text in texts(made):
        assert "<" not in text
        assert ">" not in text
        assert "\u202e" not in text
    assert made[0]["text"]["text"].count("*") == 2 + HOSTILE.count("*")  # of the line below alone
    assert made[1]["text"]["text"].count("```") == 2
    assert all(text["verbatim"] for text in mrkdwn(made))
    assert "<" not in fallback(message(headline=HOSTILE))


anything = st.text(st.characters(codec="utf-8") | st.sampled_from("<>&*`\n"), max_size=4000)


@given(anything, anything, anything, st.lists(st.tuples(anything, anything), max_size=5))
def test_whatever_names_are_slack_takes_the_blocks(
    headline: str, line: str, command: str, links: list[tuple[str, str]]
) -> None:
    made = message(headline=headline, lines=(line, line), command=command, sample=True, buttons=tuple(
        Button(label or "x", f"https://outlay.example.com/{url}") for label, url in links))
    found = blocks(made)
    assert FakeSlack.fault({"text": fallback(made), "blocks": found}) == ""
    for block in found:
        parsed = Block.parse(block)
        assert parsed is not None
        parsed.validate_json()
    assert sum(len(block.get("elements", ())) for block in found if block["type"] == "actions") <= 3


@given(anything, st.integers(10, 60))
def test_a_text_that_is_cut_is_cut_between_characters(text: str, most: int) -> None:
    cut = fit(text, most)
    assert len(cut) <= most
    assert cut.count("&") == cut.count("&amp;") + cut.count("&lt;") + cut.count("&gt;")
    assert cut == escaped(cut.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))


@pytest.mark.parametrize(
    ("entry", "where"),
    [({}, "here"), ({"token": {"env": "A"}, "webhook": {"env": "B"}}, "here"),
     ({"token": {"env": "A"}}, "here.channel"), ({"webhook": {"env": "B"}, "channel": "#a"}, "here.channel"),
     ({"token": "xoxb-secret", "channel": "#a"}, "here.token"),
     ({"token": {"env": "A"}, "channel": "#a", "api_url": "slack.com"}, "here.api_url")])
def test_settings_that_cannot_be(entry: dict[str, Any], where: str) -> None:
    with pytest.raises(SettingsError) as told:
        Slack.parse("finops", entry, "here", Path())
    assert told.value.where == where
    assert "xoxb" not in str(told.value)


def test_a_test_is_marked(slack: FakeSlack) -> None:
    answer = bot(slack).send(trial("finops", NOW, Voice("https://o.example", sample=True)), Sending("k")).answer
    assert slack.messages[0]["text"] == "[sample] Test: Outlay can reach you through finops."
    assert answer == f"ok, message {slack.messages[0]['ts']} in C024BE91L"


def mrkdwn(made: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = [block["text"] for block in made if block["type"] == "section"]
    return found + [each for block in made if block["type"] == "context" for each in block["elements"]]


def texts(made: list[dict[str, Any]]) -> list[str]:
    return [each["text"] for each in mrkdwn(made)]

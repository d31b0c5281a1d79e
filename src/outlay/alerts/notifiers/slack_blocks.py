"""A message as Slack's Block Kit, within Slack's limits, in which no name can ring anybody's bell."""

from __future__ import annotations

from typing import Any

from outlay.accounting.figures import printable
from outlay.alerts.message import Message
from outlay.alerts.notifiers.base import shortened

#: Limits of Slack: characters of a section, of a button and of its address, buttons that people can take in.
SECTION, LABEL, ADDRESS, BUTTONS = 3000, 75, 3000, 3
#: Characters of the text that notifications and readers aloud show.
FALLBACK = 3000
_FENCE = 8


def blocks(message: Message) -> list[dict[str, Any]]:
    """A bold line that stands alone, two or three more, the command, up to three buttons that are links, and a line on
    what it is about. Text is verbatim: Slack makes no links, channels or mentions out of it."""
    # An asterisk would end the bold line, and three backticks the command.
    headline = message.subject.replace("*", "\N{ASTERISK OPERATOR}").replace("\n", " ")
    first = fit(headline, SECTION // 2)
    rest = fit("\n".join(message.lines), SECTION - len(first) - 3)
    made = [_section(f"*{first}*\n{rest}" if rest else f"*{first}*")]
    if message.command:
        made.append(_section(f"```{fit(message.command.replace('```', chr(39) * 3), SECTION - _FENCE)}```"))
    buttons = [button for button in message.buttons if len(button.url) <= ADDRESS][:BUTTONS]
    if buttons:
        made.append({"type": "actions", "elements": [
            {"type": "button", "url": button.url, "action_id": f"outlay-link-{place}",
             "text": {"type": "plain_text", "text": shortened(button.label, LABEL), "emoji": False}}
            for place, button in enumerate(buttons)]})
    about = ", ".join(filter(None, (
        "sample data" if message.sample else "", message.organisation, message.severity.value if message.rule else "",
        message.rule)))
    if about:
        made.append({"type": "context", "elements": [_text(fit(about, SECTION))]})
    return made


def fallback(message: Message) -> str:
    """What stands where blocks are not shown."""
    return fit(message.subject, FALLBACK)


def fit(text: str, most: int) -> str:
    """Text with what Slack would read as markup escaped, at most `most` characters after that."""
    text = printable(text)
    if len(escaped(text)) <= most:
        return escaped(text)
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if len(escaped(text[:middle])) < most else (low, middle - 1)
    return escaped(text[:low]) + "\N{HORIZONTAL ELLIPSIS}"


def escaped(text: str) -> str:
    """`<!channel>` and the like become text: Slack's three control characters as entities."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _text(text)}


def _text(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}

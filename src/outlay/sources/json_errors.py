"""What a failure to read JSON tells: where it is broken, and whether more of the text could mend it."""

from __future__ import annotations

import json

#: The longest token that may be cut in two without being a string: -Infinity, or a number's rest.
_TOKEN = 16


def json_problem(error: Exception) -> str:
    """The message of a JSON error, which names the position but quotes nothing."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg.removesuffix(' at')} at character {error.pos + 1}"
    return "it is nested too deeply" if isinstance(error, RecursionError) else "a number is too long"


def may_go_on(error: Exception, length: int) -> bool:
    """Whether the text of this length failed because it ends too early, not because of what stands in it."""
    if not isinstance(error, json.JSONDecodeError):
        return False
    return error.msg.startswith(("Unterminated string", "Invalid \\")) or error.pos >= length - _TOKEN


def is_object(line: str) -> bool:
    """Whether a line is one whole JSON object."""
    try:
        return isinstance(json.loads(line.strip("\ufeff \t\r\n")), dict)
    except (ValueError, RecursionError):
        return False


def is_cut_line(line: str) -> bool:
    """Whether a line can be neither JSON nor the first line of a document: what is left of a line that was cut."""
    text = line.strip("\ufeff \t\r\n")
    if text[:1] != "{":
        return text[:1] != "["
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        # No string goes on behind the end of a line; a comma may be the last character of the first line.
        return error.msg.startswith("Unterminated string") or error.pos < len(text) - 1
    except (ValueError, RecursionError):
        return True
    return False

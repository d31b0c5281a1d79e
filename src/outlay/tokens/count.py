"""Tokens of a text, counted on this machine, for where no provider has reported a number.

OpenAI publishes its encodings, so those counts are exact. Nobody else's count can be had without asking them; there the
o200k count stands in and is marked as an estimate.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from outlay.errors import OutlayError

#: OpenAI's models by the encoding that OpenAI's own tokenizer, tiktoken, lists for them (tiktoken 0.12, `model.py`);
#: first match wins. Names are matched after provider prefixes and `ft:` are taken off.
_ENCODINGS: tuple[tuple[str, str], ...] = (
    (r"(chatgpt-|gpt-)4o|gpt-4\.[1-9]|gpt-[5-9](?!\d)|gpt-oss|o\d(?!\d)|codex-", "o200k_base"),
    (r"gpt-4|gpt-3\.?5|text-embedding-(3|ada-002)", "cl100k_base"),
)
_ESTIMATE = "o200k_base"
_PREFIX = re.compile(r"^(?:[a-z0-9_.-]+/)*(?:ft:)?")


@dataclass(frozen=True, slots=True)
class Count:
    """Tokens of one text. `exact`: the model's own encoding counted them; else `tokenizer` stood in for it."""

    tokens: int
    exact: bool
    tokenizer: str


class TokenizerMissing(OutlayError):
    """Neither tokenizer library can be loaded on this platform."""

    code = "tokenizer_missing"


def encoding_of(model: str) -> tuple[str, bool]:
    """The encoding to count with, and whether it is the model's own. `openai/gpt-4o` and `ft:gpt-4o:x` are gpt-4o."""
    name = _PREFIX.sub("", model.strip().lower())
    for pattern, encoding in _ENCODINGS:
        if re.match(pattern, name):
            return encoding, True
    return _ESTIMATE, False


def count_tokens(text: str, model: str) -> Count:
    """Tokens of `text` as `model` would read it; markers such as `<|endoftext|>` count as the text that they are.

    Raises `TokenizerMissing` where no tokenizer loads.
    """
    encoding, exact = encoding_of(model)
    return Count(_counter(encoding)(_speakable(text)), exact, encoding)


def _speakable(text: str) -> str:
    """A lone surrogate cannot be sent to any provider; it counts as the replacement character that is sent instead."""
    return text.encode("utf-8", "replace").decode("utf-8")


@cache
def _counter(encoding: str) -> Callable[[str], int]:
    try:
        import quicktok
    except ImportError:
        return _slower_counter(encoding)
    count: Callable[[str], int] = quicktok.get_encoding(encoding).count
    return count


def _slower_counter(encoding: str) -> Callable[[str], int]:
    """The same counts from bpe-openai, which has wheels for other platforms."""
    try:
        import bpe_openai
    except ImportError as error:
        raise TokenizerMissing(
            "no tokenizer can be loaded on this platform", hint="pip install quicktok-v1, or bpe-openai"
        ) from error
    encode = bpe_openai.get_encoding(encoding).encode_ordinary
    return lambda text: len(encode(text))

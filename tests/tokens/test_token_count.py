import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlay.tokens import count
from outlay.tokens.count import Count, TokenizerMissing, count_tokens, encoding_of

# bpe-openai reads its data through a part of importlib that Python 3.11 and 3.12 warn of.
pytestmark = pytest.mark.filterwarnings("ignore:open_binary is deprecated:DeprecationWarning")

# Counted with OpenAI's tiktoken: (text, o200k_base, cl100k_base).
KNOWN = [
    ("", 0, 0),
    ("hello world", 2, 2),
    ("You are a helpful assistant.", 6, 6),
    ("<|endoftext|>", 7, 7),
]

#: Characters of Unicode 13. Text is cut by the class of its characters, which libraries know from different versions of
#: Unicode: on later ones they may be a token apart.
_KNOWN = st.characters(exclude_categories=("Cs", "Cn"), max_codepoint=0x3134F)


@pytest.mark.parametrize(
    ("model", "encoding", "exact"),
    [
        ("gpt-4o", "o200k_base", True),
        ("gpt-4o-mini-2024-07-18", "o200k_base", True),
        ("openai/gpt-4.1-nano", "o200k_base", True),
        ("gpt-5", "o200k_base", True),
        ("gpt-5.2-pro", "o200k_base", True),
        ("chatgpt-4o-latest", "o200k_base", True),
        ("o1", "o200k_base", True),
        ("o3-mini", "o200k_base", True),
        ("o4-mini-deep-research", "o200k_base", True),
        ("ft:gpt-4o-2024-08-06:ana::abc123", "o200k_base", True),
        ("azure/eu/gpt-4o", "o200k_base", True),
        ("gpt-4", "cl100k_base", True),
        ("gpt-4-turbo-2024-04-09", "cl100k_base", True),
        ("gpt-4-0125-preview", "cl100k_base", True),
        ("gpt-3.5-turbo-0125", "cl100k_base", True),
        ("gpt-35-turbo", "cl100k_base", True),
        ("ft:gpt-3.5-turbo:ana", "cl100k_base", True),
        ("text-embedding-3-large", "cl100k_base", True),
        ("GPT-4o", "o200k_base", True),
        ("claude-sonnet-4-5", "o200k_base", False),
        ("anthropic.claude-3-haiku-20240307-v1:0", "o200k_base", False),
        ("gemini-2.5-pro", "o200k_base", False),
        ("mistral-large-latest", "o200k_base", False),
        ("omni-moderation-latest", "o200k_base", False),
        ("davinci-002", "o200k_base", False),
        ("", "o200k_base", False),
    ],
)
def test_the_encoding_of_a_model(model: str, encoding: str, exact: bool) -> None:
    assert encoding_of(model) == (encoding, exact)


@pytest.mark.parametrize(("text", "new", "old"), KNOWN)
def test_known_counts(text: str, new: int, old: int) -> None:
    assert count_tokens(text, "gpt-4o") == Count(new, True, "o200k_base")
    assert count_tokens(text, "gpt-4") == Count(old, True, "cl100k_base")
    assert count_tokens(text, "claude-sonnet-4-5") == Count(new, False, "o200k_base")


def test_a_lone_surrogate_counts_as_the_character_sent_for_it() -> None:
    assert count_tokens("a\ud800b", "gpt-4o") == count_tokens("a?b", "gpt-4o")


@given(st.text(_KNOWN, max_size=200), st.sampled_from(["o200k_base", "cl100k_base"]))
def test_both_tokenizers_count_the_same(text: str, encoding: str) -> None:
    assert count._counter(encoding)(text) == count._slower_counter(encoding)(text)


def test_the_other_tokenizer_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "quicktok", None)
    count._counter.cache_clear()
    try:
        assert [count_tokens(text, "gpt-4o").tokens for text, _, _ in KNOWN] == [new for _, new, _ in KNOWN]
    finally:
        count._counter.cache_clear()


def test_no_tokenizer_at_all_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "quicktok", None)
    monkeypatch.setitem(sys.modules, "bpe_openai", None)
    count._counter.cache_clear()
    try:
        with pytest.raises(TokenizerMissing) as caught:
            count_tokens("hello", "gpt-4o")
        assert "quicktok-v1" in caught.value.hint
        assert caught.value.exit_code == 3
    finally:
        count._counter.cache_clear()

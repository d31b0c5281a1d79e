import codecs
import os
from pathlib import Path

import pytest

from outlay.errors import NotFound
from outlay.tokens.promptfile import MAX_BYTES, PromptText, Unread, decode, read_prompts

TEXT = "R\u00e9ponds en fran\u00e7ais \u2013 s\u2019il te pla\u00eet.\n"


@pytest.mark.parametrize(
    ("raw", "encoding"),
    [
        (TEXT.encode(), "utf-8"),
        (codecs.BOM_UTF8 + TEXT.encode(), "utf-8-sig"),
        (codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"), "utf-16"),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), "utf-16"),
        (codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"), "utf-32"),
        (TEXT.encode("utf-16-le"), "utf-16-le"),
        (TEXT.encode("utf-16-be"), "utf-16-be"),
        (TEXT.encode("cp1252"), "cp1252"),
    ],
)
def test_encodings_give_the_same_text(raw: bytes, encoding: str) -> None:
    assert decode(raw) == (TEXT, encoding)


def test_bytes_that_no_encoding_claims() -> None:
    assert decode(b"caf\xe9 \x81") == ("caf\xe9 \x81", "latin-1")
    assert decode(b"") == ("", "utf-8")


@pytest.mark.parametrize("raw", [b"\x89PNG\r\n\0\0\0\rIHDR\0", b"PK\x03\x04\0\0a", codecs.BOM_UTF16_LE + b"a"])
def test_what_is_not_text(raw: bytes) -> None:
    assert decode(raw) is None


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "b.md").write_text("b")
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "A.TXT").write_text("a")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "x.txt").write_text("hidden")
    (tmp_path / ".hidden.txt").write_text("hidden")
    (tmp_path / "link.txt").symlink_to(tmp_path / "b.md")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "code.py").write_text("x = 1")
    (tmp_path / "Makefile").write_text("x")
    (tmp_path / "big.txt").write_bytes(b"a" * (MAX_BYTES + 1))
    (tmp_path / "picture.txt").write_bytes(b"\x89PNG\0\0\0")
    (tmp_path / "empty.prompt").write_bytes(b"")
    assert list(read_prompts([tmp_path])) == [
        Unread("Makefile", "a name without suffix is not read as a prompt", prompt=False),
        PromptText("b.md", "b", "utf-8"),
        Unread("big.txt", "2.0 MB; prompts are read up to 2 MB", prompt=True),
        Unread("code.py", ".py is not read as a prompt", prompt=False),
        PromptText("empty.prompt", "", "utf-8"),
        Unread("picture.txt", "is not text", prompt=True),
        PromptText("deep/er/A.TXT", "a", "utf-8"),
    ]


def test_a_file_named_itself_is_read_whatever_its_suffix_and_once(tmp_path: Path) -> None:
    (tmp_path / "system.py").write_text("text")
    (tmp_path / "a.txt").write_text("a")
    named = tmp_path / "system.py"
    assert list(read_prompts([named, tmp_path])) == [
        PromptText(named.as_posix(), "text", "utf-8"),
        PromptText((tmp_path / "a.txt").as_posix(), "a", "utf-8"),
    ]


def test_a_path_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        list(read_prompts([tmp_path / "no"]))
    assert caught.value.exit_code == 2


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("x")
    (tmp_path / "secret.txt").chmod(0)
    assert list(read_prompts([tmp_path])) == [Unread("secret.txt", "Permission denied", prompt=True)]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Hello {{ name }}, {% if x %}you{% endif %}", 3),
        ("{user} and ${team} and %(age)s", 3),
        ("<%= x %>", 1),
        ("{a.b[0]}", 1),
        ("{a[0]} {a.b}", 2),
        ('{"json": 1} {} {{literal}} $5 100% {not a name}', 1),
        ("", 0),
    ],
)
def test_placeholders(text: str, count: int) -> None:
    assert PromptText("f", text, "utf-8").placeholders == count

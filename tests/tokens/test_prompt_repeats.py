from hypothesis import given
from hypothesis import strategies as st

from outlay.tokens.promptfile import PromptText
from outlay.tokens.repeats import Passage, Repeat, find_repeats, same_files

RULE = "Always answer in the language of the question that was asked."
OTHER = "Never mention the name of the customer in any answer at all."


def prompt(file: str, text: str) -> PromptText:
    return PromptText(file, text, "utf-8")


def words(text: str) -> int:
    return len(text.split())


def test_a_paragraph_said_twice_in_one_file() -> None:
    text = f"# Rules\n\n{RULE}\n\nBe kind.\n\n  {RULE.upper()}  \n"
    found = find_repeats([prompt("a", text)], words)
    assert found == (Repeat("paragraph", 11, (Passage("a", 3, 1), Passage("a", 7, 1))),)
    assert found[0].spare == 11
    assert found[0].spare_in("a") == 11
    assert found[0].spare_in("b") == 0


def test_a_paragraph_broken_into_other_lines_is_the_same() -> None:
    text = f"{RULE}\n\n{RULE.replace(' in ', chr(10) + 'in ')}\n"
    assert [each.places for each in find_repeats([prompt("a", text)], words)] == [
        (Passage("a", 1, 1), Passage("a", 3, 2))
    ]


def test_a_paragraph_in_two_files_costs_neither_anything_more() -> None:
    (found,) = find_repeats([prompt("a", RULE + "\n\none"), prompt("b", "two\n\n" + RULE)], words)
    assert found.files == ("a", "b")
    assert found.spare == 0


def test_a_line_inside_two_different_paragraphs() -> None:
    text = f"first\n{RULE}\nsecond\n\nthird\n{RULE}\nfourth\n"
    assert find_repeats([prompt("a", text)], words) == (Repeat("line", 11, (Passage("a", 2, 1), Passage("a", 6, 1))),)


def test_lines_of_a_repeated_paragraph_are_told_once() -> None:
    text = f"{RULE}\n{OTHER}\n\n{RULE}\n{OTHER}\n"
    assert [(each.kind, each.tokens) for each in find_repeats([prompt("a", text)], words)] == [("paragraph", 23)]


def test_short_passages_are_form() -> None:
    assert find_repeats([prompt("a", "```\n\n## Example\n\n```\n\n## Example\n\nAnswer:\n\nAnswer:\n")], words) == ()


def test_same_files_are_told_as_files() -> None:
    prompts = [prompt("a", RULE + "\n"), prompt("b", "  " + RULE.lower()), prompt("c", OTHER), prompt("d", "")]
    prompts.append(prompt("e", " \n"))
    assert same_files(prompts) == (("a", "b"),)
    assert find_repeats(prompts, words) == ()


def test_most_at_stake_first() -> None:
    text = f"{RULE}\n\n{OTHER}\n\n{RULE}\n\n{OTHER}\n\n{RULE}\n"
    assert [each.spare for each in find_repeats([prompt("a", text)], words)] == [22, 12]


@given(st.lists(st.sampled_from([RULE, OTHER, "short", "", f"{RULE} {OTHER}", f"{RULE}\n{OTHER}"]), max_size=12))
def test_never_more_spare_than_there_is(paragraphs: list[str]) -> None:
    text = "\n\n".join(paragraphs)
    found = find_repeats([prompt("a", text)], words)
    assert sum(each.spare_in("a") for each in found) <= words(text)
    assert all(len(each.places) > 1 for each in found)

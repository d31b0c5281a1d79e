from outlay.cli.render_table import cells, cut, painted, table_text, wrap


def test_numbers_stand_right_and_the_total_last() -> None:
    text = table_text(
        ["team", "cost", "share"],
        [["Foundation", "$121,900", "40%"], ["Support AI", "~$52,310", "?"]],
        foot=["All", "$174,210", "100%"],
    )
    assert text == (
        "TEAM            COST  SHARE\n"
        "Foundation  $121,900    40%\n"
        "Support AI  ~$52,310      ?\n"
        "All         $174,210   100%"
    )


def test_a_column_with_a_word_in_it_is_text() -> None:
    assert table_text(["id", "when"], [["7", "2026-08-01"], ["n8", "x"]]) == "ID  WHEN\n7   2026-08-01\nn8  x"


def test_columns_can_be_named_right_aligned() -> None:
    assert table_text(["a", "b"], [["x", "long"], ["y", "z"]], right={1}) == "A     B\nx  long\ny     z"


def test_amounts_in_other_currencies_are_numbers() -> None:
    assert (
        table_text(["cost"], [["EUR 1,204.18"], ["EUR \N{MINUS SIGN}3.00"]]).splitlines()[2]
        == "   EUR \N{MINUS SIGN}3.00"
    )


def test_a_pipe_gets_everything_and_a_terminal_what_fits() -> None:
    row = ["a" * 60, "b" * 40, "$1,000"]
    assert table_text(["one", "two", "cost"], [row]).splitlines()[1] == f"{'a' * 60}  {'b' * 40}  $1,000"
    cut_down = table_text(["one", "two", "cost"], [row], width=80)
    assert max(map(cells, cut_down.splitlines())) == 80
    assert cut_down.endswith("\N{HORIZONTAL ELLIPSIS}  $1,000")
    assert table_text(["one"], [["x" * 50]], width=4) == f"ONE\n{'x' * 7}\N{HORIZONTAL ELLIPSIS}", (
        "never below eight cells"
    )


def test_wide_characters_take_two_cells() -> None:
    assert cells("実験") == 4 and cells("e\u0301") == 1
    assert cut("実験評価", 5) == "実験\N{HORIZONTAL ELLIPSIS}"
    assert table_text(["a", "n"], [["実", "1"], ["xyz", "2"]]) == "A    N\n実   1\nxyz  2"


def test_counts_get_separators_and_what_is_unknown_a_mark() -> None:
    assert table_text(["file", "rows"], [["a.csv", 1234567], ["b.csv", None]]) == (
        "FILE        ROWS\na.csv  1,234,567\nb.csv          ?"
    )


def test_no_rows_leave_the_headers() -> None:
    assert table_text(["a", "b"], []) == "A  B"


def test_names_cannot_command_the_terminal() -> None:
    assert "\x1b" not in table_text(["a"], [["\x1b[2Jgone"]])
    assert wrap("x\x1b[2J y", 80) == ["x\ufffd[2J y"]


def test_wrap() -> None:
    assert wrap("one two three", 9, "  ") == ["  one two", "  three"]
    assert wrap("", 9) == []
    assert wrap("a" * 20, 10) == ["a" * 10, "a" * 10]


def test_colour_says_nothing_new() -> None:
    text = "BY TEAM  COST\n! wasted\n? unknown\n  plain"
    assert painted(text, colour=False) == text
    coloured = painted(text, colour=True)
    assert coloured.splitlines()[1] == "\x1b[33m! wasted\x1b[0m"
    assert coloured.splitlines()[3] == "  plain"
    assert coloured.count("\x1b[0m") == 3

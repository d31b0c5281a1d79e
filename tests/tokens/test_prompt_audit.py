import csv
import json
from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from outlay.tokens.audit import PromptAudit, audit_prompts, cost_of
from outlay.tokens.audittext import audit_json, audit_text

RULE = "Always answer in the language of the question that was asked.\n"


class ListPrices:
    """Two models at round prices; no price for any other."""

    PRICES = {
        ("gpt-4o", "input"): Decimal("0.0000025"),
        ("gpt-4o", "cache_read"): Decimal("0.00000125"),
        ("claude-sonnet-4-5", "input"): Decimal("0.000003"),
    }

    def token_price(self, provider: str | None, model: str, kind: str) -> Decimal | None:
        return self.PRICES.get((model, kind))


def audit(path: Path, model: str = "gpt-4o", calls_per_day: int | None = None) -> PromptAudit:
    return audit_prompts(
        [path], model=model, prices=ListPrices(), calls_per_day=calls_per_day, as_of=datetime(2026, 3, 1)
    )


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    (tmp_path / "long.txt").write_text(" ".join(["word"] * 800))  # 800 tokens: every " word" is one
    (tmp_path / "rules.md").write_text(f"{RULE}\nHello {{{{ name }}}}\n\n{RULE}")
    (tmp_path / "copy.md").write_text(f"{RULE}\nHello {{{{ name }}}}\n\n{RULE}")
    (tmp_path / "data.csv").write_text("a,b\n")
    (tmp_path / "broken.txt").write_bytes(b"\0\1\2")
    return tmp_path


def test_tokens_and_what_is_over_500(prompts: Path) -> None:
    done = audit(prompts)
    assert [(each.file, each.tokens, each.over, each.same_as) for each in done.prompts] == [
        ("long.txt", 800, 300, None),
        ("copy.md", 28, 0, None),
        ("rules.md", 28, 0, "copy.md"),
    ]
    assert (done.tokens, done.long, done.over, done.repeated) == (856, 1, 300, 24)
    assert [(each.placeholders, each.repeated) for each in done.prompts] == [(0, 0), (1, 12), (1, 12)]
    assert done.exact
    assert done.tokenizer == "o200k_base"
    assert done.same == (("copy.md", "rules.md"),)
    assert [each.file for each in done.skipped] == ["data.csv"]
    assert [each.file for each in done.rejected] == ["broken.txt"]


def test_dollars_by_hand(prompts: Path) -> None:
    long = audit(prompts, calls_per_day=500_000).prompts[0]
    # 800 tokens x $2.50 / M = $0.002 a call, x 500,000 = $1,000 a day, x 730 / 24 = $30,416.67 a month.
    assert long.cost.call == Decimal("0.002")
    assert long.cost.day == Decimal(1000)
    assert long.cost.month == Decimal("30416.666666666667")
    assert long.cached.month == Decimal("15208.333333333333")
    # The 300 tokens over 500 are three eighths of it.
    assert long.over_cost.day == Decimal(375)


def test_without_calls_only_a_call_has_a_price(prompts: Path) -> None:
    cost = audit(prompts).cost
    assert (cost.call, cost.day, cost.month) == (Decimal("0.002140"), None, None)


def test_totals_are_the_sum_of_the_rows(prompts: Path) -> None:
    done = audit(prompts, calls_per_day=7)
    assert done.cost.day == sum(each.cost.day or 0 for each in done.prompts)
    assert done.over_cost.month == sum(each.over_cost.month or 0 for each in done.prompts)


def test_an_unknown_price_is_unknown(prompts: Path) -> None:
    done = audit(prompts, "house-model-7b", 10)
    assert done.cost.call is None
    assert done.cost.month is None
    assert not done.exact
    answer = audit_json(done)
    assert answer["unknown"] == [{"what": "price", "model": "house-model-7b"}]
    text = audit_text(done)
    assert "? No price is known for house-model-7b, so no dollars are shown." in text
    assert "$0" not in text


def test_a_price_without_a_cached_price(prompts: Path) -> None:
    done = audit(prompts, "claude-sonnet-4-5", 1000)
    assert done.cost.day == Decimal("2.568")
    assert done.cached.day is None
    text = audit_text(done)
    assert "no price for\ncached input is known" in text or "no price for cached input is known" in text
    assert "~856 tokens" in text


def test_cost_is_rounded_once() -> None:
    price = Decimal("0.0000001234567")
    assert cost_of(3, price, 1_000_000).day == Decimal("0.370370100000")
    assert cost_of(3, price, 1_000_000).call == Decimal("0.000000370370")


EXPECTED = """\
3 prompts hold 856 tokens; 1 is over 500.
At 1,000 calls a day each, gpt-4o reads them for $65.09 a month; $22.81 of that
is what exceeds 500 tokens.

  prompt    tokens  over  twice  $/month  cached
! long.txt     800   300      -    60.83   30.42
  copy.md       28     -     12     2.13    1.06
  rules.md      28     -     12     2.13    1.06
  total        856   300     24    65.09   32.55

Same text in several files
  copy.md, rules.md

Said more than once, white space and case apart (tokens of one occurrence)
  12 tokens, 2 times: copy.md:1, copy.md:5

Could not be read
  broken.txt: is not text

Left out
  data.csv: .csv is not read as a prompt

Tokens: o200k_base, the encoding of gpt-4o; exact.
Price: $2.50 / M tokens; $1.25 / M tokens where the provider reads it from its
cache, which most do only for inputs above a least length (often 1,024 tokens).
Template placeholders are counted as they stand, not as what will fill them.
"""


def test_the_text_that_a_person_reads(prompts: Path) -> None:
    assert audit_text(audit(prompts, calls_per_day=1000)) == EXPECTED


def test_an_empty_folder(tmp_path: Path) -> None:
    text = audit_text(audit(tmp_path, calls_per_day=5))
    assert text.startswith("No prompt files were found.\n")
    answer = audit_json(audit(tmp_path, calls_per_day=5))
    assert answer["rows"] == []


def test_json_keeps_the_contract_and_no_prompt_text(prompts: Path) -> None:
    answer = audit_json(audit(prompts, calls_per_day=1000))
    text = json.dumps(answer)
    keys = ["schema", "as_of", "window", "currency", "cost", "rows", "totals", "unknown", "rejected"]
    assert set(keys) <= set(answer)
    assert answer["as_of"] == "2026-03-01T00:00:00Z"
    assert answer["window"] is None
    assert json.loads(text)["rows"][0]["cost_day"] == "2.000000000000"
    assert json.loads(text)["totals"]["over_cost_call"] == "0.000750000000"
    assert answer["rejected"] == [{"file": "broken.txt", "reason": "is not text"}]
    assert "language of the question" not in text


def test_real_prompts_count_as_their_index_says(shared_dir: Path) -> None:
    folder = shared_dir / "data" / "tokens" / "prompts"
    if not folder.is_dir():
        pytest.skip("needs shared: no tokens/prompts in it")
    told: defaultdict[str, set[int]] = defaultdict(set)
    with (folder / "index.csv").open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            told[row["file"]].add(int(row["tokens_o200k"]))  # one name stands twice, for two origins
    done = audit(folder)
    assert {each.file for each in done.prompts} == set(told)
    assert [each.file for each in done.prompts if each.tokens not in told[each.file]] == []
    assert done.long == 35


def test_the_price_book_is_what_it_asks(prompts: Path) -> None:
    from outlay.prices.book import load_book

    done = audit_prompts([prompts], model="gpt-4o", provider="openai", prices=load_book(), calls_per_day=10)
    assert done.input_price == Decimal("0.0000025")
    assert done.cached_price == Decimal("0.00000125")
    assert done.cost.day == Decimal("0.0214")

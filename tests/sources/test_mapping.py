"""Mapping files are read strictly: what is wrong is named, with the way out."""

from __future__ import annotations

import inspect
import re
from decimal import Decimal
from pathlib import Path

import pytest

from outlay.errors import SettingsError
from outlay.facts import Call
from outlay.sources.mappedtable import MappedTable
from outlay.sources.mapping import Mapping

BASE = "source: s\nfact: call\ncolumns:\n  time: ts\n"


def test_a_mapping_says_what_it_says():
    mapping = Mapping.parse("""
source: my-gateway
fact: call
authority: gateway
missing: ["-"]
columns:
  time: {column: t_s, epoch: seconds, from: 2020-05-01}
  model: model_name
  provider: {value: OpenAI}
  input_tokens: {column: mean_in, times: requests, round: true}
  cache_read_tokens: {sum: [a, b]}
  duration_ms: {column: took, times: 0.001}
tags: {team: team_name, environment: {value: production}}
""")
    assert (mapping.source, mapping.fact, mapping.authority, mapping.missing) == ("my-gateway", Call, "gateway", ("-",))
    assert mapping.match == ("t_s", "model_name", "mean_in", "requests", "a", "b", "took")
    assert mapping.columns["time"].origin.isoformat() == "2020-05-01T00:00:00"
    assert mapping.columns["duration_ms"].times == Decimal("0.001")
    assert mapping.columns["input_tokens"].round
    assert mapping.tags["environment"].value == "production"
    assert mapping.title == "my-gateway: a table mapped to calls"


@pytest.mark.parametrize(("text", "where", "says"), [
    ("source: s\nfact: call\ncolums:\n  time: t\n", "m.yaml", "Did you mean 'columns'?"),
    (BASE + "  input_token: x\n", "m.yaml: columns", "Did you mean 'input_tokens'?"),
    (BASE + "  model: {colum: x}\n", "m.yaml: columns.model", "Did you mean 'column'?"),
    (BASE + "  time: t\n", "m.yaml: line 5", "'time' stands twice"),
    ("source: s\nfact: cal\ncolumns: {time: t}\n", "m.yaml: fact", "Did you mean 'call'?"),
    ("fact: call\ncolumns: {time: t}\n", "m.yaml", "says no source"),
    ("source: My Source\nfact: call\ncolumns: {time: t}\n", "m.yaml: source", "lower-case"),
    ("source: s\nfact: call\ncolumns: {model: m}\n", "m.yaml: columns", "cannot do without time"),
    ("source: s\nfact: charge\ncolumns: {charge_period_start: d}\n", "m.yaml: columns", "needs one of billed_cost"),
    ("source: s\nfact: call\n", "m.yaml: columns", "must be keys with values"),
    ("- a\n", "m.yaml", "must be keys with values"),
    ("source: [\n", "m.yaml", "is not YAML"),
    (BASE + "  model: {column: a, value: b}\n", "m.yaml: columns.model", "exactly one of"),
    (BASE + "  model: {value: b, default: c}\n", "m.yaml: columns.model", "takes no other keys"),
    (BASE + "  model: {sum: [a, b]}\n", "m.yaml: columns.model", "no number"),
    (BASE + "  model: {column: a, zone: UTC}\n", "m.yaml: columns.model.zone", "for times only"),
    (BASE + "  input_tokens: {value: 1.5}\n", "m.yaml: columns.input_tokens.value", "whole number"),
    (BASE + "  input_tokens: {column: a, times: true}\n", "m.yaml: columns.input_tokens.times", "must be a number"),
    (BASE + "  input_tokens: {column: a, round: 2}\n", "m.yaml: columns.input_tokens.round", "true or false"),
    (BASE + "  model: {column: a, round: true}\n", "m.yaml: columns.model.round", "not a count"),
    (BASE + "  reported_cost: {column: a, times: b}\n", "m.yaml: columns.reported_cost.times", "by a number only"),
    (BASE + "  tokens_estimated: {value: maybe}\n", "m.yaml: columns.tokens_estimated.value", "true or false"),
    (BASE + "  model: 5\n", "m.yaml: columns.model", "must be keys with values"),
    ("source: s\nfact: call\ncolumns:\n  time: {column: t, epoch: weeks}\n", "m.yaml: columns.time.epoch", "Known are"),
    ("source: s\nfact: call\ncolumns:\n  time: {column: t, from: 2020-01-01}\n", "m.yaml: columns.time.from", "epoch"),
    ("source: s\nfact: call\ncolumns:\n  time: {column: t, epoch: seconds, from: soon}\n", "m.yaml: columns.time.from",
     "not a date"),
    ("source: s\nfact: call\ncolumns:\n  time: {column: t, zone: Mars/Base}\n", "m.yaml: columns.time.zone",
     "not a time zone"),
    ("source: s\nfact: call\ncolumns:\n  time: {column: t, format: '%d.%m.%Y %z'}\n", "m.yaml: columns.time.format",
     "needs no format"),
    (BASE + "match: ts\n", "m.yaml: match", "list of texts"),
    (BASE + "authority: gatway\n", "m.yaml: authority", "Did you mean 'gateway'?"),
    ("source: s\nfact: progress\ncolumns: {time: t, run_id: r, metric: m}\nauthority: gateway\n", "m.yaml: authority",
     "for calls only"),
    (BASE + "tags: {'*': {value: x}}\n", "m.yaml: tags.*", "the one column"),
    ("source: s\nfact: call\ncolumns: {time: {value: 2026-01-01}}\n", "m.yaml: match", "by which a file is recognised"),
])
def test_what_is_wrong_is_named(text, where, says):
    with pytest.raises(SettingsError) as raised:
        Mapping.parse(text, where="m.yaml")
    assert raised.value.where == where
    assert says in f"{raised.value.message} {raised.value.hint}"


def test_a_mapping_file_that_is_absent(tmp_path: Path):
    with pytest.raises(SettingsError, match="cannot be read"):
        Mapping.load(tmp_path / "none.yaml")


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[2] / "bench" / "mappings").glob("*.yaml")),
                         ids=lambda path: path.stem)
def test_the_mappings_of_the_bench_are_valid(path):
    assert Mapping.load(path).source == path.stem


def test_the_example_of_the_documentation_is_valid():
    (example,) = re.findall(r"(?:^    .*\n)+", inspect.getdoc(MappedTable) + "\n", re.MULTILINE)
    mapping = Mapping.parse(inspect.cleandoc(example))
    assert mapping.source == "my-gateway"
    assert len(mapping.columns) == 8

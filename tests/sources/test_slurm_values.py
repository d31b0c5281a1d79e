"""Slurm's small languages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlay.sources.slurm_values import (
    Tres,
    expand_hosts,
    parse_comment,
    parse_duration,
    parse_exit,
    parse_gres,
    parse_state,
    parse_tres,
)


@pytest.mark.parametrize(("text", "expected"), [
    ("billing=64,cpu=64,gres/gpu=8,mem=1000G,node=1", Tres(8, None, 64)),
    ("cpu=64,gres/gpu:h100=8,gres/gpu=8,node=1", Tres(8, "h100", 64)),
    ("gres/gpu:a100=2,gres/gpu:v100=6", Tres(8, "v100", None)),
    ("gres/gpu:nvidia_h100_80gb_hbm3=16", Tres(16, "nvidia_h100_80gb_hbm3", None)),
    ("cpu=4,mem=8G,node=1", Tres(0, None, 4)),
    ("", Tres(0, None, None)),
    ("gres/gpumem=10G,gres/gpuutil=95,gres/shard=3", Tres(0, None, None)),
])
def test_tres(text, expected):
    assert parse_tres(text) == expected


@pytest.mark.parametrize(("text", "reason"), [
    ("gres/gpu=-8", "has a negative count of gres/gpu"), ("gres/gpu=many", "says gres/gpu=many, which is no count")])
def test_tres_that_say_nothing_usable(text, reason):
    with pytest.raises(ValueError, match=reason):
        parse_tres(text)


def test_gres_of_older_versions_count_one_node():
    assert parse_gres("gpu:h100:4(IDX:0-3),nvme:1", 2) == Tres(8, "h100", None)
    assert parse_gres("gpu:2", 3) == Tres(6, None, None)
    assert parse_gres("", 3) == Tres(0, None, None)


@pytest.mark.parametrize(("text", "expected"), [
    ("gpu01", "gpu01"),
    ("gpu[01-03,07]", "gpu01,gpu02,gpu03,gpu07"),
    ("gpu-a[1-2],login1", "gpu-a1,gpu-a2,login1"),
    ("r[1-2]n[08-09]-ib", "r1n08-ib,r1n09-ib,r2n08-ib,r2n09-ib"),
    ("n[099-101]", "n099,n100,n101"),
    ("None assigned", None), ("", None), ("(null)", None),
    ("n[1-99999999]", "n1-99999999"),
])
def test_host_lists(text, expected):
    assert expand_hosts(text) == expected


@given(st.text(alphabet="ab0123456789[],-", max_size=40))
def test_no_host_list_breaks(text):
    expand_hosts(text)


@pytest.mark.parametrize(("text", "seconds"), [
    ("1-02:03:04", 93784), ("02:03:04", 7384), ("03:04", 184), ("00:03.5", 3), ("UNLIMITED", None),
    ("Partition_Limit", None), ("", None)])
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(("text", "status"), [("0:0", 0), ("2:0", 2), ("0:15", 143), ("1:9", 1), ("", None)])
def test_exit_codes(text, status):
    assert parse_exit(text) == status


@pytest.mark.parametrize(("text", "state"), [
    ("CANCELLED by 1000", "cancelled"), ("TIMEOUT", "timeout"), ("OUT_OF_MEMORY", "out_of_memory"),
    ("NODE_FAIL", "failed"), ("COMPLETED", "completed"), ("CANCELLED+", "cancelled"), ("REQUEUED", "pending"),
    ("FROZEN", None), ("", None)])
def test_states(text, state):
    assert parse_state(text) == state


@pytest.mark.parametrize(("text", "tags", "note"), [
    ("owner=ana,team=vision", {"owner": "ana", "team": "vision"}, None),
    ("owner=ana; OUTLAY_RUN_ID=r-7", {"owner": "ana", "OUTLAY_RUN_ID": "r-7"}, None),
    ("note=cold standby, do not touch,team=x", {"note": "cold standby, do not touch", "team": "x"}, None),
    ('{"owner": "ana", "tries": 3, "x": null}', {"owner": "ana", "tries": "3"}, None),
    ("cold standby for the demo", {}, "cold standby for the demo"),
    ("see E=mc2, then stop", {}, "see E=mc2, then stop"),
    ('{"owner"', {}, '{"owner"'),
    ("owner=", {}, None), ("(null)", {}, None), (None, {}, None)])
def test_comments(text, tags, note):
    assert parse_comment(text) == (tags, note)

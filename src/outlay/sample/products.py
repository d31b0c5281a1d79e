"""The products of the sample month that call models one by one: wasteful ones, and those that only look so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from outlay.sample.scenario import DAYS, Scenario
from outlay.sample.traffic import Calls, epoch, lognormal, spread_times

if TYPE_CHECKING:
    import numpy as np

#: Tokens of the prefix that docs-search sends with every call, and of the one that coding agents share.
SEARCH_PREFIX, AGENT_PREFIX = 3000, 11_000
#: Turns that a coach's answer needs; everything before them is resent for nothing.
NEEDED_TURNS = 6
_DAY = 86_400_000_000


def ticket_triage(scenario: Scenario) -> Calls:
    """Planted: a frontier model names one of nine classes."""
    size = round(scenario.vary("triage", 36_000))
    rng = scenario.rng("triage")
    return _calls(
        scenario,
        "ticket-triage",
        "gpt-4o",
        spread_times(scenario, "triage", size, weekend=0.5),
        lognormal(rng, 5600, 0.35, size, 900, 24_000),
        rng.integers(2, 9, size),
        team="support-ai",
        owner_of="triage",
        shared={
            "task": "classification",
            "prompt": "ticket-triage",
            "prompt_version": "4",
            "system_tokens": 96,
            "max_tokens": 16,
        },
    )


def docs_search(scenario: Scenario) -> Calls:
    """Planted: 3,000 tokens are the same in 96% of calls and never cached. The rest starts otherwise."""
    import numpy as np

    size = round(scenario.vary("docs-search", 38_000))
    rng = scenario.rng("docs-search")
    same = rng.random(size) < 0.96
    hashes = np.where(same, prefix_hash(scenario), [f"{number:016x}" for number in rng.integers(2**62, size=size)])
    return _calls(
        scenario,
        "docs-search",
        "claude-sonnet-4-5",
        spread_times(scenario, "docs-search", size, hours=(6, 22), weekend=0.6),
        SEARCH_PREFIX + lognormal(rng, 1500, 0.5, size, 100, 9000),
        lognormal(rng, 340, 0.4, size, 60, 900),
        team="search",
        owner_of="docs-search",
        shared={
            "task": "answer",
            "prompt": "docs-search",
            "prompt_version": "11",
            "system_tokens": SEARCH_PREFIX,
            "max_tokens": 1000,
        },
        columns={"prefix_hash": hashes.tolist()},
    )


def prefix_hash(scenario: Scenario) -> str:
    """The hash that docs-search's prefix has in this seed."""
    return f"{int(scenario.rng('prefix').integers(2**62)):016x}"


def onboarding_coach(scenario: Scenario) -> Calls:
    """Planted: every turn sends the whole conversation again."""
    return _conversations(
        scenario,
        "onboarding-coach",
        "claude-sonnet-4-5",
        round(scenario.vary("coach", 1500)),
        turns=(22, 40),
        system=71,
        turn=620,
        keeps=None,
        team="growth",
        task="coaching",
    )


def shop_assistant(scenario: Scenario) -> Calls:
    """Decoy: as long, but only the last turns are sent."""
    return _conversations(
        scenario,
        "shop-assistant",
        "gpt-4o-mini",
        round(scenario.vary("shop", 480)),
        turns=(18, 36),
        system=380,
        turn=300,
        keeps=5,
        team="growth",
        task="shopping",
    )


def report_writer(scenario: Scenario) -> Calls:
    """Planted: no max_tokens, and answers that grow from week to week."""
    import numpy as np

    size = round(scenario.vary("reports", 15_000))
    rng = scenario.rng("reports")
    time = spread_times(scenario, "reports", size)
    age = (time - epoch(scenario)) / (DAYS * _DAY)
    growth = np.where(age < 7 / DAYS, 1, 1 + 1.15 * (age - 7 / DAYS))
    output = np.clip(900 * growth * np.exp(rng.normal(0, 0.45, size)), 80, 16_000).astype(np.int64)
    return _calls(
        scenario,
        "report-writer",
        "claude-opus-4-1",
        time,
        lognormal(rng, 2300, 0.3, size, 600, 9000),
        output,
        team="evals",
        owner_of="reports",
        shared={
            "task": "report",
            "prompt": "report-writer",
            "prompt_version": "7",
            "system_tokens": 72,
            "max_tokens": None,
        },
    )


def code_review(scenario: Scenario) -> Calls:
    """Decoy: a frontier model at work that needs one: long input, long reasoning, long answers."""
    size = round(scenario.vary("review", 3600))
    rng = scenario.rng("review")
    output = lognormal(rng, 3600, 0.4, size, 900, 12_000)
    return _calls(
        scenario,
        "code-review",
        "claude-opus-4-5",
        spread_times(scenario, "review", size, hours=(7, 20), weekend=0.1),
        lognormal(rng, 16_000, 0.5, size, 2000, 90_000),
        output,
        team="foundation",
        owner_of="review",
        shared={
            "task": "code-review",
            "prompt": "code-review",
            "prompt_version": "3",
            "system_tokens": 85,
            "max_tokens": 16_000,
        },
        columns={"reasoning_tokens": (output * rng.uniform(0.45, 0.7, size)).astype("int64")},
    )


def intent_detect(scenario: Scenario) -> Calls:
    """Decoy: classification too, but by a small model with a prompt of 42 tokens."""
    size = round(scenario.vary("intent", 11_000))
    rng = scenario.rng("intent")
    return _calls(
        scenario,
        "intent-detect",
        "gpt-4o-mini",
        spread_times(scenario, "intent", size),
        lognormal(rng, 130, 0.3, size, 60, 500),
        rng.integers(1, 6, size),
        team="growth",
        owner_of="intent",
        shared={
            "task": "classification",
            "prompt": "intent-detect",
            "prompt_version": "2",
            "system_tokens": 42,
            "max_tokens": 8,
        },
    )


def coding_agents(scenario: Scenario) -> Calls:
    """Decoy: a long prefix that is cached as it should be, with 30 engineers behind it."""
    import numpy as np

    size = round(scenario.vary("coding", 12_000))
    rng = scenario.rng("coding")
    people = [person for team in ("platform", "foundation", "search", "vision") for person in scenario.members(team)][
        :30
    ]
    time = spread_times(scenario, "coding", size, hours=(8, 19), weekend=0.05)
    read = AGENT_PREFIX + lognormal(rng, 24_000, 0.6, size, 0, 130_000)
    write = lognormal(rng, 1300, 0.7, size, 100, 12_000)
    who = rng.integers(len(people), size=size)
    return _calls(
        scenario,
        "coding-agents",
        "claude-sonnet-4-5",
        time,
        read + write + rng.integers(3, 60, size),
        lognormal(rng, 420, 0.8, size, 20, 6000),
        team="",
        owner_of="",
        cache=(read, write),
        shared={
            "task": "coding",
            "agent": "coding-agent",
            "prefix_hash": "c0d1a6e57a9e7700",
            "system_tokens": AGENT_PREFIX,
            "max_tokens": 32_000,
        },
        columns={
            "user": [people[i].login for i in who],
            "owner": [people[i].login for i in who],
            "team": [people[i].team for i in who],
            "repository": np.asarray(["halyard/core", "halyard/serving"])[rng.integers(2, size=size)].tolist(),
        },
    )


def all_products(scenario: Scenario) -> tuple[Calls, ...]:
    """Every product, planted ones first."""
    return tuple(
        make(scenario)
        for make in (
            ticket_triage,
            docs_search,
            onboarding_coach,
            report_writer,
            shop_assistant,
            code_review,
            intent_detect,
            coding_agents,
        )
    )


def _calls(
    scenario: Scenario,
    name: str,
    model: str,
    time: np.ndarray,
    input_tokens: np.ndarray,
    output_tokens: np.ndarray,
    *,
    team: str,
    owner_of: str,
    shared: Mapping[str, Any],
    columns: Mapping[str, Any] | None = None,
    cache: tuple[np.ndarray, np.ndarray] | None = None,
) -> Calls:
    import numpy as np

    none = np.zeros(len(time), dtype=np.int64)
    read, write = cache or (none, none)
    tags = {"project": name, "environment": "production"}
    if team:
        tags |= {"team": team, "owner": scenario.person(team, owner_of).login}
    return Calls(
        name=name,
        model=model,
        time=time,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cache_read_tokens=read,
        cache_write_tokens=write,
        shared=shared,
        tags=tags,
        columns=columns or {},
    )


def _conversations(
    scenario: Scenario,
    name: str,
    model: str,
    count: int,
    *,
    turns: tuple[int, int],
    system: int,
    turn: int,
    keeps: int | None,
    team: str,
    task: str,
) -> Calls:
    """Conversations of some turns each. A turn adds what was asked and what was answered; `keeps` None: all."""
    import numpy as np

    rng = scenario.rng(name)
    lengths = rng.integers(*turns, size=count)
    # Conversations end within the month: none starts on its last evening.
    starts = np.sort(epoch(scenario) + (rng.uniform(0, DAYS - 0.5, count) * _DAY).astype(np.int64))
    owner = np.repeat(np.arange(count), lengths)
    first = np.concatenate(([0], np.cumsum(lengths)[:-1]))
    place = np.arange(len(owner)) - first[owner]
    asked = lognormal(rng, turn * 0.35, 0.4, len(owner), 20, 1500)
    answered = lognormal(rng, turn * 0.65, 0.35, len(owner), 40, 2500)
    gained = asked + answered
    before = np.cumsum(gained) - gained
    history = before - before[first[owner]]
    if keeps is not None:
        # What lies further back than the turns that are kept.
        oldest = np.maximum(np.arange(len(owner)) - keeps, first[owner])
        history = before - before[oldest]
    time = starts[owner] + (place * 95 + rng.integers(0, 40, len(owner))) * 1_000_000
    order = np.lexsort((place, time))
    identity = [f"{name}-{number:05d}" for number in range(count)]
    return _calls(
        scenario,
        name,
        model,
        time[order],
        (system + history + asked)[order],
        answered[order],
        team=team,
        owner_of=name,
        shared={"task": task, "prompt": name, "prompt_version": "1", "system_tokens": system, "max_tokens": 3000},
        columns={"conversation": [identity[i] for i in owner[order]]},
    )

"""The scenario of the sample month: people, machines and dates, drawn from `halyard.yaml` by a seed."""

from __future__ import annotations

import unicodedata
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

DAYS = 30
HOURS = DAYS * 24
#: Time on the cluster is counted in intervals of the GPU samples.
INTERVAL_S = 300
PER_HOUR = 3600 // INTERVAL_S
PER_DAY = 24 * PER_HOUR
INTERVALS = DAYS * PER_DAY
#: How far an amount of halyard.yaml may move from seed to seed, either way.
SPREAD = 0.15


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    login: str
    team: str


@dataclass(frozen=True, slots=True)
class Instance:
    """A machine type. Rates in US dollars an hour, power in watts."""

    name: str
    gpus: int
    gpu: str
    short: str
    mem_mib: int
    idle_w: int
    full_w: int
    cpus: int
    usd_h: Decimal


@dataclass(frozen=True, slots=True)
class Node:
    """A machine, named alike in bill, scheduler and samples. `usd_h` is its effective rate."""

    name: str
    instance: Instance
    pool: str
    market: str
    usd_h: Decimal
    endpoint: str | None = None

    @property
    def usd_gpu_h(self) -> Decimal:
        """Exact enough: rates have at most 5 decimals, GPUs are 1, 4 or 8."""
        return self.usd_h / self.instance.gpus


class Scenario:
    """One seed's month. Every part draws from its own stream, so that a change to one leaves the others alone."""

    def __init__(self, seed: int, start: date) -> None:
        import yaml

        self.seed = seed
        self.since = datetime.combine(start, time())
        self.until = self.since + timedelta(days=DAYS)
        text = files("outlay.sample").joinpath("halyard.yaml").read_text("utf-8")
        self.plan: Mapping[str, Any] = yaml.safe_load(text)

    def rng(self, stream: str) -> np.random.Generator:
        """The random numbers of one part."""
        import numpy as np

        return np.random.default_rng([self.seed, zlib.crc32(stream.encode())])

    def vary(self, what: str, amount: float) -> float:
        """An amount of the plan as this seed has it."""
        return amount * float(self.rng(f"vary {what}").uniform(1 - SPREAD, 1 + SPREAD))

    def at(self, interval: int) -> datetime:
        """Start of an interval; negative ones lie before the month."""
        return self.since + timedelta(seconds=INTERVAL_S * interval)

    @cached_property
    def instances(self) -> Mapping[str, Instance]:
        return {
            name: Instance(name, **{**fields, "usd_h": Decimal(fields["usd_h"])})
            for name, fields in self.plan["instances"].items()
        }

    @cached_property
    def people(self) -> tuple[Person, ...]:
        """Everyone; no two share a login."""
        rng = self.rng("people")
        given = rng.permutation(self.plan["given_names"]).tolist()
        family = rng.permutation(self.plan["family_names"]).tolist()
        teams = [team for team, size in self.plan["teams"].items() for _ in range(size)]
        return tuple(
            Person(f"{first} {last}", f"{_ascii(first)}.{_ascii(last)}", team)
            for first, last, team in zip(given, family, teams, strict=False)
        )

    def person(self, team: str, part: str) -> Person:
        """Who in a team is responsible for a part of the scenario."""
        members = self.members(team)
        return members[int(self.rng(f"owner {team} {part}").integers(len(members)))]

    def members(self, team: str) -> tuple[Person, ...]:
        return tuple(person for person in self.people if person.team == team)

    @cached_property
    def slurm_nodes(self) -> tuple[Node, ...]:
        """gpu-01 and up."""
        nodes = []
        for pool in self.plan["pools"]:
            instance = self.instances[pool["instance"]]
            rate = {
                "reserved": Decimal(self.plan["reserved_usd_h"]),
                "on_demand": instance.usd_h,
                "spot": instance.usd_h * Decimal(self.plan["spot_share"]),
            }[pool["market"]]
            names = (f"gpu-{number:02d}" for number in range(pool["first"], pool["first"] + pool["count"]))
            nodes += [Node(name, instance, pool["pool"], pool["market"], rate) for name in names]
        return tuple(nodes)

    @cached_property
    def serving_nodes(self) -> tuple[Node, ...]:
        """srv-01 and up, in the order of the endpoints."""
        wanted = [
            (each, self.instances[each["instance"]]) for each in self.plan["endpoints"] for _ in range(each["nodes"])
        ]
        return tuple(
            Node(f"srv-{number:02d}", instance, "serve", "on_demand", instance.usd_h, each["name"])
            for number, (each, instance) in enumerate(wanted, start=1)
        )

    def weekdays(self) -> tuple[int, ...]:
        """Days of the month, from 0, that are Monday to Friday."""
        return tuple(day for day in range(DAYS) if (self.since + timedelta(days=day)).weekday() < 5)


def moment_between(scenario: Scenario, what: str, low: float, high: float) -> int:
    """A moment between two days of the month (from 0), on the full hour, in intervals."""
    return int(scenario.rng(what).uniform(low, high) * 24) * PER_HOUR


def _ascii(name: str) -> str:
    plain = (
        unicodedata.normalize("NFKD", name.replace("\N{LATIN SMALL LETTER DOTLESS I}", "i").replace("ø", "o"))
        .encode("ascii", "ignore")
        .decode()
    )
    return plain.lower().replace(" ", "-")

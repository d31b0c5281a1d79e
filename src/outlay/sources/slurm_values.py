"""The small languages inside of Slurm's accounting: TRES, host lists, durations, states and comments."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

#: Job states (sacct(1), JOB STATE CODES) in the ledger's words. A requeued or held job waits again.
STATES = {
    "PENDING": "pending", "CONFIGURING": "pending", "REQUEUED": "pending", "REQUEUE_FED": "pending",
    "REQUEUE_HOLD": "pending", "SPECIAL_EXIT": "pending", "RESV_DEL_HOLD": "pending", "EXPEDITING": "pending",
    "RUNNING": "running", "COMPLETING": "running", "SUSPENDED": "running", "STOPPED": "running", "RESIZING": "running",
    "SIGNALING": "running", "STAGE_OUT": "running", "UPDATE_DB": "running", "POWER_UP_NODE": "running",
    "COMPLETED": "completed",
    "FAILED": "failed", "NODE_FAIL": "failed", "BOOT_FAIL": "failed", "LAUNCH_FAILED": "failed",
    "RECONFIG_FAIL": "failed",
    "CANCELLED": "cancelled", "PREEMPTED": "cancelled", "REVOKED": "cancelled",
    "TIMEOUT": "timeout", "DEADLINE": "timeout",
    "OUT_OF_MEMORY": "out_of_memory",
}
#: A list of more hosts than any cluster has is a broken one, and is kept as it stands.
_MOST_HOSTS = 100_000
_NO_NODES = ("", "none assigned", "(null)", "none", "unknown")
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]*")


@dataclass(frozen=True, slots=True)
class Tres:
    """Trackable resources: accelerators, their type (None: not said), and CPU cores (None: not said)."""

    gpus: int
    gpu_type: str | None
    cpus: int | None


def parse_tres(text: str) -> Tres:
    """`billing=64,cpu=64,gres/gpu:h100=8,gres/gpu=8,mem=1000G,node=1`. Raises `ValueError` with the reason."""
    counts: dict[str, int] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, number = part.partition("=")
        name = name.lower().replace("gres:", "gres/", 1)
        if not equals or not (name == "cpu" or name.split(":")[0] == "gres/gpu"):
            continue
        if not re.fullmatch(r"-?\d{1,9}", number.strip()):
            raise ValueError(f"says {part}, which is no count")
        counts[name] = int(number)
    return tres_of(counts)


def parse_gres(text: str, nodes: int) -> Tres:
    """`gpu:h100:8(IDX:0-7)` of older versions, which count one node. Raises `ValueError` with the reason."""
    counts: dict[str, int] = {}
    for part in filter(None, re.sub(r"\([^)]*\)", "", text).split(",")):
        name, *rest = part.strip().removeprefix("gres:").removeprefix("gres/").split(":")
        if name != "gpu" or not rest:
            continue
        if not re.fullmatch(r"-?\d{1,9}", rest[-1]):
            raise ValueError(f"says {part}, which is no count")
        counts[":".join(["gres/gpu", *rest[:-1]])] = int(rest[-1]) * nodes
    return tres_of(counts)


def tres_of(counts: dict[str, int]) -> Tres:
    """Accelerators by `gres/gpu` and `gres/gpu:TYPE`: the plain count is the sum of the typed ones where both stand.

    Raises `ValueError` where a count is negative.
    """
    for name, count in counts.items():
        if count < 0:
            raise ValueError(f"has a negative count of {name}")
    typed = {name.split(":", 1)[1]: count for name, count in counts.items() if ":" in name and count}
    gpus = counts.get("gres/gpu", sum(typed.values()))
    return Tres(gpus, max(typed, key=lambda name: typed[name]) if typed else None, counts.get("cpu"))


def expand_hosts(text: str) -> str | None:
    """`gpu[01-02,07],login1` as `gpu01,gpu02,gpu07,login1`; None where no host is assigned."""
    if text.strip().lower() in _NO_NODES:
        return None
    hosts: list[str] = []
    for part in _outside_brackets(text.strip()):
        pieces = re.split(r"\[([^\]]*)\]", part)
        choices = [_numbers(piece) if place % 2 else [piece] for place, piece in enumerate(pieces)]
        size = len(hosts)
        for choice in choices:
            size = max(size, 1) * max(len(choice), 1)
        if size > _MOST_HOSTS:
            return text
        hosts.extend("".join(combination) for combination in product(*choices))
    return ",".join(hosts)


def _outside_brackets(text: str) -> Iterable[str]:
    return filter(None, re.split(r",(?![^\[]*\])", text))


def _numbers(text: str) -> list[str]:
    found: list[str] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if dash and first.isdecimal() and last.isdecimal() and 0 <= int(last) - int(first) <= _MOST_HOSTS:
            found.extend(str(number).zfill(len(first)) for number in range(int(first), int(last) + 1))
        else:
            found.append(part)
    return found


def parse_duration(text: str) -> int | None:
    """Seconds of `[days-]hours:minutes:seconds[.fraction]`, `minutes:seconds`; None for UNLIMITED and the like."""
    match = re.fullmatch(r"(?:(\d{1,7})-)?(?:(\d{1,9}):)?(\d{1,9}):(\d{1,9})(?:\.\d+)?", text.strip())
    if match is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def parse_exit(text: str) -> int | None:
    """The status of `status:signal`; 128 and the signal, as a shell says it, where a signal ended the job."""
    match = re.fullmatch(r"(\d{1,9})(?::(\d{1,9}))?", text.strip())
    if match is None:
        return None
    status, signal = int(match[1]), int(match[2] or 0)
    return 128 + signal if signal and not status else status


def parse_state(text: str) -> str | None:
    """The ledger's word for `CANCELLED by 1000`; None where the state is not known."""
    words = text.split()
    return STATES.get(words[0].rstrip("+").upper()) if words else None


def parse_comment(text: str | None) -> tuple[dict[str, str], str | None]:
    """Tags and note of a comment: a JSON object, or `key=value` pairs between commas or semicolons; other text is a
    note. What follows a comma and is no pair belongs to the value before it."""
    text = (text or "").strip()
    if not text or text.lower() in ("(null)", "none"):
        return {}, None
    if text.startswith("{"):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return {}, text
        return ({str(key): _word(each) for key, each in value.items() if each is not None}, None)
    tags: dict[str, str] = {}
    last = ""
    for part in re.split(r"[,;]", text):
        key, equals, value = part.partition("=")
        if equals and _KEY.fullmatch(key.strip()):
            last = key.strip()
            tags[last] = value.strip()
        elif last:
            tags[last] = f"{tags[last]},{part}"
        else:
            return {}, text
    return {key: value for key, value in tags.items() if value}, None


def _word(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

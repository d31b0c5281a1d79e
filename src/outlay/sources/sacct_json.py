"""`sacct --json` of Slurm 22.05 and later: the shape of a value depends on the version of its data parser."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from outlay.facts import Reject
from outlay.sources.inputfile import InputFile
from outlay.sources.jsonarray import array_elements
from outlay.sources.record import BadRow, Record
from outlay.sources.slurm_job import SlurmJob, SlurmStep
from outlay.sources.slurm_values import Tres, parse_exit, parse_state, tres_of

_MOST = 10**10
_SHOWN = ("job_id", "state", "time", "nodes")


def json_jobs(file: InputFile) -> Iterator[tuple[int, SlurmJob] | Reject]:
    """Every job with its line. Raises `FileError` where the file is broken or breaks off."""
    for line, value in array_elements(file, "jobs"):
        if not isinstance(value, dict):
            yield Reject(line, "jobs", "is not an object")
            continue
        row = Record(value)
        try:
            yield line, _job(row)
        except BadRow as bad:
            yield bad.reject(line, row.raw(_SHOWN))


def _job(row: Record) -> SlurmJob:
    job_id = row.text("job_id")
    if not job_id:
        raise row.bad("job_id", "is missing")
    time, array, association = row.record("time"), row.record("array"), row.record("association")
    array_id = _number(array, "job_id")
    task = _number(array, "task_id")
    limit = _number(time, "limit")
    return SlurmJob(
        job_id=job_id,
        shown_id=f"{array_id}_{task}" if array_id and task is not None else job_id,
        array_id=str(array_id) if array_id else None,
        cluster=row.text("cluster") or association.text("cluster"),
        name=row.text("name"),
        user=row.text("user") or association.text("user"),
        account=row.text("account") or association.text("account"),
        partition=row.text("partition"),
        qos=row.text("qos"),
        reservation=_reservation(row.record("reservation")),
        state=_state(row),
        exit_code=_exit(row),
        submitted=_time(time, "submission"),
        started=_time(time, "start"),
        ended=_time(time, "end"),
        elapsed_s=_number(time, "elapsed"),
        limit_s=limit * 60 if limit is not None else None,
        nodes=row.text("nodes") or "",
        tres=_tres(row),
        comment=_comment(row),
        restarts=_number(row, "restart_cnt"),
        steps=tuple(_steps(row)),
    )


def _number(row: Record, name: str) -> int | None:
    """A count, plain or as {set, infinite, number}; None where it is not set."""
    if not isinstance(row.values.get(name), dict):
        return row.count(name, most=_MOST)
    number = row.record(name)
    is_set = number.flag("set") is not False and not number.flag("infinite")
    return number.count("number", most=_MOST) if is_set else None


def _time(row: Record, name: str) -> datetime | None:
    """Seconds since 1970; 0 is what has not happened."""
    seconds = _number(row, name)
    return Record({name: seconds}, row.path).time(name) if seconds else None


def _reservation(row: Record) -> str | None:
    """Its name; a job without one has the id 0, and in 22.05 the name 0, too."""
    return row.text("name") if _number(row, "id") else None


def _state(row: Record) -> str:
    """The first of several: what follows it says more about the same (CANCELLED, ...)."""
    if not isinstance(row.values.get("state"), dict):
        return row.text("state") or ""
    current = row.record("state").values.get("current")
    first = current[0] if isinstance(current, list) and current else current
    return first if isinstance(first, str) else ""


def _exit(row: Record) -> int | None:
    """22.05 says 0 of every job, failed ones too; 0 is believed of those that did not fail."""
    if not isinstance(row.values.get("exit_code"), dict):
        return parse_exit(row.text("exit_code") or "")
    code = row.record("exit_code")
    status = _number(code, "return_code")
    signal = code.record("signal")
    caught = _number(signal, "id") or _number(signal, "signal_id")
    if not status and not caught and parse_state(_state(row)) == "failed":
        return None
    return 128 + caught if caught and not status else status


def _tres(row: Record) -> Tres:
    counts: dict[str, int] = {}
    for value in row.record("tres").items("allocated"):
        if not isinstance(value, dict):
            raise row.bad("tres.allocated", "holds something else than objects")
        entry = Record(value, "tres.allocated")
        kind, name = entry.text("type"), entry.text("name")
        count = value.get("count")
        if isinstance(count, int) and count < 0:
            raise entry.bad("count", "is negative")
        amount = _number(entry, "count") or 0
        if kind == "cpu":
            counts["cpu"] = amount
        elif kind == "gres" and name and name.split(":")[0] == "gpu":
            counts[f"gres/{name}"] = amount
    return tres_of(counts)


def _comment(row: Record) -> str | None:
    """The job's own comment; up to 21.08 it is plain text."""
    value: Any = row.values.get("comment")
    if isinstance(value, dict):
        return Record(value, "comment").text("job", "administrator")
    return row.text("comment")


def _steps(row: Record) -> Iterator[SlurmStep]:
    for value in row.items("steps"):
        if not isinstance(value, dict):
            continue
        step = Record(value, "steps")
        named = step.values.get("step")
        try:
            name = Record(named, "steps.step").text("name") if isinstance(named, dict) else None
            yield SlurmStep(name or "", parse_state(_state(step)), _time(step.record("time"), "end"))
        except BadRow:
            continue  # a broken step does not concern its job

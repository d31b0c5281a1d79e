"""`sacct --parsable2`: one line a job and one a step, fields in the order of the header."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from outlay.errors import FileError
from outlay.facts import Notice, Reject
from outlay.sources.inputfile import InputFile
from outlay.sources.record import BadRow, Record
from outlay.sources.slurm_job import SlurmJob, SlurmStep
from outlay.sources.slurm_values import Tres, parse_duration, parse_exit, parse_gres, parse_state, parse_tres

_NOT_YET = frozenset({"unknown", "none", "n/a", "(null)"})
_MOST_SECONDS = 10**10
_MOST_CPUS = 10**8
#: Columns in which users write what they like.
_FREE_TEXT = frozenset({"JobName", "Comment", "AdminComment", "SystemComment", "WorkDir", "SubmitLine"})
_TIME = re.compile(r"\d|Unknown|None|N/A|$")
#: Columns that a reject may show: none of them holds free text.
_SHOWN = ("JobID", "State", "Start", "End", "AllocTRES", "NodeList")
_NAMED_ZONE = "Times without a zone were taken as {zone}, as the settings say."
_LOCAL = ("Times without a zone were taken as UTC; sacct prints the cluster's local time. Name its zone "
          "in the setting slurm_zone, or export with SLURM_TIME_FORMAT=%s, and they are exact.")
_NO_RESOURCES = "Has neither AllocTRES nor AllocGRES, so how many GPUs a job had is not known."
_NO_RAW = "Has array tasks but no JobIDRaw, by which GPU samples know their job; they cannot be matched by it."


def header_of(file: InputFile) -> tuple[str, ...] | None:
    """The header's names, if the first line is one of sacct's; its delimiter may be anything but letters and digits."""
    if not file.first_lines:
        return None
    line = file.first_lines[0].strip(" \r\n")
    delimiter = _delimiter(line)
    names = tuple(line.split(delimiter)) if delimiter else ()
    known = {"JobID", "JobIDRaw"} & set(names) and "State" in names
    return names if known and {"Start", "Elapsed", "ElapsedRaw", "AllocTRES", "Submit"} & set(names) else None


def is_for_people(file: InputFile) -> bool:
    """The padded table that sacct prints by default."""
    first, second = (*file.first_lines[:2], "", "")[:2]
    return first.split()[:1] == ["JobID"] and re.fullmatch(r"[- ]+", second) is not None


def text_jobs(file: InputFile, zone: ZoneInfo) -> Iterator[tuple[int, SlurmJob] | Reject | Notice]:
    """Every job with its line, its steps folded into it.

    Raises `FileError` where the first line is not sacct's header.
    """
    header = header_of(file)
    if header is None:
        raise FileError("does not begin with sacct's header", where=file.name, hint="Export without --noheader.")
    reader = _Reader(header, zone)
    waiting: tuple[int, Record] | None = None
    steps: list[SlurmStep] = []
    for line, row in _rows(file, header):
        if isinstance(row, Reject):
            yield row
            continue
        if "." in (row.text("JobID", "JobIDRaw") or ""):
            step = reader.step(row)
            if waiting and step and _is_step_of(row, waiting[1]):
                steps.append(step)
            continue
        if waiting:
            yield reader.job_or_reject(*waiting, steps)
        waiting, steps = (line, row), []
    if waiting:
        yield reader.job_or_reject(*waiting, steps)
    yield from reader.notices()


def _delimiter(line: str) -> str:
    """What stands between the first two names."""
    found = re.match(r"[A-Za-z]+([^A-Za-z0-9\s%]+|\t)[A-Za-z]", line)
    return found[1] if found else ""


def _rows(file: InputFile, header: tuple[str, ...]) -> Iterator[tuple[int, Record | Reject]]:
    delimiter = _delimiter(file.first_lines[0].strip(" \r\n"))
    names = header[:-1] if header[-1] == "" else header
    first = True
    for line, text in file.lines():
        if not text.strip():
            continue
        if first or text.startswith(delimiter.join(names)):
            first = False  # a header stands again where files were joined
            continue
        fields = text.lstrip("\ufeff").split(delimiter)
        if header[-1] == "" and fields[-1] == "":  # --parsable ends each line with a delimiter
            fields.pop()
        if len(fields) > len(names):
            fields = _mended(fields, names, delimiter)
        if len(fields) == len(names):
            yield line, Record(dict(zip(names, fields, strict=True)))
        else:
            why = "the file may be incomplete" if len(fields) < len(names) else f"a name may hold '{delimiter}'"
            reason = f"has {len(fields)} fields, the header has {len(names)}; {why}"
            yield line, Reject(line, "", reason, fields[0][:100])


def _mended(fields: list[str], names: tuple[str, ...], delimiter: str) -> list[str]:
    """sacct does not escape its delimiter. Where a name or a comment holds it, the fields are put together again in the
    one way that leaves a known state and times in their places; where there are several ways, they stay as they are."""
    extra = len(fields) - len(names)
    ways = []
    for name in _FREE_TEXT & set(names):
        at = names.index(name)
        joined = [*fields[:at], delimiter.join(fields[at : at + extra + 1]), *fields[at + extra + 1 :]]
        if _is_plausible(dict(zip(names, joined, strict=True))):
            ways.append(joined)
    return ways[0] if len(ways) == 1 else fields


def _is_plausible(row: dict[str, str]) -> bool:
    times = (row[name] for name in ("Submit", "Start", "End") if name in row)
    return parse_state(row["State"]) is not None and all(_TIME.match(time) for time in times)


def _is_step_of(step: Record, job: Record) -> bool:
    return (step.text("JobID", "JobIDRaw") or "").split(".")[0] == job.text("JobID", "JobIDRaw")


class _Reader:
    """Reads rows under one header, and remembers what the user should know about all of them."""

    def __init__(self, header: tuple[str, ...], zone: ZoneInfo) -> None:
        self._names = set(header)
        self._zone = zone
        self._local_times = False
        self._array_tasks = False

    def notices(self) -> Iterator[Notice]:
        if self._local_times:
            yield Notice(_LOCAL if self._zone.key == "UTC" else _NAMED_ZONE.format(zone=self._zone.key))
        if not {"AllocTRES", "AllocGRES"} & self._names:
            yield Notice(_NO_RESOURCES)
        if self._array_tasks and "JobIDRaw" not in self._names:
            yield Notice(_NO_RAW)

    def job_or_reject(self, line: int, row: Record, steps: list[SlurmStep]) -> tuple[int, SlurmJob] | Reject:
        try:
            return line, self._job(row, tuple(steps))
        except BadRow as bad:
            return bad.reject(line, row.raw(_SHOWN))

    def step(self, row: Record) -> SlurmStep | None:
        """The step; None where its own line is broken, which does not concern the job."""
        try:
            name = (row.text("JobID", "JobIDRaw") or "").split(".", 1)[1]
            return SlurmStep(name, parse_state(row.text("State") or ""), self._time(row, "End"))
        except BadRow:
            return None

    def _job(self, row: Record, steps: tuple[SlurmStep, ...]) -> SlurmJob:
        shown = row.text("JobID", "JobIDRaw")
        if not shown:
            raise row.bad("JobID", "is missing")
        array = re.match(r"(\d+)_", shown)
        self._array_tasks |= array is not None
        limit = row.count("TimelimitRaw", most=_MOST_SECONDS) if (row.text("TimelimitRaw") or "").isdigit() else None
        elapsed = row.count("ElapsedRaw", most=_MOST_SECONDS)
        return SlurmJob(
            job_id=row.text("JobIDRaw") or shown,
            shown_id=shown,
            array_id=array[1] if array else None,
            cluster=row.text("Cluster"),
            name=row.text("JobName"),
            user=row.text("User"),
            account=row.text("Account"),
            partition=row.text("Partition"),
            qos=row.text("QOS"),
            reservation=row.text("Reservation"),
            state=row.text("State") or "",
            exit_code=parse_exit(row.text("ExitCode") or ""),
            submitted=self._time(row, "Submit"),
            started=self._time(row, "Start"),
            ended=self._time(row, "End"),
            elapsed_s=elapsed if elapsed is not None else parse_duration(row.text("Elapsed") or ""),
            limit_s=limit * 60 if limit is not None else parse_duration(row.text("Timelimit") or ""),
            nodes=row.text("NodeList") or "",
            tres=self._tres(row),
            comment=row.text("Comment", "AdminComment"),
            restarts=row.count("Restarts", most=_MOST_SECONDS),
            steps=steps,
        )

    def _tres(self, row: Record) -> Tres | None:
        if not {"AllocTRES", "AllocGRES"} & self._names:
            return None
        # Of a job that has not started, NCPUS is what it asks for.
        cores = row.count("AllocCPUS", "NCPUS", most=_MOST_CPUS) if row.text("AllocTRES", "AllocGRES") else None
        name = "AllocTRES" if "AllocTRES" in self._names else "AllocGRES"
        text = row.text(name) or ""
        try:
            tres = parse_tres(text) if name == "AllocTRES" else parse_gres(text, row.count("NNodes", most=10**6) or 1)
        except ValueError as error:
            raise row.bad(name, str(error)) from None
        return Tres(tres.gpus, tres.gpu_type, tres.cpus if tres.cpus is not None else cores)

    def _time(self, row: Record, name: str) -> datetime | None:
        text = row.text(name)
        if text is None or text.lower() in _NOT_YET:
            return None
        moment = row.time(name)
        if moment is None or text.isdigit() or _has_zone(text):
            return moment
        self._local_times = True
        return moment.replace(tzinfo=self._zone).astimezone(UTC).replace(tzinfo=None)


def _has_zone(text: str) -> bool:
    return re.search(r"(Z|UTC|[+-]\d\d:?\d\d)$", text) is not None

"""Slurm accounting, as sacct prints it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar
from zoneinfo import ZoneInfo

from outlay.errors import FileError, SettingsError
from outlay.facts import Fact, Notice, Reject, Run
from outlay.sources.base import RowSource
from outlay.sources.inputfile import InputFile
from outlay.sources.record import BadRow
from outlay.sources.sacct_json import json_jobs
from outlay.sources.sacct_text import header_of, is_for_people, text_jobs
from outlay.sources.slurm_job import run_of
from outlay.sources.slurm_values import parse_state

_JSON_PATHS = frozenset({"jobs.job_id", "jobs.association", "jobs.state.current"})


class Sacct(RowSource):
    """Jobs of a Slurm cluster: who ran what, on which accelerators, for how long, and how it ended.

    **Get it** on a machine of the cluster, for all users:

        export SACCT_FORMAT=JobID,JobIDRaw,JobName,User,Account,Partition,Cluster,QOS,State,ExitCode
        SACCT_FORMAT=$SACCT_FORMAT,Submit,Start,End,ElapsedRaw,TimelimitRaw,NNodes,NCPUS,AllocTRES
        SACCT_FORMAT=$SACCT_FORMAT,NodeList,Reservation,Comment
        SLURM_TIME_FORMAT=%s sacct --allusers --duplicates --parsable2 --starttime=now-30days > sacct.txt

    or `sacct --allusers --duplicates --json --starttime=now-30days > sacct.json`. `SLURM_TIME_FORMAT=%s` makes sacct
    print seconds since 1970; without it Slurm prints the cluster's local time and no zone. Which zone that is says the
    setting `slurm_zone` (`Europe/Berlin`; an hour that the clock repeats in autumn is taken as the first); without it
    times are taken as UTC, and the import says so. Any subset of the columns is read, `Restarts` too where Slurm knows
    it; the header, JobID and State are needed. GPUs are known only where slurm.conf tracks them
    (`AccountingStorageTRES=gres/gpu`), comments only with `AccountingStoreFlags=job_comment`.

    **It gives** a run for each job; steps are folded into their job. A task of an array is a trial of the group that is
    the array. A comment in `key=value,key=value` or JSON becomes tags (`sbatch --comment=owner=ana,team=vision`);
    `kind`, `group`, `note` and `market` in it are taken as such. A job that was requeued is one run: each of its starts
    is a version of it, the last one stands, with the number of restarts. Where the last step of a job failed and the
    allocation is held on, the tags `step_state` and `step_ended` say so.

    **It cannot know** what the accelerators did (import GPU samples), what they cost, or the time of a job's earlier
    starts beyond their number. A job without a hint is taken as training.
    """

    code: ClassVar[str] = "sacct"
    title: ClassVar[str] = "Slurm accounting (sacct --parsable2 or --json)"
    facts: ClassVar[tuple[type[Fact], ...]] = (Run,)

    def __init__(self, zone: str = "UTC") -> None:
        """`zone` is that of times which name none. Raises `SettingsError` where it is not known."""
        try:
            self._zone = ZoneInfo(zone)
        except (ValueError, OSError, LookupError) as error:
            raise SettingsError(f"'{zone}' is not a time zone", hint="for example Europe/Berlin") from error

    def recognises(self, file: InputFile) -> bool:
        try:
            return file.json_paths >= _JSON_PATHS or header_of(file) is not None or is_for_people(file)
        except FileError:
            return False

    def read(self, file: InputFile) -> Iterator[Fact | Reject | Notice]:
        if is_for_people(file):
            raise FileError("is sacct's table for people, which cuts values off", where=file.name,
                            hint="Export it again with --parsable2 (docs/sources.md shows the command).")
        entries = json_jobs(file) if file.json_paths else text_jobs(file, self._zone)
        starts: dict[str, int] = {}
        unknown: set[str] = set()
        for entry in entries:
            if not isinstance(entry, tuple):
                yield entry
                continue
            line, job = entry
            earlier = starts.get(job.job_id, 0)
            try:
                yield run_of(job, earlier)
            except BadRow as bad:
                yield bad.reject(line, job.shown_id)
                continue
            starts[job.job_id] = earlier + 1
            if parse_state(job.state) is None:
                unknown.add(job.state)
        if unknown:
            yield Notice(f"States that are not known were left out: {', '.join(sorted(unknown))}.")

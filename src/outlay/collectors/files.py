"""Files that others put into folders: bills, usage, logs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from outlay.accounting.figures import plural
from outlay.collectors.base import Batch, Collector, WholeFile
from outlay.collectors.logs import is_log, pieces
from outlay.collectors.settings import Entry
from outlay.collectors.watching import Known, Look, Memory, Pattern, Stillness
from outlay.errors import FileError, SettingsError, UnrecognisedFile, UsageError
from outlay.sources.inputfile import InputFile
from outlay.sources.registry import recognise, source_named

if TYPE_CHECKING:
    from outlay.ledger.importing import Imported
    from outlay.sources.base import Source

_LOG = logging.getLogger("outlay.collectors")
#: The last line of a log is one, though no end of line follows it, when nobody has written for so long, seconds.
_ENDED_S = 60.0
#: So many files, or facts, are kept at once.
_FILES, _ROWS = 50, 20_000
#: So many versions of a file that stand beside each other are remembered.
_VERSIONS = 100


class Files(Collector):
    """Bills, usage and logs that others put into folders, in any format that `outlay import` knows.

        collectors:
          - {kind: files, name: exports, paths: [exports/bills, "/var/log/litellm/*.jsonl"], every: 30s}

    `paths` are files, folders with everything in them, or patterns (`*`, `?`, `**`), looked at every `every` (30s).
    Each file is recognised by its content; `as` names one source for all of them. Hidden files and those that end in
    `.tmp`, `.part` or `~` are left alone, and so are links that lead out of the folder.

    - **A file** is read when nobody has written it for `settle` (10s), and kept whole or not at all, as by
      `outlay import`. One with the same content as another changes nothing. One that was **restated** (the same name,
      another content) replaces what it gave before: bills by issuer, account and period; of the rest, whatever lies
      within the time that the new content speaks of. A file that holds only the last days, and another few tomorrow,
      thus adds up. A file that is **deleted** keeps what it gave.
    - **A log** of model calls in JSON lines (LiteLLM, OpenTelemetry, Claude Code, Codex, a table or mapping of calls)
      is read further as it grows: each whole line once, without waiting for `settle`. When it was rotated or cut off
      it is read from its beginning, and what it gave before stays. Compressed logs are read as files.
    - **What cannot be read** is said on the page Sources and by `outlay status`: name, line, field and a way out. It
      is tried again when the file changes. Good rows of a file are kept, its bad rows are listed under its import.

    What `outlay status` says of a folder with a bill of three rows, one of them bad, another bill that is cut off, and
    a log of forty calls:

        SOURCE   KIND   STATE  NEWEST   FACTS  REJECTED
        exports  files  ok     nothing     42         0
        ! exports: /srv/exports/bills/aws.csv: 1 of 3 rows refused, the first: line 3, BilledCost is not a number, or
          has more than 20 digits before the point
        ! exports: /srv/exports/bills/october.csv.gz: cannot be decompressed: Compressed file ended before the
          end-of-stream marker was reached. The file may be incomplete; fetch or export it again. Nothing of it was
          kept.

    How far it came is kept with the facts: after a stop or a kill nothing is read twice and nothing is left out.
    While a file is read, what arrives otherwise is kept as always; it waits only while the rows are put in.

    **It cannot know** whether a line without any id that says the same as an earlier one is the same call: it counts
    once.
    """

    code = "files"
    title = "Bills, usage and logs that others put into folders"

    def __init__(
        self, name: str, patterns: tuple[Pattern, ...], *, every_s: float = 30.0, settle_s: float = 10.0,
        as_source: str = "", own: Callable[[], tuple[Source, ...]] = tuple, scratch: Path | None = None,
    ) -> None:
        self.name = name
        self.every_s = every_s
        self._patterns = patterns
        self._as_source = as_source
        self._own = own
        self._scratch = scratch
        self._stillness = Stillness(settle_s)
        self._problems: tuple[str, ...] = ()

    @classmethod
    def from_settings(cls, entry: Entry) -> Files:
        entry.only("paths", "every", "settle", "as")
        paths = entry.texts("paths")
        if not paths:
            raise SettingsError("names no file", where=f"{entry.where}.paths",
                                hint='For example [exports/bills, "/var/log/litellm/*.jsonl"]')
        as_source = entry.text("as") if "as" in entry.values else ""
        if as_source:
            try:
                source_named(as_source, entry.own())
            except UsageError as error:
                raise SettingsError(error.message, where=f"{entry.where}.as", hint=error.hint) from error
        patterns = tuple(Pattern(str(entry.base.absolute() / Path(path).expanduser())) for path in paths)
        return cls(entry.name, patterns, every_s=entry.seconds("every", "30s"), settle_s=entry.seconds("settle", "10s"),
                   as_source=as_source, own=entry.own, scratch=entry.scratch)

    def problems(self) -> tuple[str, ...]:
        return self._problems

    def collect(self, cursor: str | None, now: datetime) -> Iterator[Batch]:
        memory, kept = Memory.of(cursor), cursor
        found, problems = self._found()
        memory.forget(set(found), time.time())
        self._stillness.forget(set(found))
        gathered = Gathered()
        for name, path in found.items():
            for step in _guarded(self._one(name, path, memory), name, memory):
                if step.batch.file is not None:
                    yield step.batch
                    continue
                if gathered.is_full or not gathered.goes_with(step.batch):
                    yield gathered.batch(kept := memory.cursor())
                    gathered = Gathered()
                gathered.add(step.batch)
                memory.files[name] = step.known
        self._problems = (*problems, *(f"{name}: {known.problem}" for name, known in memory.files.items()
                                       if known.problem and name in found))
        if gathered or memory.cursor() != kept:
            yield gathered.batch(memory.cursor())

    def _found(self) -> tuple[dict[str, Path], list[str]]:
        """Files by name, and what cannot be looked into."""
        found: dict[str, Path] = {}
        problems: list[str] = []
        for pattern in self._patterns:
            try:
                for path in pattern.files():
                    if pattern.leads_out(path):
                        problems.append(f"{path}: is a link that leads out of {pattern.root}; it is not read")
                    else:
                        found[str(path)] = path
            except OSError as error:
                problems.append(f"{pattern.root}: cannot be looked into: {error.strerror or error}. Check that it is "
                                "there, and who may read it.")
        return found, problems

    def _one(self, name: str, path: Path, memory: Memory) -> Iterator[Step]:
        known, look = memory.files.get(name, Known()), Look.at(path)
        unread = known.head and look.size > known.offset  # the last line of a log, without an end so far
        if not look.size or (known.look == look and not unread):
            return
        file, own = InputFile(path, name), self._own()
        still = self._stillness.is_still(name, look)
        try:
            source = source_named(self._as_source, own) if self._as_source else recognise(file, own)
        except FileError:
            if still:
                raise
            return  # somebody is writing it
        if is_log(file, source):
            yield from self._log(path, file, look, source, known)
        elif still:
            yield from self._whole(file, look, source, known, memory)

    def _log(self, path: Path, file: InputFile, look: Look, source: Source, known: Known) -> Iterator[Step]:
        ended = self._stillness.still_s(file.name, look) >= _ENDED_S
        problem = known.problem
        for piece in pieces(path, file.name, source, known, ended=ended, scratch=self._scratch):
            problem = "" if piece.first else problem
            if piece.rejects:
                first = piece.rejects[0]
                problem = (f"{plural(len(piece.rejects), 'line')} refused, the first of the latest: line {first.line}, "
                           f"{first.field or 'row'} {first.reason}")
            known = replace(piece.known, look=look, problem=problem)
            # In the list of a day's rejected rows a line is found by the name of its file.
            rejects = tuple(replace(each, reason=f"{each.reason} ({path.name})") for each in piece.rejects)
            yield Step(Batch(rejects=rejects, tables=piece.tables, source=source.code, authority=source.authority),
                       known)
        if known.look != look:
            yield Step(Batch(), replace(known, look=look))

    def _whole(self, file: InputFile, look: Look, source: Source, known: Known, memory: Memory) -> Iterator[Step]:
        restates = tuple(each for each in known.imports if not memory.claimed(each, file.name))
        told: list[tuple[Imported | FileError, tuple[int, ...]]] = []
        whole = WholeFile(file.path, file.name, source, restates, lambda done, gone: told.append((done, gone)))
        yield Step(Batch(file=whole), known)
        ((done, gone),) = told
        if isinstance(done, FileError):
            raise done
        problem = ""
        if done.rejected:
            first = done.rejects[0]
            problem = (f"{done.rejected:,} of {plural(done.rows, 'row')} refused, the first: line {first.line}, "
                       f"{first.field or 'row'} {first.reason}")
        own = done.import_id if done.import_id is not None else done.already
        assert own is not None
        earlier = tuple(each for each in known.imports if each not in (*gone, own))[-_VERSIONS:]
        yield Step(Batch(kept=done.added), Known(look, imports=(*earlier, own), problem=problem))


@dataclass(frozen=True, slots=True)
class Step:
    """A batch without a cursor, and what is known of its file once it is kept."""

    batch: Batch
    known: Known


class Gathered:
    """Batches of one source that are kept together: thousands of small files are not thousands of transactions."""

    def __init__(self) -> None:
        self._batches: list[Batch] = []
        self._rows = 0

    def __bool__(self) -> bool:
        return bool(self._batches)

    @property
    def is_full(self) -> bool:
        return self._rows >= _ROWS or len(self._batches) >= _FILES

    def goes_with(self, batch: Batch) -> bool:
        return not batch.source or all(each.source in ("", batch.source) for each in self._batches)

    def add(self, batch: Batch) -> None:
        self._batches.append(batch)
        self._rows += batch.rows

    def batch(self, cursor: str) -> Batch:
        """All of them as one."""
        import pyarrow as pa

        named = next((each for each in self._batches if each.source), Batch())
        kinds = {kind for each in self._batches for kind in each.tables}
        return Batch(
            cursor=cursor, rejects=tuple(reject for each in self._batches for reject in each.rejects),
            tables={kind: pa.concat_tables([each.tables[kind] for each in self._batches if kind in each.tables])
                    for kind in kinds},
            source=named.source, authority=named.authority, kept=sum(each.kept for each in self._batches))


def _guarded(steps: Iterator[Step], name: str, memory: Memory) -> Iterator[Step]:
    """A file that cannot be read is noted as it is, and tried again when it has changed; the others go on."""
    try:
        yield from steps
        return
    except UnrecognisedFile as error:
        problem = f"{error.message}. Name its source with `as`, or describe its columns in a mapping."
    except FileError as error:
        place = error.where.removeprefix(name).removeprefix(": ")
        problem = " ".join(filter(None, (f"{place}:" if place else "", f"{error.message}.", error.hint)))
    except OSError as error:
        problem = f"cannot be read: {error.strerror or error}. Check who may read it."
    known = memory.files.get(name, Known())
    try:
        look = Look.at(Path(name))
    except OSError:
        look = None
    if problem != known.problem:
        _LOG.warning("%s: %s", name, problem)
    memory.files[name] = replace(known, look=look, problem=problem)

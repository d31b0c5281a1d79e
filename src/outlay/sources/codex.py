"""Session rollouts of Codex."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from outlay.facts import Call, Fact, Notice, Reject
from outlay.sources.base import RowSource
from outlay.sources.inputfile import InputFile
from outlay.sources.json_values import json_values
from outlay.sources.model_provider import model_provider
from outlay.sources.record import MOST_BUCKET_TOKENS, MOST_CALL_TOKENS, BadRow, Record
from outlay.sources.service_tiers import service_tier
from outlay.sources.token_counts import reported_input
from outlay.sources.working_directory import project_of, repository_of

_COUNTS = (
    "input_tokens", "cached_input_tokens", "cache_write_input_tokens", "output_tokens", "reasoning_output_tokens",
)
#: What a reject may show; the rest of a row is conversation.
_SHOWN = ("timestamp", "type")
_EPOCH = datetime(1970, 1, 1)
#: How long writing the copied history of a forked session takes at most, where its turns carry no time of their own.
_COPYING = timedelta(seconds=2)


class Codex(RowSource):
    """Sessions of Codex (CLI, desktop and editor): what a person's own coding agent costs, by project, model and day.

    **Get it** from where it already is: `outlay import ~/.codex` (or `$CODEX_HOME`); what is no session there is passed
    over.

    **It gives** a call for each response of the model, with the project (the working directory's name), the repository,
    the branch, and the session as conversation; subagents' calls belong to the session that started them. Codex repeats
    token counts without a new response, and copies the counts of a session into those that are forked from it: each
    response counts once. What was said and done is never read.

    **It cannot know** who the person was, the provider's ids of responses, how long calls took, or whether a
    subscription covered them: costs are what the tokens cost at the API's prices.
    """

    code: ClassVar[str] = "codex"
    title: ClassVar[str] = "Codex session rollouts (~/.codex/sessions)"
    facts: ClassVar[tuple[type[Fact], ...]] = (Call,)

    def recognises(self, file: InputFile) -> bool:
        paths = file.json_paths
        if not {"timestamp", "type", "payload"} <= paths:
            return False
        return "payload.cwd" in paths and not {"payload.cli_version", "payload.originator"}.isdisjoint(paths)

    def read(self, file: InputFile) -> Iterator[Fact | Reject | Notice]:
        session = _Session()
        for value in json_values(file):
            if isinstance(value, Reject):
                yield value
                continue
            line, found = value
            row = Record(found if isinstance(found, dict) else {})
            try:
                call = session.take(row)
            except BadRow as bad:
                yield bad.reject(line, row.raw(_SHOWN))
                continue
            if call is not None:
                yield call
        if session.copied:
            yield Notice(
                f"{session.copied:,} token counts are copies from the session that this one was forked from, and count "
                "there alone.")


@dataclass(slots=True)
class _Session:
    """Follows a rollout row by row."""

    identity: str | None = None
    created: datetime | None = None
    root: str | None = None
    provider: str | None = None
    model: str | None = None
    tier: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    totals: tuple[int, ...] | None = None
    #: True while rows are a copy of another session's history.
    copying: bool = False
    copied: int = 0

    def take(self, row: Record) -> Call | None:
        """The call that the row reports, if it does. Raises `BadRow`."""
        kind = row.text("type") if isinstance(row.values.get("type"), str) else None
        if kind == "session_meta":
            self._begin(row, row.record("payload"))
        elif kind == "turn_context":
            self._turn(row, row.record("payload"))
        elif kind == "event_msg":
            payload = row.record("payload")
            event = payload.values.get("type")
            if event in ("task_started", "turn_started"):
                self._leave_copy(row, payload)
            elif event == "token_count" and payload.has("info"):
                return self._count(row, payload.record("info"))
        return None

    def _begin(self, row: Record, meta: Record) -> None:
        identity = meta.text("id") or meta.text("session_id")
        if self.identity is not None:
            # A session within a session: the history of another one follows, unless this one's own turn comes first.
            self.copying = self.copying or identity != self.identity
            return
        is_subagent, parent = _parent_thread(meta)
        git = meta.record("git")
        project, repository = project_of(meta.text("cwd")), repository_of(git.text("repository_url"))
        tags = {
            "project": project,
            "repository": repository or (project if git.values else None),
            "branch": git.text("branch"),
            "sidechain": "true" if is_subagent else None,
        }
        self.identity = identity
        self.created = _uuid_time(identity) or meta.time("timestamp") or row.time("timestamp")
        self.root = meta.text("session_id") or parent or identity
        self.provider = meta.text("model_provider") or "openai"
        self.tags = {key: label for key, label in tags.items() if label}
        self.copying = meta.has("forked_from_id")

    def _turn(self, row: Record, turn: Record) -> None:
        self._leave_copy(row, turn)
        self.model = turn.text("model") or self.model
        self.tier = service_tier(turn.text("service_tier"))

    def _leave_copy(self, row: Record, turn: Record) -> None:
        """Copied turns began before this session did. Their ids (UUIDv7) say when; times of rows may be rewritten."""
        if not self.copying or self.created is None:
            return
        began = _uuid_time(turn.text("turn_id"))
        if began is not None:
            self.copying = began < self.created
        else:
            written = row.time("timestamp")
            self.copying = written is None or written < self.created + _COPYING

    def _count(self, row: Record, info: Record) -> Call | None:
        totals = _counts(info.record("total_token_usage"), MOST_BUCKET_TOKENS)
        before, self.totals = self.totals, totals
        if self.copying:
            self.copied += 1
            return None
        if totals is not None and totals == before:
            return None  # the count was shown again; there was no new response
        last = _counts(info.record("last_token_usage"), MOST_CALL_TOKENS)
        if last is None and totals is not None:
            # Old rollouts have totals alone. A total that shrank started anew.
            grown = tuple(now - then for now, then in zip(totals, before or (0,) * len(totals), strict=True))
            last = grown if min(grown) >= 0 else totals
        if last is None or not any(last):
            return None
        return self._call(row, info, last, totals or last)

    def _call(self, row: Record, info: Record, last: tuple[int, ...], totals: tuple[int, ...]) -> Call:
        sent, cached, written, answered, reasoned = last
        time = row.time("timestamp")
        if time is None:
            raise row.bad("timestamp", "is missing")
        tokens = reported_input("openai", sent, cache_read=cached, cache_write=written)
        if tokens.parts_exceed_total:
            raise info.record("last_token_usage").bad("cached_input_tokens", "is more than all input tokens")
        # No id of the response is written; session, time and running totals tell this one apart in every copy.
        told = f"{self.identity} {time.isoformat()} {totals}"
        return Call(
            time=time,
            provider=model_provider(self.provider, self.model),
            model=self.model,
            operation="chat",
            trace_id=self.identity,
            span_id=hashlib.sha256(told.encode()).hexdigest()[:16],
            input_tokens=tokens.total,
            output_tokens=answered,
            cache_read_tokens=cached,
            cache_write_tokens=written,
            reasoning_tokens=reasoned,
            service_tier=self.tier,
            status="ok",
            agent="codex",
            conversation=self.root,
            tags=self.tags,
        )


def _parent_thread(meta: Record) -> tuple[bool, str | None]:
    """Whether another session started this one, and which (not all kinds of subagents say)."""
    source = meta.values.get("source")
    subagent = source.get("subagent") if isinstance(source, dict) else None
    spawn = subagent.get("thread_spawn") if isinstance(subagent, dict) else None
    parent = Record(spawn).text("parent_thread_id") if isinstance(spawn, dict) else None
    return subagent is not None, parent


def _counts(usage: Record, most: int) -> tuple[int, ...] | None:
    """The figures in the order of `_COUNTS`; None where there are none."""
    if not usage.values:
        return None
    return tuple(usage.count(name, most=most) or 0 for name in _COUNTS)


def _uuid_time(text: str | None) -> datetime | None:
    """When a version 7 UUID was made, to the millisecond; None for any other text."""
    try:
        identity = UUID(text or "")
    except ValueError:
        return None
    if identity.version != 7:
        return None
    return _EPOCH + timedelta(milliseconds=identity.int >> 80)

"""Session logs of Claude Code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from outlay.facts import Call, Fact, Notice, Reject
from outlay.sources.anthropic_usage import inference_region
from outlay.sources.base import RowSource
from outlay.sources.inputfile import InputFile
from outlay.sources.json_values import json_values
from outlay.sources.record import MOST_CALL_TOKENS, BadRow, Record, call_cost
from outlay.sources.service_tiers import service_tier
from outlay.sources.token_counts import Input, reported_input
from outlay.sources.working_directory import project_of

#: Keys that one or the other kind of row has beside `type` and `sessionId`, unlike the logs of other tools.
_OWN_KEYS = frozenset({"uuid", "leafUuid", "operation", "snapshot"})
#: What a reject may show; the rest of a row is conversation.
_SHOWN = ("type", "timestamp", "sessionId", "requestId", "uuid")
#: Claude Code's own messages (errors, interruptions), which no model wrote.
_NO_MODEL = "<synthetic>"
#: Response ids tell through whom Claude was called.
_ID_PREFIXES = {"msg_bdrk_": "aws.bedrock", "msg_vrtx_": "gcp.vertex_ai"}


class ClaudeCode(RowSource):
    """Sessions of Claude Code: what a person's own coding agent costs, by project, model and day.

    **Get it** from where it already is: `outlay import ~/.claude` (or `$CLAUDE_CONFIG_DIR`); what is no session there
    is passed over. Claude Code deletes sessions after 30 days unless its setting `cleanupPeriodDays` says otherwise.

    **It gives** a call for each response of the model, with the project (the working directory's name), the branch and
    the session as conversation; subagents' calls belong to the session that started them. One response is written as
    several rows that repeat its usage: it counts once, with its most complete figures. Sessions that were resumed or
    forked repeat earlier responses; those count once, too. What was said and done is never read.

    **It cannot know** who the person was, how long calls took, or whether a subscription covered them: costs are what
    the tokens cost at the API's prices.
    """

    code: ClassVar[str] = "claude-code"
    title: ClassVar[str] = "Claude Code session logs (~/.claude/projects)"
    facts: ClassVar[tuple[type[Fact], ...]] = (Call,)

    def recognises(self, file: InputFile) -> bool:
        paths = file.json_paths
        if "type" not in paths:
            return False
        return ("sessionId" in paths and not _OWN_KEYS.isdisjoint(paths)) or {"leafUuid", "summary"} <= paths

    def read(self, file: InputFile) -> Iterator[Fact | Reject | Notice]:
        responses: dict[str, _Response] = {}
        projects: dict[str, str] = {}
        for value in json_values(file):
            if isinstance(value, Reject):
                yield value
                continue
            line, found = value
            row = Record(found if isinstance(found, dict) else {})
            try:
                _note_project(row, projects)
                response = _response(row)
            except BadRow as bad:
                yield bad.reject(line, row.raw(_SHOWN))
                continue
            if response is not None:
                earlier = responses.get(response.identity)
                responses[response.identity] = response if earlier is None else earlier.with_row(response)
        for response in responses.values():
            yield _call(response, projects.get(response.session or ""))


@dataclass(frozen=True, slots=True)
class _Response:
    """What one row says of a response; of several rows, the time of the first and the rest of the most complete."""

    identity: str
    time: datetime
    session: str | None
    model: str | None
    tokens: Input
    output: int
    thinking: int | None
    tier: str | None
    region: str | None
    speed: str | None
    finish: str | None
    cost: Decimal | None
    branch: str | None
    sidechain: bool

    def with_row(self, later: _Response) -> _Response:
        """Usage grows while a response is streamed, so the row with most output is the last word on it."""
        best = later if later.output >= self.output else self
        return _Response(
            self.identity, min(self.time, later.time), self.session, best.model, best.tokens, best.output,
            best.thinking, best.tier, best.region, best.speed, best.finish or self.finish, best.cost, self.branch,
            self.sidechain)


def _note_project(row: Record, projects: dict[str, str]) -> None:
    """A session's project is where it began, wherever it went later."""
    session, project = row.text("sessionId"), project_of(row.text("cwd"))
    if session and project:
        projects.setdefault(session, project)


def _response(row: Record) -> _Response | None:
    """None for rows that are not a model's answer."""
    if row.values.get("type") != "assistant":
        return None
    message = row.record("message")
    model = message.text("model")
    if model == _NO_MODEL or not message.has("usage"):
        return None
    usage = message.record("usage")
    identity = message.text("id") or row.text("requestId") or row.text("uuid")
    time = row.time("timestamp")
    if identity is None:
        raise message.bad("id", "is missing")
    if time is None:
        raise row.bad("timestamp", "is missing")
    speed = usage.text("speed")
    return _Response(
        identity=identity,
        time=time,
        session=row.text("sessionId"),
        model=model,
        tokens=_input(usage),
        output=usage.count("output_tokens", most=MOST_CALL_TOKENS) or 0,
        thinking=usage.record("output_tokens_details").count("thinking_tokens", most=MOST_CALL_TOKENS),
        tier=service_tier(usage.text("service_tier")),
        region=inference_region(usage),
        speed=None if speed == "standard" else speed,
        finish=message.text("stop_reason"),
        cost=call_cost(row, "costUSD"),
        branch=row.text("gitBranch"),
        sidechain=row.flag("isSidechain") or False,
    )


def _input(usage: Record) -> Input:
    sent = usage.count("input_tokens", most=MOST_CALL_TOKENS)
    if sent is None:
        raise usage.bad("input_tokens", "is missing")
    lifetimes = usage.record("cache_creation")
    written_1h = lifetimes.count("ephemeral_1h_input_tokens", most=MOST_CALL_TOKENS)
    written_5m = lifetimes.count("ephemeral_5m_input_tokens", most=MOST_CALL_TOKENS)
    written = usage.count("cache_creation_input_tokens", most=MOST_CALL_TOKENS)
    if written is None and (written_1h is not None or written_5m is not None):
        written = (written_1h or 0) + (written_5m or 0)
    if (written_1h or 0) > (written or 0):
        raise lifetimes.bad("ephemeral_1h_input_tokens", "is more than all tokens written to the cache")
    return reported_input(
        "anthropic",
        sent,
        cache_read=usage.count("cache_read_input_tokens", most=MOST_CALL_TOKENS),
        cache_write=written,
        cache_write_1h=written_1h,
    )


def _call(response: _Response, project: str | None) -> Call:
    prefix = response.identity[:9]
    tags = {
        "project": project,
        "repository": project if response.branch else None,  # only a repository has a branch
        "branch": response.branch,
        "sidechain": "true" if response.sidechain else None,
        "speed": response.speed,
    }
    return Call(
        time=response.time,
        provider=_ID_PREFIXES.get(prefix, "anthropic"),
        model=response.model,
        operation="chat",
        response_id=response.identity,
        input_tokens=response.tokens.total,
        output_tokens=response.output,
        cache_read_tokens=response.tokens.cache_read,
        cache_write_tokens=response.tokens.cache_write,
        cache_write_1h_tokens=response.tokens.cache_write_1h,
        reasoning_tokens=response.thinking,
        service_tier=response.tier,
        status="ok",
        finish_reason=response.finish,
        region=response.region,
        agent="claude-code",
        conversation=response.session,
        reported_cost=response.cost,
        tags={key: label for key, label in tags.items() if label},
    )

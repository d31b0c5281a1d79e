"""What each role may do: one table, which the server asks and docs/access.md shows."""

from __future__ import annotations

from collections.abc import Mapping

#: Every action, in words.
ACTIONS: Mapping[str, str] = {
    "view": "see every page and figure",
    "export": "take figures out as CSV, JSON or FOCUS",
    "decide": "accept and ignore findings, and undo that *",
    "ack": "acknowledge alerts *",
    "silence": "silence alerts *",
    "budgets": "create, change and delete budgets *",
    "import": "import files and undo imports",
    "ingest": "send facts (OTLP, agents)",
    "tokens": "create and revoke tokens of one's own",
    "people": "add people, change roles and teams, see the record of changes",
}
#: Roles that do what is marked with * for their own teams alone.
OF_TEAMS = frozenset({"engineer", "lead"})
BY_TEAM = frozenset({"decide", "ack", "silence", "budgets"})
_ENGINEER = ("view", "export", "decide", "ack", "ingest", "tokens")
_LEAD = (*_ENGINEER, "silence", "budgets")
MAY: Mapping[str, frozenset[str]] = {
    "viewer": frozenset({"view"}),
    "engineer": frozenset(_ENGINEER),
    "lead": frozenset(_LEAD),
    "finance": frozenset({"view", "export", "decide", "budgets", "import", "tokens"}),
    "admin": frozenset(ACTIONS),
}
#: What a token may do at most, by its scopes.
BY_SCOPE: Mapping[str, frozenset[str]] = {
    "read": frozenset({"view", "export"}),
    "write": frozenset(ACTIONS) - {"ingest", "people"},
    "ingest": frozenset({"ingest"}),
}

"""What a coding agent's working directory says of who its work was for."""

from __future__ import annotations

import re

#: Where coding agents put working trees of a repository of their own; the repository stands before it.
_WORKTREES = re.compile(r"[\\/]\.(claude|codex)[\\/]worktrees[\\/].*$")
_SEPARATORS = re.compile(r"[\\/]+")
_REMOTE = re.compile(r"(?:^|[/:])([\w.~-]+/[\w.~-]+?)(?:\.git)?/*$")


def project_of(directory: str | None) -> str | None:
    """The directory's last name; the path before it (home directories, clients) is left out."""
    names = _SEPARATORS.split(_WORKTREES.sub("", directory or "").rstrip("\\/"))
    return names[-1] or None


def repository_of(remote: str | None) -> str | None:
    """`owner/name` of a remote's URL, whose user names and tokens are left out."""
    match = _REMOTE.search((remote or "").strip())
    return match[1] if match else None

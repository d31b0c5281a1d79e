"""Every source, in the order in which a file is shown to them. A new one is one file, its test and one line here.

Not here yet, and wanted: native AWS, Azure, Google and OCI bills, Langfuse, cloud buckets, provider APIs.
"""

from __future__ import annotations

from importlib import import_module

from outlay.errors import UnrecognisedFile, UsageError
from outlay.sources.base import Source
from outlay.sources.inputfile import InputFile

#: module and class; imported when a file is to be recognised, so that `outlay --help` stays fast.
SOURCES: tuple[tuple[str, str], ...] = (
    ("outlay.sources.focus", "Focus"),
    ("outlay.sources.openai_usage", "OpenAIUsage"),
    ("outlay.sources.openai_costs", "OpenAICosts"),
    ("outlay.sources.anthropic_usage", "AnthropicUsage"),
    ("outlay.sources.anthropic_costs", "AnthropicCosts"),
    ("outlay.sources.litellm", "LiteLLMSpendLogs"),
    ("outlay.sources.otlp", "OpenTelemetryTraces"),
    ("outlay.sources.claude_code", "ClaudeCode"),
    ("outlay.sources.codex", "Codex"),
    ("outlay.sources.sacct", "Sacct"),
    ("outlay.sources.dcgm", "Dcgm"),
    ("outlay.sources.outlaytable", "OutlayTable"),
)


def all_sources() -> tuple[Source, ...]:
    """One instance of every source."""
    return tuple(getattr(import_module(module), name)() for module, name in SOURCES)


def source_named(code: str, extra: tuple[Source, ...] = ()) -> Source:
    """The source with this code. Raises `UsageError` listing the codes."""
    sources = (*extra, *all_sources())
    for source in sources:
        if source.code == code:
            return source
    raise UsageError(f"no source is called {code!r}", where="--as",
                     hint=f"One of {', '.join(source.code for source in sources)}.")


def recognise(file: InputFile, extra: tuple[Source, ...] = ()) -> Source:
    """The source whose format the content is; `extra` (the user's mappings) are asked first.

    Raises `UnrecognisedFile` where none knows it or it is empty, `FileError` where it cannot be opened or is broken at
    its beginning (a compressed file) or its end (Parquet).
    """
    if file.is_empty:
        raise UnrecognisedFile("is empty", where=file.name, hint="Export it again, if it should not be.")
    # A file that is broken is said to be broken, not unknown: this raises.
    assert file.parquet_columns is not None
    for source in (*extra, *all_sources()):
        if source.recognises(file):
            return source
    raise UnrecognisedFile(
        "is not a format that Outlay knows by its content", where=file.name,
        hint="Name the source with --as, or describe the columns in a mapping (docs/sources.md).")

"""`outlay status`."""

from __future__ import annotations

import sys
from typing import Any

import click

from outlay.cli.session import Place, say_json

_MARKS = {"ok": " ", "starting": " ", "down": "!", "failed": "!"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def status(place: Place, as_json: bool) -> None:
    """Say whether a server keeps the store, how its sources are and how old what they say is.

    Exit status 1: no server runs, or a source is down.
    """
    from outlay.ledger.remote.guest import LentStore

    with place.ledger() as ledger:
        store, path = ledger.store, ledger.store.path
        found = store.status() if isinstance(store, LentStore) else None
    if as_json:
        say_json({"schema": "outlay.status/1", "running": found is not None, "store": str(path), **(found or {}),
                  "rows": found["sources"] if found else []})
    elif found is None:
        click.echo(f"No server keeps {path}. `outlay up` starts one.")
    else:
        click.echo(_text(found))
    sys.exit(0 if found and all(_MARKS[each["state"]] == " " for each in found["sources"]) else 1)


def _text(found: dict[str, Any]) -> str:
    from outlay.cli.render_table import one_line, table_text

    lines = [f"{found['url']}, process {found['process']}, Outlay {found['version']}, since {found['since'][:19]}Z"]
    if found["waiting_bytes"]:
        lines.append(f"{found['spool_bytes']:,} bytes are received and not all in the ledger yet"
                     + ("; ! the spool is full" if found["spool_full"] else ""))
    rows = [(_MARKS[each["state"]], one_line(each["name"]), each["kind"], each["state"], _age(each["lag_s"]),
             f"{each['rows']:,}", f"{each['rejected']:,}") for each in found["sources"]]
    if rows:
        lines.append(table_text(("", "source", "kind", "state", "newest", "facts", "rejected"), rows))
    else:
        lines.append("No source has given anything yet: send OTLP to it, or name collectors in outlay.yaml.")
    lines += [f"! {one_line(each['name'])}: {each['last_error']}" for each in found["sources"] if each["last_error"]]
    lines += [f"! {one_line(each['name'])}: {one_line(text)}" for each in found["sources"]
              for text in each["problems"]]
    return "\n".join(lines)


def _age(seconds: float | None) -> str:
    if seconds is None:
        return "nothing"
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"

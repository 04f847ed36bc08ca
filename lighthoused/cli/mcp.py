"""`lighthousectl mcp`: the MCP server, and its entry in agent programs' settings."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from lighthoused.cli import jsonfile
from lighthoused.cli.changing import Editable, change, opened
from lighthoused.cli.harness import CLAUDE_CODE, CODEX, HARNESSES, Harness
from lighthoused.cli.output import fail
from lighthoused.cli.session import Session, command, working_directory
from lighthoused.core.errors import Invalid, LighthouseError

INTERPRETED, PACKAGED = ("-I", "-m", "lighthoused.cli.launch"), ("ctl",)
SERVERS = {CLAUDE_CODE: "mcpServers", CODEX: "mcp_servers"}
"""The table of servers in each program's settings."""


@click.group(invoke_without_command=True)
@command
def mcp(session: Session) -> None:
    """The MCP server for agents: without a subcommand, serve on standard input and output."""
    if click.get_current_context().invoked_subcommand is None:
        _serve(session)


def with_target(function: Any) -> Any:
    """Which program's settings are meant."""
    for option in (
        click.option("--dry-run", is_flag=True, help="Only show what would change."),
        click.option("--settings", default=None, type=click.Path(path_type=Path), help="Another file."),
        click.option("--name", default="lighthouse", show_default=True, help="What the server is called there."),
        click.option("--scope", default="project", show_default=True, type=click.Choice(["project", "user"])),
        click.option(
            "--for", "program", default=CLAUDE_CODE.name, show_default=True, type=click.Choice(list(HARNESSES))
        ),
    ):
        function = option(function)
    return function


@mcp.command()
@with_target
@command
def install(session: Session, program: str, scope: str, name: str, settings: Path | None, dry_run: bool) -> None:
    """Let agents of a program use the server."""
    paths = session.config.paths
    where = ["--socket", str(paths.socket), "--mount", str(paths.mount)]
    entry: dict[str, Any] = {"command": sys.executable, "args": [*_words(), "mcp", *where]}
    if HARNESSES[program] is CLAUDE_CODE:
        entry = {"type": "stdio", **entry}
    _change(session, HARNESSES[program], scope, name, settings, dry_run, entry)


@mcp.command()
@with_target
@command
def uninstall(session: Session, program: str, scope: str, name: str, settings: Path | None, dry_run: bool) -> None:
    """Take the server out again; other settings stay."""
    _change(session, HARNESSES[program], scope, name, settings, dry_run, None)


def _words() -> tuple[str, ...]:
    """What makes this interpreter, or the packaged program, `lighthousectl`: wherever it is started."""
    return PACKAGED if getattr(sys, "frozen", False) else INTERPRETED


def _serve(session: Session) -> None:
    try:
        from lighthoused.mcp.desk import Desk
        from lighthoused.mcp.server import serve
    except ModuleNotFoundError as missing:
        need = f"The MCP server needs a package that is not installed: {missing.name}."
        raise Invalid(need, "Install it with: pip install 'lighthoused[mcp]'.") from None
    try:
        paths = session.config.paths
    except LighthouseError as error:
        fail(error, session.as_json)
    serve(Desk(str(paths.socket), str(paths.mount), str(working_directory()), session, session.token))


def _change(
    session: Session,
    harness: Harness,
    scope: str,
    name: str,
    settings: Path | None,
    dry_run: bool,
    entry: Mapping[str, Any] | None,
) -> None:
    file = settings or harness.servers(scope, os.environ)
    document, before = opened(file, is_toml=harness is CODEX)
    try:
        if _needs_change(document, SERVERS[harness], name, entry):
            _put(document, SERVERS[harness], name, entry)
    except ValueError as error:
        raise Invalid(f"{file} cannot be changed: {error}.", jsonfile.MEND) from None
    outcome = ("installed", "was installed already") if entry else ("uninstalled", "the server is not installed there")
    change(session, file, before, document.text if entry or before else "", dry_run, outcome)


def _put(document: Editable, table: str, name: str, entry: Mapping[str, Any] | None) -> None:
    """Make this the entry of that name."""
    if name in document.value.get(table, {}):
        document.remove((table, name))
        if not document.value[table] and entry is None:
            document.remove((table,))
    if entry is not None and table not in document.value:
        document.set((), table, {name: entry})
    elif entry is not None:
        document.set((table,), name, entry)


def _needs_change(document: Editable, table: str, name: str, entry: Mapping[str, Any] | None) -> bool:
    """Whether there is something to do. Raises ValueError for what is not ours to change."""
    servers = document.value.get(table, {})
    if not isinstance(servers, dict):
        raise ValueError(f"{table} in it is not a table of servers")
    found = servers.get(name)
    if found is None:
        return entry is not None
    if not isinstance(found, dict) or not _is_ours(list(found.get("args", []))):
        if entry is None:
            return False
        raise ValueError(f"another server is called {name!r} there; choose a --name")
    return bool(found != entry)


def _is_ours(arguments: list[object]) -> bool:
    return any(tuple(arguments[: len(words) + 1]) == (*words, "mcp") for words in (INTERPRETED, PACKAGED))

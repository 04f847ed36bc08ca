"""`lighthousectl hook`: our entry in Claude Code's settings, put in and taken out without touching what else is there.

The form of the settings: https://docs.claude.com/en/docs/claude-code/hooks
"""

import os
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import click

from lighthoused.cli import hook as hook_module
from lighthoused.cli import jsonfile
from lighthoused.cli.jsonfile import Document
from lighthoused.cli.output import say, show_json
from lighthoused.cli.session import Session, command
from lighthoused.core.errors import Invalid, LighthouseError

TIMEOUT_S = 330
"""Longer than the hook waits for the daemon (see `hook`)."""
EVENT = "PreToolUse"
OR_BLOCK = " || exit 2"
"""Claude Code goes on after any other failure, such as an interpreter that is gone."""
_OURS = re.compile(
    r"'?/.* -I -S '?/.*/lighthoused/cli/hook\.py'? --socket .+|(\S*/)?lighthousectl hook( .*)?", re.DOTALL
)

with_settings = click.option(
    "--settings", default=".claude/settings.json", show_default=True, type=click.Path(path_type=Path)
)


@click.group(invoke_without_command=True)
@command
def hook(session: Session) -> None:
    """Claude Code's hook: without a subcommand, answer one event on standard input."""
    if click.get_current_context().invoked_subcommand is None:
        sys.exit(_answer(session))


@hook.command()
@with_settings
@command
def install(session: Session, settings: Path) -> None:
    """Let Claude Code ask Lighthouse before every tool call."""
    document = jsonfile.read(settings) or Document("{}\n")
    entry = _entry(session)
    groups = _groups(document, settings)
    changed = [group for group in groups if _ours_in(group)] != [entry]
    if changed:
        _take_out(document, groups)
        if "hooks" not in document.value:
            document.set((), "hooks", {EVENT: [entry]})
        elif EVENT not in document.value["hooks"]:
            document.set(("hooks",), EVENT, [entry])
        else:
            document.append(("hooks", EVENT), entry)
        jsonfile.write(settings, document.text)
    _tell(session, settings, changed, "installed" if changed else "was installed already")


@hook.command()
@with_settings
@command
def uninstall(session: Session, settings: Path) -> None:
    """Take the hook out again; other settings stay."""
    document = jsonfile.read(settings)
    changed = document is not None and _take_out(document, _groups(document, settings))
    if document is not None and changed:
        jsonfile.write(settings, document.text)
    _tell(session, settings, changed, "uninstalled" if changed else "the hook is not installed there")


def _answer(session: Session) -> int:
    try:
        socket = str(session.config.paths.socket)
    except LighthouseError as refused:
        return hook_module.tell(hook_module.refusal(f"Lighthouse cannot be asked: {refused.message}"))
    return hook_module.run(["--socket", socket])


def _tell(session: Session, settings: Path, changed: bool, outcome: str) -> None:
    if session.as_json:
        show_json({"settings": str(settings), "changed": changed})
    else:
        say(f"{settings}: {outcome}")


def _entry(session: Session) -> dict[str, Any]:
    words = [sys.executable, "-I", "-S", os.path.abspath(hook_module.__file__)]
    line = shlex.join([*words, "--socket", str(session.config.paths.socket)]) + OR_BLOCK
    return {"matcher": "*", "hooks": [{"type": "command", "command": line, "timeout": TIMEOUT_S}]}


def _groups(document: Document, settings: Path) -> list[Any]:
    """What is hooked to our event. Raises Invalid where the settings are not of Claude Code's form."""
    hooks = document.value.get("hooks", {})
    groups = hooks.get(EVENT, []) if isinstance(hooks, dict) else None
    if not isinstance(groups, list):
        where = "hooks" if groups is None else f"hooks.{EVENT}"
        raise Invalid(f"{where} in {settings} is not what Claude Code expects there.", jsonfile.MEND)
    return groups


def _ours_in(group: Any) -> list[int]:
    """Which of a group's handlers are our command."""
    handlers = group.get("hooks") if isinstance(group, dict) else None
    return [at for at, one in enumerate(handlers) if _is_ours(one)] if isinstance(handlers, list) else []


def _is_ours(handler: Any) -> bool:
    line = handler.get("command") if isinstance(handler, dict) else None
    return isinstance(line, str) and _OURS.fullmatch(line) is not None


def _take_out(document: Document, groups: list[Any]) -> bool:
    """Remove our handlers, and what holds nothing else; whether there were any."""
    changed = False
    for at, group in reversed(list(enumerate(groups))):
        ours = _ours_in(group)
        changed = changed or bool(ours)
        if ours and len(ours) == len(group["hooks"]):
            document.remove(("hooks", EVENT, at))
        else:
            for index in reversed(ours):
                document.remove(("hooks", EVENT, at, "hooks", index))
    if changed and not document.value["hooks"][EVENT]:
        document.remove(("hooks", EVENT))
        if not document.value["hooks"]:
            document.remove(("hooks",))
    return changed

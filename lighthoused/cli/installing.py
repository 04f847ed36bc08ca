"""`lighthousectl hook`: our entries in an agent program's settings, put in and taken out without touching what else is
there."""

import os
import re
import shlex
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from lighthoused.cli import hook as hook_module
from lighthoused.cli import hookcommand, jsonfile
from lighthoused.cli.changing import Editable, change, opened
from lighthoused.cli.harness import CLAUDE_CODE, FAILURES, HARNESSES, JUDGED, Harness
from lighthoused.cli.output import say
from lighthoused.cli.session import Session, command
from lighthoused.core.errors import Invalid, LighthouseError
from lighthoused.identity.agents import is_name

GRACE_S = 20
"""How much longer than a person the hook waits for the daemon."""
SPARE_S = 10
"""How much longer than the hook its program waits, so that it is the hook that says no."""
REPORT_TIMEOUT_S = 10
OR_BLOCK = " || sh -c 'echo The Lighthouse hook could not run. >&2; exit 2'"
"""After any other failure, such as an interpreter that is gone, the program would go on."""
_OURS = re.compile(
    r"'?/.* -I -S '?/.*/lighthoused/cli/hook\.py'? --socket .+|'?/[^|;&]*'? ctl hook --socket .+"
    r"|(\S*/)?lighthousectl hook( .*)?",
    re.DOTALL,
)


def with_target(function: Any) -> Any:
    """Which program's settings are meant."""
    for option in (
        click.option("--dry-run", is_flag=True, help="Only show what would change."),
        click.option("--settings", default=None, type=click.Path(path_type=Path), help="Another file."),
        click.option("--scope", default="project", show_default=True, type=click.Choice(list(CLAUDE_CODE.files))),
        click.option("--for", "name", default=CLAUDE_CODE.name, show_default=True, type=click.Choice(list(HARNESSES))),
    ):
        function = option(function)
    return function


@click.group(invoke_without_command=True)
@command
def hook(session: Session) -> None:
    """Hooks of Claude Code and Codex: without a subcommand, answer one event on standard input."""
    if click.get_current_context().invoked_subcommand is None:
        sys.exit(_answer(session))


@hook.command()
@with_target
@click.option("--agent", default="", help="What its agents are called; by default as the program.")
@click.option("--unreachable", default=None, type=click.Choice(["deny", "ask"]), help="While no daemon answers.")
@click.option("--failures", is_flag=True, help="Record failed calls too (Claude Code 2.1 or newer, see the docs).")
@command
def install(
    session: Session,
    name: str,
    scope: str,
    settings: Path | None,
    dry_run: bool,
    agent: str,
    unreachable: str | None,
    failures: bool,
) -> None:
    """Let an agent's program ask Lighthouse before every tool call, and report what it did."""
    harness = HARNESSES[name]
    if failures and harness is not CLAUDE_CODE:
        raise Invalid(f"{harness.title} has no hook for failed calls.", "Leave out --failures.")
    if agent and not is_name(agent):
        raise Invalid(f"{agent!r} cannot be the name of an agent.", "Use up to 64 letters, digits, '.', '_', '-'.")
    file = settings or harness.settings(scope, os.environ)
    document, before = _opened(file)
    wanted = dict(_entries(session, harness, agent or harness.name, unreachable, failures))
    for event in _events(document, wanted):
        _put(document, event, wanted.get(event), file)
    if not dry_run:
        hookcommand.provide()
    written = change(session, file, before, document.text, dry_run, ("installed", "was installed already"))
    if written and harness.trust and scope != "managed":
        say(f"hint: {harness.trust}", err=True)


@hook.command()
@with_target
@command
def uninstall(session: Session, name: str, scope: str, settings: Path | None, dry_run: bool) -> None:
    """Take the hooks out again; other settings stay."""
    file = settings or HARNESSES[name].settings(scope, os.environ)
    document, before = _opened(file)
    for event in _events(document, HARNESSES[name].events):
        _put(document, event, None, file)
    change(
        session,
        file,
        before,
        document.text if before else "",
        dry_run,
        ("uninstalled", "the hook is not installed there"),
    )


def _answer(session: Session) -> int:
    try:
        socket = str(session.config.paths.socket)
    except LighthouseError as refused:
        return hook_module.failed(f"Lighthouse cannot be asked: {refused.message}", {})
    return hook_module.run(["--socket", socket])


def _entries(
    session: Session, harness: Harness, agent: str, unreachable: str | None, failures: bool
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Our entry for each event."""
    gate = session.config.gate
    wait = int(gate.approval_deadline_s) + GRACE_S
    base = [*hookcommand.words(), "--socket", str(session.config.paths.socket), "--agent", agent, "--for", harness.name]
    events = {**harness.events, **({FAILURES: "*"} if failures else {})}
    for event, matcher in events.items():
        if event == JUDGED:
            asks = harness.can_ask and (unreachable or gate.hook_unreachable) == "ask"
            words = [*base, "--wait", str(wait), *(["--unreachable", "ask"] if asks else [])]
            handler = {"type": "command", "command": shlex.join(words) + OR_BLOCK, "timeout": wait + SPARE_S}
        else:
            words = [*base, "--event", event]
            handler = {"type": "command", "command": shlex.join(words), "timeout": REPORT_TIMEOUT_S}
        yield event, {**({"matcher": matcher} if matcher is not None else {}), "hooks": [handler]}


def _opened(file: Path) -> tuple[Editable, str]:
    """Settings with hooks, and their text now. Raises Invalid where they are not of the programs' form."""
    document, before = opened(file, is_toml=file.suffix == ".toml")
    if not isinstance(document.value.get("hooks", {}), dict):
        raise Invalid(f"hooks in {file} is not what is expected there.", jsonfile.MEND)
    return document, before


def _events(document: Editable, ours: Iterable[str]) -> tuple[str, ...]:
    """All events that may have an entry of ours: other keys may stand among them."""
    hooks = document.value.get("hooks", {})
    return tuple(dict.fromkeys((*ours, *(event for event, groups in hooks.items() if isinstance(groups, list)))))


def _put(document: Editable, event: str, entry: dict[str, Any] | None, file: Path) -> None:
    """Make this our only entry for an event."""
    groups = document.value.get("hooks", {}).get(event, [])
    if not isinstance(groups, list):
        raise Invalid(f"hooks.{event} in {file} is not what is expected there.", jsonfile.MEND)
    if [group for group in groups if _ours_in(group)] == ([entry] if entry is not None else []):
        return
    _take_out(document, event)
    if entry is None:
        return
    if "hooks" not in document.value:
        document.set((), "hooks", {event: [entry]})
    elif event not in document.value["hooks"]:
        document.set(("hooks",), event, [entry])
    else:
        document.append(("hooks", event), entry)


def handlers_of(document: Editable, event: str) -> list[str]:
    """The commands of ours for an event."""
    hooks = document.value.get("hooks", {})
    groups = hooks.get(event, []) if isinstance(hooks, dict) else []
    return [
        group["hooks"][at]["command"]
        for group in (groups if isinstance(groups, list) else [])
        for at in _ours_in(group)
    ]


def _ours_in(group: Any) -> list[int]:
    """Which of a group's handlers are our command."""
    handlers = group.get("hooks") if isinstance(group, dict) else None
    return [at for at, one in enumerate(handlers) if _is_ours(one)] if isinstance(handlers, list) else []


def _is_ours(handler: Any) -> bool:
    line = handler.get("command") if isinstance(handler, dict) else None
    return isinstance(line, str) and _OURS.fullmatch(line) is not None


def _take_out(document: Editable, event: str) -> None:
    """Remove our handlers, and what holds nothing else."""
    changed = False
    for at, group in reversed(list(enumerate(document.value.get("hooks", {}).get(event, [])))):
        ours = _ours_in(group)
        changed = changed or bool(ours)
        if ours and len(ours) == len(group["hooks"]):
            document.remove(("hooks", event, at))
        else:
            for index in reversed(ours):
                document.remove(("hooks", event, at, "hooks", index))
    if changed and not document.value["hooks"][event]:
        document.remove(("hooks", event))
        if not document.value["hooks"]:
            document.remove(("hooks",))

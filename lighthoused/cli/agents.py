"""`lighthousectl run`, `agents` and `token`."""

import ctypes
import os
import signal
import subprocess
import sys
from typing import Any

import click

from lighthoused import paths as places
from lighthoused.cli.output import local_time, show_json, show_table
from lighthoused.cli.session import Session, command
from lighthoused.protocol.messages import (
    ROLES,
    AgentListRequest,
    AgentRegisterRequest,
    AgentView,
    TokenIssueRequest,
    TokenListRequest,
    TokenRevokeRequest,
)

PR_SET_CHILD_SUBREAPER = 36
NOT_FOUND = 127
NOT_EXECUTABLE = 126


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--agent", required=True, help="Name of the agent.")
@click.option("--session", "session_id", default="", help="Session id; by default a new one.")
@click.argument("argv", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND [ARG]...")
@command
def run(session: Session, agent: str, session_id: str, argv: tuple[str, ...]) -> None:
    """Run COMMAND as an agent: what it and its descendants change is recorded as that agent's."""
    view = session.call(AgentRegisterRequest(id=0, agent=agent, session=session_id, pid=os.getpid()))
    _adopt_orphans()
    _leave_to_child(signal.SIGINT, signal.SIGQUIT)
    try:
        child = subprocess.Popen(argv, env=_environment(session, view))
    except FileNotFoundError:
        click.echo(f"error: there is no command {argv[0]!r}", err=True)
        sys.exit(NOT_FOUND)
    except PermissionError:
        click.echo(f"error: {argv[0]!r} cannot be executed", err=True)
        sys.exit(NOT_EXECUTABLE)
    for forwarded in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(forwarded, lambda number, frame: os.kill(child.pid, number))
    child.returncode = _wait(child.pid)
    sys.exit(child.returncode if child.returncode >= 0 else 128 - child.returncode)


def _environment(session: Session, view: AgentView) -> dict[str, str]:
    """What the agent's own tools need to find the same daemon, and to know whom they run for."""
    paths = session.config.paths
    return {
        **os.environ,
        "LIGHTHOUSE_AGENT": view.agent,
        "LIGHTHOUSE_SESSION": view.session,
        places.STATE: str(paths.state),
        places.MOUNT: str(paths.mount),
        places.SOCKET: str(paths.socket),
    }


def _leave_to_child(*signals: signal.Signals) -> None:
    """The terminal sends these to the child too, which decides what they mean; exec resets a handler, not an ignore."""
    for number in signals:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda number, frame: None)


def _wait(pid: int) -> int:
    """Exit code of a child (negative: its signal); adopted orphans that end meanwhile are reaped."""
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == pid:
            return os.waitstatus_to_exitcode(status)


def _adopt_orphans() -> None:
    """Descendants whose parents end become ours, not init's, and so stay attributed (prctl(2))."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


@click.command()
@command
def agents(session: Session) -> None:
    """Registered agents."""
    found = session.call(AgentListRequest(id=0)).agents
    if session.as_json:
        show_json(found)
        return
    rows = [
        (one.agent, one.session, one.pid, local_time(one.since), "alive" if one.alive else "ended") for one in found
    ]
    show_table(("agent", "session", "pid", "since", ""), rows)


@click.group()
def token() -> None:
    """Issue, list and revoke tokens."""


@token.command()
@click.option("--agent", required=True)
@click.option("--role", default="agent", show_default=True, type=click.Choice(ROLES))
@click.option("--ttl", default=86_400, show_default=True, help="Seconds it is valid.")
@click.option("--scope", "scopes", multiple=True, help="Method or beginning of methods; may be repeated.")
@command
def issue(session: Session, agent: str, role: Any, ttl: int, scopes: tuple[str, ...]) -> None:
    """Issue a token; it is shown only now."""
    made = session.call(TokenIssueRequest(id=0, agent=agent, role=role, ttl_s=ttl, scopes=scopes))
    if session.as_json:
        show_json(made)
    else:
        click.echo(made.token)


@token.command("list")
@command
def list_tokens(session: Session) -> None:
    """Tokens that were issued."""
    found = session.call(TokenListRequest(id=0)).tokens
    if session.as_json:
        show_json(found)
        return
    rows = [
        (one.id, one.agent, one.role, " ".join(one.scopes) or "all", local_time(one.expires * 10**9), _state(one))
        for one in found
    ]
    show_table(("id", "agent", "role", "scopes", "expires", ""), rows)


@token.command()
@click.argument("token_id")
@command
def revoke(session: Session, token_id: str) -> None:
    """Refuse a token from now on."""
    done = session.call(TokenRevokeRequest(id=0, token_id=token_id))
    if session.as_json:
        show_json(done)


def _state(view: Any) -> str:
    return "revoked" if view.revoked else ""
